package api_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// auditCase is a request, and the one entry that it must leave.
type auditCase struct {
	method, at string
	body       any
	status     int
	action     sdk.AuditAction
	resource   string
	target     string
	changed    []string
}

func (c auditCase) check(t *testing.T, s *servertest.Server, as client, organization uuid.UUID) sdk.AuditLog {
	t.Helper()
	e := entryOf(t, s, as.do(t, c.method, c.at, c.body).want(t, c.status))
	if e.Action != c.action || e.ResourceType != c.resource || e.ResourceTarget != c.target || e.StatusCode != c.status {
		t.Errorf("%s %s left %s %s of %q, %d", c.method, c.at, e.Action, e.ResourceType, e.ResourceTarget, e.StatusCode)
	}
	if e.OrganizationID != organization || e.ResourceID == uuid.Nil {
		t.Errorf("%s %s: organization %s, resource %s", c.method, c.at, e.OrganizationID, e.ResourceID)
	}
	if diff := cmp.Diff(c.changed, slices.Sorted(maps.Keys(e.Diff)), cmp.Transformer("empty", orNil)); diff != "" {
		t.Errorf("%s %s: the entry names other fields:\n%s", c.method, c.at, diff)
	}
	return e
}

// TestAuditOfOrganizations walks every change to organizations, members and
// custom roles.
func TestAuditOfOrganizations(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "Other")
		created := audit(t, s, "resource_id:"+other.ID.String())
		if len(created) != 1 || created[0].Action != "create" || created[0].StatusCode != http.StatusCreated || created[0].ResourceTarget != "Other" ||
			created[0].OrganizationID != other.ID || created[0].Description != "{user} created organization {target}" {
			t.Errorf("%+v", created)
		}
		if o := created[0].Organization; o == nil || *o != (sdk.MinimalOrganization{ID: other.ID, Name: "Other", DisplayName: "Other"}) {
			t.Errorf("the organization is %+v", o)
		}
		ann := create(t, s, newUser("Ann"))
		roles := body{"roles": []string{"organization-auditor"}}
		for _, c := range []auditCase{
			{http.MethodPatch, orgPath("other"), body{"name": "Next", "icon": "i"}, 200, "write", "organization", "Other", []string{"icon", "name"}},
			{http.MethodPatch, orgPath("next"), body{}, 200, "write", "organization", "Next", nil},
			{http.MethodPost, orgPath("next", "members/ann"), nil, 200, "create", "organization_member", "Ann", []string{"organization_id", "user_id", "username"}},
			{http.MethodPut, orgPath("next", "members/ann/roles"), roles, 200, "write", "organization_member", "Ann", []string{"roles"}},
			{http.MethodPut, orgPath("next", "members/ann/roles"), roles, 200, "write", "organization_member", "Ann", nil},
			{http.MethodPost, orgPath("next", "members/roles"), roleNamed("Custom", may("template", "read")), 200, "create", "custom_role", "Custom", []string{"name", "org_permissions"}},
			{http.MethodPut, orgPath("next", "members/roles"), roleNamed("custom", mayNot("template", "read")), 200, "write", "custom_role", "Custom", []string{"org_permissions"}},
			{http.MethodDelete, orgPath("next", "members/roles/custom"), nil, 204, "delete", "custom_role", "Custom", []string{"name", "org_permissions"}},
			{http.MethodDelete, orgPath("next", "members/ann"), nil, 204, "delete", "organization_member", "Ann", []string{"organization_id", "roles", "user_id", "username"}},
			{http.MethodDelete, orgPath("next"), nil, 200, "delete", "organization", "Next", []string{"deleted"}},
		} {
			e := c.check(t, s, owner(s), other.ID)
			if c.resource == "organization_member" && e.ResourceID != ann.ID {
				t.Errorf("%s: the resource is %s, want the user", c.at, e.ResourceID)
			}
			if c.target == "Custom" && c.action == "write" {
				want := sdk.AuditDiffField{Old: []any{"template:read"}, New: []any{"!template:read"}}
				if diff := cmp.Diff(want, e.Diff["org_permissions"]); diff != "" {
					t.Errorf("the permissions (-want +got):\n%s", diff)
				}
			}
		}
		if e := audit(t, s, "resource_type:organization action:delete")[0]; !e.IsDeleted || e.Organization == nil {
			t.Errorf("after the deletion: %+v", e)
		}
	})
}

