package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

func roleNamed(name string, permissions ...sdk.Permission) sdk.CustomRoleRequest {
	return sdk.CustomRoleRequest{Name: name, OrganizationPermissions: permissions}
}

func may(resource, action string) sdk.Permission {
	return sdk.Permission{ResourceType: resource, Action: action}
}

func mayNot(resource, action string) sdk.Permission {
	return sdk.Permission{Negate: true, ResourceType: resource, Action: action}
}

func orgRoles(t testing.TB, c client, organization any) []sdk.AssignableRole {
	t.Helper()
	return decode[[]sdk.AssignableRole](t, c.get(t, orgPath(organization, "members/roles")).want(t, http.StatusOK))
}

// TestOrganizationRoles: the five that are built in, whoever asks, and whether
// the caller may give them.
func TestOrganizationRoles(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		for _, name := range []string{"zebra", "Ant"} {
			owner(s).post(t, orgPath(other.ID, "members/roles"), roleNamed(name)).want(t, http.StatusOK)
		}
		want := []string{
			"organization-admin Organization Admin", "organization-auditor Organization Auditor",
			"organization-template-admin Organization Template Admin", "organization-user-admin Organization User Admin",
			"organization-workspace-creation-ban Organization Workspace Creation Ban",
		}
		for name, c := range map[string]struct {
			client
			assignable bool
		}{
			"owner":                   {owner(s), true},
			"organization-admin":      {outsider(t, s, other.ID, "oda", "organization-admin").client, true},
			"organization-user-admin": {outsider(t, s, other.ID, "uma", "organization-user-admin").client, false},
			"member":                  {outsider(t, s, other.ID, "mia").client, false},
			"auditor":                 {join(t, s, "aud", "auditor").client, false},
			"user-admin":              {join(t, s, "una", "user-admin").client, false},
			"template-admin":          {join(t, s, "tom", "template-admin").client, false},
		} {
			list := orgRoles(t, c.client, "OTHER")
			var builtIn, custom []string
			for _, role := range list {
				if role.Assignable != c.assignable || role.OrganizationID != other.ID.String() {
					t.Errorf("%s: %s of %s is assignable: %t", name, role.Name, role.OrganizationID, role.Assignable)
				}
				if role.BuiltIn {
					builtIn = append(builtIn, role.Name+" "+role.DisplayName)
				} else {
					custom = append(custom, role.Name)
				}
			}
			slices.Sort(builtIn)
			if !slices.Equal(builtIn, want) || !slices.Equal(custom, []string{"Ant", "zebra"}) {
				t.Errorf("%s: %q and %q", name, builtIn, custom)
			}
		}
		if list := orgRoles(t, owner(s), "default"); len(list) != 5 {
			t.Errorf("custom roles are known elsewhere: %d roles", len(list))
		}
		for _, c := range []client{join(t, s, "stranger").client, outsider(t, s, found(t, s, "third").ID, "odo", "organization-admin").client} {
			c.get(t, orgPath(other.ID, "members/roles")).refused(t, http.StatusNotFound, "Resource not found")
		}
	})
}

