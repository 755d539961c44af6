package sdk

import (
	"context"
	"net/http"
)

// LoginWithPasswordRequest is a login. The e-mail is compared regardless of
// case; a username does not do.
type LoginWithPasswordRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// LoginWithPasswordResponse carries the new session. The token is shown only
// here: the server keeps nothing but its hash.
type LoginWithPasswordResponse struct {
	SessionToken string `json:"session_token"`
}

// AuthMethods says which logins the server offers.
type AuthMethods struct {
	TermsOfServiceURL string           `json:"terms_of_service_url"`
	Password          AuthMethod       `json:"password"`
	GitHub            GitHubAuthMethod `json:"github"`
	OIDC              OIDCAuthMethod   `json:"oidc"`
	// OIDCProviders are further OpenID Connect providers; never null.
	OIDCProviders []OIDCProvider `json:"oidc_providers"`
}

// OIDCProvider is an OpenID Connect provider beside the default one. Logins
// through it begin at /api/v2/users/oidc/NAME/callback.
type OIDCProvider struct {
	Name       string `json:"name"`
	SignInText string `json:"sign_in_text"`
	IconURL    string `json:"icon_url"`
}

// AuthMethod is a login without settings that clients need.
type AuthMethod struct {
	Enabled bool `json:"enabled"`
}

// GitHubAuthMethod is the login through GitHub.
type GitHubAuthMethod struct {
	Enabled bool `json:"enabled"`
	// DefaultProviderConfigured is true where a shared GitHub application is in
	// use instead of one of the deployment's own.
	DefaultProviderConfigured bool `json:"default_provider_configured"`
}

// OIDCAuthMethod is the login through an OpenID Connect provider. The spelling
// of its fields on the wire is the reference's.
type OIDCAuthMethod struct {
	Enabled bool `json:"enabled"`
	// SignInText is the label of the login button.
	SignInText string `json:"signInText"`
	IconURL    string `json:"iconUrl"`
}

// LoginWithPassword begins a session. The client does not use it by itself: give
// the token to [Client.SetSessionToken]. 401 does not tell whether the e-mail or
// the password is wrong; 429 and 503 say in [Error.RetryAfter] when to try again.
func (c *Client) LoginWithPassword(ctx context.Context, req LoginWithPasswordRequest) (LoginWithPasswordResponse, error) {
	var result LoginWithPasswordResponse
	err := c.do(ctx, call{
		method: http.MethodPost,
		path:   []string{"users", "login"},
		body:   req,
		status: http.StatusCreated,
		result: &result,
	})
	return result, err
}

// Logout ends the session or token that the client uses. The client keeps the
// then useless token.
func (c *Client) Logout(ctx context.Context) error {
	return c.do(ctx, call{
		method: http.MethodPost,
		path:   []string{"users", "logout"},
		status: http.StatusOK,
	})
}

// AuthMethods tells which logins the server offers. It needs no session.
func (c *Client) AuthMethods(ctx context.Context) (AuthMethods, error) {
	var result AuthMethods
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"users", "authmethods"},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}
