package sdk

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// UserStatus says whether an account may be used.
type UserStatus string

const (
	// UserStatusActive accounts are in use.
	UserStatusActive UserStatus = "active"
	// UserStatusDormant accounts become active with their next login or request.
	UserStatusDormant UserStatus = "dormant"
	// UserStatusSuspended accounts are refused until someone activates them.
	// Their keys are kept and work again afterwards.
	UserStatusSuspended UserStatus = "suspended"
)

// LoginType says how an account, or the session behind a key, logs in.
type LoginType string

const (
	// LoginTypeUnspecified leaves the choice to the server: password, or none
	// for a service account.
	LoginTypeUnspecified LoginType = ""
	LoginTypePassword    LoginType = "password"
	LoginTypeGitHub      LoginType = "github"
	LoginTypeOIDC        LoginType = "oidc"
	// LoginTypeToken is the type of API tokens, never of accounts.
	LoginTypeToken LoginType = "token"
	// LoginTypeNone accounts have no login at all: only keys can use them.
	LoginTypeNone LoginType = "none"
)

// User is an account as every endpoint of the users section returns it. In the
// reference dialect every field is present, empty ones too.
type User struct {
	ID       uuid.UUID `json:"id"`
	Username string    `json:"username"`
	// Name is the real name for people to read, at most 128 bytes.
	Name      string `json:"name"`
	AvatarURL string `json:"avatar_url"`
	// Email is empty for service accounts.
	Email     string    `json:"email"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// LastSeenAt is the zero time until the first authenticated request.
	LastSeenAt       time.Time  `json:"last_seen_at"`
	Status           UserStatus `json:"status"`
	LoginType        LoginType  `json:"login_type"`
	IsServiceAccount bool       `json:"is_service_account"`
	// HasAISeat says that the user used AI and is active.
	HasAISeat bool `json:"has_ai_seat"`
	// ThemePreference is that of the user's appearance, empty before it was
	// chosen.
	ThemePreference string `json:"theme_preference"`
	// OrganizationIDs are the organizations of which the user is a member, the
	// default one first. Never null.
	OrganizationIDs []uuid.UUID `json:"organization_ids"`
	// Roles are the stored site roles. Everyone is implicitly a member, so that
	// role is listed only where it was assigned by hand. Never null.
	Roles []SlimRole `json:"roles"`
}

// CreateUserRequest describes a new account.
type CreateUserRequest struct {
	// Email is required, except for service accounts, which must not have one.
	Email string `json:"email"`
	// Username has 1 to 32 ASCII letters and digits, in groups joined by single
	// hyphens. It is unique regardless of case.
	Username string `json:"username"`
	// Name is the real name: at most 128 bytes, no space at either end.
	Name string `json:"name,omitempty"`
	// Password is for accounts of type password only: at most 64 bytes and hard
	// enough to guess, which [Client.ValidatePassword] can tell beforehand.
	Password  string    `json:"password,omitempty"`
	LoginType LoginType `json:"login_type"`
	// UserStatus is dormant where it is nil.
	UserStatus *UserStatus `json:"user_status,omitempty"`
	// OrganizationIDs needs at least one element. uuid.Nil stands for the
	// default organization.
	OrganizationIDs []uuid.UUID `json:"organization_ids,omitempty"`
	// OrganizationID is how older clients name the only organization. The server
	// reads it as one more element of OrganizationIDs.
	OrganizationID *uuid.UUID `json:"organization_id,omitempty"`
	// ServiceAccount makes an account without e-mail, password and login.
	ServiceAccount bool `json:"service_account,omitempty"`
	// Roles are site roles, each of which the caller must be able to assign.
	Roles []string `json:"roles,omitempty"`
}

// UpdateUserProfileRequest replaces a profile.
type UpdateUserProfileRequest struct {
	// Username is required; send the present one to keep it.
	Username string `json:"username"`
	// Name is replaced, so that an empty one clears it.
	Name string `json:"name"`
	// AvatarURL is an http or https URL, or empty to clear it. Nil leaves it as
	// it is. It cannot be set for accounts of an external login.
	AvatarURL *string `json:"avatar_url,omitempty"`
}

// UpdateUserPasswordRequest sets a password.
type UpdateUserPasswordRequest struct {
	// OldPassword is required for one's own password. Where it is given it must
	// be right, also for someone else's.
	OldPassword string `json:"old_password,omitempty"`
	Password    string `json:"password"`
}

// UpdateRolesRequest replaces the site roles of a user. No roles at all is a
// valid choice.
type UpdateRolesRequest struct {
	Roles []string `json:"roles"`
}

// UpdateUserEmailRequest sets the e-mail of an account that logs in here.
type UpdateUserEmailRequest struct {
	Email string `json:"email"`
}

// UserLoginType is the answer to how a user logs in.
type UserLoginType struct {
	LoginType LoginType `json:"login_type"`
}

// ValidateUserPasswordRequest asks whether a password would be accepted.
type ValidateUserPasswordRequest struct {
	Password string `json:"password"`
}

// ValidateUserPasswordResponse says whether a password would be accepted.
type ValidateUserPasswordResponse struct {
	Valid bool `json:"valid"`
	// Details says what is wrong, and is empty for a valid password.
	Details string `json:"details"`
}

// CreateUser makes an account. It needs user:create and the right to assign
// each of the roles; 409 means that the username or e-mail is taken.
func (c *Client) CreateUser(ctx context.Context, req CreateUserRequest) (User, error) {
	var result User
	err := c.do(ctx, call{
		method: http.MethodPost,
		path:   []string{"users"},
		body:   req,
		status: http.StatusCreated,
		result: &result,
	})
	return result, err
}

// User returns an account by [Me], id or username. A deleted account is found by
// its id only.
func (c *Client) User(ctx context.Context, user string) (User, error) {
	var result User
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"users", user},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// DeleteUser deletes an account with its keys; its username and e-mail are free
// at once. Nobody can delete the own account or the last owner.
func (c *Client) DeleteUser(ctx context.Context, user string) error {
	return c.do(ctx, call{
		method: http.MethodDelete,
		path:   []string{"users", user},
		status: http.StatusOK,
	})
}

// UpdateUserProfile replaces username and name. Renaming needs user:update, also
// for the own account.
func (c *Client) UpdateUserProfile(ctx context.Context, user string, req UpdateUserProfileRequest) (User, error) {
	var result User
	err := c.do(ctx, call{
		method: http.MethodPut,
		path:   []string{"users", user, "profile"},
		body:   req,
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// UpdateUserPassword sets a password and ends every session and token of the
// user, the one that makes this call included.
func (c *Client) UpdateUserPassword(ctx context.Context, user string, req UpdateUserPasswordRequest) error {
	return c.do(ctx, call{
		method: http.MethodPut,
		path:   []string{"users", user, "password"},
		body:   req,
		status: http.StatusNoContent,
	})
}

// UpdateUserEmail sets the e-mail. It needs user:update; 400 for accounts of an
// external login and service accounts, 409 where it is taken.
func (c *Client) UpdateUserEmail(ctx context.Context, user string, req UpdateUserEmailRequest) (User, error) {
	var result User
	err := c.do(ctx, call{
		method: http.MethodPut,
		path:   []string{"users", user, "email"},
		body:   req,
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// ActivateUser makes a suspended or dormant account active.
func (c *Client) ActivateUser(ctx context.Context, user string) (User, error) {
	var result User
	err := c.do(ctx, call{
		method: http.MethodPut,
		path:   []string{"users", user, "status", "activate"},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// SuspendUser locks an account without deleting anything. Neither the own account
// nor an owner's can be suspended.
func (c *Client) SuspendUser(ctx context.Context, user string) (User, error) {
	var result User
	err := c.do(ctx, call{
		method: http.MethodPut,
		path:   []string{"users", user, "status", "suspend"},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// UserRoles returns the user, whose Roles are the stored site roles. It needs
// more than [Client.User]: user:read_personal.
func (c *Client) UserRoles(ctx context.Context, user string) (User, error) {
	var result User
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"users", user, "roles"},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// UpdateUserRoles replaces the site roles. The caller must be able to assign each
// role that comes or goes; nobody can change the own roles.
func (c *Client) UpdateUserRoles(ctx context.Context, user string, req UpdateRolesRequest) (User, error) {
	var result User
	err := c.do(ctx, call{
		method: http.MethodPut,
		path:   []string{"users", user, "roles"},
		body:   req,
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// UserLoginType tells how the caller logs in. It is 403 for anyone else.
func (c *Client) UserLoginType(ctx context.Context, user string) (UserLoginType, error) {
	var result UserLoginType
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"users", user, "login-type"},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// ValidatePassword asks whether a password would be accepted for an account. It
// needs no session.
func (c *Client) ValidatePassword(ctx context.Context, req ValidateUserPasswordRequest) (ValidateUserPasswordResponse, error) {
	var result ValidateUserPasswordResponse
	err := c.do(ctx, call{
		method: http.MethodPost,
		path:   []string{"users", "validate-password"},
		body:   req,
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// EraseUser overwrites the personal data of a deleted user, named by its id,
// everywhere; what is left is known by the id alone. It needs user:delete, and
// is refused with 409 while the user is not deleted.
func (c *Client) EraseUser(ctx context.Context, id string) error {
	return c.do(ctx, call{
		method: http.MethodPost, path: []string{"users", id, "erase"}, status: http.StatusNoContent,
	})
}
