package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"usher/internal/idp/idptest"
	"usher/internal/server/servertest"
	"usher/sdk"
)

const conversionCookie = "coder_oauth_convert_jwt"

// convert begins the conversion of the account that the browser is signed in to.
func (b *browser) convert(t testing.TB) sdk.OAuthConversionResponse {
	t.Helper()
	a := b.person(t).post(t, path("me", "convert-login"), body{"to_type": "oidc", "password": servertest.Password}).want(t, http.StatusCreated)
	b.keep(a)
	return decode[sdk.OAuthConversionResponse](t, a)
}

// complete goes through the login that a conversion needs.
func (b *browser) complete(t testing.TB, provider *idptest.OIDC, state string) answer {
	t.Helper()
	return b.logIn(t, provider, oidcPath+"?oidc_merge_state="+url.QueryEscape(state))
}

func TestConvertLogin(t *testing.T) {
	t.Parallel()
	eachWithOIDC(t, func(t *testing.T, s *servertest.Server, provider *idptest.OIDC) {
		pat := create(t, s, newUser("pat"))
		provider.SetUser("pat-at-work", idptest.Claims{"email": "pat@example.com", "email_verified": true})
		b := browse(s)
		session := b.signInByPassword(t, pat.Email)
		token := decode[sdk.GenerateAPIKeyResponse](t, session.post(t, path("me", "keys/tokens"), body{}).want(t, http.StatusCreated)).Key
		begun := b.convert(t)
		if !strings.HasPrefix(begun.StateString, "convert-") || len(begun.StateString) != len("convert-")+32 ||
			begun.ToType != sdk.LoginTypeOIDC || begun.UserID != pat.ID || time.Until(begun.ExpiresAt) > 5*time.Minute || time.Until(begun.ExpiresAt) < 4*time.Minute {
			t.Errorf("begun: %+v", begun)
		}
		end := b.complete(t, provider, begun.StateString)
		if to := end.sentTo(t); to != "/" {
			t.Errorf("it leads to %q", to)
		}
		if b.cookies[sdk.SessionTokenCookie] != "" || b.cookies[conversionCookie] != "" {
			t.Errorf("the browser still has %v", b.cookies)
		}
		session.get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
		after := guest(s).as(token).get(t, path("me")).user(t, http.StatusOK) // other keys go on
		if after.LoginType != sdk.LoginTypeOIDC {
			t.Errorf("the user is %+v", after)
		}
		guest(s).post(t, path("login"), body{"email": pat.Email, "password": servertest.Password}).refused(t, http.StatusUnauthorized, badLogin)
		if me := browse(s).signedIn(t, provider); me.ID != pat.ID {
			t.Errorf("logged in as %s", me.ID)
		}
		log := decode[sdk.AuditLogsResponse](t, owner(s).get(t, "/api/v2/audit?limit=10").want(t, http.StatusOK)).AuditLogs
		seen := map[string]sdk.AuditLog{}
		for _, e := range log {
			seen[e.ResourceType+" "+string(e.Action)] = e
		}
		if e := seen["convert_login create"]; e.ResourceID != pat.ID || e.StatusCode != http.StatusCreated {
			t.Errorf("the beginning is %+v", e)
		}
		if e := seen["user write"]; e.Diff["login_type"].New != "oidc" || !e.Diff["hashed_password"].Secret || e.ResourceID != pat.ID {
			t.Errorf("the end is %+v", e)
		}
	})
}

func TestConvertWithoutASessionSignsIn(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	create(t, s, newUser("kyle"))
	b := browse(s)
	b.signInByPassword(t, "kyle@example.com")
	begun := b.convert(t)
	delete(b.cookies, sdk.SessionTokenCookie)
	b.complete(t, provider, begun.StateString).sentTo(t)
	if me := b.person(t); me.LoginType != sdk.LoginTypeOIDC {
		t.Errorf("signed in as %+v", me.User)
	}
}

// TestBeginningOfAConversion is the first half of auth.md, section 6.2.
func TestBeginningOfAConversion(t *testing.T) {
	t.Parallel()
	s, _ := newWithOIDC(t)
	pat := join(t, s, "pat")
	good := body{"to_type": "oidc", "password": servertest.Password}
	pat.post(t, path("nobody", "convert-login"), good).refused(t, http.StatusNotFound, notFound)
	pat.post(t, path("me", "convert-login"), "{").refused(t, http.StatusBadRequest, badJSON)
	pat.post(t, path("me", "convert-login"), body{}).refused(t, http.StatusBadRequest, badFields, "to_type", "password")
	for _, to := range []string{"none", "password", "token", "saml"} {
		pat.post(t, path("me", "convert-login"), good.but("to_type", to)).refused(t, http.StatusBadRequest, "cannot be converted", "to_type")
	}
	pat.post(t, path("me", "convert-login"), good.but("to_type", "github")).refused(t, http.StatusBadRequest, "not configured")
	pat.post(t, path("me", "convert-login"), good.but("provider", "partners")).refused(t, http.StatusBadRequest, "not configured")
	pat.post(t, path("me", "convert-login"), good.but("password", "wrong")).refused(t, http.StatusUnauthorized, badLogin)
	create(t, s, oidcUser("ada"))
	owner(s).post(t, path("ada", "convert-login"), good).refused(t, http.StatusUnauthorized, badLogin)
	a := pat.post(t, path("me", "convert-login"), good).want(t, http.StatusCreated)
	cookie := a.cookies()[0]
	if cookie.Name != conversionCookie || !cookie.HttpOnly || cookie.Path != "/" || cookie.SameSite != http.SameSiteLaxMode || time.Until(cookie.Expires) > 5*time.Minute {
		t.Errorf("the cookie is %s", cookie)
	}
}

