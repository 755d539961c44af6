package compat_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
)

// TestLoginOnAFreshServer is `login URL --first-user-…`.
func TestLoginOnAFreshServer(t *testing.T) {
	t.Parallel()
	eachProgram(t, func(t *testing.T, _ *servertest.Server, c caller) {
		r := c.call(t, "GET", "/users/first", nil).want(t, http.StatusNotFound)
		if got, want := decode[clientMessage](t, r).Message, "The initial user has not been created!"; got != want {
			t.Errorf("message %q, want %q", got, want)
		}
		first := decode[clientFirstUser](t, c.call(t, "POST", "/users/first", map[string]any{
			"email": "Admin@Example.com", "username": "Admin", "name": "The Admin", "password": servertest.Password, "trial": false,
			"trial_info": map[string]any{
				"first_name": "", "last_name": "", "phone_number": "", "job_title": "",
				"company_name": "", "country": "", "developers": "",
			},
			"onboarding_info": nil,
		}).want(t, http.StatusCreated))
		if first.UserID == uuid.Nil || first.OrganizationID == uuid.Nil {
			t.Fatalf("the answer names no user or no organization: %+v", first)
		}
		login := decode[clientLogin](t, c.call(t, "POST", "/users/login", map[string]any{
			"email": "Admin@Example.com", "password": servertest.Password,
		}).want(t, http.StatusCreated))

		want := clientUser{
			ID: first.UserID, Username: "Admin", Name: "The Admin", Email: "Admin@Example.com", Status: "active", LoginType: "password",
			OrganizationIDs: []uuid.UUID{first.OrganizationID}, Roles: []clientRole{{Name: "owner", DisplayName: "Owner"}},
		}
		got := c.as(login.SessionToken).me(t)
		if got.CreatedAt.IsZero() || got.UpdatedAt.IsZero() {
			t.Errorf("created at %v, updated at %v", got.CreatedAt, got.UpdatedAt)
		}
		want.CreatedAt, want.UpdatedAt, want.LastSeenAt = got.CreatedAt, got.UpdatedAt, got.LastSeenAt
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the first user differs (-want +got):\n%s", diff)
		}
	})
}

// TestLoginOnASetUpServer are the other ways to log in.
func TestLoginOnASetUpServer(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		isSetUp := func() {
			t.Helper()
			c.as("").call(t, "GET", "/users/first", nil).want(t, http.StatusOK)
		}
		isOwner := func(c caller) {
			t.Helper()
			if got := c.me(t); got.ID != s.OwnerID || got.Username != "owner" {
				t.Errorf("signed in as %s %s, want the owner", got.Username, got.ID)
			}
		}

		// --token T, and C25 with CODER_SESSION_TOKEN: a key of its own.
		isSetUp()
		key := decode[clientKey](t, c.call(t, "POST", "/users/me/keys", nil).want(t, http.StatusOK, http.StatusCreated))
		if key.Key == "" || key.Key == c.token {
			t.Fatalf("the new key is %q, the old one %q", key.Key, c.token)
		}
		isOwner(c.as(key.Key))

		// --token T --use-token-as-session: T itself.
		isSetUp()
		isOwner(c)

		// C26 with CODER_SESSION_TOKEN: asks no more.
		isSetUp()

		// Nothing given: tokens are pasted until one is good, which is then asked
		// about once more.
		isSetUp()
		for _, pasted := range []string{"", "no token", "ushaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb", c.token + "x"} {
			r := c.as(pasted).call(t, "GET", "/users/me", nil).want(t, http.StatusUnauthorized)
			if decode[clientMessage](t, r).Message == "" {
				t.Errorf("the refusal of a bad token has no message: %s", r.body)
			}
		}
		isOwner(c)
		isOwner(c)

		// --token T with a bad one.
		isSetUp()
		c.as("no token").call(t, "POST", "/users/me/keys", nil).want(t, http.StatusUnauthorized)
	})
}

// TestLogout: the session is over, no other one is, and a second logout is
// answered, too.
func TestLogout(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		other := s.Login(t, "owner@example.com")
		r := c.call(t, "POST", "/users/logout", nil).want(t, http.StatusOK)
		if got := decode[clientMessage](t, r).Message; got != "Logged out!" {
			t.Errorf("message %q", got)
		}
		cookies := r.header.Values("Set-Cookie")
		if len(cookies) != 1 || cookies[0] != "coder_session_token=; Path=/; Max-Age=0; SameSite=Lax" {
			t.Errorf("Set-Cookie %q does not take the cookie away", cookies)
		}
		c.call(t, "GET", "/users/me", nil).want(t, http.StatusUnauthorized)
		c.call(t, "POST", "/users/logout", nil).want(t, http.StatusUnauthorized)
		c.as("").call(t, "POST", "/users/logout", nil).want(t, http.StatusUnauthorized)
		if got := c.as(other.SessionToken()).me(t).ID; got != s.OwnerID {
			t.Errorf("the other session is of %s, want %s", got, s.OwnerID)
		}
	})
}

// TestWhoami also is what C26 prints as JSON.
func TestWhoami(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		got := c.me(t)
		if got.Username != "owner" || got.ID != s.OwnerID {
			t.Errorf("%s %s, want owner %s", got.Username, got.ID, s.OwnerID)
		}
		if diff := cmp.Diff(oneID(s), got.OrganizationIDs); diff != "" {
			t.Errorf("organization_ids differ (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]clientRole{{Name: "owner", DisplayName: "Owner"}}, got.Roles); diff != "" {
			t.Errorf("roles differ (-want +got):\n%s", diff)
		}
	})
}

// TestSessionCookie is what browsers get of a login.
func TestSessionCookie(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	r := raw(s).as("").call(t, "POST", "/users/login", map[string]any{
		"email": "OWNER@example.com", "password": servertest.Password,
	}).want(t, http.StatusCreated)
	token := decode[clientLogin](t, r).SessionToken
	want := "coder_session_token=" + token + "; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
	if got := r.header.Values("Set-Cookie"); len(got) != 1 || got[0] != want {
		t.Error("the cookie of a login is not as clients' tests demand")
	}
}