func TestCustomRole(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		at := orgPath("other", "members/roles")
		request := roleNamed("Helper-1", may("organization_member", "read"), may("organization_member", "read"), mayNot("template", "*"))
		request.DisplayName = "The <Helper>"
		got := decode[sdk.AssignableRole](t, owner(s).post(t, at, request).want(t, http.StatusOK))
		want := sdk.AssignableRole{
			Role: sdk.Role{
				Name: "Helper-1", DisplayName: "The <Helper>", OrganizationID: other.ID.String(),
				SitePermissions: []sdk.Permission{}, UserPermissions: []sdk.Permission{},
				OrganizationPermissions: []sdk.Permission{
					may("organization_member", "read"),
					mayNot("template", "create"), mayNot("template", "read"), mayNot("template", "update"), mayNot("template", "delete"),
					mayNot("template", "use"), mayNot("template", "view_insights"),
				},
			},
			Assignable: true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
		if list := orgRoles(t, owner(s), "other"); !cmp.Equal(list[len(list)-1], want) {
			t.Errorf("listed as %+v", list[len(list)-1])
		}
		for _, taken := range []string{"Helper-1", "helper-1"} {
			owner(s).post(t, at, roleNamed(taken)).refused(t, http.StatusConflict, "already exists", "name")
		}
		owner(s).post(t, orgPath("default", "members/roles"), roleNamed("helper-1")).want(t, http.StatusOK) // another organization

		// Replaced as a whole, under the name that it has.
		want.DisplayName, want.OrganizationPermissions = "", []sdk.Permission{may("audit_log", "read")}
		changed := decode[sdk.AssignableRole](t, owner(s).put(t, at, roleNamed("HELPER-1", may("audit_log", "read"))).want(t, http.StatusOK))
		if diff := cmp.Diff(want, changed); diff != "" {
			t.Errorf("changed (-want +got):\n%s", diff)
		}
		owner(s).put(t, at, roleNamed("nobody")).refused(t, http.StatusNotFound, "Resource not found")

		for _, below := range []string{"helper-1", "HELPER-1", "nobody", "a_b", "%00"} {
			status := map[bool]int{true: http.StatusNoContent, false: http.StatusNotFound}[below == "helper-1"]
			owner(s).delete(t, orgPath("other", "members/roles", below)).want(t, status)
		}
		if list := orgRoles(t, owner(s), "other"); len(list) != 5 {
			t.Errorf("%d roles are left", len(list))
		}
		if list := orgRoles(t, owner(s), "default"); len(list) != 6 {
			t.Errorf("the other organization has %d roles", len(list))
		}
	})
}

func TestCustomRoleFaults(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	at := orgPath("default", "members/roles")
	owner(s).post(t, at, roleNamed("known")).want(t, http.StatusOK)
	read := []sdk.Permission{may("organization", "read")}
	for name, c := range map[string]struct {
		request any
		message string
		fields  []string
	}{
		"built in":          {roleNamed("organization-admin"), "Reserved", []string{"name"}},
		"implied":           {roleNamed("organization-member"), "Reserved", []string{"name"}},
		"otherwise spelled": {roleNamed("Organization-Auditor"), "Reserved", []string{"name"}},
		"site role":         {roleNamed("owner"), "Reserved", []string{"name"}},
		"no name":           {roleNamed(""), badFields, []string{"name"}},
		"space":             {roleNamed("a b"), badFields, []string{"name"}},
		"33 letters":        {roleNamed(strings.Repeat("x", 33)), badFields, []string{"name"}},
		"display name":      {sdk.CustomRoleRequest{Name: "a", DisplayName: " x"}, badFields, []string{"display_name"}},
		"65 letters":        {sdk.CustomRoleRequest{Name: "a", DisplayName: strings.Repeat("x", 65)}, badFields, []string{"display_name"}},
		"site permission":   {sdk.CustomRoleRequest{Name: "a", SitePermissions: read}, "site wide permissions", []string{"site_permissions"}},
		"user permission":   {sdk.CustomRoleRequest{Name: "a", UserPermissions: read}, "not allowed to assign user permissions", []string{"user_permissions"}},
		"own objects":       {body{"name": "a", "organization_member_permissions": read}, "own objects", []string{"organization_member_permissions"}},
		"unknown resource":  {roleNamed("a", may("spaceship", "read")), badFields, []string{"organization_permissions"}},
		"unknown action":    {roleNamed("a", may("organization", "fly")), badFields, []string{"organization_permissions"}},
		"no such pair":      {roleNamed("a", may("organization", "ssh")), badFields, []string{"organization_permissions"}},
		"empty pair":        {roleNamed("a", may("", "")), badFields, []string{"organization_permissions"}},
		"two in one":        {roleNamed("a", may("organization:read", "")), badFields, []string{"organization_permissions"}},
		"everything flies":  {roleNamed("a", may("*", "fly")), badFields, []string{"organization_permissions"}},
		"every fault":       {roleNamed("-", may("x", "y"), mayNot("organization", "fly")), badFields, []string{"name", "organization_permissions", "organization_permissions"}},
		"no JSON":           {"nonsense", badJSON, nil},
		"wrong type":        {`{"name":"a","organization_permissions":["organization:read"]}`, badJSON, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{http.MethodPost, http.MethodPut} {
				owner(s).do(t, method, at, c.request).refused(t, http.StatusBadRequest, c.message, c.fields...)
			}
		})
	}
	for _, name := range []string{"organization-admin", "ORGANIZATION-ADMIN", "owner"} {
		owner(s).delete(t, orgPath("default", "members/roles", name)).refused(t, http.StatusBadRequest, "Reserved", "name")
	}
	owner(s).post(t, orgPath("nowhere", "members/roles"), "nonsense").refused(t, http.StatusNotFound, notFound)
}

