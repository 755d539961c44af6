package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
)

// askers are the columns of the matrix: who asks, and about whom. Each has the
// three targets itself, somebody else, and an owner.
var askers = []string{"member", "auditor", "template-admin", "organization-admin", "user-admin", "owner"}

var targets = []string{"self", "other", "owner"}

// matrix says what becomes of a request, for each asker and target, with the
// permission that a 403 names. An empty permission is a refusal that no
// permission would lift.
var matrix = []struct {
	method, below string
	body          any
	permission    string
	//     member        auditor       template-admin organization-admin user-admin owner
	want string
}{
	{
		http.MethodGet, "", nil, "",
		"200 404 404 | 200 200 200 | 200 200 200 | 200 200 200 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodDelete, "", nil, "user:delete",
		"403 404 404 | 403 403 403 | 403 403 403 | 403 403 403 | 403 200 200 | 403 200 200",
	},
	{
		http.MethodPut, "profile", "same username", "user:update_personal",
		"200 404 404 | 200 403 403 | 200 403 403 | 200 403 403 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodPut, "profile", "new username", "",
		"404 404 404 | 404 404 404 | 404 404 404 | 404 404 404 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodPut, "email",
		body{"email": "another@example.org"},
		"user:update",
		"403 404 404 | 403 403 403 | 403 403 403 | 403 403 403 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodPut, "status/suspend", nil, "user:update",
		"400 404 404 | 400 403 400 | 400 403 400 | 400 403 400 | 400 200 400 | 400 200 400",
	},
	{
		http.MethodPut, "status/activate", nil, "user:update",
		"403 404 404 | 403 403 403 | 403 403 403 | 403 403 403 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodGet, "roles", nil, "",
		"200 404 404 | 200 404 404 | 200 404 404 | 200 404 404 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodPut, "roles",
		body{"roles": []string{"member"}},
		"assign_role:assign",
		"400 404 404 | 400 403 403 | 400 403 403 | 400 403 403 | 400 200 400 | 400 200 200",
	},
	{
		http.MethodPut, "roles",
		body{"roles": []string{"owner", "auditor"}},
		"assign_role:assign",
		"400 404 404 | 400 403 403 | 400 403 403 | 400 403 403 | 400 400 400 | 400 200 200",
	},
	{
		http.MethodPut, "password",
		body{"password": nextPassword, "old_password": servertest.Password},
		"",
		"204 404 404 | 204 404 404 | 204 404 404 | 204 404 404 | 204 204 400 | 204 204 204",
	},
	{
		http.MethodGet, "login-type", nil, "",
		"200 404 404 | 200 403 403 | 200 403 403 | 200 403 403 | 200 403 403 | 200 403 403",
	},
	{
		http.MethodGet, "organizations", nil, "",
		"200 404 404 | 200 200 200 | 200 200 200 | 200 200 200 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodGet, "organizations/coder", nil, "",
		"200 404 404 | 200 200 200 | 200 200 200 | 200 200 200 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodGet, "gitsshkey", nil, "user:read_personal",
		"200 404 404 | 200 403 403 | 200 403 403 | 200 403 403 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodPut, "gitsshkey", nil, "user:update_personal",
		"200 404 404 | 200 403 403 | 200 403 403 | 200 403 403 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodGet, "gitsshkey/private", nil, "user:read_personal",
		"200 404 404 | 200 403 403 | 200 403 403 | 200 403 403 | 200 403 403 | 200 403 403",
	},
	{
		http.MethodGet, "appearance", nil, "user:read_personal",
		"200 404 404 | 200 403 403 | 200 403 403 | 200 403 403 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodPut, "appearance", look("dark", "fira-code"), "user:update_personal",
		"200 404 404 | 200 403 403 | 200 403 403 | 200 403 403 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodGet, "preferences", nil, "user:read_personal",
		"200 404 404 | 200 403 403 | 200 403 403 | 200 403 403 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodPut, "preferences",
		body{"thinking_display_mode": "preview"},
		"user:update_personal",
		"200 404 404 | 200 403 403 | 200 403 403 | 200 403 403 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodGet, "autofill-parameters?template_id=1f8b6a3e-52d4-4f0a-8a3c-7d2b9c1e4f60", nil, "user:read_personal",
		"200 404 404 | 200 403 403 | 200 403 403 | 200 403 403 | 200 200 200 | 200 200 200",
	},
	{
		http.MethodPost, "autofill-parameters", build(uuid.New(), "n", "v"), "workspace:update",
		"201 404 404 | 201 403 403 | 201 201 201 | 201 403 403 | 201 403 403 | 201 201 201",
	},
	{
		http.MethodPost, "ai-seat",
		body{"event": "task"},
		"ai_seat:create",
		"403 404 404 | 403 403 403 | 204 204 204 | 403 403 403 | 204 204 204 | 204 204 204",
	},
	{
		http.MethodDelete, "ai-seat", nil, "ai_seat:create",
		"403 404 404 | 403 403 403 | 204 204 204 | 403 403 403 | 204 204 204 | 204 204 204",
	},
	{
		http.MethodPost, "keys", nil, "api_key:create",
		"201 404 404 | 201 403 403 | 201 403 403 | 201 403 403 | 201 403 403 | 201 201 201",
	},
}

