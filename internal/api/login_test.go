package api_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/sdk"
)

const loginPath = "/api/v2/users/login"

func credentials(email, password string) body { return body{"email": email, "password": password} }

func TestLogin(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		c := guest(s)
		create(t, s, newUser("Berta").but("email", "Berta@Example.com"))
		for _, email := range []string{"Berta@Example.com", "berta@example.com", "BERTA@EXAMPLE.COM"} {
			a := c.post(t, loginPath, credentials(email, servertest.Password)).want(t, http.StatusCreated)
			session := decode[sdk.LoginWithPasswordResponse](t, a).SessionToken
			if me := c.as(session).get(t, path("me")).user(t, http.StatusOK); me.Username != "Berta" {
				t.Errorf("%s is %s", email, me.Username)
			}
		}
		c.post(t, loginPath, credentials("berta", servertest.Password)).refused(t, http.StatusBadRequest, badFields, "email")
		c.post(t, loginPath, credentials("berta@example.com", "")).refused(t, http.StatusBadRequest, badFields, "password")
		c.post(t, loginPath, body{}).refused(t, http.StatusBadRequest, badFields, "email", "password")
		c.post(t, loginPath, nil).refused(t, http.StatusBadRequest, badJSON)
	})
}

// TestLoginRefusalsAreAlike: nobody learns from a refusal whether an address is
// known, or how its account signs in.
func TestLoginRefusalsAreAlike(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		create(t, s, newUser("pia"))
		create(t, s, newUser("github").but("password", nil).but("login_type", "github"))
		create(t, s, newUser("keys-only").but("password", nil).but("login_type", "none"))
		gone := create(t, s, newUser("gone"))
		owner(s).delete(t, path(gone.ID)).want(t, http.StatusOK)
		create(t, s, newUser("out").but("user_status", "suspended"))

		var first answer
		for _, who := range []body{
			credentials("nobody@example.com", servertest.Password),
			credentials("pia@example.com", "not the password"),
			credentials("github@example.com", servertest.Password),
			credentials("keys-only@example.com", servertest.Password),
			credentials("gone@example.com", servertest.Password),
			credentials("out@example.com", "not the password"),
		} {
			a := guest(s).post(t, loginPath, who)
			a.refused(t, http.StatusUnauthorized, badLogin)
			if a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s got a cookie", who["email"])
			}
			if first.body == nil {
				first = a
			}
			if !bytes.Equal(first.body, a.body) {
				t.Errorf("%s got %s, others %s", who["email"], a.body, first.body)
			}
		}
	})
}

func TestLoginOfSuspended(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	create(t, s, newUser("sue").but("user_status", "suspended"))
	guest(s).post(t, loginPath, credentials("sue@example.com", servertest.Password)).
		refused(t, http.StatusUnauthorized, "suspended")
	owner(s).put(t, path("sue", "status/activate"), nil).user(t, http.StatusOK)
	login(t, s, "sue@example.com", servertest.Password)
}

func TestPasswordAuthDisabled(t *testing.T) {
	t.Parallel()

	cfg := servertest.New(t)
	cfg.Stop() // a user made while passwords were accepted
	s := servertest.Start(t, cfg.Store, func(c *server.Config) { c.DisablePasswordAuth = true })
	c := guest(s)

	c.post(t, loginPath, credentials("owner@example.com", servertest.Password)).
		refused(t, http.StatusForbidden, "Password authentication is disabled")
	// Only a right password is told so.
	c.post(t, loginPath, credentials("owner@example.com", "wrong")).refused(t, http.StatusUnauthorized, badLogin)
	c.post(t, loginPath, credentials("nobody@example.com", "wrong")).refused(t, http.StatusUnauthorized, badLogin)

	methods := decode[sdk.AuthMethods](t, c.get(t, "/api/v2/users/authmethods").want(t, http.StatusOK))
	if methods.Password.Enabled {
		t.Error("the password is still offered")
	}
	admin := c.as(cfg.Owner.SessionToken())
	admin.post(t, "/api/v2/users", newUser("late")).refused(t, http.StatusForbidden, "Password authentication is disabled")
	// Before the missing organization is looked at, after the fields.
	admin.post(t, "/api/v2/users", newUser("late").but("organization_ids", nil)).refused(t, http.StatusForbidden, "Password authentication is disabled")
	admin.post(t, "/api/v2/users", newUser("late").but("email", "x")).refused(t, http.StatusBadRequest, badFields, "email")
	admin.post(t, "/api/v2/users", newUser("keys").but("password", nil).but("login_type", "none")).user(t, http.StatusCreated)
}

