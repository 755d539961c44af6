package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

const auditPath = "/api/v2/audit"

// audit returns the entries that match a search, as the owner sees them.
func audit(t testing.TB, s *servertest.Server, q string) []sdk.AuditLog {
	t.Helper()
	return auditPage(t, owner(s), "?q="+url.QueryEscape(q)).AuditLogs
}

func auditPage(t testing.TB, c client, query string) sdk.AuditLogsResponse {
	t.Helper()
	return decode[sdk.AuditLogsResponse](t, c.get(t, auditPath+query).want(t, http.StatusOK))
}

// TestAuditOfEveryChange walks the endpoints that change something and looks at
// the entry that each leaves.
func TestAuditOfEveryChange(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		c := owner(s).with("User-Agent", "audited/1")
		user := c.post(t, "/api/v2/users", newUser("ada", "auditor").but("user_status", nil)).user(t, http.StatusCreated)
		const next = "another good passphrase"
		for _, test := range []struct {
			method, below string
			body          any
			status        int
			action        sdk.AuditAction
			changed       []string
		}{
			{http.MethodPut, "profile", body{"username": "Ada", "name": "Ada L"}, 200, "write", []string{"name", "username"}},
			{http.MethodPut, "email", body{"email": "lovelace@example.com"}, 200, "write", []string{"email"}},
			{http.MethodPut, "roles", body{"roles": []string{"template-admin"}}, 200, "write", []string{"rbac_roles"}},
			{http.MethodPut, "password", body{"password": next}, 204, "write", []string{"hashed_password"}},
			{http.MethodPut, "status/activate", nil, 200, "write", []string{"status"}},
			{http.MethodPut, "status/suspend", nil, 200, "write", []string{"status"}},
			{http.MethodPut, "status/suspend", nil, 200, "write", nil},
			{http.MethodDelete, "", nil, 200, "delete", []string{"deleted"}},
		} {
			a := c.do(t, test.method, strings.TrimSuffix(path(user.ID, test.below), "/"), test.body).want(t, test.status)
			e := entryOf(t, s, a)
			if e.Action != test.action || e.ResourceType != "user" || e.ResourceID != user.ID || e.StatusCode != test.status {
				t.Errorf("%s %s: %+v", test.method, test.below, e)
			}
			if diff := cmp.Diff(test.changed, slices.Sorted(maps.Keys(e.Diff)), cmp.Transformer("empty", orNil)); diff != "" {
				t.Errorf("%s: the entry names other fields:\n%s", test.below, diff)
			}
			if e.User == nil || e.User.ID != s.OwnerID || len(e.User.OrganizationIDs) != 0 {
				t.Errorf("%s: the actor is %+v", test.below, e.User)
			}
			if e.IP != "127.0.0.1" || e.UserAgent != "audited/1" || time.Since(e.Time) > time.Minute || e.OrganizationID != uuid.Nil {
				t.Errorf("%s: ip %s, agent %s, at %s, organization %s", test.below, e.IP, e.UserAgent, e.Time, e.OrganizationID)
			}
		}
		if n := strings.Count(fmt.Sprint(audit(t, s, "resource_id:"+user.ID.String())), next); n > 0 {
			t.Error("a password is in the audit log")
		}
	})
}

// unlessEmpty makes one nothing of the many that a value can begin as.
func unlessEmpty(value any) any {
	if list, ok := value.([]any); ok && len(list) == 0 || value == "" || value == false {
		return nil
	}
	return value
}

func orNil(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

// entryOf returns the one entry that a request left.
func entryOf(t testing.TB, s *servertest.Server, a answer) sdk.AuditLog {
	t.Helper()
	entries := audit(t, s, "request_id:"+a.header.Get(sdk.RequestIDHeader))
	if len(entries) != 1 {
		t.Fatalf("%s left %d entries, want 1", a, len(entries))
	}
	return entries[0]
}

// TestAuditOfCreation: what was made, and that a password was set, but never
// which.
func TestAuditOfCreation(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		user := create(t, s, newUser("ada", "auditor").but("name", "Ada"))
		entries := audit(t, s, "resource_id:"+user.ID.String())
		if len(entries) != 1 {
			t.Fatalf("%d entries, want 1", len(entries))
		}
		e := entries[0]
		if e.Action != "create" || e.ResourceTarget != "ada" || e.StatusCode != http.StatusCreated {
			t.Errorf("%+v", e)
		}
		if e.Description != "{user} created user {target}" || e.ResourceLink != "/users?filter=ada" || e.IsDeleted {
			t.Errorf("description %q, link %q, deleted %t", e.Description, e.ResourceLink, e.IsDeleted)
		}
		want := map[string]sdk.AuditDiffField{
			"id": {New: user.ID.String()}, "username": {New: "ada"}, "email": {New: "ada@example.com"}, "name": {New: "Ada"},
			"status": {New: "active"}, "login_type": {New: "password"}, "rbac_roles": {New: []any{"auditor"}},
			"hashed_password": {Secret: true},
		}
		got := map[string]sdk.AuditDiffField{}
		for name, field := range e.Diff {
			got[name] = sdk.AuditDiffField{Old: unlessEmpty(field.Old), New: unlessEmpty(field.New), Secret: field.Secret}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		// The last thing that happened comes first: this, and before it the login.
		all := audit(t, s, "")
		if all[0].ID != e.ID || all[1].Action != "login" || all[1].ResourceType != "api_key" || all[1].ResourceID != s.OwnerID {
			t.Errorf("the log begins with %s %s, %s %s", all[0].Action, all[0].ResourceType, all[1].Action, all[1].ResourceType)
		}
		// The first user is audited too, as its own doing.
		firsts := audit(t, s, "action:create resource_type:user resource_target:owner")
		if len(firsts) != 1 || firsts[0].User == nil || firsts[0].User.ID != s.OwnerID {
			t.Errorf("%+v", firsts)
		}
		owner(s).delete(t, path(user.ID)).want(t, http.StatusOK)
		for _, e := range audit(t, s, "resource_id:"+user.ID.String()) {
			if !e.IsDeleted || e.ResourceLink != "" {
				t.Errorf("%s: deleted %t, link %q", e.Action, e.IsDeleted, e.ResourceLink)
			}
		}
	})
}

