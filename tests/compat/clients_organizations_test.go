package compat_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
)

type clientMember struct {
	UserID         uuid.UUID    `json:"user_id"`
	OrganizationID uuid.UUID    `json:"organization_id"`
	CreatedAt      time.Time    `json:"created_at"`
	UpdatedAt      time.Time    `json:"updated_at"`
	Roles          []clientRole `json:"roles"`
	Username       string       `json:"username"`
	Name           string       `json:"name"`
	AvatarURL      string       `json:"avatar_url"`
	Email          string       `json:"email"`
	GlobalRoles    []clientRole `json:"global_roles"`
	Status         string       `json:"status"`
	LastSeenAt     time.Time    `json:"last_seen_at"`
	UserCreatedAt  time.Time    `json:"user_created_at"`
}

type clientPermission struct {
	Negate       bool   `json:"negate"`
	ResourceType string `json:"resource_type"`
	Action       string `json:"action"`
}

// TestOrganizationsShow and its words: "me", nothing, and a name or an id.
func TestOrganizationsShow(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		mine := c.chooseOrganization(t)
		for _, reference := range []string{"default", "Coder", mine.ID.String()} {
			got := decode[clientOrganization](t, c.call(t, "GET", "/organizations/"+reference, nil).want(t, http.StatusOK))
			if got != mine || got.ID != s.OrganizationID {
				t.Errorf("%s is %+v, want %+v", reference, got, mine)
			}
		}
		c.call(t, "GET", "/organizations/me", nil).want(t, http.StatusNotFound)
	})
}

// TestOrganizationsCreateListAndDelete: the command first looks whether the name
// is free, or whom it names.
func TestOrganizationsCreateListAndDelete(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, _ *servertest.Server, c caller) {
		c.call(t, "GET", "/organizations/research", nil).want(t, http.StatusNotFound)
		created := decode[clientOrganization](t, c.call(t, "POST", "/organizations", map[string]any{"name": "research"}).want(t, http.StatusCreated))
		if created.ID == uuid.Nil || created.Name != "research" || created.DisplayName != "research" || created.IsDefault {
			t.Errorf("created %+v", created)
		}
		list := decode[[]clientOrganization](t, c.call(t, "GET", "/organizations", nil).want(t, http.StatusOK))
		if len(list) != 2 || !list[0].IsDefault || list[1] != created {
			t.Errorf("the list is %+v", list)
		}
		found := decode[clientOrganization](t, c.call(t, "GET", "/organizations/research", nil).want(t, http.StatusOK))
		r := c.call(t, "DELETE", "/organizations/"+found.ID.String(), nil).want(t, http.StatusOK)
		if decode[clientMessage](t, r).Message == "" {
			t.Errorf("%s", r.body)
		}
		c.call(t, "GET", "/organizations/research", nil).want(t, http.StatusNotFound)
	})
}

// TestOrganizationsMembers is list, add, edit-roles and remove, each of which
// first finds the caller's only organization. The list has a slash at its end,
// and nothing but roles has a body.
func TestOrganizationsMembers(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		ada := s.CreateUser(t, "Ada", "auditor")
		at := func() string { return "/organizations/" + c.chooseOrganization(t).ID.String() + "/members/" }
		list := func() []clientMember {
			return decode[[]clientMember](t, c.call(t, "GET", at(), nil).want(t, http.StatusOK))
		}
		members := list()
		if len(members) != 2 || members[0].UserID != ada.ID || members[1].UserID != s.OwnerID {
			t.Fatalf("the members are %+v", members)
		}
		for _, m := range members {
			if m.Username == "" || m.Email == "" || m.Roles == nil || len(m.Roles) != 0 || len(m.GlobalRoles) != 1 || m.Status != "active" || m.CreatedAt.IsZero() {
				t.Errorf("a row of the table lacks something: %+v", m)
			}
		}

		changed := decode[clientMember](t, c.call(t, "PUT", at()+"Ada/roles", map[string]any{"roles": []string{"organization-auditor"}}).want(t, http.StatusOK))
		want := []clientRole{{Name: "organization-auditor", DisplayName: "Organization Auditor", OrganizationID: s.OrganizationID.String()}}
		if diff := cmp.Diff(want, changed.Roles); diff != "" || changed.UserID != ada.ID {
			t.Errorf("the new roles of %s differ (-want +got):\n%s", changed.UserID, diff)
		}
		c.call(t, "DELETE", at()+"Ada", nil).want(t, http.StatusNoContent)
		if members := list(); len(members) != 1 {
			t.Errorf("afterwards the members are %+v", members)
		}
		added := decode[clientMember](t, c.call(t, "POST", at()+"ada", nil).want(t, http.StatusOK))
		if added.UserID != ada.ID || added.OrganizationID != s.OrganizationID || len(added.Roles) != 0 {
			t.Errorf("added %+v", added)
		}
		r := c.call(t, "POST", at()+"ada", nil).want(t, http.StatusBadRequest)
		if got := decode[clientMessage](t, r).Message; got != "User is already an organization member" {
			t.Errorf("message %q", got)
		}
	})
}

