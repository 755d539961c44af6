package compat_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

const notFound = "Resource not found or you do not have access to this resource"

// words is a refusal that clients, their tests or people know by its words.
type words struct {
	name       string
	as         string // whose session: owner, admin, auditor, member or nobody
	verb, path string
	body       any
	status     int
	message    string // exactly
	contains   string // in the message, where the rest is ours
	detail     string // exactly
	fields     []string
}

// newUser is a body for POST /users; more replaces or, if nil, removes members.
func newUser(s *servertest.Server, more map[string]any) map[string]any {
	body := map[string]any{
		"email": "new@example.com", "username": "newcomer", "password": servertest.Password,
		"login_type": "password", "user_status": nil, "organization_ids": oneID(s),
	}
	for name, value := range more {
		body[name] = value
		if value == nil {
			delete(body, name)
		}
	}
	return body
}

// TestWordsThatClientsMatch, word for word.
func TestWordsThatClientsMatch(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		sessions := map[string]string{"owner": c.token, "nobody": ""}
		for name, roles := range map[string][]string{"admin": {"user-admin"}, "auditor": {"auditor"}, "member": nil} {
			client, _ := s.SignedIn(t, name, roles...)
			sessions[name] = client.SessionToken()
		}
		suspended, _ := s.SignedIn(t, "suspended")
		sessions["suspended"] = suspended.SessionToken()
		if _, err := s.Owner.SuspendUser(t.Context(), "suspended"); err != nil {
			t.Fatal(err)
		}
		for _, w := range slices.Concat(loginWords(), creationWords(s), changeWords()) {
			w.check(t, c.as(sessions[w.as]))
		}
	})
}

