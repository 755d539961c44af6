package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
)

const authcheckPath = "/api/v2/authcheck"

// question is one check about objects of a type.
func question(resource, action string, object body) body {
	if object == nil {
		object = body{}
	}
	return body{"object": object.but("resource_type", resource), "action": action}
}

func ask(t testing.TB, c client, questions map[string]body) map[string]bool {
	t.Helper()
	return decode[map[string]bool](t, c.post(t, authcheckPath, body{"checks": questions}).want(t, http.StatusOK))
}

// TestAuthcheck is users.md 6.5, for a member, an administrator of users and an
// owner.
func TestAuthcheck(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann, una := join(t, s, "ann"), join(t, s, "una", "user-admin")
		org := body{"organization_id": s.OrganizationID}
		anywhere := body{"any_org": true}
		ofMe, ofAnn := body{"owner_id": "me"}, body{"owner_id": ann.ID}
		for _, c := range []struct {
			name            string
			question        body
			ann, una, owner bool
		}{
			{"read all users", question("user", "read", nil), false, true, true},
			{"create users", question("user", "create", nil), false, true, true},
			{"read oneself", question("user", "read", ofMe), true, true, true},
			{"update oneself", question("user", "update", ofMe), false, true, true},
			{"one's own settings", question("user", "update_personal", ofMe), true, true, true},
			{"read ann", question("user", "read", ofAnn), true, true, true},
			{"one's keys", question("api_key", "create", ofMe), true, true, true},
			{"ann's keys", question("api_key", "delete", ofAnn), true, false, true},
			{"all keys", question("api_key", "read", nil), false, false, true},
			{"one's workspaces anywhere", question("workspace", "read", ofMe), false, false, true},
			{"one's workspaces here", question("workspace", "read", body{"owner_id": "me", "organization_id": s.OrganizationID}), true, true, true},
			{"workspaces here", question("workspace", "read", org), false, false, true},
			{"workspaces somewhere", question("workspace", "read", body{"owner_id": "me", "any_org": true}), true, true, true},
			{"one's workspaces elsewhere", question("workspace", "read", body{"owner_id": "me", "organization_id": uuid.New()}), false, false, true},
			{"read the organization", question("organization", "read", org), true, true, true},
			{"read some organization", question("organization", "read", anywhere), true, true, true},
			{"make organizations", question("organization", "create", nil), false, false, true},
			{"read the log", question("audit_log", "read", nil), false, false, true},
			{"assign roles", question("assign_role", "assign", nil), false, true, true},
			{"the configuration", question("deployment_config", "read", nil), false, false, true},
			{"secrets of others", question("user_secret", "read", ofAnn), true, false, false},
			{"an unknown action", question("user", "fly", nil), false, false, true},
			{"an action of something else", question("audit_log", "delete", nil), false, false, true},
			{"an unknown type", question("planet", "read", nil), false, false, false},
			{"everything", question("*", "read", nil), false, false, false},
			{"no action", question("user", "", nil), false, false, true},
			{"an owner that is no id", question("user", "read", body{"owner_id": "ann"}), false, false, false},
			{"an organization that is no id", question("organization", "read", body{"organization_id": "coder"}), false, false, false},
			{"ann by her id", question("user", "read", body{"resource_id": ann.ID}), true, true, true},
			{"delete ann by her id", question("user", "delete", body{"resource_id": ann.ID}), false, true, true},
			{"the owner by id", question("user", "read", body{"resource_id": s.OwnerID}), false, true, true},
			{"nobody by id", question("user", "read", body{"resource_id": uuid.New()}), false, false, false},
			{"a workspace by id", question("workspace", "read", body{"resource_id": uuid.New()}), false, false, false},
			{"a template by id", question("template", "update", body{"resource_id": uuid.New()}), false, false, false},
			{"a group by id", question("group", "read", body{"resource_id": uuid.New()}), false, false, false},
		} {
			for _, of := range []struct {
				name string
				who  client
				want bool
			}{{"ann", ann.client, c.ann}, {"una", una.client, c.una}, {"the owner", owner(s), c.owner}} {
				if got := ask(t, of.who, map[string]body{"q": c.question}); len(got) != 1 || got["q"] != of.want {
					t.Errorf("%s: %s is told %v, want %v", c.name, of.name, got, of.want)
				}
			}
		}
	})
}

