package idp_test

import (
	"fmt"
	"strings"
	"testing"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/idp/idptest"
)

// oidcCase is one login of the rows of the contract.
type oidcCase struct {
	name     string
	idToken  idptest.Claims // of both places where userInfo is nil
	userInfo idptest.Claims
	change   func(*idp.OIDCConfig)
	tamper   func(*idptest.Tampering)

	kind   account.Kind // of the refusal; "" for none
	title  string       // of a page
	says   []string     // in the message or its detail
	silent []string     // not in them

	check func(idp.Login) error
}

func runOIDC(t *testing.T, cases []oidcCase) {
	t.Helper()
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := idptest.NewOIDC(t)
			if test.userInfo == nil {
				test.userInfo = test.idToken
			}
			server.SetClaims("kyle", test.idToken, test.userInfo)
			if test.tamper != nil {
				server.Tamper(test.tamper)
			}
			login, err := logIn(t, server, newOIDC(t, server, test.change))
			if test.kind == "" {
				if err != nil {
					t.Fatal(err)
				}
				if test.check != nil {
					if err := test.check(login); err != nil {
						t.Error(err)
					}
				}
				return
			}
			e := refused(t, err)
			if e.Kind != test.kind || e.Title != test.title {
				t.Errorf("kind %s, title %q: %v", e.Kind, e.Title, err)
			}
			told := e.Message + "\n" + e.Detail
			for _, want := range test.says {
				if !strings.Contains(told, want) {
					t.Errorf("%q is missing in %q", want, told)
				}
			}
			for _, secret := range test.silent {
				if strings.Contains(told, secret) {
					t.Errorf("%q is told in %q", secret, told)
				}
			}
			if e.Kind == account.KindInternal && e.Detail != "" {
				t.Errorf("an internal error with the detail %q", e.Detail)
			}
		})
	}
}

func username(want string) func(idp.Login) error {
	return func(got idp.Login) error {
		if got.Username != want {
			return fmt.Errorf("username %q, want %q", got.Username, want)
		}
		return nil
	}
}

func email(want string, verified bool) func(idp.Login) error {
	return func(got idp.Login) error {
		if got.Email != want || got.EmailVerified != verified {
			return fmt.Errorf("address %q, verified: %t", got.Email, got.EmailVerified)
		}
		return nil
	}
}

