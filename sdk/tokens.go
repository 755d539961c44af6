package sdk

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// APIKeyWithOwner is a token in a list.
type APIKeyWithOwner struct {
	APIKey
	// Username is that of the token's owner.
	Username string `json:"username"`
}

// CreateTokenRequest asks for an API token.
type CreateTokenRequest struct {
	// Lifetime is in nanoseconds, as every duration of this API; 0 means the
	// server's default. It must be within what [Client.TokenConfig] says.
	Lifetime int64 `json:"lifetime,omitempty"`
	// Scope is the older way to ask for one scope; Scopes wins over it.
	Scope APIKeyScope `json:"scope,omitempty"`
	// Scopes are what the token may do, each one of [Client.Scopes]; none mean
	// everything that its owner may.
	Scopes []APIKeyScope `json:"scopes,omitempty"`
	// TokenName is unique among the tokens of a user: at most 64 bytes without
	// control characters. The server makes up an empty one.
	TokenName string `json:"token_name,omitempty"`
	// AllowList are the objects that the token may touch, at most 128 entries;
	// none mean all.
	AllowList []AllowListEntry `json:"allow_list,omitempty"`
}

// TokensRequest selects tokens.
type TokensRequest struct {
	// IncludeAll asks for the tokens of everyone, as far as the caller may see
	// them.
	IncludeAll bool
	// IncludeExpired asks for those that have expired, too.
	IncludeExpired bool
}

// TokenConfig says what tokens a user can have.
type TokenConfig struct {
	// MaxTokenLifetime is in nanoseconds.
	MaxTokenLifetime int64 `json:"max_token_lifetime"`
}

// ExternalAPIKeyScopes are the scopes that can be asked for.
type ExternalAPIKeyScopes struct {
	External []APIKeyScope `json:"external"`
}

// RotateKeyRequest asks for a token in place of another.
type RotateKeyRequest struct {
	// Overlap is how long the old token lives on, in nanoseconds: an hour where
	// it is nil, at once where it is 0, at most seven days.
	Overlap *int64 `json:"overlap,omitempty"`
}

// RotateKeyResponse is the token that took the place of another.
type RotateKeyResponse struct {
	// Key is the secret, shown this once.
	Key       string     `json:"key"`
	ID        string     `json:"id"`
	ExpiresAt time.Time  `json:"expires_at"`
	Previous  RotatedKey `json:"previous"`
}

// RotatedKey is the token that was replaced.
type RotatedKey struct {
	ID string `json:"id"`
	// ExpiresAt is when it stops working.
	ExpiresAt time.Time `json:"expires_at"`
}

// CreateToken makes an API token for the user. It needs api_key:create on the
// user's keys, and the token cannot be wider than the key in use.
func (c *Client) CreateToken(ctx context.Context, user string, req CreateTokenRequest) (GenerateAPIKeyResponse, error) {
	var result GenerateAPIKeyResponse
	err := c.do(ctx, call{
		method: http.MethodPost, path: []string{"users", user, "keys", "tokens"},
		body: req, status: http.StatusCreated, result: &result,
	})
	return result, err
}

// Tokens lists API tokens, the oldest first.
func (c *Client) Tokens(ctx context.Context, user string, req TokensRequest) ([]APIKeyWithOwner, error) {
	var result []APIKeyWithOwner
	err := c.do(ctx, call{
		method: http.MethodGet, path: []string{"users", user, "keys", "tokens"},
		query: url.Values{
			"include_all":     {strconv.FormatBool(req.IncludeAll)},
			"include_expired": {strconv.FormatBool(req.IncludeExpired)},
		},
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// Token returns the token of that name, expired or not.
func (c *Client) Token(ctx context.Context, user, name string) (APIKey, error) {
	return c.apiKey(ctx, "users", user, "keys", "tokens", name)
}

// APIKey returns the session or token with that id.
func (c *Client) APIKey(ctx context.Context, user, id string) (APIKey, error) {
	return c.apiKey(ctx, "users", user, "keys", id)
}

func (c *Client) apiKey(ctx context.Context, path ...string) (APIKey, error) {
	var result APIKey
	err := c.do(ctx, call{method: http.MethodGet, path: path, status: http.StatusOK, result: &result})
	return result, err
}

// DeleteAPIKey ends a session or token and forgets it.
func (c *Client) DeleteAPIKey(ctx context.Context, user, id string) error {
	return c.do(ctx, call{
		method: http.MethodDelete, path: []string{"users", user, "keys", id}, status: http.StatusNoContent,
	})
}

// ExpireAPIKey ends a session or token now. It stays in the lists for a while;
// one that has expired keeps its time.
func (c *Client) ExpireAPIKey(ctx context.Context, user, id string) error {
	return c.do(ctx, call{
		method: http.MethodPut, path: []string{"users", user, "keys", id, "expire"}, status: http.StatusNoContent,
	})
}

// RotateAPIKey makes a token with the same scopes, allow list and lifetime as
// the one with that id, whose name it takes. The old one lives on for the
// overlap. It needs api_key:update on the token, or that very token.
func (c *Client) RotateAPIKey(ctx context.Context, user, id string, req RotateKeyRequest) (RotateKeyResponse, error) {
	var result RotateKeyResponse
	err := c.do(ctx, call{
		method: http.MethodPost, path: []string{"users", user, "keys", id, "rotate"},
		body: req, status: http.StatusCreated, result: &result,
	})
	return result, err
}

// TokenConfig says what tokens the user can have.
func (c *Client) TokenConfig(ctx context.Context, user string) (TokenConfig, error) {
	var result TokenConfig
	err := c.do(ctx, call{
		method: http.MethodGet, path: []string{"users", user, "keys", "tokens", "tokenconfig"},
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// Scopes lists the scopes that a token can be given, sorted.
func (c *Client) Scopes(ctx context.Context) ([]APIKeyScope, error) {
	var result ExternalAPIKeyScopes
	err := c.do(ctx, call{method: http.MethodGet, path: []string{"auth", "scopes"}, status: http.StatusOK, result: &result})
	return result.External, err
}
