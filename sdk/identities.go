package sdk

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// Identity is who a user is at an identity provider. Logging in there with it
// logs the user in.
type Identity struct {
	ID uuid.UUID `json:"id"`
	// Provider is the name of the provider on this server: "github", "oidc", or
	// that of a further OpenID Connect provider.
	Provider string `json:"provider"`
	// Issuer and Subject name the identity for good (OpenID Connect Core, section
	// 2).
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	// Email is the address that the provider said last.
	Email     string    `json:"email"`
	CreatedAt time.Time `json:"created_at"`
	// LastLoginAt is when the provider last vouched for it, be it to link it.
	LastLoginAt time.Time `json:"last_login_at"`
}

// LinkIdentityRequest names the provider to link an identity of.
type LinkIdentityRequest struct {
	Provider string `json:"provider"`
}

// LinkIdentityResponse says where the user's browser has to go. It must be signed
// in as the same user, within ten minutes.
type LinkIdentityResponse struct {
	RedirectURL string `json:"redirect_url"`
}

// ConvertLoginRequest asks to log in through a provider instead of with the
// password, which it takes once more.
type ConvertLoginRequest struct {
	ToType   LoginType `json:"to_type"`
	Password string    `json:"password"`
	// Provider is the name of a further OpenID Connect provider; empty means the
	// one that is named like the login type.
	Provider string `json:"provider,omitempty"`
}

// OAuthConversionResponse is a conversion that has begun. The browser that got
// this answer completes it by a login at the provider, which it begins with the
// state in the parameter oidc_merge_state.
type OAuthConversionResponse struct {
	StateString string    `json:"state_string"`
	ExpiresAt   time.Time `json:"expires_at"`
	ToType      LoginType `json:"to_type"`
	UserID      uuid.UUID `json:"user_id"`
}

// OIDCClaims is what an OpenID Connect provider said of a user, never null.
type OIDCClaims struct {
	Claims map[string]any `json:"claims"`
}

// ExternalAuthDevice is the beginning of a login on another device (RFC 8628,
// section 3.2).
type ExternalAuthDevice struct {
	DeviceCode string `json:"device_code"`
	// UserCode is to be entered at VerificationURI.
	UserCode        string `json:"user_code"`
	VerificationURI string `json:"verification_uri"`
	ExpiresIn       int    `json:"expires_in"` // seconds
	Interval        int    `json:"interval"`   // between two polls, in seconds
}

// RedirectResponse is the end of a login on another device: where to go.
type RedirectResponse struct {
	RedirectURL string `json:"redirect_url"`
}

// Identities returns the identities of a user, the oldest first. It needs
// user:read_personal: oneself, owners and user-admins.
func (c *Client) Identities(ctx context.Context, user string) ([]Identity, error) {
	var result []Identity
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"users", user, "identities"},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// LinkIdentity begins to link an identity to one's own account. It takes a
// session: a token is refused with 403, and so is every other user. 400 names an
// unknown provider.
func (c *Client) LinkIdentity(ctx context.Context, user string, req LinkIdentityRequest) (LinkIdentityResponse, error) {
	var result LinkIdentityResponse
	err := c.do(ctx, call{
		method: http.MethodPost,
		path:   []string{"users", user, "identities"},
		body:   req,
		status: http.StatusCreated,
		result: &result,
	})
	return result, err
}

// UnlinkIdentity takes an identity from a user and ends the sessions that it
// opened: one's own, and anybody's for owners. The last way to log in cannot be
// taken: 409.
func (c *Client) UnlinkIdentity(ctx context.Context, user string, id uuid.UUID) error {
	return c.do(ctx, call{
		method: http.MethodDelete,
		path:   []string{"users", user, "identities", id.String()},
		status: http.StatusNoContent,
	})
}

// ConvertLogin begins to convert an account with a password to the login of a
// provider. A wrong password is 401, another login type than github and oidc, or
// one that the server does not have, 400. The browser that completes it needs the
// cookie of this answer as well, which this client does not keep: it is for pages.
func (c *Client) ConvertLogin(ctx context.Context, user string, req ConvertLoginRequest) (OAuthConversionResponse, error) {
	var result OAuthConversionResponse
	err := c.do(ctx, call{
		method: http.MethodPost,
		path:   []string{"users", user, "convert-login"},
		body:   req,
		status: http.StatusCreated,
		result: &result,
	})
	return result, err
}

// OIDCClaims returns what the provider said of the caller at the last login. It is
// 400 for users of another login type, and 404 for those who have not logged in
// yet.
func (c *Client) OIDCClaims(ctx context.Context) (OIDCClaims, error) {
	var result OIDCClaims
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"users", "oidc-claims"},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}