// kyle returns the claims of somebody whom every rule lets in, with others.
func kyle(others idptest.Claims) idptest.Claims {
	claims := idptest.Claims{"email": "kyle@kwc.io", "email_verified": true}
	for name, value := range others {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	return claims
}

// Rows 5 and 6: the address.
func TestOIDCEmail(t *testing.T) {
	t.Parallel()
	runOIDC(t, []oidcCase{
		{name: "none", idToken: kyle(idptest.Claims{"email": nil}), kind: account.KindInvalid, says: []string{"no e-mail address"}},
		{name: "empty", idToken: kyle(idptest.Claims{"email": ""}), kind: account.KindInvalid, says: []string{"no e-mail address"}},
		// Nobody is let into an account by a username that looks like its address.
		{name: "the username is one", idToken: kyle(idptest.Claims{"email": nil, "preferred_username": "kyle@kwc.io"}), check: email("kyle@kwc.io", false)},
		{name: "the username is none", idToken: kyle(idptest.Claims{"email": nil, "preferred_username": "kyle"}), kind: account.KindInvalid},
		{name: "a number in the ID token", idToken: kyle(idptest.Claims{"email": 7}), userInfo: idptest.Claims{}, kind: account.KindInvalid, says: []string{"no text"}},
		{name: "a number, and not verified", idToken: kyle(idptest.Claims{"email": 7, "email_verified": false}), userInfo: idptest.Claims{}, kind: account.KindInvalid},
		{name: "a number at userinfo", idToken: kyle(nil), userInfo: idptest.Claims{"email": 7}, kind: account.KindInternal},
		{name: "no address", idToken: kyle(idptest.Claims{"email": "kyle"}), kind: account.KindInvalid, says: []string{"must be an e-mail address"}},
		{name: "with a name", idToken: kyle(idptest.Claims{"email": "Kyle <kyle@kwc.io>"}), kind: account.KindInvalid},
		{name: "too long", idToken: kyle(idptest.Claims{"email": strings.Repeat("a", 250) + "@kwc.io"}), kind: account.KindInvalid},
		{
			name: "another claim", idToken: kyle(idptest.Claims{"upn": "carberry@kwc.io"}),
			change: func(c *idp.OIDCConfig) { c.EmailField = "upn" }, check: email("carberry@kwc.io", true),
		},
	})
}

// Row 7: whether it is verified, in every way that providers say so.
func TestOIDCEmailVerified(t *testing.T) {
	t.Parallel()
	page := []string{"Verify the", "kyle@kwc.io"}
	cases := []oidcCase{
		{
			name: "ignored", idToken: kyle(idptest.Claims{"email_verified": false}),
			change: func(c *idp.OIDCConfig) { c.IgnoreEmailVerified = true }, check: email("kyle@kwc.io", false),
		},
		{
			name: "ignored, and verified", idToken: kyle(nil),
			change: func(c *idp.OIDCConfig) { c.IgnoreEmailVerified = true }, check: email("kyle@kwc.io", true),
		},
	}
	for _, yes := range []any{true, "true", "1", 1, 2} {
		cases = append(cases, oidcCase{
			name: fmt.Sprintf("yes %#v", yes), idToken: kyle(idptest.Claims{"email_verified": yes}), check: email("kyle@kwc.io", true),
		})
	}
	for _, no := range []any{nil, false, "false", "0", "", "maybe", 0, []string{"true"}} {
		cases = append(cases, oidcCase{
			name: fmt.Sprintf("no %#v", no), idToken: kyle(idptest.Claims{"email_verified": no}),
			kind: account.KindForbidden, title: "Email not verified", says: page,
		})
	}
	runOIDC(t, cases)
}

// Row 8: usernames.
func TestOIDCUsername(t *testing.T) {
	t.Parallel()
	random := func(got idp.Login) error {
		if account.CheckUsername(got.Username) != nil || !strings.Contains(got.Username, "-") {
			return fmt.Errorf("username %q", got.Username)
		}
		return nil
	}
	runOIDC(t, []oidcCase{
		{name: "valid", idToken: kyle(idptest.Claims{"preferred_username": "kylec"}), check: username("kylec")},
		{name: "none", idToken: kyle(nil), check: username("kyle")},
		{name: "no text", idToken: kyle(idptest.Claims{"preferred_username": 7}), check: username("kyle")},
		{name: "an address", idToken: kyle(idptest.Claims{"preferred_username": "carberry@kwc.io"}), check: username("carberry")},
		{name: "with dots", idToken: kyle(idptest.Claims{"preferred_username": "kyle.carberry"}), check: username("kylecarberry")},
		{name: "reserved", idToken: kyle(idptest.Claims{"preferred_username": "me"}), check: random},
		{name: "nothing left", idToken: kyle(idptest.Claims{"preferred_username": "武"}), check: random},
		{
			name: "another claim", idToken: kyle(idptest.Claims{"login": "kc", "preferred_username": "kyle"}),
			change: func(c *idp.OIDCConfig) { c.UsernameField = "login" }, check: username("kc"),
		},
	})
}

// Row 9: the domains.
func TestOIDCDomains(t *testing.T) {
	t.Parallel()
	domains := func(c *idp.OIDCConfig) { c.EmailDomain = []string{"@secret.example", "kwc.io"} }
	elsewhere := func(name, address string) oidcCase {
		return oidcCase{
			name: name, idToken: kyle(idptest.Claims{"email": address}), change: domains,
			kind: account.KindForbidden, title: "Unauthorized email",
			says:   []string{"is not from an authorized domain", "Please contact your administrator"},
			silent: []string{"secret.example", "kwc.io,"},
		}
	}
	runOIDC(t, []oidcCase{
		{name: "inside", idToken: kyle(idptest.Claims{"email": "kyle@KWC.io"}), change: domains, check: email("kyle@KWC.io", true)},
		{name: "with an at sign", idToken: kyle(idptest.Claims{"email": "k@secret.example"}), change: domains},
		elsewhere("elsewhere", "kyle@example.com"), elsewhere("a subdomain", "kyle@sub.kwc.io"), elsewhere("no address", "kyle"),
		{
			name: "not verified comes first", idToken: kyle(idptest.Claims{"email": "a@b.c", "email_verified": false}), change: domains,
			kind: account.KindForbidden, title: "Email not verified",
		},
	})
}

// Row 10: name and picture.
func TestOIDCProfile(t *testing.T) {
	t.Parallel()
	profile := func(name, avatar string) func(idp.Login) error {
		return func(got idp.Login) error {
			if got.Name != name || got.AvatarURL != avatar {
				return fmt.Errorf("name %q, avatar %q", got.Name, got.AvatarURL)
			}
			return nil
		}
	}
	runOIDC(t, []oidcCase{
		{name: "none", idToken: kyle(nil), check: profile("", "")},
		{name: "too long", idToken: kyle(idptest.Claims{"name": strings.Repeat("ü", 65)}), check: profile(strings.Repeat("ü", 64), "")},
		{name: "control characters", idToken: kyle(idptest.Claims{"name": "Ky\u0000le\n"}), check: profile("Kyle", "")},
		{name: "no text", idToken: kyle(idptest.Claims{"name": []string{"Kyle"}}), check: profile("", "")},
		{name: "a script", idToken: kyle(idptest.Claims{"picture": "javascript:alert(1)"}), check: profile("", "")},
		{name: "a picture", idToken: kyle(idptest.Claims{"picture": "https://kwc.io/k.png"}), check: profile("", "https://kwc.io/k.png")},
		{
			name: "another claim", idToken: kyle(idptest.Claims{"name": "Kyle", "display": "K. C."}),
			change: func(c *idp.OIDCConfig) { c.NameField = "display" }, check: profile("K. C.", ""),
		},
	})
}

// Row 12, section 11: the group allow list.
func TestOIDCGroups(t *testing.T) {
	t.Parallel()
	allowed := func(c *idp.OIDCConfig) {
		c.Scopes, c.AllowedGroups = []string{"openid", "groups"}, []string{"staff", "ops"}
	}
	runOIDC(t, []oidcCase{
		{name: "in one", idToken: kyle(idptest.Claims{"groups": []string{"all", "ops"}}), change: allowed},
		{name: "a single text", idToken: kyle(idptest.Claims{"groups": "staff"}), change: allowed},
		{
			name: "missing", idToken: kyle(nil), change: allowed,
			kind: account.KindForbidden, title: "Groups missing", says: []string{"does not say"},
		},
		{
			name: "in none", idToken: kyle(idptest.Claims{"groups": []string{"Staff"}}), change: allowed,
			kind: account.KindForbidden, title: "Not in an allowed group", silent: []string{"staff", "ops"},
		},
		{
			name: "empty", idToken: kyle(idptest.Claims{"groups": []string{}}), change: allowed,
			kind: account.KindForbidden, title: "Not in an allowed group",
		},
		{
			name: "with a comma", idToken: kyle(idptest.Claims{"groups": "staff,ops"}), change: allowed,
			kind: account.KindInvalid, title: "Groups unreadable",
		},
		{
			name: "numbers", idToken: kyle(idptest.Claims{"groups": []int{1}}), change: allowed,
			kind: account.KindInvalid, title: "Groups unreadable",
		},
		{name: "unreadable and not asked for", idToken: kyle(idptest.Claims{"groups": 7})},
		{
			name: "another claim", idToken: kyle(idptest.Claims{"roles": []string{"ops"}}),
			change: func(c *idp.OIDCConfig) { c.GroupField, c.AllowedGroups = "roles", []string{"ops"} },
		},
	})
}
