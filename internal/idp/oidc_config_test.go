package idp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/idp/idptest"
)

// All that is wrong is reported, each by its name.
func TestOIDCConfigCheck(t *testing.T) {
	t.Parallel()
	valid := idp.OIDCConfig{IssuerURL: "https://id.example.com/realm", ClientID: "usher", AccessURL: &url.URL{Scheme: "https", Host: "usher.example.com"}}
	if faults := valid.Check(); len(faults) > 0 {
		t.Fatalf("nothing is wrong: %v", faults)
	}
	for _, test := range []struct {
		field  string
		change func(*idp.OIDCConfig)
	}{
		{"name", func(c *idp.OIDCConfig) { c.Name = "Acme" }},
		{"name", func(c *idp.OIDCConfig) { c.Name = "a.b" }},
		{"name", func(c *idp.OIDCConfig) { c.Name = "github" }},
		{"name", func(c *idp.OIDCConfig) { c.Name = strings.Repeat("a", 33) }},
		{"issuer_url", func(c *idp.OIDCConfig) { c.IssuerURL = "" }},
		{"issuer_url", func(c *idp.OIDCConfig) { c.IssuerURL = "id.example.com" }},
		{"issuer_url", func(c *idp.OIDCConfig) { c.IssuerURL = "https://u:p@id.example.com" }},
		{"issuer_url", func(c *idp.OIDCConfig) { c.IssuerURL = "https://id.example.com?a=b" }},
		{"client_id", func(c *idp.OIDCConfig) { c.ClientID = "" }},
		{"client_key_file", func(c *idp.OIDCConfig) { c.ClientKeyFile = "key.pem" }},
		{"client_key_file", func(c *idp.OIDCConfig) { c.ClientCertFile = "cert.pem" }},
		{"client_key_file", func(c *idp.OIDCConfig) { c.ClientKeyFile, c.ClientCertFile = "/no/key.pem", "/no/cert.pem" }},
		{"client_key_file", func(c *idp.OIDCConfig) { c.ClientSecret, c.ClientKeyFile, c.ClientCertFile = "s", "k", "c" }},
		{"scopes", func(c *idp.OIDCConfig) { c.Scopes = []string{"profile"} }},
		{"scopes", func(c *idp.OIDCConfig) { c.Scopes = []string{"openid", "a b"} }},
		{"email_domain", func(c *idp.OIDCConfig) { c.EmailDomain = []string{"@"} }},
		{"auth_url_params", func(c *idp.OIDCConfig) { c.AuthURLParams = map[string]string{"state": "x"} }},
		{"access_token_claims", func(c *idp.OIDCConfig) { c.AccessTokenClaims = true }},
		{"allowed_groups", func(c *idp.OIDCConfig) { c.AllowedGroups = []string{"staff"} }},
		{"redirect_url", func(c *idp.OIDCConfig) { c.RedirectURL = "/callback" }},
		{"redirect_allowed_hosts", func(c *idp.OIDCConfig) { c.RedirectAllowedHosts = []string{"https://a.example"} }},
		{"redirect_allowed_hosts", func(c *idp.OIDCConfig) { c.RedirectAllowedHosts = []string{""} }},
		{"icon_url", func(c *idp.OIDCConfig) { c.IconURL = "javascript:alert(1)" }},
		{"icon_url", func(c *idp.OIDCConfig) { c.IconURL = "//evil.example/i.png" }},
	} {
		cfg := valid
		test.change(&cfg)
		faults := cfg.Check()
		if len(faults) != 1 || faults[0].Field != test.field {
			t.Errorf("%s: %v", test.field, faults)
		}
	}
	all := idp.OIDCConfig{Name: "A", Scopes: []string{"x"}, AccessTokenClaims: true}
	_, err := idp.NewOIDC(all)
	for _, field := range []string{"name: ", "issuer_url: ", "client_id: ", "scopes: ", "access_token_claims: "} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is missing in %v", field, err)
		}
	}
}

