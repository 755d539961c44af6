package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

func roleNames(u sdk.User) []string {
	var list []string
	for _, role := range u.Roles {
		list = append(list, role.Name)
	}
	return list
}

func TestSiteRoles(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	want := map[string]string{"owner": "Owner", "auditor": "Auditor", "template-admin": "Template Admin", "user-admin": "User Admin"}
	for _, roles := range [][]string{{"owner"}, {"user-admin"}, {"auditor"}, nil} {
		who := join(t, s, fmt.Sprintf("user-%d", len(users(t, owner(s), "").Users)), roles...)
		list := decode[[]sdk.AssignableRole](t, who.get(t, "/api/v2/users/roles").want(t, http.StatusOK))
		if len(list) != len(want) {
			t.Errorf("%v: %d roles, want %d", roles, len(list), len(want))
		}
		for _, role := range list {
			if role.DisplayName != want[role.Name] || !role.BuiltIn || role.OrganizationID != "" {
				t.Errorf("%v: %+v", roles, role)
			}
			if isOwner := slices.Contains(roles, "owner"); role.Assignable != isOwner {
				t.Errorf("%v: %s is assignable: %t", roles, role.Name, role.Assignable)
			}
		}
	}
}

func TestUserRoles(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann", "auditor")
		for name, c := range map[string]client{"owner": owner(s), "itself": ann.client, "user-admin": join(t, s, "una", "user-admin").client} {
			if got := roleNames(c.get(t, path(ann.ID, "roles")).user(t, http.StatusOK)); !slices.Equal(got, []string{"auditor"}) {
				t.Errorf("%s reads %v", name, got)
			}
			a := c.with(sdk.DialectHeader, sdk.DialectCoder).get(t, path(ann.ID, "roles")).want(t, http.StatusOK)
			coder := decode[struct {
				Roles             []string            `json:"roles"`
				OrganizationRoles map[string][]string `json:"organization_roles"`
			}](t, a)
			if !slices.Equal(coder.Roles, []string{"auditor"}) || len(coder.OrganizationRoles) != 1 || coder.OrganizationRoles[s.OrganizationID.String()] == nil {
				t.Errorf("%s reads %s", name, a)
			}
		}
		ann.get(t, path("owner", "roles")).refused(t, http.StatusNotFound, notFound)
		join(t, s, "mia").get(t, path(ann.ID, "roles")).refused(t, http.StatusNotFound, notFound)
		if got := roleNames(owner(s).get(t, path("me", "roles")).user(t, http.StatusOK)); !slices.Equal(got, []string{"owner"}) {
			t.Errorf("the first user has %v", got)
		}
	})
}

func TestUpdateRoles(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann")
		set := func(c client, ref any, roles ...string) answer {
			return c.put(t, path(ref, "roles"), body{"roles": roles})
		}
		ann.get(t, auditPath).want(t, http.StatusForbidden)
		got := roleNames(set(owner(s), "ann", "user-admin", "auditor", "auditor").user(t, http.StatusOK))
		if !slices.Equal(got, []string{"auditor", "user-admin"}) {
			t.Errorf("roles %v", got)
		}
		ann.get(t, auditPath).want(t, http.StatusOK) // from the next request on, in the same session
		for _, none := range []string{`{}`, `{"roles":null}`, `{"roles":[]}`, `{"Roles":["auditor"],"roles":[]}`} {
			set(owner(s), "ann", "auditor").user(t, http.StatusOK)
			if got := owner(s).put(t, path("ann", "roles"), none).user(t, http.StatusOK); len(got.Roles) != 0 {
				t.Errorf("%s leaves %v", none, got.Roles)
			}
		}
		ann.get(t, auditPath).want(t, http.StatusForbidden)
		if got := roleNames(set(owner(s), "ann", "member").user(t, http.StatusOK)); !slices.Equal(got, []string{"member"}) {
			t.Errorf("member is stored and listed where somebody assigns it; it is %v", got)
		}

		for _, bad := range []string{"king", "organization-admin", "Auditor", "auditor:" + s.OrganizationID.String(), "", "organization-member"} {
			body := set(owner(s), "ann", bad).refused(t, http.StatusBadRequest, "is not a supported role", "roles")
			if want := fmt.Sprintf("%q is not a supported role", bad); body.Message != want {
				t.Errorf("message %q, want %q", body.Message, want)
			}
		}
		owner(s).put(t, path("ann", "roles"), `{"roles":"auditor"}`).refused(t, http.StatusBadRequest, badJSON)
		set(owner(s), uuid.New(), "auditor").refused(t, http.StatusNotFound, notFound)
		set(ann.client, "owner", "auditor").refused(t, http.StatusNotFound, notFound)
		// Oneself, before anything else is looked at.
		set(owner(s), "me", "owner").refused(t, http.StatusBadRequest, "own roles")
		set(owner(s), s.OwnerID, "organization-admin").refused(t, http.StatusBadRequest, "own roles")
		owner(s).put(t, path("me", "roles"), "nonsense").refused(t, http.StatusBadRequest, "own roles")
		set(ann.client, "me").refused(t, http.StatusBadRequest, "own roles")
	})
}

func TestUpdateRolesByOthers(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann, una := create(t, s, newUser("ann")), join(t, s, "una", "user-admin")
		create(t, s, newUser("ben", "auditor"))
		set := func(c client, ref any, roles ...string) answer {
			return c.put(t, path(ref, "roles"), body{"roles": roles})
		}
		for _, role := range []string{"auditor", "template-admin"} {
			who := join(t, s, role+"s", role)
			set(who.client, "ann", "member").lacks(t, "assign_role:assign", "role")
			set(who.client, "ann", "king").refused(t, http.StatusBadRequest, "not a supported role", "roles")
		}
		if got := roleNames(set(una.client, ann.ID, "member").user(t, http.StatusOK)); !slices.Equal(got, []string{"member"}) {
			t.Errorf("roles %v", got)
		}
		set(una.client, ann.ID).user(t, http.StatusOK)
		set(una.client, ann.ID, "auditor").refused(t, http.StatusBadRequest, "not authorized")
		set(una.client, ann.ID, "owner").refused(t, http.StatusBadRequest, "not authorized")
		set(una.client, "ben").refused(t, http.StatusBadRequest, "not authorized")
		set(una.client, "owner", "member").refused(t, http.StatusBadRequest, "not authorized")
		// What stays need not be assignable.
		if got := roleNames(set(una.client, "ben", "auditor", "member").user(t, http.StatusOK)); len(got) != 2 {
			t.Errorf("roles %v", got)
		}
		// The second owner may demote the first, and then is the last.
		two := join(t, s, "two", "owner")
		set(two.client, "owner", "auditor").user(t, http.StatusOK)
		owner(s).put(t, path("two", "roles"), body{"roles": []string{}}).lacks(t, "assign_role:assign", "role")
	})
}