// TestAuditOfRefusals: an attempt on a user that the caller may read is
// recorded with its status and without a diff.
func TestAuditOfRefusals(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		aud, target := join(t, s, "aud", "auditor"), create(t, s, newUser("ted"))
		passwords := body{"password": "another good passphrase"}
		for _, test := range []struct {
			who    client
			method string
			path   string
			body   any
			status int
			action string
		}{
			{aud.client, http.MethodPut, path(target.ID, "password"), passwords, 404, "write"},
			{aud.client, http.MethodPut, path(target.ID, "profile"), body{"username": "ted", "name": "T"}, 403, "write"},
			{aud.client, http.MethodPut, path(target.ID, "profile"), body{"username": "theo"}, 404, "write"},
			{aud.client, http.MethodPut, path(target.ID, "profile"), body{"username": ""}, 400, "write"},
			{aud.client, http.MethodPut, path(target.ID, "email"), body{"email": "t@example.com"}, 403, "write"},
			{aud.client, http.MethodPut, path(target.ID, "roles"), body{"roles": []string{"owner"}}, 403, "write"},
			{aud.client, http.MethodPut, path(target.ID, "status/suspend"), nil, 403, "write"},
			{aud.client, http.MethodPut, path(target.ID, "status/activate"), nil, 403, "write"},
			{aud.client, http.MethodDelete, path(target.ID), nil, 403, "delete"},
			{owner(s), http.MethodPut, path("me", "password"), passwords, 400, "write"},
			{owner(s), http.MethodPut, path("me", "password"), passwords.but("old_password", "wrong"), 400, "write"},
			{owner(s), http.MethodPut, path("me", "status/suspend"), nil, 400, "write"},
			{owner(s), http.MethodPut, path("me", "roles"), body{"roles": []string{"owner"}}, 400, "write"},
			{owner(s), http.MethodDelete, path("me"), nil, 403, "delete"},
			{owner(s), http.MethodPut, path(target.ID, "profile"), body{"username": "AUD"}, 409, "write"},
			{owner(s), http.MethodPut, path(target.ID, "email"), body{"email": "AUD@example.com"}, 409, "write"},
		} {
			e := entryOf(t, s, test.who.do(t, test.method, test.path, test.body).want(t, test.status))
			if string(e.Action) != test.action || e.StatusCode != test.status || len(e.Diff) != 0 {
				t.Errorf("%s %s: %s %d %v", test.method, test.path, e.Action, e.StatusCode, e.Diff)
			}
			if want := "{user} unsuccessfully attempted to " + test.action + " user {target}"; e.Description != want {
				t.Errorf("description %q, want %q", e.Description, want)
			}
		}
	})
}

func TestAuditOfLogins(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		user := create(t, s, newUser("lea"))
		c := guest(s)
		for _, test := range []struct {
			with   body
			status int
		}{
			{credentials(user.Email, "wrong"), 401},
			{credentials(user.Email, servertest.Password), 201},
		} {
			e := entryOf(t, s, c.post(t, loginPath, test.with).want(t, test.status))
			if e.Action != "login" || e.ResourceType != "api_key" || e.StatusCode != test.status || len(e.Diff) != 0 {
				t.Errorf("%+v", e)
			}
			if e.ResourceID != user.ID || e.User == nil || e.User.ID != user.ID || e.ResourceTarget != "" {
				t.Errorf("it is about %s by %v", e.ResourceID, e.User)
			}
		}
		failed := audit(t, s, "action:login email:lea@example.com")
		if got := failed[1].Description; got != "{user} unsuccessfully attempted to login" {
			t.Errorf("description %q", got)
		}
	})
}

// TestNotAudited: reading, refusals by somebody who may not know the object,
// and what changes nothing.
func TestNotAudited(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		mia, ted := join(t, s, "mia"), create(t, s, newUser("ted"))
		gone := create(t, s, newUser("gone"))
		owner(s).delete(t, path(gone.ID)).want(t, http.StatusOK)
		for _, a := range []answer{
			guest(s).post(t, loginPath, credentials("nobody@example.com", "wrong")).want(t, 401),
			guest(s).post(t, loginPath, body{}).want(t, 400),
			guest(s).post(t, "/api/v2/users/first", first()).want(t, 409),
			mia.delete(t, path(ted.ID)).want(t, 404),
			mia.put(t, path(ted.ID, "password"), body{"password": "x"}).want(t, 404),
			mia.post(t, "/api/v2/users", newUser("new-one")).want(t, 403),
			owner(s).post(t, "/api/v2/users", newUser("ted")).want(t, 409),
			owner(s).delete(t, path(gone.ID)).want(t, 200),
			owner(s).delete(t, path(uuid.New())).want(t, 404),
			owner(s).get(t, path(ted.ID)).want(t, 200),
			owner(s).get(t, "/api/v2/users").want(t, 200),
		} {
			if entries := audit(t, s, "request_id:"+a.header.Get(sdk.RequestIDHeader)); len(entries) != 0 {
				t.Errorf("%s left %+v", a, entries)
			}
		}
	})
}
