package idp_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/idp/idptest"
)

// idToken returns a tampering that changes one claim of the ID token; nil takes
// it away.
func idToken(name string, value any) func(*idptest.Tampering) {
	return func(t *idptest.Tampering) { t.IDToken = setClaim(name, value) }
}

func setClaim(name string, value any) func(map[string]any) {
	return func(claims map[string]any) {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
}

// Rows 1 to 3: the ID token.
func TestOIDCIDToken(t *testing.T) {
	t.Parallel()
	refusal := func(name, says string, tamper func(*idptest.Tampering)) oidcCase {
		return oidcCase{name: name, idToken: kyle(nil), tamper: tamper, kind: account.KindInvalid, says: []string{says}}
	}
	runOIDC(t, []oidcCase{
		refusal("none", "no ID token", func(t *idptest.Tampering) { t.WithoutIDToken = true }),
		refusal("another issuer", "id token issued by a different provider", idToken("iss", "https://evil.example")),
		refusal("another audience", "audience", idToken("aud", "somebody else")),
		refusal("no audience", "audience", idToken("aud", nil)),
		refusal("expired", "expired", idToken("exp", time.Now().Add(-time.Minute).Unix())),
		refusal("no expiry", "expired", idToken("exp", nil)),
		refusal("not yet valid", "not before", idToken("nbf", time.Now().Add(time.Hour).Unix())),
		refusal("no subject", "subject", idToken("sub", nil)),
		refusal("a subject that is too long", "subject", idToken("sub", strings.Repeat("x", 256))),
		refusal("a subject with NUL", "subject", idToken("sub", "a\x00b")),
		refusal("another key's signature", "signature", func(t *idptest.Tampering) { t.ForeignSignature = true }),
		refusal("of another access token", "access token hash", idToken("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")),
		refusal("for several, and not ours", "authorized party", func(t *idptest.Tampering) {
			t.IDToken = func(claims map[string]any) { claims["aud"], claims["azp"] = []string{"usher", "other"}, "other" }
		}),
		refusal("for several, of nobody", "authorized party", func(t *idptest.Tampering) {
			t.IDToken = func(claims map[string]any) { claims["aud"] = []string{"usher", "other"}; delete(claims, "azp") }
		}),
		{
			name: "for several, and ours", idToken: kyle(nil),
			tamper: func(t *idptest.Tampering) {
				t.IDToken = func(claims map[string]any) { claims["aud"], claims["azp"] = []string{"other", "usher"}, "usher" }
			},
		},
		refusal("empty claims", "different provider", func(t *idptest.Tampering) { t.IDToken = func(claims map[string]any) { clear(claims) } }),
		{name: "64 KiB", idToken: kyle(idptest.Claims{"padding": strings.Repeat("x", 64<<10)})},
		{
			name: "another issuer, and skipped", idToken: kyle(nil), tamper: idToken("iss", "https://tenant.example"),
			change: func(c *idp.OIDCConfig) { c.SkipIssuerChecks = true },
			check: func(got idp.Login) error {
				if got.Issuer != "https://tenant.example" || got.Subject != "kyle" {
					return fmt.Errorf("linked to %q, %q", got.Issuer, got.Subject)
				}
				return nil
			},
		},
	})
}

// A token without a signature, or with one of a shared key, is none.
func TestOIDCAlgorithms(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	server.Tamper(func(tampering *idptest.Tampering) {
		tampering.Discovery = func(document map[string]any) {
			document["id_token_signing_alg_values_supported"] = []string{"none", "HS256", "RS256"}
		}
		tampering.Replace = map[idptest.Endpoint]http.HandlerFunc{idptest.Token: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			// {"alg":"none"}.{"iss":"x","sub":"kyle"}.
			_, _ = w.Write([]byte(`{"access_token":"a","token_type":"Bearer","id_token":"eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4Iiwic3ViIjoia3lsZSJ9."}`))
		}}
	})
	_, err := logIn(t, server, newOIDC(t, server, nil))
	if e := refused(t, err); e.Kind != account.KindInvalid || strings.Contains(e.Detail, "HS256") {
		t.Errorf("got %v", err)
	}
}

