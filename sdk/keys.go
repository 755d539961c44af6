package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// APIKey describes a session or an API token. It never holds the secret.
type APIKey struct {
	// ID is the part of the key before its hyphen: 10 characters, not secret.
	ID     string    `json:"id"`
	UserID uuid.UUID `json:"user_id"`
	// LastUsed is true to the minute, and 1970-01-01 for a key that was never
	// used.
	LastUsed  time.Time `json:"last_used"`
	ExpiresAt time.Time `json:"expires_at"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// LoginType is "token" for API tokens, otherwise how the session began.
	LoginType LoginType `json:"login_type"`
	// Scope is derived from Scopes for older clients: "all",
	// "application_connect" or empty.
	Scope APIKeyScope `json:"scope"`
	// Scopes only ever narrow what the user may do. Never null.
	Scopes []APIKeyScope `json:"scopes"`
	// TokenName is empty for sessions.
	TokenName string `json:"token_name"`
	// LifetimeSeconds is how long the key, or one slide of a session, lasts.
	LifetimeSeconds int64 `json:"lifetime_seconds"`
	// AllowList names the objects that the key may touch. Never null.
	AllowList []AllowListEntry `json:"allow_list"`
	// ReplacedBy is the id of the token that took this one's place when it was
	// rotated; absent for all others.
	ReplacedBy string `json:"replaced_by,omitempty"`
}

// APIKeyScope names a set of permissions, such as "coder:all" or "user:read".
type APIKeyScope string

const (
	// APIKeyScopeAll is the scope of a key that may do whatever its user may.
	APIKeyScopeAll APIKeyScope = "coder:all"
	// APIKeyScopeApplicationConnect is the scope of a key for workspace
	// applications.
	APIKeyScopeApplicationConnect APIKeyScope = "coder:application_connect"
)

// GenerateAPIKeyResponse carries a new key. It is shown only here: the server
// keeps nothing but its hash.
type GenerateAPIKeyResponse struct {
	Key string `json:"key"`
}

// AllowListEntry names objects by resource type and id; each may be "*".
//
// It is an object in the reference dialect and the string "type:id" in others,
// and decodes from both.
type AllowListEntry struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// String returns the entry as "type:id".
func (e AllowListEntry) String() string { return e.Type + ":" + e.ID }

// UnmarshalJSON reads the object form and the string "type:id". The string is
// split at its first colon, and space around both halves is dropped.
func (e *AllowListEntry) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte(`"`)) {
		type object AllowListEntry // without this method
		return json.Unmarshal(data, (*object)(e))
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	kind, id, found := strings.Cut(text, ":")
	if !found {
		id = "" // a server says which entry it is and what is wrong with it
	}
	*e = AllowListEntry{Type: strings.TrimSpace(kind), ID: strings.TrimSpace(id)}
	return nil
}

// CreateSessionKey makes a new session for the user, which logging out of any
// other does not end. Its scope and allow list are those of the key in use at
// most.
func (c *Client) CreateSessionKey(ctx context.Context, user string) (GenerateAPIKeyResponse, error) {
	var result GenerateAPIKeyResponse
	err := c.do(ctx, call{
		method: http.MethodPost,
		path:   []string{"users", user, "keys"},
		status: http.StatusCreated,
		result: &result,
	})
	return result, err
}
