package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/sdk"
)

const orgSyncPath = "/api/v2/settings/idpsync/organization"

func roleSyncPath(ref any, below ...string) string {
	return orgPath(ref, append([]string{"settings/idpsync/roles"}, below...)...)
}

func (c client) patch(t testing.TB, path string, body any) answer {
	t.Helper()
	return c.do(t, http.MethodPatch, path, body)
}

// is expects an answer of these settings, written as they are on the wire.
func (a answer) is(t testing.TB, format string, args ...any) {
	t.Helper()
	want := fmt.Sprintf(format, args...) + "\n"
	if got := string(a.want(t, http.StatusOK).body); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestOrganizationSyncSettings(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		boss := owner(s)
		home, one := s.OrganizationID, found(t, s, "one").ID
		boss.get(t, orgSyncPath).is(t, `{"field":"","mapping":{},"organization_assign_default":false}`)

		both := body{"field": "groups", "mapping": body{"all": []uuid.UUID{one, home, one}, "none": nil}, "organization_assign_default": true}
		want := fmt.Sprintf(`{"field":"groups","mapping":{"all":[%q,%q],"none":[]},"organization_assign_default":true}`, one.String(), home.String())
		boss.patch(t, orgSyncPath, both).is(t, "%s", want)
		boss.patch(t, orgSyncPath, both).is(t, "%s", want)
		boss.get(t, orgSyncPath).is(t, "%s", want)

		boss.patch(t, orgSyncPath+"/config", body{"field": "teams", "assign_default": false}).
			is(t, `{"field":"teams","mapping":{"all":[%q,%q],"none":[]},"organization_assign_default":false}`, one, home)
		line := func(given string, gets uuid.UUID) body { return body{"given": given, "gets": gets} }
		boss.patch(t, orgSyncPath+"/mapping", body{"add": []body{line("a=b,c", one), line("both", one)}, "remove": []body{line("all", one), line("both", one)}}).
			is(t, `{"field":"teams","mapping":{"a=b,c":["%s"],"all":["%s"],"none":[]},"organization_assign_default":false}`, one, home)
		boss.patch(t, orgSyncPath+"/mapping", body{"remove": []body{line("a=b,c", one), line("all", home), line("else", uuid.New())}}).
			is(t, `{"field":"teams","mapping":{"none":[]},"organization_assign_default":false}`)

		// What is absent counts as empty.
		boss.patch(t, orgSyncPath, body{}).is(t, `{"field":"","mapping":{},"organization_assign_default":false}`)
	})
}

func TestRoleSyncSettings(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		boss, one := owner(s), found(t, s, "one").ID
		boss.post(t, orgPath(one, "members/roles"), roleNamed("Helper")).want(t, http.StatusOK)
		boss.get(t, roleSyncPath(one)).is(t, `{"field":"","mapping":{}}`)
		boss.patch(t, roleSyncPath("ONE"), body{"field": "groups", "mapping": body{"leads": []string{"organization-admin", "helper"}, "none": []string{}}}).
			is(t, `{"field":"groups","mapping":{"leads":["organization-admin","helper"],"none":[]}}`)
		boss.patch(t, roleSyncPath(one, "config"), body{"field": "https://example.com/roles"}).
			is(t, `{"field":"https://example.com/roles","mapping":{"leads":["organization-admin","helper"],"none":[]}}`)
		line := func(given, gets string) body { return body{"given": given, "gets": gets} }
		boss.patch(t, roleSyncPath(one, "mapping"), body{"add": []body{line("x", "Helper")}, "remove": []body{line("leads", "helper")}}).
			is(t, `{"field":"https://example.com/roles","mapping":{"leads":["organization-admin"],"none":[],"x":["Helper"]}}`)
		boss.get(t, roleSyncPath("default")).is(t, `{"field":"","mapping":{}}`)
	})
}