// TestNobodyMakesARoleAboveItself, neither by making it nor by handing it out.
func TestNobodyMakesARoleAboveItself(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		at := orgPath(other.ID, "members/roles")
		oda := outsider(t, s, other.ID, "oda", "organization-admin")
		oda.post(t, at, roleNamed("reader", may("organization_member", "*"), may("audit_log", "read"), mayNot("*", "delete"))).want(t, http.StatusOK)
		oda.post(t, at, roleNamed("above", may("organization", "create"))).lacks(t, "organization:create", "role")
		oda.post(t, at, roleNamed("above", may("*", "*"))).refused(t, http.StatusForbidden, forbidden)
		oda.put(t, at, roleNamed("reader", may("license", "read"))).lacks(t, "license:read", "role")
		oda.post(t, orgPath("default", "members/roles"), roleNamed("foreign")).refused(t, http.StatusNotFound, notFound)

		// A role that lets its holder make and give roles lets nobody rise.
		owner(s).post(t, at, roleNamed("roles", may("assign_org_role", "*"), may("organization_member", "read"))).want(t, http.StatusOK)
		mia := outsider(t, s, other.ID, "mia", "roles")
		ben := outsider(t, s, other.ID, "ben")
		set := func(roles ...string) answer {
			return mia.put(t, orgPath(other.ID, "members/ben/roles"), body{"roles": roles})
		}
		set("organization-admin").refused(t, http.StatusBadRequest, "not authorized")
		set("reader").refused(t, http.StatusBadRequest, "not authorized")
		set("roles", "organization-workspace-creation-ban").want(t, http.StatusOK)
		mia.post(t, at, roleNamed("more", may("audit_log", "read"))).lacks(t, "audit_log:read", "role")
		mia.post(t, at, roleNamed("less", may("organization_member", "read"))).want(t, http.StatusOK)
		assignable := []string{}
		for _, role := range orgRoles(t, mia.client, other.ID) {
			if role.Assignable {
				assignable = append(assignable, role.Name)
			}
		}
		if want := []string{"organization-workspace-creation-ban", "less", "roles"}; !slices.Equal(assignable, want) {
			t.Errorf("it may give %q, want %q", assignable, want)
		}
		// An owner may do all there is, so that it may give all there is.
		owner(s).post(t, at, roleNamed("everything", may("*", "*"))).want(t, http.StatusOK)
		appoint(t, s, other.ID, ben.ID, "everything")
		ben.do(t, http.MethodPatch, orgPath(other.ID), body{"icon": "x"}).want(t, http.StatusOK)

		for name, c := range map[string]client{
			"member": outsider(t, s, other.ID, "plain").client, "organization-user-admin": outsider(t, s, other.ID, "uma", "organization-user-admin").client,
			"user-admin": join(t, s, "una", "user-admin").client, "auditor": join(t, s, "aud", "auditor").client,
		} {
			t.Log(name)
			c.post(t, at, roleNamed("x")).lacks(t, "assign_org_role:create", "role")
			c.put(t, at, roleNamed("reader")).lacks(t, "assign_org_role:update", "role")
			c.delete(t, at+"/reader").lacks(t, "assign_org_role:delete", "role")
		}
		join(t, s, "stranger").post(t, at, roleNamed("x")).refused(t, http.StatusNotFound, notFound)
	})
}

