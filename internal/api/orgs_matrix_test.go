package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// orgAskers are the columns of the matrix of organizations: roles in the
// organization, site roles of users who do not belong to it, and a member of
// another organization who holds no role.
var orgAskers = []string{
	"organization-member", "organization-admin", "organization-user-admin", "organization-template-admin", "organization-auditor",
	"owner", "user-admin", "template-admin", "auditor", "stranger",
}

// orgMatrix says what becomes of a request on the organization: {member} is
// another of its members, {newcomer} is none, {role} is a custom role of it. A
// permission is the one that every 403 of the row names.
var orgMatrix = []struct {
	method, at string
	body       any
	permission string
	//     member admin user-admin template-admin auditor | owner user-admin template-admin auditor | stranger
	want string
}{
	{http.MethodGet, "", nil, "", "200 200 200 200 200 | 200 200 200 200 | 404"},
	{http.MethodPatch, "", body{"icon": "x"}, "", "404 200 404 404 404 | 200 404 404 404 | 404"},
	{http.MethodDelete, "", nil, "organization:delete", "403 409 403 403 403 | 409 403 403 403 | 404"},
	{http.MethodGet, "/members", nil, "", "200 200 200 200 200 | 200 200 200 200 | 404"},
	{http.MethodGet, "/paginated-members", nil, "organization_member:read", "403 200 200 200 200 | 200 200 200 200 | 404"},
	{http.MethodGet, "/members/{member}", nil, "", "404 200 200 200 200 | 200 200 200 200 | 404"},
	{http.MethodGet, "/members/me", nil, "", "200 200 200 200 200 | 404 404 404 404 | 404"},
	{http.MethodGet, "/members/{newcomer}", nil, "", "404 404 404 404 404 | 404 404 404 404 | 404"},
	{http.MethodPost, "/members/{newcomer}", nil, "organization_member:create", "404 200 200 404 404 | 200 200 403 403 | 404"},
	{http.MethodPost, "/members/{member}", nil, "organization_member:create", "404 400 400 404 404 | 400 400 403 403 | 404"},
	{http.MethodPost, "/members/me", nil, "organization_member:create", "404 400 400 403 403 | 200 200 403 403 | 404"},
	{http.MethodDelete, "/members/{member}", nil, "", "404 204 204 404 404 | 204 204 404 404 | 404"},
	{http.MethodDelete, "/members/me", nil, "organization_member:delete", "403 400 400 403 403 | 404 404 404 404 | 404"},
	{
		http.MethodPut, "/members/{member}/roles",
		body{"roles": []string{"organization-auditor"}},
		"assign_org_role:assign",
		"404 200 400 403 403 | 200 400 403 403 | 404",
	},
	{
		http.MethodPut, "/members/{member}/roles",
		body{"roles": []string{"organization-member"}},
		"assign_org_role:assign",
		"404 200 200 403 403 | 200 200 403 403 | 404",
	},
	{http.MethodPut, "/members/{member}/roles", body{"roles": []string{"owner"}}, "", "404 400 400 400 400 | 400 400 400 400 | 404"},
	{http.MethodPut, "/members/me/roles", body{"roles": []string{}}, "", "400 400 400 400 400 | 404 404 404 404 | 404"},
	{http.MethodGet, "/members/roles", nil, "", "200 200 200 200 200 | 200 200 200 200 | 404"},
	{http.MethodPost, "/members/roles", body{"name": "new-role"}, "assign_org_role:create", "403 200 403 403 403 | 200 403 403 403 | 404"},
	{http.MethodPost, "/members/roles", body{"name": "owner"}, "", "400 400 400 400 400 | 400 400 400 400 | 404"},
	{http.MethodPut, "/members/roles", body{"name": "custom"}, "assign_org_role:update", "403 200 403 403 403 | 200 403 403 403 | 404"},
	{http.MethodDelete, "/members/roles/custom", nil, "assign_org_role:delete", "403 204 403 403 403 | 204 403 403 403 | 404"},
	{http.MethodDelete, "/members/roles/nothing", nil, "", "404 404 404 404 404 | 404 404 404 404 | 404"},
}