func TestOIDCConfigDefaults(t *testing.T) {
	t.Parallel()
	access := &url.URL{Scheme: "https", Host: "usher.example.com"}
	p, err := idp.NewOIDC(idp.OIDCConfig{IssuerURL: "https://id.example.com", ClientID: "usher", AccessURL: access, EmailFallback: true})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "oidc" || p.SignInText != "OpenID Connect" || p.IconURL != "" || p.AllowSignups || !p.EmailFallback || p.LoginType() != account.LoginOIDC {
		t.Errorf("%+v", p)
	}
	if p, err = idp.NewOIDC(idp.OIDCConfig{Name: "acme", IssuerURL: "https://id.example.com", ClientID: "usher", AccessURL: access}); err != nil || p.SignInText != "acme" {
		t.Errorf("%+v, %v", p, err)
	}
	if (&idp.OIDCConfig{AllowSignups: true, Scopes: []string{"openid"}}).IsSet() || !(&idp.OIDCConfig{ClientID: "usher"}).IsSet() {
		t.Error("whether there is a provider depends on its issuer and client")
	}
}

// keyPair writes a key and its certificate into files.
func keyPair(t *testing.T, key any, public any) (keyFile, certFile string, certificate *x509.Certificate) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "usher"}, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	if certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keyFile, certFile = filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	for file, block := range map[string]*pem.Block{
		keyFile: {Type: "PRIVATE KEY", Bytes: private}, certFile: {Type: "CERTIFICATE", Bytes: der},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return keyFile, certFile, certificate
}

// A client with a key proves itself with it, at the exchange and at a refresh.
func TestOIDCClientKey(t *testing.T) {
	t.Parallel()
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	classical, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]any{"ES256": {elliptical, &elliptical.PublicKey}, "RS256": {classical, &classical.PublicKey}} {
		server := idptest.NewOIDC(t)
		keyFile, certFile, certificate := keyPair(t, pair[0], pair[1])
		server.UseClientKey(certificate)
		p := newOIDC(t, server, func(c *idp.OIDCConfig) {
			c.ClientSecret, c.ClientKeyFile, c.ClientCertFile = "", keyFile, certFile
		})
		login, err := logIn(t, server, p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := p.Refresh(t.Context(), login.Tokens.Refresh); err != nil {
			t.Errorf("%s: refresh: %v", name, err)
		}
		if _, err := logIn(t, server, newOIDC(t, server, nil)); refused(t, err).Detail != "invalid_client" {
			t.Errorf("%s: with the secret that holds no longer: %v", name, err)
		}
	}
}

// What an assertion says: the certificate that it belongs to, once and shortly.
func TestOIDCClientAssertion(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keyFile, certFile, certificate := keyPair(t, key, &key.PublicKey)
	server := idptest.NewOIDC(t)
	sent := make(chan url.Values, 2)
	server.Tamper(func(tampering *idptest.Tampering) {
		tampering.Replace = map[idptest.Endpoint]http.HandlerFunc{idptest.Token: func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			sent <- r.PostForm
			w.WriteHeader(http.StatusBadRequest)
		}}
	})
	p := newOIDC(t, server, func(c *idp.OIDCConfig) {
		c.ClientSecret, c.ClientKeyFile, c.ClientCertFile = "", keyFile, certFile
	})
	ids := map[any]bool{}
	for range 2 {
		if _, err := logIn(t, server, p); err == nil {
			t.Fatal("no error")
		}
		form := <-sent
		if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Has("client_secret") || form.Get("client_id") != "usher" {
			t.Errorf("sent: %v", form)
		}
		parts := strings.Split(form.Get("client_assertion"), ".")
		header, claims := decoded(t, parts[0]), decoded(t, parts[1])
		sum := sha256.Sum256(certificate.Raw)
		if header["x5t#S256"] != base64.RawURLEncoding.EncodeToString(sum[:]) || header["alg"] != "ES256" || header["x5t"] == nil {
			t.Errorf("header: %v", header)
		}
		if claims["iss"] != "usher" || claims["sub"] != "usher" || claims["aud"] != server.URL || claims["exp"].(float64)-claims["iat"].(float64) != 300 {
			t.Errorf("claims: %v", claims)
		}
		ids[claims["jti"]] = true
	}
	if len(ids) != 2 {
		t.Errorf("two assertions have the names %v", ids)
	}
}

func decoded(t *testing.T, part string) map[string]any {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	return object
}
