package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"usher/internal/account"
	"usher/internal/store"
)

// scopeRow is one request of an operation, with the permissions that it takes in
// the order in which they are looked at, each with the status of its lack.
type scopeRow struct {
	request func(f *field, key *narrowKey) (path string, body any)
	needs   []scopeNeed
	ok      int
	// done looks at an answer of success, and repairs what it changed.
	done func(f *field, key *narrowKey, text string)
}

type scopeNeed struct {
	permission string
	on         func(f *field) account.Object // nil: all objects of the type
	lack       int
	says       string // what a refusal says instead of the permission
}

// verdict is what the decision function makes of the row: the status, and for a
// 403 what its detail has to say.
func (r scopeRow) verdict(f *field, actor *account.Actor) (status int, says string) {
	for _, need := range r.needs {
		resource, action := parsePermission(need.permission)
		object := account.Object{Type: resource}
		if need.on != nil {
			object = need.on(f)
			object.Type = resource
		}
		if lack := actor.Missing(action, object); lack != account.LackNothing {
			words := map[account.Lack]string{account.LackRole: "no role", account.LackScope: "the scopes", account.LackAllowList: "the allow list"}
			if need.says != "" {
				return need.lack, need.says
			}
			return need.lack, fmt.Sprintf("%s is missing: %s", need.permission, words[lack])
		}
	}
	return r.ok, ""
}

func parsePermission(name string) (account.Resource, account.Action) {
	resourceName, actionName, _ := strings.Cut(name, ":")
	resource, knownResource := account.ParseResource(resourceName)
	action, knownAction := account.ParseAction(actionName)
	if !knownResource || !knownAction {
		panic(name)
	}
	return resource, action
}

// The objects of the needs.
func onSelf(f *field) account.Object { return f.user.Object() }
func onTed(f *field) account.Object  { return f.ted.Object() }
func onOwnKeys(f *field) account.Object {
	return account.Object{Owner: f.user.ID}
}

func onOrganization(f *field) account.Object {
	return account.Object{ID: f.s.OrganizationID, Organization: f.s.OrganizationID}
}

func inOrganization(f *field) account.Object {
	return account.Object{Organization: f.s.OrganizationID}
}

// need is a permission whose lack is a 403, hidden one whose lack looks like an
// absence.
func need(permission string, on func(*field) account.Object) scopeNeed {
	return scopeNeed{permission: permission, on: on, lack: http.StatusForbidden}
}

func hidden(permission string, on func(*field) account.Object) scopeNeed {
	return scopeNeed{permission: permission, on: on, lack: http.StatusNotFound}
}

func at(path string) func(*field, *narrowKey) (string, any) {
	return func(*field, *narrowKey) (string, any) { return path, nil }
}

// about is a path below the user ted.
func about(below string, body any) func(*field, *narrowKey) (string, any) {
	return func(f *field, _ *narrowKey) (string, any) {
		return strings.TrimSuffix(path(f.ted.ID, below), "/"), body
	}
}

// sibling is a path below another key of the same user, which is as narrow.
func sibling(below string) func(*field, *narrowKey) (string, any) {
	return func(f *field, key *narrowKey) (string, any) {
		other := f.insert(key.Scopes, key.AllowList)
		return strings.TrimSuffix(path("me", "keys", other.ID, below), "/"), nil
	}
}