func TestOrganizationMatrix(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	other := found(t, s, fresh())
	people := orgPeople(t, s, other.ID)
	owner(s).post(t, orgPath(other.ID, "members/roles"), roleNamed("custom")).want(t, http.StatusOK)
	for _, row := range orgMatrix {
		for i, status := range strings.Fields(strings.ReplaceAll(row.want, " | ", " ")) {
			at := row.at
			if name, _, found := strings.Cut(strings.TrimPrefix(at, "/members/{"), "}"); found {
				target := create(t, s, newUser(fresh()))
				if name == "member" {
					appoint(t, s, other.ID, target.ID)
				}
				at = strings.Replace(at, "{"+name+"}", target.ID.String(), 1)
			}
			a := people[orgAskers[i]].do(t, row.method, orgPath(other.ID)+at, row.body)
			if fmt.Sprint(a.status) != status {
				t.Errorf("%s %s %v by %s: got %s, want %s", row.method, row.at, row.body, orgAskers[i], a, status)
			}
			if a.status == http.StatusForbidden {
				a.lacks(t, row.permission, "role")
			}
			if a.status < 300 && row.method != http.MethodGet {
				restore(t, s, other.ID, people[orgAskers[i]].ID)
			}
		}
	}
}

// orgPeople are the askers, signed in.
func orgPeople(t *testing.T, s *servertest.Server, organization uuid.UUID) map[string]person {
	t.Helper()
	people := map[string]person{"organization-member": outsider(t, s, organization, fresh()), "stranger": join(t, s, fresh())}
	for _, role := range orgAskers[1:5] {
		people[role] = outsider(t, s, organization, fresh(), role)
	}
	for _, role := range orgAskers[5:9] {
		people[role] = join(t, s, fresh(), role)
	}
	return people
}

// restore undoes what the last request may have done to the organization: a
// role that came or went, and an asker from outside who joined.
func restore(t *testing.T, s *servertest.Server, organization, asker uuid.UUID) {
	t.Helper()
	owner(s).delete(t, orgPath(organization, "members/roles/new-role"))
	owner(s).post(t, orgPath(organization, "members/roles"), roleNamed("custom"))
	member := owner(s).get(t, orgPath(organization, "members", asker.String()))
	if member.status == http.StatusOK && len(decode[sdk.OrganizationMemberWithUserData](t, member).GlobalRoles) > 0 {
		owner(s).delete(t, orgPath(organization, "members", asker.String())).want(t, http.StatusNoContent)
	}
}

// orgAdminMatrix says what the administrators of people of an organization, who
// may read every user, may do with users: themselves, somebody of another
// organization, and an owner. All others who hold a role in an organization
// alone are members like any other, for whom others do not exist.
var orgAdminMatrix = []struct {
	method, below string
	body          any
	//     administrators, others
	want string
}{
	{http.MethodGet, "", nil, "200 200 200 | 200 404 404"},
	{http.MethodDelete, "", nil, "403 403 403 | 403 404 404"},
	{http.MethodPut, "profile", "same username", "200 403 403 | 200 404 404"},
	{http.MethodPut, "profile", "new username", "404 404 404 | 404 404 404"},
	{http.MethodPut, "email", body{"email": "another@example.org"}, "403 403 403 | 403 404 404"},
	{http.MethodPut, "status/suspend", nil, "400 403 400 | 400 404 404"},
	{http.MethodPut, "status/activate", nil, "403 403 403 | 403 404 404"},
	{http.MethodGet, "roles", nil, "200 404 404 | 200 404 404"},
	{http.MethodPut, "roles", body{"roles": []string{"member"}}, "400 403 403 | 400 404 404"},
	{http.MethodPut, "password", body{"password": nextPassword}, "400 404 404 | 400 404 404"},
	{http.MethodGet, "login-type", nil, "200 403 403 | 200 404 404"},
	{http.MethodGet, "organizations", nil, "200 200 200 | 200 404 404"},
	{http.MethodGet, "organizations/coder", nil, "404 404 404 | 404 404 404"},
	{http.MethodPost, "keys", nil, "201 403 403 | 201 404 404"},
	{http.MethodGet, "keys/tokens", nil, "200 200 200 | 200 404 404"},
	{http.MethodPost, "keys/tokens", body{}, "201 403 403 | 201 404 404"},
	{http.MethodGet, "keys/tokens/tokenconfig", nil, "200 200 200 | 200 404 404"},
	{http.MethodGet, "appearance", nil, "200 403 403 | 200 404 404"},
	{http.MethodPut, "appearance", body{"theme_preference": "dark", "terminal_font": "fira-code"}, "200 403 403 | 200 404 404"},
	{http.MethodGet, "preferences", nil, "200 403 403 | 200 404 404"},
	{http.MethodPut, "preferences", body{"task_notification_alert_dismissed": true}, "200 403 403 | 200 404 404"},
	{http.MethodPost, "ai-seat", body{"event": "task"}, "403 403 403 | 403 404 404"},
	{http.MethodDelete, "ai-seat", nil, "403 403 403 | 403 404 404"},
}

