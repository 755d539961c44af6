package idp_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/secret"
)

const (
	oidcAccess = "https://usher.example.com"
	oidcState  = "oidc.abcdefghijklmnopqrstuvwxyz012345"
)

// newOIDC is a provider of the server with that provider's settings, which the
// function may change.
func newOIDC(t *testing.T, server *idptest.OIDC, change func(*idp.OIDCConfig)) *idp.Provider {
	t.Helper()
	access, err := url.Parse(oidcAccess)
	if err != nil {
		t.Fatal(err)
	}
	cfg := idp.OIDCConfig{
		IssuerURL: server.URL, ClientID: server.ClientID, ClientSecret: server.ClientSecret,
		AccessURL: access, Roots: server.Roots, AllowSignups: true,
	}
	if change != nil {
		change(&cfg)
	}
	p, err := idp.NewOIDC(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// begin sends somebody to the provider and brings back what they bring.
func begin(t *testing.T, server *idptest.OIDC, p *idp.Provider, state string) idp.Callback {
	t.Helper()
	start, err := p.Begin(t.Context(), state, "usher.example.com")
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(server.Authorize(t, start.URL))
	if err != nil {
		t.Fatal(err)
	}
	if got := back.Query().Get("state"); got != state {
		t.Fatalf("the provider brought the state %q back", got)
	}
	return idp.Callback{
		Code: secret.Redacted(back.Query().Get("code")), State: state, Verifier: start.Verifier, Host: "usher.example.com",
	}
}

func logIn(t *testing.T, server *idptest.OIDC, p *idp.Provider) (idp.Login, error) {
	t.Helper()
	return p.Finish(t.Context(), begin(t, server, p, oidcState))
}

// refused reports the error of a login as the room's error.
func refused(t *testing.T, err error) *account.Error {
	t.Helper()
	e, ok := errors.AsType[*account.Error](err)
	if !ok {
		t.Fatalf("got %v, want an *account.Error", err)
	}
	return e
}

func TestOIDCLogin(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	server.SetUser("kyle", idptest.Claims{
		"sub": "248289761001", "email": "Kyle@Example.com", "email_verified": true, "preferred_username": "kylec",
		"name": " Kylium  Carbonate ", "picture": "https://example.com/kyle.png", "level": 9007199254740993,
	})
	server.SetTokenLifetime(time.Hour)
	before := time.Now()
	login, err := logIn(t, server, newOIDC(t, server, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := account.ExternalLogin{
		Provider: "oidc", LoginType: account.LoginOIDC, Issuer: server.URL, Subject: "248289761001",
		Email: "Kyle@Example.com", EmailVerified: true, Username: "kylec", Name: "Kylium  Carbonate",
		AvatarURL: "https://example.com/kyle.png",
	}
	claims := login.Claims
	login.Claims = account.Claims{}
	if diff := cmp.Diff(want, login.ExternalLogin); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if claims.IDToken["iss"] != server.URL || claims.UserInfo["sub"] != "248289761001" || claims.Merged["nonce"] != claims.IDToken["nonce"] {
		t.Errorf("claims: %v", claims)
	}
	if got, ok := claims.Merged["level"].(interface{ String() string }); !ok || got.String() != "9007199254740993" {
		t.Errorf("a large number became %v", claims.Merged["level"])
	}
	if login.Tokens.Access == "" || login.Tokens.Refresh == "" {
		t.Error("tokens are missing")
	}
	if got := login.Tokens.Expiry.Sub(before); got < 59*time.Minute || got > 61*time.Minute {
		t.Errorf("the token expires after %v", got)
	}
}

// What the authorize address has, by the settings.
func TestOIDCAuthorizeURL(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	p := newOIDC(t, server, func(cfg *idp.OIDCConfig) {
		cfg.Scopes = []string{"openid", "groups"}
		cfg.AuthURLParams = map[string]string{"access_type": "online", "prompt": "consent"}
	})
	start, err := p.Begin(t.Context(), oidcState, "elsewhere.example.com")
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(start.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": server.ClientID, "scope": "openid groups", "state": oidcState,
		"redirect_uri": oidcAccess + "/api/v2/users/oidc/callback", "access_type": "online", "prompt": "consent",
		"code_challenge_method": "S256", "nonce": "ANYq2R8zk2iVgxh1GAkWr4dToD2fe8QhJmWFOwKS6co",
	} {
		if got := query.Get(name); got != want || len(query[name]) != 1 {
			t.Errorf("%s: got %q, want %q", name, query[name], want)
		}
	}
	if len(start.Verifier.Reveal()) != 43 || query.Get("code_challenge") == "" || start.RedirectURI != "" {
		t.Errorf("verifier of %d characters, redirect %q", len(start.Verifier.Reveal()), start.RedirectURI)
	}
	if start, err = newOIDC(t, server, nil).Begin(t.Context(), oidcState, ""); err != nil || !strings.Contains(start.URL, "access_type=offline") {
		t.Errorf("by default: %s, %v", start.URL, err)
	}
}

// PKCE is used if and only if discovery offers S256.
func TestOIDCWithoutS256(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(map[string]any){
		"absent": func(document map[string]any) { delete(document, "code_challenge_methods_supported") },
		"plain":  func(document map[string]any) { document["code_challenge_methods_supported"] = []string{"plain"} },
	} {
		server := idptest.NewOIDC(t)
		server.Tamper(func(tampering *idptest.Tampering) { tampering.Discovery = change })
		p := newOIDC(t, server, nil)
		start, err := p.Begin(t.Context(), oidcState, "")
		if err != nil {
			t.Fatal(err)
		}
		if start.Verifier != "" || strings.Contains(start.URL, "code_challenge") {
			t.Errorf("%s: %s", name, start.URL)
		}
		if uses, err := p.UsesPKCE(t.Context()); uses || err != nil {
			t.Errorf("%s: uses PKCE: %t, %v", name, uses, err)
		}
		if _, err := logIn(t, server, p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A code is of no use to another browser, which lacks the verifier, and neither
// is a second time; what the provider says of it stays in the log but for the
// error code.
func TestOIDCExchangeRefused(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	p := newOIDC(t, server, nil)
	for name, spoil := range map[string]func(*idp.Callback){
		"another verifier": func(cb *idp.Callback) { cb.Verifier = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
		"no such code":     func(cb *idp.Callback) { cb.Code += "x" },
		"a second time": func(cb *idp.Callback) {
			if _, err := p.Finish(t.Context(), *cb); err != nil {
				t.Fatal(err)
			}
		},
	} {
		cb := begin(t, server, p, oidcState)
		spoil(&cb)
		before := server.Requests(idptest.Token)
		_, err := p.Finish(t.Context(), cb)
		if e := refused(t, err); e.Kind != account.KindInternal || e.Detail != "invalid_grant" || e.Title != "" {
			t.Errorf("%s: %#v", name, e)
		}
		if strings.Contains(err.Error(), cb.Code.Reveal()) {
			t.Errorf("%s: the error repeats the code", name)
		}
		if got := server.Requests(idptest.Token) - before; got != 1 {
			t.Errorf("%s: the code was sent %d times", name, got)
		}
	}
}

// A callback cannot be finished with the state of another login: its nonce is not
// that of the ID token.
func TestOIDCStateOfAnotherLogin(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	p := newOIDC(t, server, nil)
	cb := begin(t, server, p, oidcState)
	cb.State = "oidc.543210zyxwvutsrqponmlkjihgfedcba"
	_, err := p.Finish(t.Context(), cb)
	if e := refused(t, err); e.Kind != account.KindInvalid || !strings.Contains(e.Detail, "another login") {
		t.Errorf("got %v", err)
	}
	server.Tamper(func(tampering *idptest.Tampering) {
		tampering.IDToken = func(claims map[string]any) { delete(claims, "nonce") }
	})
	if _, err := logIn(t, server, p); refused(t, err).Kind != account.KindInvalid {
		t.Errorf("without a nonce: %v", err)
	}
}

// Where logins come back to, by the settings.
func TestOIDCRedirects(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	for _, test := range []struct {
		name, host string
		change     func(*idp.OIDCConfig)
		want       string
		dynamic    bool
		refused    bool
	}{
		{
			name: "of a further provider", host: "a.example", change: func(c *idp.OIDCConfig) { c.Name = "acme" },
			want: oidcAccess + "/api/v2/users/oidc/acme/callback",
		},
		{name: "set", host: "a.example", change: func(c *idp.OIDCConfig) {
			c.RedirectURL, c.RedirectAllowedHosts = "http://login.example.com:8080/ignored", []string{"b.example"}
		}, want: "http://login.example.com:8080/api/v2/users/oidc/callback"},
		{
			name: "allowed", host: "A.example:8443", change: func(c *idp.OIDCConfig) { c.RedirectAllowedHosts = []string{"a.EXAMPLE"} },
			want: "https://A.example:8443/api/v2/users/oidc/callback", dynamic: true,
		},
		{
			name: "not allowed", host: "b.example", change: func(c *idp.OIDCConfig) { c.RedirectAllowedHosts = []string{"a.example"} },
			refused: true,
		},
	} {
		p := newOIDC(t, server, test.change)
		start, err := p.Begin(t.Context(), oidcState, test.host)
		if test.refused {
			if refused(t, err).Kind != account.KindInvalid {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		address, err := url.Parse(start.URL)
		if err != nil {
			t.Fatal(err)
		}
		if got := address.Query().Get("redirect_uri"); got != test.want || (start.RedirectURI != "") != test.dynamic {
			t.Errorf("%s: %q, %q", test.name, got, start.RedirectURI)
		}
	}
}

func TestOIDCRefresh(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	p := newOIDC(t, server, nil)
	login, err := logIn(t, server, p)
	if err != nil {
		t.Fatal(err)
	}
	if !login.Tokens.Expiry.IsZero() {
		t.Errorf("a token of which the provider does not say when it expires does so at %v", login.Tokens.Expiry)
	}
	server.SetTokenLifetime(time.Minute)
	tokens, err := p.Refresh(t.Context(), login.Tokens.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if tokens.Refresh == "" || tokens.Refresh == login.Tokens.Refresh || tokens.Access == login.Tokens.Access || tokens.Expiry.IsZero() {
		t.Error("the tokens are not new")
	}
	if got := server.Refreshes(); got != 1 {
		t.Errorf("%d refreshes", got)
	}
	server.RevokeRefreshTokens()
	_, err = p.Refresh(t.Context(), tokens.Refresh)
	if e, ok := errors.AsType[*idp.RefusedError](err); !ok || e.Code != "invalid_grant" {
		t.Errorf("revoked: %v", err)
	}
	server.Tamper(func(tampering *idptest.Tampering) { tampering.Down = true })
	_, err = p.Refresh(t.Context(), tokens.Refresh)
	if _, ok := errors.AsType[*idp.RefusedError](err); ok || err == nil {
		t.Errorf("down: %v", err)
	}
	if strings.Contains(err.Error(), tokens.Refresh.Reveal()) {
		t.Error("the error repeats the refresh token")
	}
	server.Behave()
	server.SetRefresh(false)
	if login, err = logIn(t, server, p); err != nil || login.Tokens.Refresh != "" {
		t.Errorf("turned off: %v", err)
	}
}