// scopeRows has the requests of every operation whose permissions are known
// here. The others are held to what the unrestricted key may do.
func scopeRows() map[string][]scopeRow {
	readTed := hidden("user:read", onTed)
	return map[string][]scopeRow{
		"getUser": {
			{request: about("", nil), needs: []scopeNeed{readTed}, ok: 200},
			{request: at(path("me")), needs: []scopeNeed{hidden("user:read", onSelf)}, ok: 200},
		},
		"listUsers":  {{request: at(usersPath + "?q=ted"), ok: 200, done: listsReadableUsers}},
		"createUser": {createsUser()},
		"deleteUser": {{request: about("", nil), needs: []scopeNeed{readTed, need("user:delete", onTed)}, ok: 200, done: bringTedBack}},
		"updateUserProfile": {
			{request: sameName, needs: []scopeNeed{readTed, need("user:update_personal", onTed)}, ok: 200},
			{request: otherName, needs: []scopeNeed{readTed, hidden("user:update", onTed)}, ok: 200, done: bringTedBack},
		},
		"updateUserEmail":  {{request: otherEmail, needs: []scopeNeed{readTed, need("user:update", onTed)}, ok: 200}},
		"activateUser":     {{request: about("status/activate", nil), needs: []scopeNeed{readTed, need("user:update", onTed)}, ok: 200}},
		"suspendUser":      {{request: about("status/suspend", nil), needs: []scopeNeed{readTed, need("user:update", onTed)}, ok: 200}},
		"getUserRoles":     {{request: about("roles", nil), needs: []scopeNeed{readTed, hidden("user:read_personal", onTed)}, ok: 200}},
		"updateUserRoles":  {{request: about("roles", body{"roles": []string{}}), needs: []scopeNeed{readTed, need("assign_role:assign", nil), need("assign_role:unassign", nil)}, ok: 200}},
		"getUserLoginType": {{request: at(path("me", "login-type")), ok: 200}, {request: about("login-type", nil), needs: []scopeNeed{readTed}, ok: 403}},
		"listUserOrganizations": {
			{request: at(path("me", "organizations")), ok: 200, done: listsReadableOrganizations},
			{request: about("organizations", nil), needs: []scopeNeed{readTed}, ok: 200, done: listsReadableOrganizations},
		},
		"getUserOrganization": {
			{request: about("organizations/coder", nil), needs: []scopeNeed{readTed, hidden("organization:read", onOrganization)}, ok: 200},
		},
		"getOrganization":  {{request: at("/api/v2/organizations/default"), needs: []scopeNeed{hidden("organization:read", onOrganization)}, ok: 200}},
		"listSiteRoles":    {{request: at("/api/v2/users/roles"), needs: []scopeNeed{need("assign_role:read", nil)}, ok: 200}},
		"listAuditLogs":    {{request: at(auditPath + "?limit=1"), needs: []scopeNeed{need("audit_log:read", nil)}, ok: 200}},
		"checkPermissions": {{request: func(*field, *narrowKey) (string, any) { return authcheckPath, body{} }, ok: 200}},
		"logout":           {{request: at("/api/v2/users/logout"), needs: []scopeNeed{need("api_key:delete", onOwnKeys)}, ok: 200, done: bringKeyBack}},

		"createSessionKey": {{request: at(path("me", "keys")), needs: []scopeNeed{need("api_key:create", onOwnKeys), unrestricted()}, ok: 201}},
		"createToken": {
			{request: asNarrow, needs: []scopeNeed{need("api_key:create", onOwnKeys)}, ok: 201},
			{request: at(tokens("me")), needs: []scopeNeed{need("api_key:create", onOwnKeys), unrestricted()}, ok: 201},
			{request: about("keys/tokens", body{}), needs: []scopeNeed{readTed, need("api_key:create", keysOfTed), unrestricted()}, ok: 201},
		},
		"getKey":         {{request: sibling(""), needs: []scopeNeed{hidden("api_key:read", onOwnKeys)}, ok: 200}},
		"deleteKey":      {{request: sibling(""), needs: []scopeNeed{hidden("api_key:delete", onOwnKeys)}, ok: 204}},
		"expireKey":      {{request: sibling("expire"), needs: []scopeNeed{hidden("api_key:read", onOwnKeys), hidden("api_key:update", onOwnKeys)}, ok: 204}},
		"rotateKey":      {{request: sibling("rotate"), needs: []scopeNeed{hidden("api_key:read", onOwnKeys), need("api_key:update", onOwnKeys)}, ok: 201}},
		"getToken":       {{request: namedKey, needs: []scopeNeed{hidden("api_key:read", onOwnKeys)}, ok: 200}},
		"listTokens":     {{request: at(tokens("me")), ok: 200, done: listsReadableTokens}, {request: about("keys/tokens", nil), needs: []scopeNeed{readTed}, ok: 200}},
		"getTokenConfig": {{request: at(tokens("me", "tokenconfig")), ok: 200}, {request: about("keys/tokens/tokenconfig", nil), needs: []scopeNeed{readTed}, ok: 200}},
	}
}