// TestBadSyncSettings: each is refused with the field that is wrong, and changes
// nothing.
func TestBadSyncSettings(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		boss, one := owner(s), found(t, s, "one").ID
		gone := found(t, s, "gone").ID
		boss.delete(t, orgPath(gone)).want(t, http.StatusOK)
		long := strings.Repeat("x", 257)
		many := body{"x": make([]uuid.UUID, 1001)}
		pairs := make([]body, 1001)
		for i := range pairs {
			pairs[i] = body{"given": "x", "gets": one}
		}
		roles := make([]body, 1001)
		for i := range roles {
			roles[i] = body{"given": "x", "gets": "organization-admin"}
		}
		for _, bad := range []struct {
			at      string
			body    any
			message string
			fields  []string
		}{
			{orgSyncPath, "nonsense", badJSON, nil},
			{orgSyncPath, nil, badJSON, nil},
			{orgSyncPath, body{"mapping": body{"x": []string{"coder"}}}, badJSON, nil},
			{orgSyncPath, body{"mapping": []string{}}, badJSON, nil},
			{orgSyncPath, body{"field": 7}, badJSON, nil},
			{orgSyncPath, body{"field": long}, badFields, []string{"field"}},
			{orgSyncPath, body{"field": " groups"}, badFields, []string{"field"}},
			{orgSyncPath, body{"field": "gro\x00ups"}, badFields, []string{"field"}},
			{orgSyncPath, body{"mapping": body{"": []uuid.UUID{one}}}, badFields, []string{"mapping"}},
			{orgSyncPath, body{"mapping": body{strings.Repeat("x", 1025): []uuid.UUID{one}}}, badFields, []string{"mapping"}},
			{orgSyncPath, body{"mapping": many, "field": long}, badFields, []string{"field", "mapping"}},
			{orgSyncPath, body{"mapping": body{"x": []uuid.UUID{one, uuid.New()}, "y": []uuid.UUID{gone}}}, badFields, []string{"mapping", "mapping"}},
			{orgSyncPath, body{"mapping": body{"x": []uuid.UUID{uuid.Nil}}}, badFields, []string{"mapping"}},
			{orgSyncPath + "/config", "[]", badJSON, nil},
			{orgSyncPath + "/config", body{"field": long}, badFields, []string{"field"}},
			{orgSyncPath + "/mapping", body{"add": []body{{"given": "x", "gets": ""}}}, badJSON, nil},
			{orgSyncPath + "/mapping", body{"add": []body{{"given": "x", "gets": gone}}}, badFields, []string{"add"}},
			{orgSyncPath + "/mapping", body{"add": []body{{"given": "", "gets": one}}}, badFields, []string{"add"}},
			{orgSyncPath + "/mapping", body{"add": pairs, "remove": pairs}, badFields, []string{"add", "remove"}},
			{roleSyncPath(one), "nonsense", badJSON, nil},
			{roleSyncPath(one), body{"mapping": body{"x": "organization-admin"}}, badJSON, nil},
			{roleSyncPath(one), body{"field": long}, badFields, []string{"field"}},
			{roleSyncPath(one), body{"mapping": body{"x": []string{"owner", "organization-admin", "random"}}}, badFields, []string{"mapping", "mapping"}},
			{roleSyncPath(one), body{"mapping": body{"x": make([]string, 1001)}}, badFields, []string{"mapping"}},
			{roleSyncPath(one, "config"), body{"field": long}, badFields, []string{"field"}},
			{roleSyncPath(one, "mapping"), body{"add": []body{{"given": "x", "gets": ""}}}, badFields, []string{"add"}},
			{roleSyncPath(one, "mapping"), body{"add": []body{{"given": "x", "gets": "auditor"}}}, badFields, []string{"add"}},
			{roleSyncPath(one, "mapping"), body{"remove": roles}, badFields, []string{"remove"}},
		} {
			boss.patch(t, bad.at, bad.body).refused(t, http.StatusBadRequest, bad.message, bad.fields...)
		}
		boss.patch(t, roleSyncPath("nowhere"), body{}).refused(t, http.StatusNotFound, notFound)
		boss.get(t, roleSyncPath(gone)).refused(t, http.StatusNotFound, notFound)
		boss.get(t, orgSyncPath).is(t, `{"field":"","mapping":{},"organization_assign_default":false}`)
		boss.get(t, roleSyncPath(one)).is(t, `{"field":"","mapping":{}}`)
	})
}

