package sdk

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// MaxImportUsers is how many users one request may import. Its body may have 1 MiB.
const MaxImportUsers = 500

// ImportUser is a user who comes from another system.
type ImportUser struct {
	// Username, Email, Name and ServiceAccount are as in [CreateUserRequest].
	Username       string `json:"username"`
	Email          string `json:"email,omitempty"`
	Name           string `json:"name,omitempty"`
	ServiceAccount bool   `json:"service_account,omitempty"`
	// PasswordHash is what the other system kept of the password: argon2id as a PHC
	// string with at most 64 MiB and t=10, bcrypt with at most cost 14, or
	// $pbkdf2-sha256$ with at most 2,000,000 rounds. Without it a user of login type
	// password has to reset it first.
	PasswordHash string `json:"password_hash,omitempty"`
	// LoginType is password unless given, and none for a service account.
	LoginType LoginType `json:"login_type,omitempty"`
	// Status is dormant unless given.
	Status UserStatus `json:"status,omitempty"`
	// Roles are site roles, each of which the caller must be able to assign.
	Roles []string `json:"roles,omitempty"`
	// Organizations are names or ids; none is the default organization.
	Organizations []string `json:"organizations,omitempty"`
	AvatarURL     string   `json:"avatar_url,omitempty"`
	// CreatedAt is when the account was made there; now unless given.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// LastSeenAt is when the user was last seen there; never unless given.
	LastSeenAt time.Time `json:"last_seen_at,omitzero"`
}

// ImportUsersRequest is one part of an import.
type ImportUsersRequest struct {
	// DryRun checks everything and writes nothing.
	DryRun bool `json:"dry_run,omitempty"`
	// Users are 1 to [MaxImportUsers].
	Users []ImportUser `json:"users"`
}

// ImportStatus is what became of a user of an import.
type ImportStatus string

const (
	// ImportStatusCreated users are there now.
	ImportStatusCreated ImportStatus = "created"
	// ImportStatusExists users were there, with the same username and e-mail, and
	// are as they were: an import that was interrupted can be begun again.
	ImportStatusExists ImportStatus = "exists"
	// ImportStatusRefused users are not there.
	ImportStatusRefused ImportStatus = "refused"
	// ImportStatusValid users could be created: the answer to a dry run.
	ImportStatusValid ImportStatus = "valid"
)

// ImportResult is what became of one user.
type ImportResult struct {
	Username string       `json:"username"`
	Status   ImportStatus `json:"status"`
	// UserID is nil unless the user was created or was there.
	UserID *uuid.UUID `json:"user_id,omitempty"`
	// Message, Detail and Validations say why a user was refused.
	Message     string            `json:"message,omitempty"`
	Detail      string            `json:"detail,omitempty"`
	Validations []ValidationError `json:"validations,omitempty"`
}

// ImportUsersResponse has a result for each user of the request, in its order.
type ImportUsersResponse struct {
	Results []ImportResult `json:"results"`
}

// ImportUsers makes accounts for users who come from another system, all of whom
// can be in one transaction; one who is refused keeps no other out. It needs what
// [Client.CreateUser] needs, and for password hashes an owner with an unrestricted
// key.
func (c *Client) ImportUsers(ctx context.Context, req ImportUsersRequest) (ImportUsersResponse, error) {
	var result ImportUsersResponse
	err := c.do(ctx, call{
		method: http.MethodPost,
		path:   []string{"users", "import"},
		body:   req,
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}
