package api_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/server/servertest"
	"usher/sdk"
)

// oidcCase is one login through a provider that says or does something else than
// it should.
type oidcCase struct {
	name    string
	config  func(*idp.OIDCConfig)
	tamper  func(*idptest.Tampering)
	claims  idptest.Claims // of the ID token
	info    idptest.Claims // at the userinfo endpoint; nil means the same
	status  int
	message string   // of the JSON; "" where a page or a session is expected
	detail  string   // a part of it
	words   []string // of the page
	user    func(t *testing.T, me sdk.User)
}

// TestOIDCCallback is auth.md, section 9.2: each row, with its status and body.
func TestOIDCCallback(t *testing.T) {
	t.Parallel()
	ok := http.StatusTemporaryRedirect
	with := func(claims idptest.Claims, name string, value any) idptest.Claims {
		changed := maps.Clone(claims)
		changed[name] = value
		return changed
	}
	kyle := verified("kyle@kwc.io")
	without := func(name string) idptest.Claims {
		claims := verified("kyle@kwc.io")
		delete(claims, name)
		return claims
	}
	named := func(want string) func(*testing.T, sdk.User) {
		return func(t *testing.T, me sdk.User) {
			t.Helper()
			if me.Username != want {
				t.Errorf("the username is %q, want %q", me.Username, want)
			}
		}
	}
	unverified := []string{"Email not verified", "Verify the"}
	unauthorized := []string{"Unauthorized email", "is not from an authorized domain", "Please contact your administrator"}
	domains := func(list ...string) func(*idp.OIDCConfig) { return func(c *idp.OIDCConfig) { c.EmailDomain = list } }
	groups := func(c *idp.OIDCConfig) { c.GroupField, c.AllowedGroups = "groups", []string{"staff", "ops"} }

	cases := []oidcCase{
		{name: "everything is right", claims: kyle, status: ok, user: named("kyle")},

		{name: "1 no id_token", claims: kyle, tamper: func(t *idptest.Tampering) { t.WithoutIDToken = true }, status: 400, message: "ID token"},
		{name: "2 a foreign signature", claims: kyle, tamper: func(t *idptest.Tampering) { t.ForeignSignature = true }, status: 400, message: "ID token"},
		{name: "2 another issuer", claims: kyle, tamper: func(t *idptest.Tampering) {
			t.IDToken = func(claims map[string]any) { claims["iss"] = "https://other.example.com" }
		}, status: 400, message: "ID token", detail: "id token issued by a different provider"},
		{name: "2 another issuer, unchecked", claims: kyle, config: func(c *idp.OIDCConfig) { c.SkipIssuerChecks = true }, tamper: func(t *idptest.Tampering) {
			t.IDToken = func(claims map[string]any) { claims["iss"] = "https://other.example.com" }
		}, status: ok},
		{name: "2 another audience", claims: kyle, tamper: func(t *idptest.Tampering) {
			t.IDToken = func(claims map[string]any) { claims["aud"] = "somebody" }
		}, status: 400, message: "ID token"},
		{name: "2 expired", claims: kyle, tamper: func(t *idptest.Tampering) {
			t.IDToken = func(claims map[string]any) { claims["exp"] = time.Now().Add(-time.Hour).Unix() }
		}, status: 400, message: "ID token"},
		{name: "2 another nonce", claims: kyle, tamper: func(t *idptest.Tampering) {
			t.IDToken = func(claims map[string]any) { claims["nonce"] = "x" }
		}, status: 400, message: "ID token"},
		{name: "3 no subject", claims: kyle, tamper: func(t *idptest.Tampering) {
			t.IDToken = func(claims map[string]any) { delete(claims, "sub") }
		}, status: 400, message: "ID token"},

		{name: "4 userinfo overrides", claims: verified("old@kwc.io"), info: verified("fresh@kwc.io"), status: ok, user: named("fresh")},
		{name: "4 userinfo ignored", config: func(c *idp.OIDCConfig) { c.IgnoreUserInfo = true }, claims: verified("old@kwc.io"), info: verified("fresh@kwc.io"), status: ok, user: named("old")},
		{name: "4 userinfo supplies the address", claims: idptest.Claims{}, info: kyle, status: ok, user: named("kyle")},
		{name: "4 no userinfo endpoint", claims: kyle, tamper: func(t *idptest.Tampering) { t.WithoutUserInfo = true }, status: ok},
		{name: "4 userinfo fails", claims: kyle, tamper: func(t *idptest.Tampering) {
			t.Replace = map[idptest.Endpoint]http.HandlerFunc{idptest.UserInfo: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }}
		}, status: 500, message: "could not be asked who you are"},
		{name: "4 userinfo with a number for an address", claims: kyle, tamper: func(t *idptest.Tampering) {
			t.UserInfo = func(claims map[string]any) { claims["email"] = 7 }
		}, status: 500, message: "could not be asked who you are"},
		{name: "4 userinfo about somebody else", claims: kyle, tamper: func(t *idptest.Tampering) {
			t.UserInfo = func(claims map[string]any) { claims["sub"] = "mallory" }
		}, status: 400, message: "somebody else"},
		{name: "4 userinfo without an end", claims: kyle, tamper: func(t *idptest.Tampering) {
			t.Oversized = map[idptest.Endpoint]bool{idptest.UserInfo: true}
		}, status: 500, message: "could not be asked who you are"},
		{
			name: "4 the access token supplies the address", claims: idptest.Claims{}, info: kyle, config: func(c *idp.OIDCConfig) { c.IgnoreUserInfo, c.AccessTokenClaims = true, true },
			tamper: func(t *idptest.Tampering) { t.JWTAccessTokens = true }, status: ok, user: named("kyle"),
		},
		{
			name: "4 the ID token overrides the access token", claims: verified("id@kwc.io"), info: verified("access@kwc.io"), config: func(c *idp.OIDCConfig) { c.IgnoreUserInfo, c.AccessTokenClaims = true, true },
			tamper: func(t *idptest.Tampering) { t.JWTAccessTokens = true }, status: ok, user: named("id"),
		},
		{name: "4 an access token that is none", claims: kyle, config: func(c *idp.OIDCConfig) { c.IgnoreUserInfo, c.AccessTokenClaims = true, true }, status: 400, message: "access token"},

		{name: "5 no address", claims: without("email"), status: 400, message: "mail"},
		{name: "5 an address for a username", claims: idptest.Claims{"preferred_username": "kyle@kwc.io", "email_verified": true}, status: ok, user: func(t *testing.T, me sdk.User) {
			t.Helper()
			if me.Email != "kyle@kwc.io" || me.Username != "kyle" {
				t.Errorf("the user is %+v", me)
			}
		}},
		{name: "6 an address that is no text", config: func(c *idp.OIDCConfig) { c.IgnoreUserInfo = true }, claims: idptest.Claims{"email": 7, "email_verified": false}, status: 400, message: "mail"},

		{name: "7 not verified", claims: with(kyle, "email_verified", false), status: 403, words: unverified},
		{name: "7 nothing is said", claims: without("email_verified"), status: 403, words: unverified},
		{name: "7 not verified, in words", claims: with(kyle, "email_verified", "false"), status: 403, words: unverified},
		{name: "7 no words at all", claims: with(kyle, "email_verified", "maybe"), status: 403, words: unverified},
		{name: "7 not verified, as a number", claims: with(kyle, "email_verified", 0), status: 403, words: unverified},
		{name: "7 verified, in words", claims: with(kyle, "email_verified", "true"), status: ok},
		{name: "7 verified, as a digit", claims: with(kyle, "email_verified", "1"), status: ok},
		{name: "7 verified, as a number", claims: with(kyle, "email_verified", 1), status: ok},
		{name: "7 ignored", claims: with(kyle, "email_verified", false), config: func(c *idp.OIDCConfig) { c.IgnoreEmailVerified = true }, status: ok},

		{name: "8 a username", claims: with(kyle, "preferred_username", "hotdog"), status: ok, user: named("hotdog")},
		{name: "8 an address", claims: with(kyle, "preferred_username", "kyle@kwc.io"), status: ok, user: named("kyle")},
		{name: "8 nothing", claims: with(kyle, "preferred_username", ""), status: ok, user: named("kyle")},
		{name: "8 marks", claims: with(kyle, "preferred_username", "k_y.l e"), status: ok, user: named("kyle")},
		{name: "8 a reserved word", claims: with(kyle, "preferred_username", "me"), status: ok, user: func(t *testing.T, me sdk.User) {
			t.Helper()
			if me.Username == "me" || me.Username == "" {
				t.Errorf("the username is %q", me.Username)
			}
		}},
		{name: "8 nothing that is left", claims: verified("___@kwc.io"), status: ok, user: func(t *testing.T, me sdk.User) {
			t.Helper()
			if len(me.Username) < 5 {
				t.Errorf("the username is %q", me.Username)
			}
		}},
		{name: "8 another claim", config: func(c *idp.OIDCConfig) { c.UsernameField = "nick" }, claims: with(kyle, "nick", "hotdog"), status: ok, user: named("hotdog")},

		{name: "9 a domain", claims: kyle, config: domains("kwc.io"), status: ok},
		{name: "9 a domain with @", claims: kyle, config: domains("@KWC.io"), status: ok},
		{name: "9 another domain", claims: kyle, config: domains("secret-customer.com", "coder.com"), status: 403, words: unauthorized},
		{name: "9 a subdomain", claims: verified("kyle@sub.kwc.io"), config: domains("kwc.io"), status: 403, words: unauthorized},
		{name: "9 a domain that ends alike", claims: verified("kyle@notkwc.io"), config: domains("kwc.io"), status: 403, words: unauthorized},

		{name: "10 a name", claims: with(kyle, "name", "  Kyle of  Kwc "), status: ok, user: func(t *testing.T, me sdk.User) {
			t.Helper()
			if me.Name != "Kyle of  Kwc" {
				t.Errorf("the name is %q", me.Name)
			}
		}},
		{name: "10 a long name", claims: with(kyle, "name", strings.Repeat("é", 65)), status: ok, user: func(t *testing.T, me sdk.User) {
			t.Helper()
			if me.Name != strings.Repeat("é", 64) {
				t.Errorf("the name is %q", me.Name)
			}
		}},
		{name: "10 a picture", claims: with(kyle, "picture", "https://example.com/k.png"), status: ok, user: func(t *testing.T, me sdk.User) {
			t.Helper()
			if me.AvatarURL != "https://example.com/k.png" {
				t.Errorf("the picture is %q", me.AvatarURL)
			}
		}},

		{name: "12 a group", claims: with(kyle, "groups", []string{"ops", "x"}), config: groups, status: ok},
		{name: "12 no groups", claims: kyle, config: groups, status: 403, words: []string{"group"}},
		{name: "12 other groups", claims: with(kyle, "groups", []string{"guests"}), config: groups, status: 403, words: []string{"group"}},
		{name: "12 groups that are none", claims: with(kyle, "groups", 7), config: groups, status: 400, words: []string{"group"}},
		{name: "12 groups without a rule", claims: with(kyle, "groups", 7), status: ok},

		{name: "64 KiB of claims", claims: with(kyle, "blob", strings.Repeat("x", 64<<10)), status: ok},
		{name: "a token answer without an end", claims: kyle, tamper: func(t *idptest.Tampering) {
			t.Oversized = map[idptest.Endpoint]bool{idptest.Token: true}
		}, status: 500, message: "provider"},
		{name: "an answer that is no JSON", claims: kyle, tamper: func(t *idptest.Tampering) {
			t.Replace = map[idptest.Endpoint]http.HandlerFunc{idptest.Token: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>secret")) }}
		}, status: 500, message: "provider"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func (c oidcCase) run(t *testing.T) {
	t.Helper()
	provider := idptest.NewOIDC(t)
	info := c.info
	if info == nil {
		info = c.claims
	}
	provider.SetClaims("kyle", c.claims, info)
	if c.tamper != nil {
		provider.Tamper(c.tamper)
	}
	var options []func(*idp.OIDCConfig)
	if c.config != nil {
		options = append(options, c.config)
	}
	s := servertest.New(t, withOIDC(provider, options...))
	b := browse(s)
	end := b.logIn(t, provider, oidcPath)
	switch {
	case len(c.words) > 0:
		end.page(t, c.status, c.words...)
		for _, kept := range []string{"secret-customer.com", "coder.com"} {
			if strings.Contains(string(end.body), kept) {
				t.Errorf("the page tells the domain %s", kept)
			}
		}
	case c.message != "":
		body := end.refused(t, c.status, c.message)
		if !strings.Contains(body.Detail, c.detail) || strings.Contains(string(end.body), "secret") {
			t.Errorf("the body is %s", end.body)
		}
	default:
		end.want(t, c.status)
		if me := b.person(t); c.user != nil {
			c.user(t, me.User)
		}
	}
	if session := b.cookies[sdk.SessionTokenCookie]; (session != "") != (c.status == http.StatusTemporaryRedirect) {
		t.Errorf("the session is %q after %d", session, c.status)
	}
}

// TestKeyRotationOfTheProvider: a token that is signed with a new key is let in
// without a restart.
func TestKeyRotationOfTheProvider(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	browse(s).signedIn(t, provider)
	provider.RotateKeys(t)
	browse(s).signedIn(t, provider)
}

func TestProviderWithItsOwnAuthority(t *testing.T) {
	t.Parallel()
	provider := idptest.NewOIDC(t, idptest.WithTLS())
	browse(servertest.New(t, withOIDC(provider))).signedIn(t, provider)
	strange := servertest.New(t, withOIDC(provider), withoutAuthorities)
	browse(strange).visit(t, oidcPath).refused(t, http.StatusInternalServerError, "cannot be reached")
}

// TestProviderThatIsDown: passwords go on, and what is down is told; once it is
// back, so are its logins.
func TestProviderThatIsDown(t *testing.T) {
	t.Parallel()
	provider := idptest.NewOIDC(t)
	provider.Tamper(func(t *idptest.Tampering) { t.Down = true })
	s := servertest.New(t, withOIDC(provider))
	methods := func() sdk.AuthMethods {
		return decode[sdk.AuthMethods](t, guest(s).get(t, path("authmethods")).want(t, http.StatusOK))
	}
	if m := methods(); m.OIDC.Enabled || !m.Password.Enabled {
		t.Errorf("the ways to log in are %+v", m)
	}
	if ready := guest(s).get(t, "/readyz").want(t, http.StatusOK); !strings.HasPrefix(string(ready.body), "OK\n") || !strings.Contains(string(ready.body), "oidc") {
		t.Errorf("readyz says %s", ready)
	}
	browse(s).visit(t, oidcPath).refused(t, http.StatusInternalServerError, "cannot be reached")
	login(t, s, "owner@example.com", servertest.Password)
	provider.Behave()
	eventually(t, func() bool { return methods().OIDC.Enabled })
	if ready := guest(s).get(t, "/readyz"); string(ready.body) != "OK\n" {
		t.Errorf("readyz still says %s", ready)
	}
	browse(s).signedIn(t, provider)
}