// TestSyncSettingsOutliveTheirTargets: what was mapped and deleted since is in
// nobody's way, and counts for nothing when it is asked for anew.
func TestSyncSettingsOutliveTheirTargets(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	boss, one, gone := owner(s), found(t, s, "one").ID, found(t, s, "gone").ID
	at := orgPath(one, "members/roles")
	boss.post(t, at, roleNamed("helper")).want(t, http.StatusOK)
	organizations := body{"field": "g", "mapping": body{"x": []uuid.UUID{gone}}}
	roles := body{"field": "g", "mapping": body{"x": []string{"helper"}}}
	boss.patch(t, orgSyncPath, organizations).want(t, http.StatusOK)
	boss.patch(t, roleSyncPath(one), roles).want(t, http.StatusOK)
	boss.delete(t, orgPath(gone)).want(t, http.StatusOK)
	boss.delete(t, at+"/helper").want(t, http.StatusNoContent)

	boss.patch(t, orgSyncPath, organizations).want(t, http.StatusOK)
	boss.patch(t, orgSyncPath+"/config", body{"field": "other"}).want(t, http.StatusOK)
	boss.patch(t, roleSyncPath(one), roles).want(t, http.StatusOK)
	removed := body{"remove": []body{{"given": "x", "gets": gone}}}
	boss.patch(t, orgSyncPath+"/mapping", removed).is(t, `{"field":"other","mapping":{},"organization_assign_default":false}`)
	boss.patch(t, orgSyncPath, organizations).refused(t, http.StatusBadRequest, badFields, "mapping")
	boss.patch(t, roleSyncPath(one), body{}).want(t, http.StatusOK)
	boss.patch(t, roleSyncPath(one), roles).refused(t, http.StatusBadRequest, badFields, "mapping")
}

// TestSyncSettingsOfTheServer hold until others are stored, and stay behind the
// lines that are added to them.
func TestSyncSettingsOfTheServer(t *testing.T) {
	t.Parallel()
	one := uuid.New()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		boss := owner(s)
		boss.get(t, orgSyncPath).is(t, `{"field":"orgs","mapping":{"x":["%s"]},"organization_assign_default":true}`, one)
		add := body{"add": []body{{"given": "y", "gets": s.OrganizationID}}}
		boss.patch(t, orgSyncPath+"/mapping", add).
			is(t, `{"field":"orgs","mapping":{"x":["%s"],"y":["%s"]},"organization_assign_default":true}`, one, s.OrganizationID)
		config := decode[struct {
			Config struct {
				OIDC map[string]any `json:"oidc"`
			} `json:"config"`
		}](t, boss.get(t, "/api/v2/deployment/config").want(t, http.StatusOK))
		if config.Config.OIDC["user_role_field"] != "roles" {
			t.Errorf("the deployment's settings are %v", config.Config.OIDC)
		}
	}, func(c *server.Config) {
		c.OIDCSync = server.OIDCSync{
			UserRoleField: "roles", OrganizationField: "orgs", OrganizationAssignDefault: true,
			OrganizationMapping: map[string][]string{"x": {one.String()}},
		}
	})
}

// TestNoGroupsAreSynced: there are none.
func TestNoGroupsAreSynced(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	at := orgPath("default", "settings/idpsync/groups")
	for _, below := range []string{"", "/config", "/mapping"} {
		owner(s).patch(t, at+below, body{}).refused(t, http.StatusNotFound, "Route not found.")
	}
	owner(s).get(t, at).refused(t, http.StatusNotFound, "Route not found.")
}

