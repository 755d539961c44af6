package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/idp/idptest"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// mutation is how to call an operation that changes something, with success, and
// the entry that it must leave; no action stands for none.
type mutation struct {
	action   sdk.AuditAction
	resource string
	call     func(t *testing.T, s *servertest.Server) answer
}

// mutations lists every operation that may change something. Those without an
// action change nothing, or something that nobody needs to account for.
func mutations(provider *idptest.OIDC) map[string]mutation {
	return map[string]mutation{
		"login": {"login", "api_key", func(t *testing.T, s *servertest.Server) answer {
			return guest(s).post(t, loginPath, credentials("owner@example.com", servertest.Password))
		}},
		"logout": {"logout", "api_key", func(t *testing.T, s *servertest.Server) answer {
			return join(t, s, fresh()).post(t, "/api/v2/users/logout", nil)
		}},
		"validatePassword": {call: func(t *testing.T, s *servertest.Server) answer {
			return guest(s).post(t, "/api/v2/users/validate-password", body{"password": "weak"})
		}},
		"requestOneTimePasscode": {"request_password_reset", "user", func(t *testing.T, s *servertest.Server) answer {
			a := guest(s).post(t, requestPath, body{"email": create(t, s, newUser(fresh())).Email})
			laterEntry(t, s, a)
			return a
		}},
		"changePasswordWithOneTimePasscode": {"write", "user", func(t *testing.T, s *servertest.Server) answer {
			user := create(t, s, newUser(fresh()))
			return guest(s).post(t, changePath, reset(user.Email, nextPassword, plant(t, s, user.ID, time.Hour)))
		}},
		"cspReport": {call: func(t *testing.T, s *servertest.Server) answer {
			return guest(s).post(t, "/api/v2/csp/reports", body{})
		}},
		"checkPermissions": {call: func(t *testing.T, s *servertest.Server) answer {
			return owner(s).post(t, "/api/v2/authcheck", body{"checks": body{}})
		}},
		"createUser": {"create", "user", func(t *testing.T, s *servertest.Server) answer {
			return owner(s).post(t, usersPath, newUser(fresh()))
		}},
		"importUsers": {"create", "user", func(t *testing.T, s *servertest.Server) answer {
			return owner(s).post(t, importPath, body{"users": []any{imported(fresh())}})
		}},
		"deleteUser":            {"delete", "user", onUser(http.MethodDelete, "", nil)},
		"updateUserProfile":     {"write", "user", onUser(http.MethodPut, "profile", body{"username": fresh()})},
		"updateUserEmail":       {"write", "user", onUser(http.MethodPut, "email", body{"email": fresh() + "@example.com"})},
		"updateUserPassword":    {"write", "user", onUser(http.MethodPut, "password", body{"password": nextPassword})},
		"activateUser":          {"write", "user", onUser(http.MethodPut, "status/activate", nil)},
		"suspendUser":           {"write", "user", onUser(http.MethodPut, "status/suspend", nil)},
		"updateUserRoles":       {"write", "user", onUser(http.MethodPut, "roles", body{"roles": []string{"auditor"}})},
		"createSessionKey":      {"create", "api_key", onUser(http.MethodPost, "keys", nil)},
		"createToken":           {"create", "api_key", onUser(http.MethodPost, "keys/tokens", body{})},
		"deleteKey":             {"delete", "api_key", onKey(http.MethodDelete, "")},
		"expireKey":             {"write", "api_key", onKey(http.MethodPut, "/expire")},
		"rotateKey":             {"write", "api_key", onKey(http.MethodPost, "/rotate")},
		"regenerateGitSSHKey":   {"write", "git_ssh_key", onUser(http.MethodPut, "gitsshkey", nil)},
		"updateUserAppearance":  {call: onUser(http.MethodPut, "appearance", look("dark", "fira-code"))},
		"updateUserPreferences": {call: onUser(http.MethodPut, "preferences", body{"thinking_display_mode": "preview"})},
		"recordAISeat":          {call: onUser(http.MethodPost, "ai-seat", body{"event": "task"})},
		"releaseAISeat":         {call: onUser(http.MethodDelete, "ai-seat", nil)},
		"recordAutofillParameters": {call: func(t *testing.T, s *servertest.Server) answer {
			return owner(s).post(t, path("me", "autofill-parameters"), build(uuid.New(), "region", "eu"))
		}},
		"eraseUser": {"write", "user", func(t *testing.T, s *servertest.Server) answer {
			user := create(t, s, newUser(fresh()))
			owner(s).delete(t, path(user.ID)).want(t, http.StatusOK)
			return owner(s).post(t, path(user.ID, "erase"), nil)
		}},
		"createOrganization": {"create", "organization", func(t *testing.T, s *servertest.Server) answer {
			return owner(s).post(t, "/api/v2/organizations", body{"name": fresh()})
		}},
		"updateOrganization": {"write", "organization", onNewOrganization(http.MethodPatch, "", body{"description": "new"})},
		"deleteOrganization": {"delete", "organization", onNewOrganization(http.MethodDelete, "", nil)},
		"addMember": {"create", "organization_member", func(t *testing.T, s *servertest.Server) answer {
			user, other := create(t, s, newUser(fresh())), found(t, s, fresh())
			return owner(s).post(t, orgPath(other.ID, "members", user.ID.String()), nil)
		}},
		"removeMember": {"delete", "organization_member", func(t *testing.T, s *servertest.Server) answer {
			return owner(s).delete(t, orgPath("default", "members", create(t, s, newUser(fresh())).ID.String()))
		}},
		"updateMemberRoles": {"write", "organization_member", func(t *testing.T, s *servertest.Server) answer {
			user := create(t, s, newUser(fresh()))
			return owner(s).put(t, orgPath("default", "members", user.ID.String(), "roles"), body{"roles": []string{"organization-auditor"}})
		}},
		"createOrganizationRole": {"create", "custom_role", onNewOrganization(http.MethodPost, "members/roles", roleNamed("helpers"))},
		"updateOrganizationRole": {"write", "custom_role", func(t *testing.T, s *servertest.Server) answer {
			at := withRole(t, s)
			return owner(s).put(t, at, roleNamed("helpers", may("template", "read")))
		}},
		"deleteOrganizationRole": {"delete", "custom_role", func(t *testing.T, s *servertest.Server) answer {
			return owner(s).delete(t, withRole(t, s)+"/helpers")
		}},
		"updateOrganizationSync":        {"write", "idp_sync_settings_organization", onSync(orgSyncPath)},
		"updateOrganizationSyncConfig":  {"write", "idp_sync_settings_organization", onSync(orgSyncPath + "/config")},
		"updateOrganizationSyncMapping": {"write", "idp_sync_settings_organization", onSync(orgSyncPath + "/mapping")},
		"updateRoleSync":                {"write", "idp_sync_settings_role", onSync(roleSyncPath("default"))},
		"updateRoleSyncConfig":          {"write", "idp_sync_settings_role", onSync(roleSyncPath("default", "config"))},
		"updateRoleSyncMapping":         {"write", "idp_sync_settings_role", onSync(roleSyncPath("default", "mapping"))},
		"linkIdentity": {call: func(t *testing.T, s *servertest.Server) answer { // its end is what links
			return owner(s).post(t, path("me", "identities"), body{"provider": "oidc"})
		}},
		"convertLoginType": {"create", "convert_login", func(t *testing.T, s *servertest.Server) answer {
			return join(t, s, fresh()).post(t, path("me", "convert-login"), body{"to_type": "oidc", "password": servertest.Password})
		}},
		"unlinkIdentity": {"delete", "identity", func(t *testing.T, s *servertest.Server) answer {
			return owner(s).delete(t, pathOfSecondIdentity(t, s, provider))
		}},
		// Reading, as the method says, but not only.
		"getGitSSHKey":        {"create", "git_ssh_key", onUser(http.MethodGet, "gitsshkey", nil)},
		"getGitSSHPrivateKey": {"open", "git_ssh_key", lookAtOwnKey},
	}
}