// TestOrganizationsRolesShow, whose names the questions of the commands offer.
func TestOrganizationsRolesShow(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, _ *servertest.Server, c caller) {
		path := "/organizations/" + c.chooseOrganization(t).ID.String() + "/members/roles"
		names := []string{}
		for _, role := range decode[[]clientAssignableRole](t, c.call(t, "GET", path, nil).want(t, http.StatusOK)) {
			names = append(names, role.Name)
			if !role.Assignable || !role.BuiltIn || role.DisplayName == "" {
				t.Errorf("%+v", role)
			}
		}
		slices.Sort(names)
		want := []string{
			"organization-admin", "organization-auditor", "organization-template-admin", "organization-user-admin",
			"organization-workspace-creation-ban",
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("the roles differ (-want +got):\n%s", diff)
		}
	})
}

// TestOrganizationMethodsOfTheSDK calls each of them once, in an order in which
// each finds what it needs.
func TestOrganizationMethodsOfTheSDK(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		ada := s.CreateUser(t, "ada").ID
		created := decode[clientOrganization](t, c.call(t, "POST", "/organizations", map[string]any{
			"name": "Research", "display_name": "Research & Development", "description": "", "icon": "/emojis/1f52c.png",
		}).want(t, http.StatusCreated))
		for _, m := range organizationMethods("/organizations/"+created.ID.String(), ada) {
			m.decode(t, c.call(t, m.verb, m.path, m.body).want(t, m.statuses...))
		}
	})
}

func organizationMethods(at string, ada uuid.UUID) []method {
	ok, gone := []int{http.StatusOK}, []int{http.StatusNoContent}
	role := map[string]any{
		"name": "helper", "display_name": "The Helper", "site_permissions": nil, "user_permissions": []any{},
		"organization_permissions":        []any{map[string]any{"negate": false, "resource_type": "organization_member", "action": "read"}},
		"organization_member_permissions": nil,
	}
	isRole := into(func(r struct {
		clientRole
		Permissions []clientPermission `json:"organization_permissions"`
	},
	) bool {
		return r.Name == "helper" && r.DisplayName == "The Helper" && len(r.Permissions) == 1 && r.Permissions[0].Action == "read"
	})
	holds := func(roles ...string) func(clientMember) bool {
		return func(m clientMember) bool {
			names := []string{}
			for _, r := range m.Roles {
				names = append(names, r.Name)
			}
			return m.UserID == ada && slices.Equal(names, roles)
		}
	}
	return []method{
		{
			name: "UpdateOrganization", verb: "PATCH", path: at, body: map[string]any{"display_name": "Research", "description": nil}, statuses: ok,
			decode: into(func(o clientOrganization) bool {
				return o.Name == "Research" && o.DisplayName == "Research" && o.Icon != ""
			}),
		},
		{name: "Organizations", verb: "GET", path: "/organizations", statuses: ok, decode: into(func(o []clientOrganization) bool { return len(o) == 2 })},
		{name: "PostOrganizationMember", verb: "POST", path: at + "/members/ada", statuses: ok, decode: into(holds())},
		{name: "CreateOrganizationRole", verb: "POST", path: at + "/members/roles", body: role, statuses: ok, decode: isRole},
		{name: "UpdateOrganizationRole", verb: "PUT", path: at + "/members/roles", body: role, statuses: ok, decode: isRole},
		{
			name: "ListOrganizationRoles", verb: "GET", path: at + "/members/roles", statuses: ok,
			decode: into(func(r []clientAssignableRole) bool {
				return slices.ContainsFunc(r, func(r clientAssignableRole) bool { return r.Name == "helper" && !r.BuiltIn && r.Assignable })
			}),
		},
		{
			name: "UpdateOrganizationMemberRoles", verb: "PUT", path: at + "/members/" + ada.String() + "/roles", statuses: ok,
			body: map[string]any{"roles": []string{"organization-auditor", "helper"}}, decode: into(holds("helper", "organization-auditor")),
		},
		{name: "OrganizationMember", verb: "GET", path: at + "/members/ada", statuses: ok, decode: into(holds("helper", "organization-auditor"))},
		{
			name: "OrganizationMembers", verb: "GET", path: at + "/members/", statuses: ok,
			decode: into(func(m []clientMember) bool { return len(m) == 2 && m[0].UserID == ada && len(m[0].Roles) == 2 }),
		},
		{
			name: "OrganizationMembersPaginated", verb: "GET", path: at + "/paginated-members?limit=1&offset=1&q=", statuses: ok,
			decode: into(func(p struct {
				Members []clientMember `json:"members"`
				Count   int            `json:"count"`
			},
			) bool {
				return p.Count == 2 && len(p.Members) == 1 && p.Members[0].Username == "owner"
			}),
		},
		{
			name: "UserRoles", verb: "GET", path: "/users/ada/roles", statuses: ok, decode: into(func(r clientUserRoles) bool {
				for _, names := range r.OrganizationRoles {
					if slices.Equal(names, []string{"helper", "organization-auditor"}) {
						return len(r.OrganizationRoles) == 2
					}
				}
				return false
			}),
		},
		{name: "DeleteOrganizationRole", verb: "DELETE", path: at + "/members/roles/helper", statuses: gone, decode: nothing},
		{name: "DeleteOrganizationMember", verb: "DELETE", path: at + "/members/ada", statuses: gone, decode: nothing},
		{name: "DeleteOrganization", verb: "DELETE", path: at, statuses: ok, decode: nothing},
	}
}