// syncRequests are one request of each operation on the settings of an organization
// or of the deployment.
func syncRequests(organization uuid.UUID) map[string][]string {
	return map[string][]string{
		"site":         {"GET " + orgSyncPath, "PATCH " + orgSyncPath, "PATCH " + orgSyncPath + "/config", "PATCH " + orgSyncPath + "/mapping"},
		"organization": {"GET " + roleSyncPath(organization), "PATCH " + roleSyncPath(organization), "PATCH " + roleSyncPath(organization, "config"), "PATCH " + roleSyncPath(organization, "mapping")},
	}
}

// TestWhoMaySync holds each role to the permission table: the settings of the
// deployment are for owners and user-admins, those of an organization also for its
// administrators.
func TestWhoMaySync(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other").ID
		people := orgPeople(t, s, other)
		statuses := map[string]string{
			"organization-member": "403 403", "organization-admin": "403 200", "organization-user-admin": "403 200",
			"organization-template-admin": "403 403", "organization-auditor": "403 403",
			"owner": "200 200", "user-admin": "200 200", "template-admin": "403 403", "auditor": "403 403", "stranger": "403 404",
		}
		for _, asker := range orgAskers {
			want := strings.Fields(statuses[asker])
			for i, scope := range []string{"site", "organization"} {
				for _, request := range syncRequests(other)[scope] {
					method, at, _ := strings.Cut(request, " ")
					var sent any
					permission := "idpsync_settings:read"
					if method == http.MethodPatch {
						sent, permission = body{}, "idpsync_settings:update"
					}
					a := people[asker].do(t, method, at, sent)
					if fmt.Sprint(a.status) != want[i] {
						t.Errorf("%s by %s: got %s, want %s", request, asker, a, want[i])
					}
					if a.status == http.StatusForbidden {
						a.lacks(t, permission, "role")
					}
				}
			}
		}
		elsewhere := outsider(t, s, found(t, s, "third").ID, "elsewhere", "organization-admin")
		elsewhere.get(t, roleSyncPath(other)).refused(t, http.StatusNotFound, notFound)
	})
}

// TestNobodyRisesByAMapping: a line that gives a role is an assignment of it, which
// the same people may make (users.md, section 8.4). Lines of others may stay.
func TestNobodyRisesByAMapping(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other").ID
		owner(s).post(t, orgPath(other, "members/roles"), roleNamed("founders", may("organization", "create"))).want(t, http.StatusOK)
		line := func(given, gets string) body { return body{"add": []body{{"given": given, "gets": gets}}} }
		admin := outsider(t, s, other, "admin", "organization-admin")
		admin.patch(t, roleSyncPath(other, "mapping"), line("leads", "organization-admin")).want(t, http.StatusOK)
		admin.patch(t, roleSyncPath(other, "mapping"), line("x", "founders")).refused(t, http.StatusBadRequest, badFields, "add")
		for _, c := range []client{outsider(t, s, other, "helper", "organization-user-admin").client, join(t, s, "una", "user-admin").client} {
			c.patch(t, roleSyncPath(other, "mapping"), line("mine", "organization-admin")).refused(t, http.StatusBadRequest, badFields, "add")
			c.patch(t, roleSyncPath(other, "mapping"), line("mine", "organization-member")).want(t, http.StatusOK)
			moved := body{"mapping": body{"mine": []string{"organization-admin"}}}
			c.patch(t, roleSyncPath(other), moved).refused(t, http.StatusBadRequest, badFields, "mapping")
			kept := body{"field": "groups", "mapping": body{"leads": []string{"organization-admin"}}}
			c.patch(t, roleSyncPath(other), kept).is(t, `{"field":"groups","mapping":{"leads":["organization-admin"]}}`)
		}
	})
}