// TestAuditOfRefusedOrganizationChanges: an attempt on something known is
// recorded with how it ended, and shows nothing.
func TestAuditOfRefusedOrganizationChanges(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		aud := join(t, s, "aud", "auditor")
		mia := outsider(t, s, other.ID, "mia")
		create(t, s, newUser("ben"))
		owner(s).post(t, orgPath("other", "members/roles"), roleNamed("custom")).want(t, http.StatusOK)
		roles := body{"roles": []string{"organization-auditor"}}
		for _, c := range []struct {
			as client
			auditCase
		}{
			{aud.client, auditCase{http.MethodPatch, orgPath("other"), body{}, 404, "write", "organization", "other", nil}},
			{owner(s), auditCase{http.MethodPatch, orgPath("other"), body{"name": "coder"}, 409, "write", "organization", "other", nil}},
			{owner(s), auditCase{http.MethodPatch, orgPath("other"), "nonsense", 400, "write", "organization", "other", nil}},
			{mia.client, auditCase{http.MethodDelete, orgPath("other"), nil, 403, "delete", "organization", "other", nil}},
			{owner(s), auditCase{http.MethodDelete, orgPath("other"), nil, 409, "delete", "organization", "other", nil}},
			{aud.client, auditCase{http.MethodPost, orgPath("other", "members/ben"), nil, 403, "create", "organization_member", "ben", nil}},
			{mia.client, auditCase{http.MethodPost, orgPath("other", "members/me"), nil, 404, "create", "organization_member", "mia", nil}},
			{owner(s), auditCase{http.MethodPost, orgPath("other", "members/mia"), nil, 400, "create", "organization_member", "mia", nil}},
			{aud.client, auditCase{http.MethodDelete, orgPath("other", "members/mia"), nil, 404, "delete", "organization_member", "mia", nil}},
			{mia.client, auditCase{http.MethodDelete, orgPath("other", "members/owner"), nil, 404, "delete", "organization_member", "owner", nil}},
			{owner(s), auditCase{http.MethodDelete, orgPath("other", "members/me"), nil, 400, "delete", "organization_member", "owner", nil}},
			{aud.client, auditCase{http.MethodPut, orgPath("other", "members/mia/roles"), roles, 403, "write", "organization_member", "mia", nil}},
			{owner(s), auditCase{http.MethodPut, orgPath("other", "members/me/roles"), roles, 400, "write", "organization_member", "owner", nil}},
			{mia.client, auditCase{http.MethodPost, orgPath("other", "members/roles"), roleNamed("more"), 403, "create", "custom_role", "more", nil}},
			{owner(s), auditCase{http.MethodPost, orgPath("other", "members/roles"), roleNamed("Custom"), 409, "create", "custom_role", "Custom", nil}},
			{mia.client, auditCase{http.MethodPut, orgPath("other", "members/roles"), roleNamed("CUSTOM"), 403, "write", "custom_role", "custom", nil}},
			{mia.client, auditCase{http.MethodDelete, orgPath("other", "members/roles/custom"), nil, 403, "delete", "custom_role", "custom", nil}},
		} {
			c.check(t, s, c.as, other.ID)
		}
		// What never came to be belongs to no organization.
		refused := auditCase{http.MethodPost, orgsPath, body{"name": "third"}, 403, "create", "organization", "third", nil}
		if e := refused.check(t, s, mia.client, uuid.Nil); e.Description != "{user} unsuccessfully attempted to create organization {target}" {
			t.Errorf("description %q", e.Description)
		}
		// Attempts on nothing known leave no entry.
		for _, c := range []auditCase{
			{method: http.MethodPatch, at: orgPath("nowhere"), body: body{}},
			{method: http.MethodPost, at: orgPath("other", "members/nobody")},
			{method: http.MethodDelete, at: orgPath("other", "members/nobody")},
			{method: http.MethodDelete, at: orgPath("other", "members/roles/nothing")},
		} {
			a := owner(s).do(t, c.method, c.at, c.body).want(t, http.StatusNotFound)
			if entries := audit(t, s, "request_id:"+a.header.Get(sdk.RequestIDHeader)); len(entries) != 0 {
				t.Errorf("%s %s left %+v", c.method, c.at, entries)
			}
		}
	})
}

// TestOrganizationAuditors see what happened in their organizations and nothing
// else.
func TestOrganizationAuditors(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		one, two := found(t, s, "one"), found(t, s, "two")
		ora := outsider(t, s, one.ID, "ora", "organization-auditor")
		oda := outsider(t, s, two.ID, "oda", "organization-admin")
		both := outsider(t, s, one.ID, "both", "organization-admin")
		appoint(t, s, two.ID, both.ID, "organization-auditor")
		count := func(c client, q string) int {
			t.Helper()
			page := auditPage(t, c, "?limit=1000&q="+url.QueryEscape(q))
			if page.Count != len(page.AuditLogs) {
				t.Errorf("%q: %d entries of %d", q, len(page.AuditLogs), page.Count)
			}
			return page.Count
		}
		inOne, inTwo := count(owner(s), "organization:one"), count(owner(s), "organization:"+two.ID.String())
		if inOne != 3 || inTwo != 4 { // one: itself and two who got roles; two: one, and one who joined and got a role
			t.Errorf("the owner sees %d and %d entries", inOne, inTwo)
		}
		for name, c := range map[string]struct {
			client
			all, one, two int
		}{
			"auditor of one": {ora.client, inOne, inOne, 0},
			"admin of two":   {oda.client, inTwo, 0, inTwo},
			"both":           {both.client, inOne + inTwo, inOne, inTwo},
		} {
			if got := count(c.client, ""); got != c.all {
				t.Errorf("%s sees %d entries, want %d", name, got, c.all)
			}
			if a, b := count(c.client, "organization:"+one.ID.String()), count(c.client, "organization:"+two.ID.String()); a != c.one || b != c.two {
				t.Errorf("%s sees %d and %d entries, want %d and %d", name, a, b, c.one, c.two)
			}
			for _, e := range auditPage(t, c.client, "").AuditLogs {
				if e.OrganizationID == uuid.Nil {
					t.Errorf("%s sees an entry of no organization: %+v", name, e)
				}
			}
		}
		if got := count(ora.client, "organization:ONE"); got != inOne {
			t.Errorf("by name there are %d", got)
		}
		ora.get(t, auditPath+"?q=organization:two").refused(t, http.StatusBadRequest, "Invalid audit search query.", "organization")
		outsider(t, s, one.ID, "mia").get(t, auditPath).lacks(t, "audit_log:read", "role")
		for _, role := range []string{"organization-user-admin", "organization-template-admin"} {
			outsider(t, s, one.ID, role[13:], role).get(t, auditPath).lacks(t, "audit_log:read", "role")
		}
	})
}
