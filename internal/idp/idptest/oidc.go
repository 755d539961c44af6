package idptest

import (
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"usher/internal/secret"
)

// Password opens the form of a provider for each of its people.
const Password = "correct horse battery staple"

// Claims are what a provider says of a person, by the names of JSON members.
type Claims map[string]any

// OIDC is a running OpenID Connect provider.
type OIDC struct {
	// URL is its issuer, and where it serves.
	URL string
	// ClientID and ClientSecret are how Usher is known to it.
	ClientID     string
	ClientSecret secret.Redacted
	// CAFile is a PEM file with the authority of its certificate, and Roots the
	// same; both are empty without TLS.
	CAFile string
	Roots  *x509.CertPool

	storage *providerStorage
	gate    *gate
	browser *http.Client
}

// OIDCOption changes a provider before it starts.
type OIDCOption func(*oidcOptions)

type oidcOptions struct{ tls bool }

// WithTLS makes the provider serve HTTPS with a certificate of its own authority.
func WithTLS() OIDCOption { return func(o *oidcOptions) { o.tls = true } }

// NewOIDC starts a provider that ends with the test. It knows one person, kyle,
// with the verified address kyle@example.com.
func NewOIDC(t testing.TB, options ...OIDCOption) *OIDC {
	t.Helper()
	var chosen oidcOptions
	for _, option := range options {
		option(&chosen)
	}
	server := httptest.NewUnstartedServer(nil)
	scheme := "http"
	if chosen.tls {
		scheme = "https"
	}
	o := &OIDC{
		URL:          scheme + "://" + server.Listener.Addr().String(),
		ClientID:     "usher",
		ClientSecret: "client-secret-of-usher",
	}
	o.storage = newProviderStorage(o.ClientID, o.ClientSecret.Reveal())
	o.gate = newGate(o.storage, o.URL)
	next, err := newProviderServer(o.URL, o.storage)
	if err != nil {
		t.Fatal(err)
	}
	o.gate.next = next
	server.Config.Handler = o.gate
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	if chosen.tls {
		server.StartTLS()
		o.trust(t, server.Certificate())
	} else {
		server.Start()
	}
	o.browser = server.Client()
	t.Cleanup(func() {
		o.gate.open()
		server.Close()
	})
	o.SetUser("kyle", Claims{"email": "kyle@example.com", "email_verified": true, "name": "Kyle"})
	return o
}

func (o *OIDC) trust(t testing.TB, authority *x509.Certificate) {
	t.Helper()
	o.Roots = x509.NewCertPool()
	o.Roots.AddCert(authority)
	o.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw})
	if err := os.WriteFile(o.CAFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// SetUser makes a person with a login name, or changes what is said of them.
// Authorize logs in as them from now on.
func (o *OIDC) SetUser(username string, claims Claims) {
	o.storage.setUser(username, claims, claims)
}

// SetClaims is SetUser with claims of its own for each place where they are said.
// "sub" is taken from those of the ID token.
func (o *OIDC) SetClaims(username string, idToken, userInfo Claims) {
	o.storage.setUser(username, idToken, userInfo)
}

// SetTokenLifetime sets how long access tokens are said to last. They begin
// without a saying (0), are five minutes in truth, and have run out already where
// it is negative.
func (o *OIDC) SetTokenLifetime(d time.Duration) {
	o.Tamper(func(tampering *Tampering) { tampering.tokenLifetime = d })
}

// SetRefresh turns refresh tokens on or off for the logins that begin from now
// on. They begin turned on, whatever scopes are asked for.
func (o *OIDC) SetRefresh(on bool) { o.storage.setRefresh(on) }

// RevokeRefreshTokens makes every refresh token of so far useless: invalid_grant.
func (o *OIDC) RevokeRefreshTokens() { o.storage.revokeRefreshTokens() }

// Refreshes counts the requests so far that brought a refresh token.
func (o *OIDC) Refreshes() int { return o.gate.count(refreshes) }

// Requests counts the requests to an endpoint so far.
func (o *OIDC) Requests(endpoint Endpoint) int { return o.gate.count(endpoint) }

// RotateKeys signs with a new key from now on, of another kind than the first
// one, and publishes the older ones no more.
func (o *OIDC) RotateKeys(t testing.TB) {
	t.Helper()
	if err := o.storage.rotate(); err != nil {
		t.Fatal(err)
	}
}

// UseClientKey makes the provider know Usher by the key of the certificate
// (private_key_jwt) and no longer by its secret.
func (o *OIDC) UseClientKey(certificate *x509.Certificate) { o.storage.useClientKey(certificate) }