// TestCustomRolesDecide: what a custom role permits and denies counts from the
// next request of its holder on, and no longer than it is there.
func TestCustomRolesDecide(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		at := orgPath(other.ID, "members/roles")
		mia := outsider(t, s, other.ID, "mia")
		aud := outsider(t, s, other.ID, "aud")
		owner(s).put(t, path("aud", "roles"), body{"roles": []string{"auditor"}}).want(t, http.StatusOK)
		owner(s).post(t, at, roleNamed("custom")).want(t, http.StatusOK)
		appoint(t, s, other.ID, mia.ID, "custom", "organization-auditor")
		appoint(t, s, other.ID, aud.ID, "custom")
		probes := func(c client) string {
			text := ""
			for _, a := range []answer{
				c.get(t, orgPath(other.ID)), c.get(t, orgPath(other.ID, "paginated-members")), c.get(t, orgPath(other.ID, "members/me")),
				c.get(t, at), c.get(t, auditPath), c.do(t, http.MethodPatch, orgPath(other.ID), body{"icon": "y"}),
			} {
				text += http.StatusText(a.status)[:2] + " "
			}
			return strings.TrimSpace(text)
		}
		for _, c := range []struct {
			permissions []sdk.Permission
			mia, aud    string // OK, Fo(rbidden) or No(t found)
		}{
			{nil, "OK OK OK OK OK No", "OK OK OK OK OK No"},
			{[]sdk.Permission{may("organization", "update")}, "OK OK OK OK OK OK", "OK OK OK OK OK OK"},
			{[]sdk.Permission{mayNot("organization_member", "read")}, "OK Fo No OK OK No", "OK OK OK OK OK No"},
			{[]sdk.Permission{mayNot("organization_member", "*"), may("organization_member", "*")}, "OK Fo No OK OK No", "OK OK OK OK OK No"},
			{[]sdk.Permission{mayNot("audit_log", "read")}, "OK OK OK OK Fo No", "OK OK OK OK OK No"},
			{[]sdk.Permission{mayNot("*", "read"), may("organization", "*")}, "No No No No Fo No", "OK OK OK OK OK OK"},
			{[]sdk.Permission{mayNot("organization", "read")}, "No No No No OK No", "OK OK OK OK OK No"},
			{[]sdk.Permission{may("*", "update")}, "OK OK OK OK OK OK", "OK OK OK OK OK OK"},
		} {
			owner(s).put(t, at, roleNamed("custom", c.permissions...)).want(t, http.StatusOK)
			if got := probes(mia.client); got != c.mia {
				t.Errorf("%v: %s, want %s", c.permissions, got, c.mia)
			}
			if got := probes(aud.client); got != c.aud {
				t.Errorf("%v: with a site role %s, want %s", c.permissions, got, c.aud)
			}
		}
		member := decode[sdk.OrganizationMemberWithUserData](t, mia.get(t, orgPath(other.ID, "members/me")))
		if names := slimNames(member.Roles); !slices.Equal(names, []string{"custom", "organization-auditor"}) {
			t.Errorf("the roles are %v", names)
		}
		owner(s).delete(t, at+"/CUSTOM").want(t, http.StatusNoContent)
		if got := probes(mia.client); got != "OK OK OK OK OK No" {
			t.Errorf("without the role: %s", got)
		}
		for _, m := range members(t, owner(s), other.ID, "") {
			if slices.Contains(slimNames(m.Roles), "custom") {
				t.Errorf("%s still has the role", m.Username)
			}
		}
		// A new role of the name is nobody's.
		owner(s).post(t, at, roleNamed("custom", may("organization", "update"))).want(t, http.StatusOK)
		if got := probes(mia.client); got != "OK OK OK OK OK No" {
			t.Errorf("with another role of that name: %s", got)
		}
	})
}

// TestCustomRolesStayInTheirOrganization: one of the same name elsewhere is
// another role.
func TestCustomRolesStayInTheirOrganization(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		one, two := found(t, s, "one"), found(t, s, "two")
		mia := outsider(t, s, one.ID, "mia")
		owner(s).post(t, orgPath("one", "members/roles"), roleNamed("same", may("organization", "update"))).want(t, http.StatusOK)
		owner(s).post(t, orgPath("two", "members/roles"), roleNamed("same")).want(t, http.StatusOK)
		owner(s).post(t, orgPath("one", "members/roles"), roleNamed("alone")).want(t, http.StatusOK)
		appoint(t, s, two.ID, mia.ID, "same")
		rename := func(id uuid.UUID, want int) {
			t.Helper()
			mia.do(t, http.MethodPatch, orgPath(id), body{"icon": "z"}).want(t, want)
		}
		rename(one.ID, http.StatusNotFound)
		rename(two.ID, http.StatusNotFound)
		owner(s).put(t, orgPath("two", "members/mia/roles"), body{"roles": []string{"alone"}}).refused(t, http.StatusBadRequest, "not a supported role", "roles")
		appoint(t, s, one.ID, mia.ID, "same", "alone")
		rename(one.ID, http.StatusOK)
		rename(two.ID, http.StatusNotFound)
		owner(s).delete(t, orgPath("two", "members/roles/same")).want(t, http.StatusNoContent)
		rename(one.ID, http.StatusOK)
	})
}