func TestPermissionMatrix(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	for _, row := range matrix {
		columns := strings.Split(row.want, " | ")
		for i, role := range askers {
			for j, status := range strings.Fields(columns[i]) {
				cell := fmt.Sprintf("%s %s %v by %s on %s", row.method, row.below, row.body, role, targets[j])
				asker := joinAs(t, s, role)
				target := asker.User
				if targets[j] != "self" {
					target = create(t, s, newUser(fresh(), rolesOf(targets[j])...))
				}
				request := row.body
				switch row.body {
				case "same username":
					request = body{"username": target.Username, "name": "New Name"}
				case "new username":
					request = body{"username": fresh()}
				}
				a := asker.do(t, row.method, strings.TrimSuffix(path(target.ID, row.below), "/"), request)
				if fmt.Sprint(a.status) != status {
					t.Errorf("%s: got %s, want %s", cell, a, status)
				}
				isSelfDelete := row.method == http.MethodDelete && targets[j] == "self"
				if a.status == http.StatusForbidden && row.permission != "" && !isSelfDelete {
					a.lacks(t, row.permission, "role")
				}
				if a.status == http.StatusOK && row.below == "email" { // free the address for the next cell
					owner(s).delete(t, path(target.ID))
				}
			}
		}
	}
}

// fresh returns a username that nobody has.
func fresh() string { return "u-" + strings.ReplaceAll(uuid.NewString(), "-", "")[:12] }

// joinAs makes the user of a column and signs it in.
func joinAs(t *testing.T, s *servertest.Server, role string) person {
	t.Helper()
	who := join(t, s, fresh(), rolesOf(role)...)
	if role == "organization-admin" {
		owner(s).put(t, orgPath("default")+"/members/"+who.ID.String()+"/roles", body{"roles": []string{role}}).want(t, http.StatusOK)
	}
	return who
}

// rolesOf returns the stored site roles of a column's user.
func rolesOf(role string) []string {
	if role == "member" || role == "other" || role == "organization-admin" {
		return nil
	}
	return []string{role}
}

// deployment says the same of what is about no user in particular.
var deployment = []struct {
	method, path string
	body         func() any
	permission   string
	//     member auditor template-admin organization-admin user-admin owner
	want string
}{
	{http.MethodGet, usersPath, nil, "", "200 200 200 200 200 200"},
	{http.MethodPost, usersPath, func() any { return newUser(fresh()) }, "user:create", "403 403 403 403 201 201"},
	{http.MethodPost, usersPath, func() any { return newUser(fresh(), "member") }, "user:create", "403 403 403 403 201 201"},
	{http.MethodPost, usersPath, func() any { return newUser(fresh()).but("organization_ids", []uuid.UUID{uuid.New()}) }, "", "404 404 404 404 404 404"},
	{http.MethodGet, "/api/v2/users/roles", nil, "", "200 200 200 200 200 200"},
	{http.MethodGet, "/api/v2/organizations/default", nil, "", "200 200 200 200 200 200"},
	{http.MethodGet, "/api/v2/organizations/foreign", nil, "", "404 200 200 404 200 200"},
	{http.MethodGet, path("me", "organizations", "foreign"), nil, "", "404 200 200 404 200 200"},
	{http.MethodGet, auditPath, nil, "audit_log:read", "403 200 403 200 403 200"},
	{http.MethodPost, "/api/v2/users/logout", nil, "", "200 200 200 200 200 200"},
}

func TestPermissionsOnTheDeployment(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	addOrganization(t, s, "foreign")
	for _, row := range deployment {
		for i, status := range strings.Fields(row.want) {
			asker := joinAs(t, s, askers[i])
			var request any
			if row.body != nil {
				request = row.body()
			}
			a := asker.do(t, row.method, row.path, request)
			if fmt.Sprint(a.status) != status {
				t.Errorf("%s %s by %s: got %s, want %s", row.method, row.path, askers[i], a, status)
			}
			if a.status == http.StatusForbidden {
				a.lacks(t, row.permission, "role")
			}
		}
	}
	for _, operation := range described() {
		public := operation.ID == "apiRoot" || operation.ID == "buildInfo" || !strings.HasPrefix(operation.Path, "/api/v2")
		item := contract().Paths.Value(operation.Path)
		if security := item.GetOperation(operation.Method).Security; public || security != nil && len(*security) == 0 {
			continue
		}
		at := strings.NewReplacer("{user}", "me", "{", "", "}", "").Replace(operation.Path)
		guest(s).do(t, operation.Method, at, nil).refused(t, http.StatusUnauthorized, signedOut)
	}
}