// Row 4: the further claims.
func TestOIDCSecondaryClaims(t *testing.T) {
	t.Parallel()
	fromAccessToken := func(c *idp.OIDCConfig) { c.AccessTokenClaims, c.IgnoreUserInfo = true, true }
	broken := func(status int, body string) func(*idptest.Tampering) {
		return func(t *idptest.Tampering) {
			t.Replace = map[idptest.Endpoint]http.HandlerFunc{idptest.UserInfo: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			}}
		}
	}
	runOIDC(t, []oidcCase{
		{
			name: "userinfo wins", idToken: kyle(idptest.Claims{"preferred_username": "one"}),
			userInfo: idptest.Claims{"preferred_username": "two"}, check: username("two"),
		},
		{name: "userinfo alone", idToken: idptest.Claims{}, userInfo: kyle(nil), check: email("kyle@kwc.io", true)},
		{name: "64 KiB of userinfo", idToken: idptest.Claims{}, userInfo: kyle(idptest.Claims{"padding": strings.Repeat("x", 64<<10)})},
		{
			name: "no such endpoint", idToken: kyle(nil), userInfo: idptest.Claims{"email": "other@kwc.io"},
			tamper: func(t *idptest.Tampering) { t.WithoutUserInfo = true }, check: email("kyle@kwc.io", true),
		},
		{
			name: "ignored", idToken: kyle(nil), userInfo: idptest.Claims{"email": "other@kwc.io"},
			change: func(c *idp.OIDCConfig) { c.IgnoreUserInfo = true }, check: email("kyle@kwc.io", true),
		},
		{name: "an error", idToken: kyle(nil), tamper: broken(http.StatusBadGateway, "secret words"), kind: account.KindInternal, silent: []string{"secret words"}},
		{name: "no JSON", idToken: kyle(nil), tamper: broken(http.StatusOK, "<html>"), kind: account.KindInternal},
		{name: "no object", idToken: kyle(nil), tamper: broken(http.StatusOK, "null"), kind: account.KindInternal},
		{
			name: "of somebody else", idToken: kyle(nil), tamper: func(t *idptest.Tampering) { t.UserInfo = setClaim("sub", "other") },
			kind: account.KindInvalid, says: []string{"somebody else"},
		},
		{
			name: "of nobody", idToken: kyle(nil), tamper: func(t *idptest.Tampering) { t.UserInfo = setClaim("sub", nil) },
			kind: account.KindInvalid, says: []string{"somebody else"},
		},
		{
			name: "signed", idToken: idptest.Claims{}, userInfo: kyle(nil), check: email("kyle@kwc.io", true),
			tamper: func(t *idptest.Tampering) { t.SignedUserInfo, t.UserInfo = true, setClaim("iss", "ISSUER") },
			change: func(c *idp.OIDCConfig) { c.SkipIssuerChecks = true },
		},
		{
			name: "signed by another", idToken: idptest.Claims{}, userInfo: kyle(nil),
			tamper: func(t *idptest.Tampering) {
				t.SignedUserInfo, t.UserInfo = true, setClaim("iss", "https://evil.example")
			},
			kind: account.KindInternal,
		},
		{
			name: "the access token's", idToken: idptest.Claims{"preferred_username": "one"}, userInfo: kyle(idptest.Claims{"preferred_username": "two"}),
			tamper: func(t *idptest.Tampering) { t.JWTAccessTokens = true }, change: fromAccessToken,
			check: func(got idp.Login) error {
				if got.Username != "one" || got.Email != "kyle@kwc.io" || got.Claims.UserInfo["email"] != "kyle@kwc.io" {
					return fmt.Errorf("got %q, %q", got.Username, got.Email)
				}
				return nil
			},
		},
		{name: "the access token's, and it is opaque", idToken: kyle(nil), change: fromAccessToken, kind: account.KindInvalid, says: []string{"access token is not a JWT"}},
		{
			name: "the access token's, and it is of another", idToken: idptest.Claims{}, userInfo: kyle(nil), change: fromAccessToken,
			tamper: func(t *idptest.Tampering) {
				t.JWTAccessTokens, t.AccessToken = true, setClaim("iss", "https://evil.example")
				t.IDToken = setClaim("at_hash", nil)
			},
			kind: account.KindInvalid, says: []string{"access token is not a JWT", "different provider"},
		},
	})
}

// Keys that the provider changes are read again, also of another kind, and those
// that it has withdrawn hold no longer.
func TestOIDCKeyRotation(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	p := newOIDC(t, server, nil)
	for range 2 {
		if _, err := logIn(t, server, p); err != nil {
			t.Fatal(err)
		}
	}
	if got := server.Requests(idptest.Keys); got != 1 {
		t.Errorf("the keys were read %d times for two logins", got)
	}
	server.RotateKeys(t)
	if _, err := logIn(t, server, p); err != nil {
		t.Errorf("after the rotation: %v", err)
	}
	if got := server.Requests(idptest.Keys); got != 2 {
		t.Errorf("the keys were read %d times", got)
	}
}

// Without the keys nothing can be said about the token: that is not the fault of
// who comes.
func TestOIDCKeysUnreadable(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	server.Tamper(func(tampering *idptest.Tampering) {
		tampering.Replace = map[idptest.Endpoint]http.HandlerFunc{idptest.Keys: func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "secret words", http.StatusInternalServerError)
		}}
	})
	p := newOIDC(t, server, nil)
	_, err := logIn(t, server, p)
	if e := refused(t, err); e.Kind != account.KindInternal || e.Detail != "" || strings.Contains(e.Message, "secret words") {
		t.Errorf("got %#v", e)
	}
	server.Behave()
	if _, err := logIn(t, server, p); err != nil {
		t.Errorf("once they can be read: %v", err)
	}
}