// TestLoginWakesTheDormant: by a login, and by a request with a key.
func TestLoginWakesTheDormant(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, by := range []string{"by-login", "by-request"} {
			user := create(t, s, newUser(by).but("user_status", nil))
			if user.Status != sdk.UserStatusDormant || !user.LastSeenAt.IsZero() {
				t.Fatalf("%s begins %s, seen at %s", by, user.Status, user.LastSeenAt)
			}
			if by == "by-login" {
				login(t, s, user.Email, servertest.Password)
			} else {
				key := owner(s).post(t, path(user.ID, "keys"), nil).want(t, http.StatusCreated)
				c := guest(s).as(decode[sdk.GenerateAPIKeyResponse](t, key).Key)
				if me := c.get(t, path("me")).user(t, http.StatusOK); me.Status != sdk.UserStatusActive {
					t.Errorf("its own answer still says %s", me.Status)
				}
			}
			after := owner(s).get(t, path(user.ID)).user(t, http.StatusOK)
			if after.Status != sdk.UserStatusActive || after.LastSeenAt.IsZero() || !after.UpdatedAt.After(user.UpdatedAt) {
				t.Errorf("%s: status %s, seen at %s, updated at %s", by, after.Status, after.LastSeenAt, after.UpdatedAt)
			}
			entries := audit(t, s, "action:write resource_id:"+user.ID.String())
			if len(entries) != 1 {
				t.Fatalf("%s: %d entries of waking, want 1", by, len(entries))
			}
			e := entries[0]
			if e.AdditionalFields["automatic_actor"] != "coder" || e.AdditionalFields["automatic_subsystem"] != "dormancy" ||
				e.StatusCode != http.StatusOK || e.Diff["status"].Old != "dormant" || e.Diff["status"].New != "active" {
				t.Errorf("%s: %+v", by, e)
			}
		}
	})
}

func TestLogout(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		lou := join(t, s, "lou")
		other := login(t, s, lou.Email, servertest.Password)
		a := lou.post(t, "/api/v2/users/logout", nil).want(t, http.StatusOK)
		if got := decode[sdk.Response](t, a).Message; got != "Logged out!" {
			t.Errorf("message %q", got)
		}
		lou.get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
		lou.post(t, "/api/v2/users/logout", nil).refused(t, http.StatusUnauthorized, signedOut)
		other.get(t, path("me")).user(t, http.StatusOK)
		guest(s).post(t, "/api/v2/users/logout", nil).refused(t, http.StatusUnauthorized, signedOut)

		entries := audit(t, s, "action:logout resource_id:"+lou.ID.String())
		if len(entries) != 1 || entries[0].ResourceType != "api_key" || len(entries[0].Diff) != 0 ||
			entries[0].Description != "{user} logged out" {
			t.Errorf("%+v", entries)
		}
	})
}