// onUser is a call by the owner about a user that was just made.
func onUser(method, below string, request any) func(*testing.T, *servertest.Server) answer {
	return func(t *testing.T, s *servertest.Server) answer {
		t.Helper()
		at := path(create(t, s, newUser(fresh())).ID)
		if below != "" {
			at += "/" + below
		}
		return owner(s).do(t, method, at, request)
	}
}

// onKey is a call about a token that was just made.
func onKey(method, below string) func(*testing.T, *servertest.Server) answer {
	return func(t *testing.T, s *servertest.Server) answer {
		t.Helper()
		id := idOf(mint(t, owner(s), "me", body{"token_name": fresh()}))
		return owner(s).do(t, method, path("me", "keys", id)+below, nil)
	}
}

// onNewOrganization is a call about an organization that was just made.
func onNewOrganization(method, below string, request any) func(*testing.T, *servertest.Server) answer {
	return func(t *testing.T, s *servertest.Server) answer {
		t.Helper()
		at := orgPath(found(t, s, fresh()).ID)
		if below != "" {
			at += "/" + below
		}
		return owner(s).do(t, method, at, request)
	}
}

// onSync is a change by the owner to the settings of a sync, to nothing.
func onSync(at string) func(*testing.T, *servertest.Server) answer {
	return func(t *testing.T, s *servertest.Server) answer {
		t.Helper()
		return owner(s).patch(t, at, body{})
	}
}

