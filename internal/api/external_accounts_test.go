package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/server/servertest"
	"usher/sdk"
)

// verified are the claims of somebody with that address, and others by name.
func verified(email string, others ...any) idptest.Claims {
	claims := idptest.Claims{"email": email, "email_verified": true}
	for i := 0; i < len(others); i += 2 {
		claims[others[i].(string)] = others[i+1]
	}
	return claims
}

// oidcUser is the request for a user who is to log in through a provider.
func oidcUser(username string) body {
	return newUser(username).but("password", nil).but("login_type", "oidc")
}

// TestAccountOfALogin is auth.md, sections 10.1 and 10.2.
func TestAccountOfALogin(t *testing.T) {
	t.Parallel()
	eachWithOIDC(t, func(t *testing.T, s *servertest.Server, provider *idptest.OIDC) {
		login := func(t *testing.T, username string, claims idptest.Claims) (*browser, answer) {
			t.Helper()
			provider.SetUser(username, claims)
			b := browse(s)
			end := b.logIn(t, provider, oidcPath)
			return b, end
		}

		made := create(t, s, oidcUser("ada").but("user_status", "dormant"))
		b, a := login(t, "ada", verified("ADA@example.com", "name", "Ada", "picture", "https://example.com/ada.png"))
		a.sentTo(t)
		ada := b.person(t)
		if ada.ID != made.ID || ada.Status != sdk.UserStatusActive || ada.Username != "ada" {
			t.Errorf("found by its address: %+v", ada.User)
		}
		if ada.Email != "ADA@example.com" || ada.Name != "Ada" || ada.AvatarURL != "https://example.com/ada.png" {
			t.Errorf("the profile is not the provider's: %+v", ada.User)
		}

		b, a = login(t, "ada", verified("ada@new.example.com", "preferred_username", "renamed"))
		a.sentTo(t)
		if moved := b.person(t); moved.ID != ada.ID || moved.Email != "ada@new.example.com" || moved.Name != "" || moved.AvatarURL != "" || moved.Username != "ada" {
			t.Errorf("after a change at the provider: %+v", moved.User)
		}

		_, a = login(t, "other-ada", verified("ada@new.example.com"))
		a.page(t, http.StatusForbidden, "already linked")

		b, a = login(t, "ada-two", verified("ada@elsewhere.example.com", "preferred_username", "ada"))
		a.sentTo(t)
		if second := b.person(t); !strings.HasPrefix(second.Username, "ada-") || second.ID == ada.ID {
			t.Errorf("a second user of one name is %q", second.Username)
		}

		_, a = login(t, "ada", verified("ada@elsewhere.example.com"))
		a.page(t, http.StatusConflict, "another account")

		join(t, s, "pat")
		_, a = login(t, "pat", verified("pat@example.com"))
		a.page(t, http.StatusForbidden, "Incorrect login type", "settings")

		create(t, s, newUser("nolog").but("password", nil).but("login_type", "none"))
		_, a = login(t, "nolog", verified("nolog@example.com"))
		a.page(t, http.StatusForbidden, "Incorrect login type")

		owner(s).put(t, path(ada.ID, "status/suspend"), nil).user(t, http.StatusOK)
		_, a = login(t, "ada", verified("ada@third.example.com"))
		a.page(t, http.StatusForbidden, "suspended")
		if after := owner(s).get(t, path(ada.ID)).user(t, http.StatusOK); after.Email != "ada@new.example.com" || after.Status != sdk.UserStatusSuspended {
			t.Errorf("a refused login changed the user to %+v", after)
		}

		owner(s).delete(t, path(ada.ID)).want(t, http.StatusOK)
		b, a = login(t, "ada", verified("ada@new.example.com"))
		a.sentTo(t)
		if reborn := b.person(t); reborn.ID == ada.ID {
			t.Error("a deleted user came back")
		}
	})
}