// unrestricted stands for the mint of a key that may do everything: no narrow
// key has all permissions on all objects.
func unrestricted() scopeNeed {
	return scopeNeed{
		permission: "user_skill:delete", lack: http.StatusForbidden, says: "A key cannot make a wider one.",
		on: func(f *field) account.Object { return account.Object{Owner: f.user.ID} },
	}
}

func keysOfTed(f *field) account.Object { return account.Object{Owner: f.ted.ID} }

func createsUser() scopeRow {
	return scopeRow{
		request: func(*field, *narrowKey) (string, any) { return usersPath, newUser(fresh()) },
		needs: []scopeNeed{
			hidden("organization:read", onOrganization), need("user:create", nil), need("assign_role:assign", nil),
			need("assign_org_role:assign", inOrganization), need("organization_member:create", inOrganization),
		},
		ok: 201,
	}
}

func sameName(f *field, _ *narrowKey) (string, any) {
	return path(f.ted.ID, "profile"), body{"username": f.ted.Username, "name": "Ted"}
}

func otherName(f *field, _ *narrowKey) (string, any) {
	return path(f.ted.ID, "profile"), body{"username": fresh()}
}

func otherEmail(f *field, _ *narrowKey) (string, any) {
	return path(f.ted.ID, "email"), body{"email": fresh() + "@example.com"}
}

func asNarrow(_ *field, key *narrowKey) (string, any) {
	texts := []string{}
	for _, e := range key.AllowList {
		texts = append(texts, e.String())
	}
	return tokens("me"), body{"scopes": key.Scopes, "allow_list": texts}
}

func namedKey(_ *field, key *narrowKey) (string, any) { return tokens("me", key.Name), nil }

func bringTedBack(f *field, _ *narrowKey, _ string) {
	f.write(func(ctx context.Context, tx *store.Tx) error { return tx.UpdateUser(ctx, f.ted) })
}

func bringKeyBack(f *field, key *narrowKey, _ string) { *key = *f.insert(key.Scopes, key.AllowList) }

// listsReadableUsers: a search for ted finds whom the key may read.
func listsReadableUsers(f *field, key *narrowKey, text string) {
	f.t.Helper()
	actor := account.NewActor(f.user, f.memberships, key.APIKey)
	if found := strings.Contains(text, f.ted.ID.String()); found != actor.Can(account.ActionRead, f.ted.Object()) {
		f.t.Errorf("%s: a list finds ted: %v", key, found)
	}
}

func listsReadableOrganizations(f *field, key *narrowKey, text string) {
	f.t.Helper()
	actor := account.NewActor(f.user, f.memberships, key.APIKey)
	object := onOrganization(f)
	object.Type = account.ResourceOrganization
	if found := strings.Contains(text, f.s.OrganizationID.String()); found != actor.Can(account.ActionRead, object) {
		f.t.Errorf("%s: a list has the organization: %v", key, found)
	}
}

func listsReadableTokens(f *field, key *narrowKey, text string) {
	f.t.Helper()
	actor := account.NewActor(f.user, f.memberships, key.APIKey)
	var found []json.RawMessage
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		f.t.Fatal(err)
	}
	if can := actor.Can(account.ActionRead, key.Object()); can != (len(found) > 0) {
		f.t.Errorf("%s: a list has %d tokens", key, len(found))
	}
}

// open are the operations that a key for nothing may use all the same: they need
// no credential, answer everybody alike, or are filtered to nothing.
var open = []string{
	"healthz", "readyz", "metrics", "apiRoot", "buildInfo", "openAPI", "hasFirstUser", "authMethods", "listScopes",
	"entitlements", "appearance", "updateCheck", "cspReport", "experiments", "availableExperiments", "regions", "deploymentSSH",
	"listOrganizations", "listWorkspaces", "listTemplates", "inbox",
}

func isOpen(operation string) bool { return slices.Contains(open, operation) }

// TestRowsOfTheScopeMatrix: rows name operations that exist, so that none is
// left out by a misspelling.
func TestRowsOfTheScopeMatrix(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, o := range operations(t) {
		known[o.ID] = true
	}
	for _, id := range append(slices.Collect(maps.Keys(scopeRows())), open...) {
		if !known[id] {
			t.Errorf("there is no operation %s", id)
		}
	}
}