// TestGuessingByConversion: the password check is no way around the brake on
// guesses.
func TestGuessingByConversion(t *testing.T) {
	t.Parallel()
	s, _ := newWithOIDC(t)
	pat := join(t, s, "pat")
	for range 10 {
		pat.post(t, path("me", "convert-login"), body{"to_type": "oidc", "password": "wrong"}).want(t, http.StatusUnauthorized)
	}
	pat.post(t, path("me", "convert-login"), body{"to_type": "oidc", "password": servertest.Password}).want(t, http.StatusTooManyRequests)
	guest(s).post(t, path("login"), body{"email": pat.Email, "password": servertest.Password}).want(t, http.StatusTooManyRequests)
}

// TestEndOfAConversion is the second half of the section.
func TestEndOfAConversion(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	provider.SetUser("pat", idptest.Claims{"email": "pat@example.com", "email_verified": true})
	create(t, s, newUser("pat"))
	create(t, s, newUser("other"))
	other := browse(s)
	other.signInByPassword(t, "other@example.com")
	begin := func(t *testing.T) (*browser, string) {
		t.Helper()
		b := browse(s)
		b.signInByPassword(t, "pat@example.com")
		return b, b.convert(t).StateString
	}
	cases := []struct {
		name    string
		change  func(t *testing.T, b *browser, state string)
		status  int
		message string
	}{
		{"no cookie", func(_ *testing.T, b *browser, _ string) { delete(b.cookies, conversionCookie) }, 400, "cookie"},
		{"a forged cookie", func(_ *testing.T, b *browser, _ string) { b.cookies[conversionCookie] = "x" }, 400, "Using an invalid jwt to authorize this action."},
		{"a changed cookie", func(_ *testing.T, b *browser, _ string) { b.cookies[conversionCookie] += "A" }, 400, "Using an invalid jwt to authorize this action."},
		{"the cookie of another conversion", func(t *testing.T, b *browser, _ string) {
			second, _ := begin(t)
			b.cookies[conversionCookie] = second.cookies[conversionCookie]
		}, 403, forbidden},
		{"the cookie of another user", func(t *testing.T, b *browser, _ string) {
			other.convert(t)
			b.cookies[conversionCookie] = other.cookies[conversionCookie]
		}, 403, forbidden},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b, state := begin(t)
			c.change(t, b, state)
			b.complete(t, provider, state).refused(t, c.status, c.message)
			if b.cookies[conversionCookie] != "" {
				t.Error("the cookie of the conversion is still there")
			}
		})
	}
	t.Run("another account at the provider", func(t *testing.T) {
		b, state := begin(t)
		provider.SetUser("stranger", idptest.Claims{"email": "stranger@example.com", "email_verified": true})
		defer provider.SetUser("pat", idptest.Claims{"email": "pat@example.com", "email_verified": true})
		b.complete(t, provider, state).refused(t, http.StatusBadRequest, "another e-mail address")
	})
	t.Run("another user's account at the provider", func(t *testing.T) {
		b, state := begin(t)
		provider.SetUser("other", idptest.Claims{"email": "other@example.com", "email_verified": true})
		defer provider.SetUser("pat", idptest.Claims{"email": "pat@example.com", "email_verified": true})
		b.complete(t, provider, state).refused(t, http.StatusForbidden, forbidden)
	})
	t.Run("a state that nobody gave", func(t *testing.T) {
		for _, state := range []string{"x", "convert-", "convert-" + strings.Repeat("x", 31), "oidc." + strings.Repeat("x", 32), "convert-" + strings.Repeat("é", 16)} {
			browse(s).visit(t, oidcPath+"?oidc_merge_state="+url.QueryEscape(state)).refused(t, http.StatusBadRequest, "state")
		}
	})
	for _, name := range []string{"pat", "other"} {
		if u := owner(s).get(t, path(name)).user(t, http.StatusOK); u.LoginType != sdk.LoginTypePassword {
			t.Errorf("%s was converted", name)
		}
	}
}