func TestOrganizationAdminsOnUsers(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	other := found(t, s, fresh())
	member, boss := create(t, s, newUser(fresh())), create(t, s, newUser(fresh(), "owner"))
	for i, role := range orgAskers[1:5] {
		asker := outsider(t, s, other.ID, fresh(), role)
		for _, row := range orgAdminMatrix {
			for j, status := range strings.Fields(strings.Split(row.want, " | ")[i/2]) {
				target := []sdk.User{asker.User, member, boss}[j]
				request := row.body
				switch row.body {
				case "same username":
					request = body{"username": target.Username, "name": "New Name"}
				case "new username":
					request = body{"username": fresh()}
				}
				a := asker.do(t, row.method, strings.TrimSuffix(path(target.ID, row.below), "/"), request)
				if fmt.Sprint(a.status) != status {
					t.Errorf("%s %s %v by %s on %s: got %s, want %s", row.method, row.below, row.body, role, targets[j], a, status)
				}
			}
		}
	}
}

// TestOrganizationAdminsOnTheDeployment: what is about no user in particular.
func TestOrganizationAdminsOnTheDeployment(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	other := found(t, s, fresh())
	for role, want := range map[string]struct{ users, audit int }{
		"organization-admin":          {users: 3, audit: http.StatusOK},
		"organization-user-admin":     {users: 3, audit: http.StatusForbidden},
		"organization-template-admin": {users: 1, audit: http.StatusForbidden},
		"organization-auditor":        {users: 1, audit: http.StatusOK},
	} {
		elsewhere := create(t, s, newUser(fresh()))
		asker := outsider(t, s, other.ID, fresh(), role)
		if got := users(t, asker.client, "").Count; got != want.users {
			t.Errorf("%s sees %d users, want %d", role, got, want.users)
		}
		asker.post(t, usersPath, newUser(fresh()).but("organization_ids", []uuid.UUID{other.ID})).lacks(t, "user:create", "role")
		asker.post(t, usersPath, newUser(fresh())).refused(t, http.StatusNotFound, notFound) // an organization it cannot read
		asker.post(t, orgsPath, body{"name": fresh()}).lacks(t, "organization:create", "role")
		for _, r := range decode[[]sdk.AssignableRole](t, asker.get(t, "/api/v2/users/roles").want(t, http.StatusOK)) {
			if r.Assignable {
				t.Errorf("%s may give the site role %s", role, r.Name)
			}
		}
		asker.get(t, auditPath).want(t, want.audit)
		for _, id := range []uuid.UUID{elsewhere.ID, asker.ID} {
			owner(s).delete(t, path(id)).want(t, http.StatusOK)
		}
	}
}