// withRole makes an organization with the custom role helpers, and returns the
// path of its roles.
func withRole(t *testing.T, s *servertest.Server) string {
	t.Helper()
	at := orgPath(found(t, s, fresh()).ID, "members/roles")
	owner(s).post(t, at, roleNamed("helpers")).want(t, http.StatusOK)
	return at
}

func lookAtOwnKey(t *testing.T, s *servertest.Server) answer {
	ann := join(t, s, fresh())
	ann.get(t, path("me", "gitsshkey")).want(t, http.StatusOK)
	return ann.get(t, path("me", "gitsshkey/private"))
}

// TestEveryMutationIsAudited walks the routes: whatever is no GET is in the list
// above, succeeds as it is called there, and leaves the entry that stands there.
func TestEveryMutationIsAudited(t *testing.T) {
	t.Parallel()

	provider := idptest.NewOIDC(t)
	s := servertest.Start(t, storetest.Database(t), withOIDC(provider))
	begun := guest(s).post(t, "/api/v2/users/first", first().but("username", "owner").but("email", "owner@example.com"))
	s.OwnerID = decode[sdk.CreateFirstUserResponse](t, begun.want(t, http.StatusCreated)).UserID
	s.Owner = s.Login(t, "owner@example.com")

	listed := mutations(provider)
	listed["createFirstUser"] = mutation{"create", "user", func(*testing.T, *servertest.Server) answer { return begun }}
	for _, o := range described() {
		m, known := listed[o.ID]
		delete(listed, o.ID)
		if !known {
			if o.Method != http.MethodGet {
				t.Errorf("%s %s may change something: say in mutations which entry it leaves", o.Method, o.Path)
			}
			continue
		}
		a := m.call(t, s)
		if a.status >= 300 {
			t.Errorf("%s is called in vain: %s", o.ID, a)
			continue
		}
		if m.action == "" {
			if entries := audit(t, s, "request_id:"+a.header.Get(sdk.RequestIDHeader)); len(entries) > 0 {
				t.Errorf("%s left %+v", o.ID, entries)
			}
			continue
		}
		e := entryOf(t, s, a)
		if e.Action != m.action || e.ResourceType != m.resource || e.StatusCode != a.status || e.ResourceID == uuid.Nil {
			t.Errorf("%s left %s %s of %s with status %d, want %s %s with %d",
				o.ID, e.Action, e.ResourceType, e.ResourceID, e.StatusCode, m.action, m.resource, a.status)
		}
	}
	for id := range listed {
		t.Errorf("%s is no operation", id)
	}
}