func TestSessionKeys(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		kim := join(t, s, "kim")
		a := kim.post(t, path("me", "keys"), nil).want(t, http.StatusCreated)
		if len(a.header.Values("Set-Cookie")) > 0 {
			t.Error("a key for a command line came with a cookie")
		}
		key := decode[sdk.GenerateAPIKeyResponse](t, a).Key
		guest(s).as(key).get(t, path("me")).user(t, http.StatusOK)
		kim.post(t, path("me", "keys"), "this is not read").want(t, http.StatusCreated)

		// Signing out of the browser does not end it.
		kim.post(t, "/api/v2/users/logout", nil).want(t, http.StatusOK)
		guest(s).as(key).get(t, path("me")).user(t, http.StatusOK)

		entries := audit(t, s, "action:create resource_type:api_key resource_id:"+kim.ID.String())
		if len(entries) != 2 {
			t.Fatalf("%d entries, want one for each key", len(entries))
		}
		for _, e := range entries {
			if e.StatusCode != http.StatusCreated || e.User.ID != kim.ID || e.Diff["expires_at"].New == nil {
				t.Errorf("%+v", e)
			}
		}

		// Owners make keys for anyone; others for nobody but themselves.
		owner(s).post(t, path(kim.ID, "keys"), nil).want(t, http.StatusCreated)
		join(t, s, "una", "user-admin").post(t, path("kim", "keys"), nil).lacks(t, "api_key:create", "role")
		join(t, s, "mia").post(t, path("kim", "keys"), nil).refused(t, http.StatusNotFound, notFound)
		owner(s).post(t, path(uuid.New(), "keys"), nil).refused(t, http.StatusNotFound, notFound)
		owner(s).delete(t, path(kim.ID)).want(t, http.StatusOK)
		owner(s).post(t, path("kim", "keys"), nil).refused(t, http.StatusNotFound, notFound)
		owner(s).post(t, path(kim.ID, "keys"), nil).refused(t, http.StatusNotFound, notFound)
	})
}

// TestKeysOfServiceAccounts: user-admins make them too, unless the account holds
// a role that they could not assign.
func TestKeysOfServiceAccounts(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		robot := body{"username": "robot", "service_account": true, "organization_ids": []uuid.UUID{uuid.Nil}, "user_status": "active"}
		create(t, s, robot)
		create(t, s, robot.but("username", "mighty").but("roles", []string{"auditor"}))
		una := join(t, s, "una", "user-admin")
		key := decode[sdk.GenerateAPIKeyResponse](t, una.post(t, path("robot", "keys"), nil).want(t, http.StatusCreated)).Key
		if me := guest(s).as(key).get(t, path("me")).user(t, http.StatusOK); !me.IsServiceAccount || me.Email != "" {
			t.Errorf("%+v", me)
		}
		una.post(t, path("mighty", "keys"), nil).lacks(t, "api_key:create", "role")
		join(t, s, "aud", "auditor").post(t, path("robot", "keys"), nil).lacks(t, "api_key:create", "role")
	})
}

// TestSessionCookie: it lasts for a year, because the server decides when a
// session ends, and is Secure where clients come by https.
func TestSessionCookie(t *testing.T) {
	t.Parallel()

	for accessURL, secure := range map[string]string{"": "", "http://usher.example.com": "", "https://usher.example.com": "; Secure"} {
		s := behind(t, accessURL)
		a := guest(s).post(t, loginPath, credentials("owner@example.com", servertest.Password)).want(t, http.StatusCreated)
		key := decode[sdk.LoginWithPasswordResponse](t, a).SessionToken
		want := "coder_session_token=" + key + "; Path=/; Max-Age=31536000; HttpOnly" + secure + "; SameSite=Lax"
		if got := a.header.Values("Set-Cookie"); len(got) != 1 || got[0] != want {
			t.Errorf("%q: %d cookies, the first not as it should be", accessURL, len(got))
		}
		a = guest(s).as(key).post(t, "/api/v2/users/logout", nil).want(t, http.StatusOK)
		want = "coder_session_token=; Path=/; Max-Age=0" + secure + "; SameSite=Lax"
		if got := a.header.Values("Set-Cookie"); len(got) != 1 || got[0] != want {
			t.Errorf("%q: at logout the cookies are %q, want %q", accessURL, got, want)
		}
	}
}