// TestNobodyIsTakenOver: an address that the provider has not verified finds no
// account, whatever the settings say.
func TestNobodyIsTakenOver(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	lenient := servertest.New(t, withOIDC(provider, func(c *idp.OIDCConfig) { c.IgnoreEmailVerified = true }))
	for _, each := range []*servertest.Server{s, lenient} {
		for _, user := range []body{oidcUser("victim"), newUser("other")} {
			victim := create(t, each, user)
			for _, claim := range []any{nil, false, "false", "no", 0} {
				claims := idptest.Claims{"email": victim.Email, "sub": "attacker-" + uuid.NewString()}
				if claim != nil {
					claims["email_verified"] = claim
				}
				provider.SetUser("attacker", claims)
				b := browse(each)
				b.logIn(t, provider, oidcPath).page(t, http.StatusForbidden, "Email not verified")
				if b.cookies[sdk.SessionTokenCookie] != "" {
					t.Errorf("%s was taken over with email_verified %v", victim.Username, claim)
				}
			}
		}
	}
	provider.SetUser("newcomer", idptest.Claims{"email": "newcomer@example.com"})
	if me := browse(lenient).signedIn(t, provider); me.Email != "newcomer@example.com" {
		t.Errorf("who ignores it lets %q in", me.Email)
	}
}

func TestEmailFallback(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	lenient := servertest.New(t, withOIDC(provider, func(c *idp.OIDCConfig) { c.EmailFallback = true }))
	for _, c := range []struct {
		s      *servertest.Server
		status int
	}{{s, http.StatusForbidden}, {lenient, http.StatusTemporaryRedirect}} {
		provider.SetUser("kyle", idptest.Claims{"email": "kyle@example.com", "email_verified": true})
		kyle := browse(c.s).signedIn(t, provider)
		provider.SetUser("kyle", idptest.Claims{"email": "kyle@example.com", "email_verified": true, "sub": "another"})
		b := browse(c.s)
		b.logIn(t, provider, oidcPath).want(t, c.status)
		if c.status != http.StatusTemporaryRedirect {
			continue
		}
		if again := b.person(t); again.ID != kyle.ID {
			t.Errorf("the address led to %s, not %s", again.ID, kyle.ID)
		}
		list := decode[[]sdk.Identity](t, owner(c.s).get(t, path(kyle.ID, "identities")).want(t, http.StatusOK))
		if len(list) != 1 || list[0].Subject != "kyle" {
			t.Errorf("the identities are %+v", list)
		}
	}
}

func TestSignups(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	closed := servertest.New(t, withOIDC(provider, func(c *idp.OIDCConfig) { c.AllowSignups = false }))
	worded := servertest.New(t, withOIDC(provider, func(c *idp.OIDCConfig) {
		c.AllowSignups = false
		c.SignupsDisabledText = "Ask <b>Kim</b> at [the desk](https://desk.example.com/a?b=c&d=e)."
	}))
	browse(s).signedIn(t, provider)
	browse(closed).logIn(t, provider, oidcPath).page(t, http.StatusForbidden, "Signups are disabled", "administrator")
	page := browse(worded).logIn(t, provider, oidcPath)
	page.page(t, http.StatusForbidden, "Signups are disabled", `<a href="https://desk.example.com/a?b=c&amp;d=e"`, "the desk</a>")
	if strings.Contains(string(page.body), "<b>") {
		t.Errorf("the text became HTML:\n%s", page.body)
	}
	create(t, closed, oidcUser("kyle"))
	browse(closed).signedIn(t, provider)
}

// TestManyFirstLoginsMakeOneUser: whoever clicks twice is one person, and so is
// the first of all.
func TestManyFirstLoginsMakeOneUser(t *testing.T) {
	t.Parallel()
	eachWithOIDC(t, func(t *testing.T, s *servertest.Server, provider *idptest.OIDC) {
		const clicks = 8
		browsers, backs := make([]*browser, clicks), make([]string, clicks)
		for i := range clicks {
			browsers[i] = browse(s)
			backs[i] = provider.Authorize(t, browsers[i].visit(t, oidcPath).sentTo(t))
		}
		var group sync.WaitGroup
		for i := range clicks {
			group.Go(func() {
				if a := browsers[i].visit(t, backs[i]); a.status != http.StatusTemporaryRedirect {
					t.Errorf("login %d got %s", i, a)
				}
			})
		}
		group.Wait()
		list := decode[sdk.GetUsersResponse](t, owner(s).get(t, "/api/v2/users?q=kyle").want(t, http.StatusOK))
		if list.Count != 1 {
			t.Errorf("%d logins made %d users", clicks, list.Count)
		}
	})
}