func (w words) check(t *testing.T, c caller) {
	t.Helper()
	r := c.call(t, w.verb, w.path, w.body)
	if r.status != w.status {
		t.Errorf("%s: status %d, want %d; body %s", w.name, r.status, w.status, r.body)
		return
	}
	r.wantCommon(t)
	got := decode[clientMessage](t, r)
	if w.message != "" && got.Message != w.message {
		t.Errorf("%s: message %q, want %q", w.name, got.Message, w.message)
	}
	if !strings.Contains(got.Message, w.contains) || got.Message == "" {
		t.Errorf("%s: message %q, want one with %q", w.name, got.Message, w.contains)
	}
	if w.detail != "" && got.Detail != w.detail {
		t.Errorf("%s: detail %q, want %q", w.name, got.Detail, w.detail)
	}
	if diff := cmp.Diff(w.fields, got.fields(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: fields of the validations differ (-want +got):\n%s", w.name, diff)
	}
}

func loginWords() []words {
	const signedOut = "You are signed out or your session has expired. Please sign in again to continue."
	login := func(email, password string) map[string]any {
		return map[string]any{"email": email, "password": password}
	}
	return []words{
		{name: "first user there", verb: "GET", path: "/users/first", status: 200, message: "The initial user has already been created!"},
		{name: "no token", verb: "GET", path: "/users/me", status: 401, message: signedOut, detail: `Cookie "coder_session_token" or query parameter must be provided.`},
		{name: "unknown address", verb: "POST", path: "/users/login", body: login("nobody@example.com", servertest.Password), status: 401, message: "Incorrect email or password."},
		{name: "wrong password", verb: "POST", path: "/users/login", body: login("owner@example.com", "WrongPassword!!1"), status: 401, message: "Incorrect email or password."},
		{name: "suspended at login", verb: "POST", path: "/users/login", body: login("suspended@example.com", servertest.Password), status: 401, contains: "suspended"},
		{name: "suspended at work", as: "suspended", verb: "GET", path: "/users/me", status: 401, contains: "Contact an admin"},
		{name: "no password", verb: "POST", path: "/users/login", body: login("owner@example.com", ""), status: 400, message: "Validation failed.", fields: []string{"password"}},
		{name: "a username", verb: "POST", path: "/users/login", body: login("owner", servertest.Password), status: 400, message: "Validation failed.", fields: []string{"email"}},
		{name: "no route", as: "owner", verb: "GET", path: "/no/such/route", status: 404, message: "Route not found."},
	}
}

func creationWords(s *servertest.Server) []words {
	create := func(name string, more map[string]any) words {
		return words{name: name, as: "owner", verb: "POST", path: "/users", body: newUser(s, more)}
	}
	with := func(w words, status int, message, contains string, fields ...string) words {
		w.status, w.message, w.contains, w.fields = status, message, contains, fields
		return w
	}
	elsewhere := []uuid.UUID{uuid.New()}
	return []words{
		with(create("taken name", map[string]any{"username": "MEMBER"}), 409, "User already exists.", "", "username"),
		with(create("taken address", map[string]any{"email": "Member@Example.com"}), 409, "User already exists.", "", "email"),
		with(create("taken, and a strange organization", map[string]any{"username": "member", "organization_ids": elsewhere}), 409, "User already exists.", "", "username"),
		with(create("strange organization", map[string]any{"organization_ids": elsewhere}), 404, notFound, ""),
		with(create("weak password", map[string]any{"password": "weak"}), 400, "", "Password is invalid", "password"),
		with(create("OIDC", map[string]any{"login_type": "oidc", "password": nil}), 400, "You must configure OIDC before creating OIDC users.", ""),
		with(create("no organization", map[string]any{"organization_ids": nil}), 400, "", "No organization specified", "organization_ids"),
		with(create("no name", map[string]any{"username": nil}), 400, "Validation failed.", "", "username"),
		with(create("no address", map[string]any{"email": nil}), 400, "Validation failed.", "", "email"),
	}
}

func changeWords() []words {
	password := func(old, next string) map[string]any { return map[string]any{"old_password": old, "password": next} }
	roles := func(names ...string) map[string]any { return map[string]any{"roles": names} }
	return []words{
		{name: "own deletion", as: "owner", verb: "DELETE", path: "/users/me", status: 403, message: "You cannot delete yourself!"},
		{name: "own suspension", as: "owner", verb: "PUT", path: "/users/me/status/suspend", status: 400, contains: "suspend yourself"},
		{name: "an owner's suspension", as: "admin", verb: "PUT", path: "/users/owner/status/suspend", status: 400},
		{name: "unknown role", as: "owner", verb: "PUT", path: "/users/member/roles", body: roles("nope"), status: 400, contains: `"nope" is not a supported role`, fields: []string{"roles"}},
		{name: "role of an organization", as: "owner", verb: "PUT", path: "/users/member/roles", body: roles("organization-admin"), status: 400, contains: `"organization-admin" is not a supported role`, fields: []string{"roles"}},
		{name: "unknown user", as: "owner", verb: "GET", path: "/users/" + uuid.NewString(), status: 404, message: notFound},
		{name: "unreadable user", as: "member", verb: "GET", path: "/users/owner", status: 404, message: notFound},
		{name: "renaming oneself", as: "member", verb: "PUT", path: "/users/me/profile", body: map[string]any{"username": "other"}, status: 404, message: notFound},
		{name: "readable, but not to be deleted", as: "auditor", verb: "DELETE", path: "/users/member", status: 403, message: "Forbidden."},
		{name: "password without the old one", as: "member", verb: "PUT", path: "/users/me/password", body: password("", "AnotherSecurePassword!"), status: 400, message: "Old password is required."},
		{name: "password that stays", as: "owner", verb: "PUT", path: "/users/member/password", body: password("", servertest.Password), status: 400, message: "New password cannot match old password."},
		{name: "owner's password", as: "admin", verb: "PUT", path: "/users/owner/password", body: password("", "AnotherSecurePassword!"), status: 400, contains: "Only owners can change the password of an owner"},
		{name: "auditor and a password", as: "auditor", verb: "PUT", path: "/users/member/password", body: password("", "AnotherSecurePassword!"), status: 404, message: notFound},
		{name: "weak new password", as: "owner", verb: "PUT", path: "/users/member/password", body: password("", "weak"), status: 400, contains: "Invalid password.", fields: []string{"password"}},
		{name: "name with a space", as: "owner", verb: "PUT", path: "/users/member/profile", body: map[string]any{"username": "member", "name": " Ada"}, status: 400, message: "Validation failed.", fields: []string{"name"}},
		{name: "taken name", as: "owner", verb: "PUT", path: "/users/member/profile", body: map[string]any{"username": "Auditor"}, status: 409, fields: []string{"username"}},
	}
}

// TestWordsAboutAnUnknownKey, whose details clients show.
func TestWordsAboutAnUnknownKey(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		// A key that was one until a moment ago.
		other := s.Login(t, "owner@example.com")
		if err := other.Logout(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := c.as(other.SessionToken()).call(t, "GET", "/users/me", nil).want(t, http.StatusUnauthorized)
		got := decode[clientMessage](t, r)
		if got.Detail != "API key is invalid." || !strings.Contains(got.Message, "session has expired") {
			t.Errorf("message %q, detail %q", got.Message, got.Detail)
		}
	})
}

func TestWordsWhenPasswordsAreOff(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		s := servertest.Start(t, db)
		s.CreateFirstUser(t)
		s.Stop()
		off := servertest.Start(t, db, func(cfg *server.Config) { cfg.DisablePasswordAuth, cfg.Dialect = true, sdk.DialectCoder })
		c := raw(off)
		words{
			name: "right password", verb: "POST", path: "/users/login", status: 403, contains: "Password authentication is disabled",
			body: map[string]any{"email": "owner@example.com", "password": servertest.Password},
		}.check(t, c)
		words{
			name: "wrong password", verb: "POST", path: "/users/login", status: 401, message: "Incorrect email or password.",
			body: map[string]any{"email": "owner@example.com", "password": "WrongPassword!!1"},
		}.check(t, c)
		methods := object(t, c.call(t, "GET", "/users/authmethods", nil).want(t, http.StatusOK))
		if enabled := methods["password"].(map[string]any)["enabled"]; enabled != false {
			t.Errorf("password.enabled is %v, want false", enabled)
		}
	})
}