// TestAuditOfSyncSettings: what was changed, and attempts that were refused.
func TestAuditOfSyncSettings(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		one := found(t, s, "one").ID
		mia := outsider(t, s, one, "mia")
		organizations, roles := "idp_sync_settings_organization", "idp_sync_settings_role"
		mapping := body{"add": []body{{"given": "x", "gets": one}}}
		for _, c := range []struct {
			as           client
			organization uuid.UUID
			auditCase
		}{
			{owner(s), uuid.Nil, auditCase{http.MethodPatch, orgSyncPath + "/config", body{"field": "g", "assign_default": true}, 200, "write", organizations, "Organization Sync", []string{"assign_default", "field"}}},
			{owner(s), uuid.Nil, auditCase{http.MethodPatch, orgSyncPath + "/mapping", mapping, 200, "write", organizations, "Organization Sync", []string{"mapping"}}},
			{owner(s), uuid.Nil, auditCase{http.MethodPatch, orgSyncPath + "/mapping", mapping, 200, "write", organizations, "Organization Sync", nil}},
			{owner(s), uuid.Nil, auditCase{http.MethodPatch, orgSyncPath, "nonsense", 400, "write", organizations, "Organization Sync", nil}},
			{mia.client, uuid.Nil, auditCase{http.MethodPatch, orgSyncPath, body{}, 403, "write", organizations, "Organization Sync", nil}},
			{owner(s), one, auditCase{http.MethodPatch, roleSyncPath(one, "config"), body{"field": "g"}, 200, "write", roles, "Organization Role Sync", []string{"field"}}},
			{owner(s), one, auditCase{http.MethodPatch, roleSyncPath(one), body{"field": "g", "mapping": body{"x": []string{"nothing"}}}, 400, "write", roles, "Organization Role Sync", nil}},
			{mia.client, one, auditCase{http.MethodPatch, roleSyncPath(one), body{}, 403, "write", roles, "Organization Role Sync", nil}},
		} {
			c.check(t, s, c.as, c.organization)
		}
		changed := audit(t, s, "resource_type:"+organizations)[3] // the newest first: the first that changed the mapping
		want := sdk.AuditDiffField{Old: map[string]any{}, New: map[string]any{"x": []any{one.String()}}}
		if diff := cmp.Diff(want, changed.Diff["mapping"]); diff != "" {
			t.Errorf("the mapping (-want +got):\n%s", diff)
		}
		if changed.Description != "{user} updated settings {target}" {
			t.Errorf("the description is %q", changed.Description)
		}
		if seen := audit(t, s, "resource_type:"+roles+" organization:one"); len(seen) != 3 || seen[0].ResourceID != one {
			t.Errorf("in the organization there are %+v", seen)
		}
	})
}

// recordSync is the part of the golden scenario that is about syncs.
func recordSync(t *testing.T, take func(operation string, a answer) answer, admin client) {
	t.Helper()
	home := decode[sdk.Organization](t, admin.get(t, orgPath("default")).want(t, http.StatusOK)).ID
	roles := roleSyncPath("default")
	take("updateOrganizationSync", admin.patch(t, orgSyncPath, body{"field": "groups", "mapping": body{"<all>": []uuid.UUID{home}}}))
	take("updateOrganizationSyncMapping", admin.patch(t, orgSyncPath+"/mapping", body{"add": []body{{"given": "more", "gets": home}}}))
	take("updateOrganizationSyncConfig", admin.patch(t, orgSyncPath+"/config", body{"field": "", "assign_default": true}))
	take("getOrganizationSync", admin.get(t, orgSyncPath))
	take("updateRoleSync", admin.patch(t, roles, body{"field": "groups", "mapping": body{"leads": []string{"organization-admin"}, "none": nil}}))
	take("updateRoleSyncMapping", admin.patch(t, roles+"/mapping", body{"remove": []body{{"given": "leads", "gets": "organization-admin"}}}))
	take("updateRoleSyncConfig", admin.patch(t, roles+"/config", body{"field": ""}))
	take("getRoleSync", admin.get(t, roles))
}