// TestLoginsAreAudited is auth.md, section 13: one entry for each.
func TestLoginsAreAudited(t *testing.T) {
	t.Parallel()
	eachWithOIDC(t, func(t *testing.T, s *servertest.Server, provider *idptest.OIDC) {
		entries := func() []sdk.AuditLog {
			return decode[sdk.AuditLogsResponse](t, owner(s).get(t, "/api/v2/audit?limit=100").want(t, http.StatusOK)).AuditLogs
		}
		before := len(entries())
		kyle := browse(s).signedIn(t, provider)
		if after := entries(); len(after) != before+1 || after[0].Action != "register" || after[0].ResourceType != "api_key" ||
			after[0].ResourceID != kyle.ID || after[0].User == nil || after[0].User.ID != kyle.ID || len(after[0].Diff) != 0 {
			t.Errorf("a new user is %d entries, the last %+v", len(after)-before, after[0])
		}
		browse(s).signedIn(t, provider)
		if after := entries(); len(after) != before+2 || after[0].Action != "login" || after[0].ResourceType != "api_key" {
			t.Errorf("a login is %d entries, the last %+v", len(after)-before-1, after[0])
		}
		provider.SetUser("kyle", idptest.Claims{"email": "new@example.com", "email_verified": true, "name": "Kyle"})
		browse(s).signedIn(t, provider)
		after := entries()
		if len(after) != before+4 || after[1].Diff["email"].New != "new@example.com" && after[0].Diff["email"].New != "new@example.com" {
			t.Errorf("a login that changes the address is %d entries: %+v", len(after)-before-2, after[:2])
		}
		owner(s).put(t, path(kyle.ID, "status/suspend"), nil).user(t, http.StatusOK)
		browse(s).logIn(t, provider, oidcPath).want(t, http.StatusForbidden)
		if last := entries()[0]; last.Action != "login" || last.StatusCode != http.StatusForbidden || last.ResourceID != kyle.ID {
			t.Errorf("a refused login is %+v", last)
		}
		ada := create(t, s, oidcUser("ada"))
		provider.SetUser("ada", idptest.Claims{"email": ada.Email, "email_verified": true, "name": ada.Name})
		before = len(entries())
		browse(s).signedIn(t, provider)
		actions := map[string]int{}
		for _, e := range entries()[:len(entries())-before] {
			actions[e.ResourceType+" "+string(e.Action)]++
		}
		if actions["api_key login"] != 1 || actions["identity create"] != 1 || len(actions) != 2 {
			t.Errorf("a first login of an account that was made is %v", actions)
		}
	})
}

func TestOIDCClaims(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	provider.SetClaims("kyle", idptest.Claims{"email": "old@example.com", "email_verified": true, "groups": []string{"staff"}},
		idptest.Claims{"email": "kyle@example.com", "email_verified": true})
	kyle := browse(s).signedIn(t, provider)
	claims := decode[sdk.OIDCClaims](t, kyle.get(t, path("oidc-claims")).want(t, http.StatusOK)).Claims
	if claims["email"] != "kyle@example.com" || claims["sub"] != "kyle" || claims["groups"] == nil {
		t.Errorf("the claims are %v", claims)
	}
	owner(s).get(t, path("oidc-claims")).refused(t, http.StatusBadRequest, "not an OIDC user")
	waiting := create(t, s, oidcUser("waiting"))
	key := decode[sdk.GenerateAPIKeyResponse](t, owner(s).post(t, path(waiting.ID, "keys/tokens"), body{}).want(t, http.StatusCreated)).Key
	guest(s).as(key).get(t, path("oidc-claims")).refused(t, http.StatusNotFound, "not logged in")
	guest(s).get(t, path("oidc-claims")).refused(t, http.StatusUnauthorized, signedOut)
}