// TestAuthcheckHeedsTheKey: role, scope and allow list must all allow it.
func TestAuthcheckHeedsTheKey(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	ann := create(t, s, newUser("ann"))
	questions := map[string]body{
		"all users":  question("user", "read", nil),
		"ann":        question("user", "read", body{"resource_id": ann.ID}),
		"delete ann": question("user", "delete", body{"resource_id": ann.ID}),
		"owner":      question("user", "read", body{"resource_id": s.OwnerID}),
		"keys":       question("api_key", "read", nil),
		"fly":        question("user", "fly", nil),
	}
	for name, c := range map[string]struct {
		key  body
		want string
	}{
		"everything": {body{}, "all users, ann, delete ann, fly, keys, owner"},
		"reads":      {body{"scopes": []string{"user:read"}}, "all users, ann, owner"},
		"keys":       {body{"scopes": []string{"api_key:*"}}, "keys"},
		"nothing":    {body{"scopes": []string{"coder:application_connect"}}, ""},
		"one user":   {body{"allow_list": []string{"user:" + ann.ID.String()}}, "ann, delete ann"},
		"users":      {body{"allow_list": []string{"user:*"}}, "all users, ann, delete ann, owner"},
		"reads one":  {body{"scopes": []string{"user:read"}, "allow_list": []string{"*:" + ann.ID.String()}}, "ann"},
	} {
		answers := ask(t, guest(s).as(mint(t, owner(s), "me", c.key)), questions)
		var yes []string
		for _, q := range []string{"all users", "ann", "delete ann", "fly", "keys", "owner"} {
			if answers[q] {
				yes = append(yes, q)
			}
		}
		if got := strings.Join(yes, ", "); got != c.want || len(answers) != len(questions) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestAuthcheckFaults: every fault of a request is named, always in the same
// order.
func TestAuthcheckFaults(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	byID := func(resource string) body { return question(resource, "read", body{"resource_id": uuid.New()}) }
	ask := func(questions map[string]body) answer {
		return owner(s).post(t, authcheckPath, body{"checks": questions})
	}
	ask(map[string]body{"q": question("", "read", nil)}).refused(t, http.StatusBadRequest, badFields, "resource_type")
	ask(map[string]body{"q": {"action": "read"}}).refused(t, http.StatusBadRequest, badFields, "resource_type")
	for _, resource := range []string{"organization", "api_key", "audit_log", "planet", "*"} {
		ask(map[string]body{"q": byID(resource)}).refused(t, http.StatusBadRequest, badFields, "resource_type")
	}
	for _, resource := range []string{"user", "workspace", "template", "group"} {
		ask(map[string]body{"q": question(resource, "read", body{"resource_id": "x"})}).refused(t, http.StatusBadRequest, badFields, "resource_id")
	}
	ten := map[string]body{"without": question("user", "read", nil)}
	for n := range 10 {
		ten[fmt.Sprint(n)] = byID([]string{"user", "workspace"}[n%2])
	}
	ask(ten).want(t, http.StatusOK)
	ten["11"] = byID("user")
	ask(ten).refused(t, http.StatusBadRequest, "", "checks")
	many := map[string]body{}
	for n := range 200 {
		many[fmt.Sprint(n)] = question("user", "read", nil)
	}
	ask(many).want(t, http.StatusOK)

	for range 10 {
		refused := ask(map[string]body{"c": question("", "read", nil), "a": byID("planet"), "b": question("user", "read", body{"resource_id": "x"})}).
			refused(t, http.StatusBadRequest, badFields, "resource_type", "resource_id", "resource_type")
		if !strings.Contains(refused.Validations[0].Detail, `"a"`) {
			t.Fatalf("the first is %+v", refused.Validations[0])
		}
	}
	for _, text := range []string{"", "{", "[]", `{"checks":[]}`, `{"checks":{"q":1}}`, `{"checks":{"q":{"object":{"any_org":"x"}}}}`} {
		owner(s).post(t, authcheckPath, text).refused(t, http.StatusBadRequest, badJSON)
	}
	for _, text := range []string{"{}", `{"checks":{}}`, `{"checks":null}`} {
		if a := owner(s).post(t, authcheckPath, text).want(t, http.StatusOK); string(a.body) != "{}\n" {
			t.Errorf("%s is answered %s", text, a.body)
		}
	}
	guest(s).post(t, authcheckPath, "{}").refused(t, http.StatusUnauthorized, signedOut)
}
