package openapi_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"usher/openapi"
)

// public are the operations that need no credential.
var public = []string{
	"apiRoot", "appearance", "authMethods", "buildInfo", "changePasswordWithOneTimePasscode", "createFirstUser", "cspReport", "entitlements",
	"githubCallback", "githubDevice", "hasFirstUser", "healthz", "listScopes", "login", "metrics", "namedOIDCCallback", "oidcCallback",
	"openAPI", "readyz", "requestOneTimePasscode", "updateCheck", "validatePassword",
}

// neverSucceed are the operations that refuse everyone: what they are about is
// not here.
var neverSucceed = []string{"getWorkspace"}

// logins are the operations that browsers are sent to and on from. They succeed
// by a redirect, may refuse with a page, and know no object that can be absent.
var logins = []string{"githubCallback", "oidcCallback", "namedOIDCCallback"}

// severalTypes are the operations whose caller chooses the type of the content.
var severalTypes = []string{"exportAuditLogs"}

// bodyOptional are the operations whose body may be left out.
var bodyOptional = []string{"rotateKey"}

func TestOperations(t *testing.T) {
	t.Parallel()

	want := map[string]string{
		"GET /api/v2":                                               "apiRoot",
		"GET /api/v2/buildinfo":                                     "buildInfo",
		"GET /api/v2/openapi.yaml":                                  "openAPI",
		"GET /api/v2/users/first":                                   "hasFirstUser",
		"POST /api/v2/users/first":                                  "createFirstUser",
		"POST /api/v2/users/login":                                  "login",
		"POST /api/v2/users/logout":                                 "logout",
		"GET /api/v2/users/authmethods":                             "authMethods",
		"POST /api/v2/users/otp/request":                            "requestOneTimePasscode",
		"POST /api/v2/users/otp/change-password":                    "changePasswordWithOneTimePasscode",
		"POST /api/v2/users/validate-password":                      "validatePassword",
		"GET /api/v2/users/roles":                                   "listSiteRoles",
		"GET /api/v2/users":                                         "listUsers",
		"POST /api/v2/users":                                        "createUser",
		"POST /api/v2/users/import":                                 "importUsers",
		"GET /api/v2/users/{user}":                                  "getUser",
		"DELETE /api/v2/users/{user}":                               "deleteUser",
		"PUT /api/v2/users/{user}/profile":                          "updateUserProfile",
		"PUT /api/v2/users/{user}/email":                            "updateUserEmail",
		"PUT /api/v2/users/{user}/password":                         "updateUserPassword",
		"PUT /api/v2/users/{user}/status/activate":                  "activateUser",
		"PUT /api/v2/users/{user}/status/suspend":                   "suspendUser",
		"GET /api/v2/users/{user}/roles":                            "getUserRoles",
		"PUT /api/v2/users/{user}/roles":                            "updateUserRoles",
		"GET /api/v2/users/{user}/login-type":                       "getUserLoginType",
		"GET /api/v2/users/{user}/organizations":                    "listUserOrganizations",
		"GET /api/v2/users/{user}/organizations/{organizationname}": "getUserOrganization",
		"GET /api/v2/users/{user}/gitsshkey":                        "getGitSSHKey",
		"GET /api/v2/users/{user}/gitsshkey/private":                "getGitSSHPrivateKey",
		"PUT /api/v2/users/{user}/gitsshkey":                        "regenerateGitSSHKey",
		"GET /api/v2/users/{user}/appearance":                       "getUserAppearance",
		"PUT /api/v2/users/{user}/appearance":                       "updateUserAppearance",
		"GET /api/v2/users/{user}/preferences":                      "getUserPreferences",
		"PUT /api/v2/users/{user}/preferences":                      "updateUserPreferences",
		"GET /api/v2/users/{user}/autofill-parameters":              "listAutofillParameters",
		"POST /api/v2/users/{user}/autofill-parameters":             "recordAutofillParameters",
		"POST /api/v2/users/{user}/ai-seat":                         "recordAISeat",
		"DELETE /api/v2/users/{user}/ai-seat":                       "releaseAISeat",
		"POST /api/v2/users/{user}/keys":                            "createSessionKey",
		"GET /api/v2/users/{user}/keys/{keyid}":                     "getKey",
		"DELETE /api/v2/users/{user}/keys/{keyid}":                  "deleteKey",
		"PUT /api/v2/users/{user}/keys/{keyid}/expire":              "expireKey",
		"POST /api/v2/users/{user}/keys/{keyid}/rotate":             "rotateKey",
		"GET /api/v2/users/{user}/keys/tokens":                      "listTokens",
		"POST /api/v2/users/{user}/keys/tokens":                     "createToken",
		"GET /api/v2/users/{user}/keys/tokens/tokenconfig":          "getTokenConfig",
		"GET /api/v2/users/{user}/keys/tokens/{keyname}":            "getToken",
		"GET /api/v2/auth/scopes":                                   "listScopes",
		"POST /api/v2/authcheck":                                    "checkPermissions",
		"GET /api/v2/organizations":                                 "listOrganizations",
		"POST /api/v2/organizations":                                "createOrganization",
		"GET /api/v2/organizations/{organization}":                  "getOrganization",
		"PATCH /api/v2/organizations/{organization}":                "updateOrganization",
		"DELETE /api/v2/organizations/{organization}":               "deleteOrganization",

		"GET /api/v2/organizations/{organization}/members":                     "listMembers",
		"GET /api/v2/organizations/{organization}/paginated-members":           "listMembersPaginated",
		"GET /api/v2/organizations/{organization}/members/{user}":              "getMember",
		"POST /api/v2/organizations/{organization}/members/{user}":             "addMember",
		"DELETE /api/v2/organizations/{organization}/members/{user}":           "removeMember",
		"PUT /api/v2/organizations/{organization}/members/{user}/roles":        "updateMemberRoles",
		"GET /api/v2/organizations/{organization}/members/roles":               "listOrganizationRoles",
		"POST /api/v2/organizations/{organization}/members/roles":              "createOrganizationRole",
		"PUT /api/v2/organizations/{organization}/members/roles":               "updateOrganizationRole",
		"DELETE /api/v2/organizations/{organization}/members/roles/{rolename}": "deleteOrganizationRole",

		"GET /api/v2/users/oauth2/github/callback": "githubCallback",
		"GET /api/v2/users/oauth2/github/device":   "githubDevice",
		"GET /api/v2/users/oidc/callback":          "oidcCallback",
		"GET /api/v2/users/oidc-claims":            "oidcClaims",

		"GET /api/v2/users/oidc/{provider}/callback":        "namedOIDCCallback",
		"GET /api/v2/users/{user}/identities":               "listIdentities",
		"POST /api/v2/users/{user}/identities":              "linkIdentity",
		"DELETE /api/v2/users/{user}/identities/{identity}": "unlinkIdentity",
		"POST /api/v2/users/{user}/convert-login":           "convertLoginType",
		"POST /api/v2/users/{user}/erase":                   "eraseUser",

		"GET /api/v2/entitlements":                                                  "entitlements",
		"GET /api/v2/appearance":                                                    "appearance",
		"GET /api/v2/updatecheck":                                                   "updateCheck",
		"POST /api/v2/csp/reports":                                                  "cspReport",
		"GET /api/v2/experiments":                                                   "experiments",
		"GET /api/v2/experiments/available":                                         "availableExperiments",
		"GET /api/v2/regions":                                                       "regions",
		"GET /api/v2/deployment/config":                                             "deploymentConfig",
		"GET /api/v2/deployment/stats":                                              "deploymentStats",
		"GET /api/v2/deployment/ssh":                                                "deploymentSSH",
		"GET /api/v2/insights/user-status-counts":                                   "userStatusCounts",
		"GET /api/v2/organizations/{organization}/settings/workspace-sharing":       "workspaceSharing",
		"GET /api/v2/notifications/inbox":                                           "inbox",
		"GET /api/v2/workspaces":                                                    "listWorkspaces",
		"GET /api/v2/users/{user}/workspace/{workspacename}":                        "getWorkspace",
		"GET /api/v2/settings/idpsync/organization":                                 "getOrganizationSync",
		"PATCH /api/v2/settings/idpsync/organization":                               "updateOrganizationSync",
		"PATCH /api/v2/settings/idpsync/organization/config":                        "updateOrganizationSyncConfig",
		"PATCH /api/v2/settings/idpsync/organization/mapping":                       "updateOrganizationSyncMapping",
		"GET /api/v2/organizations/{organization}/settings/idpsync/roles":           "getRoleSync",
		"PATCH /api/v2/organizations/{organization}/settings/idpsync/roles":         "updateRoleSync",
		"PATCH /api/v2/organizations/{organization}/settings/idpsync/roles/config":  "updateRoleSyncConfig",
		"PATCH /api/v2/organizations/{organization}/settings/idpsync/roles/mapping": "updateRoleSyncMapping",
		"GET /api/v2/templates":                                                     "listTemplates",

		"GET /api/v2/audit":        "listAuditLogs",
		"GET /api/v2/audit/export": "exportAuditLogs",
		"GET /healthz":             "healthz",
		"GET /readyz":              "readyz",
		"GET /metrics":             "metrics",
	}
	got := map[string]string{}
	for _, o := range operations(load(t)) {
		got[o.method+" "+o.path] = o.OperationID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOperationsAreDescribed(t *testing.T) {
	t.Parallel()

	doc := load(t)
	for _, o := range operations(doc) {
		if o.Summary == "" || o.Description == "" {
			t.Errorf("%s has no summary or no description", o.OperationID)
		}
		if len(o.Tags) != 1 || doc.Tags.Get(o.Tags[0]) == nil {
			t.Errorf("%s has tags %q, want one of the declared", o.OperationID, o.Tags)
		}
		dialect := o.item.Parameters.GetByInAndName("header", "Usher-Dialect")
		if (dialect != nil) != o.api() {
			t.Errorf("%s: the dialect belongs to the operations below /api/v2", o.OperationID)
		}
		if o.RequestBody == nil {
			continue
		}
		if required := !slices.Contains(bodyOptional, o.OperationID); o.RequestBody.Value.Required != required {
			t.Errorf("%s: body required: got %t, want %t", o.OperationID, !required, required)
		}
	}
}

func TestPublicOperations(t *testing.T) {
	t.Parallel()

	doc := load(t)
	var got []string
	for _, o := range operations(doc) {
		if o.Security != nil && len(*o.Security) == 0 {
			got = append(got, o.OperationID)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(public, got); diff != "" {
		t.Error(diff)
	}
	if len(doc.Security) != 3 {
		t.Errorf("%d ways to send a credential, want header, bearer and cookie", len(doc.Security))
	}
}

func TestResponses(t *testing.T) {
	t.Parallel()

	for _, o := range operations(load(t)) {
		t.Run(o.OperationID, func(t *testing.T) {
			t.Parallel()
			successes, login := 0, slices.Contains(logins, o.OperationID)
			for status, response := range o.Responses.Map() {
				checkHeaders(t, status, response.Value)
				switch {
				case status == "204":
					successes++
					if len(response.Value.Content) > 0 {
						t.Error("204 has a body")
					}
				case status[0] == '3':
					checkRedirect(t, status, response.Value)
				case status[0] == '2':
					successes++
					checkSuccess(t, status, response.Value, slices.Contains(severalTypes, o.OperationID))
				default:
					checkError(t, status, response.Value, login)
				}
			}
			want := 1
			if slices.Contains(neverSucceed, o.OperationID) || login && o.OperationID != "githubCallback" {
				want = 0
			}
			if (o.Responses.Value("307") != nil) != login {
				t.Error("logins are what answers with a redirect")
			}
			if successes != want {
				t.Errorf("%d kinds of success, want %d", successes, want)
			}
			for _, status := range o.expectedErrors() {
				if o.Responses.Value(status) == nil {
					t.Errorf("%s can occur and is not described", status)
				}
			}
			if slices.Contains(public, o.OperationID) && o.OperationID != "login" && !login && o.Responses.Value("401") != nil {
				t.Error("401 cannot occur without a credential")
			}
		})
	}
}

// TestAnswersAreComplete holds the dialect to its promise: every field that is
// shown is always there, but for the few that say that they are optional.
func TestAnswersAreComplete(t *testing.T) {
	t.Parallel()

	optional := map[string][]string{
		"Error":          {"detail", "validations"},
		"APIKey":         {"replaced_by"},
		"AuditLog":       {"organization"},
		"AuditDiffField": {"new", "old"},
		"ImportResult":   {"user_id", "message", "detail", "validations"},
	}
	for name, ref := range load(t).Components.Schemas {
		schema := ref.Value
		if !schema.Type.Is("object") || strings.HasSuffix(name, "Request") {
			continue
		}
		want := slices.Sorted(maps.Keys(schema.Properties))
		got := slices.Sorted(slices.Values(slices.Concat(schema.Required, optional[name])))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: required and optional fields are not all fields: %s", name, diff)
		}
		if schema.AdditionalProperties.Has != nil {
			t.Errorf("%s: fields that are not shown must stay allowed", name)
		}
	}
}

// TestSchemas asks the schemas about values at the edges of what they allow.
func TestSchemas(t *testing.T) {
	t.Parallel()

	const id = `"497f6eca-6276-4993-bfeb-53cbbbba6f08"`
	user := func(member, value string) string {
		fields := map[string]string{
			"id": id, "username": `"new-user"`, "name": `""`, "email": `""`, "avatar_url": `""`,
			"status": `"active"`, "login_type": `"none"`, "is_service_account": `true`, "has_ai_seat": `false`,
			"roles": `[]`, "organization_ids": `[` + id + `]`, "created_at": `"2026-01-31T09:00:00.5Z"`,
			"updated_at": `"2026-01-31T09:00:00Z"`, "last_seen_at": `"0001-01-01T00:00:00Z"`,
			"theme_preference": `""`, "new_in_a_later_version": `1`,
		}
		if fields[member] = value; value == "" {
			delete(fields, member)
		}
		var members []string
		for name, value := range fields {
			members = append(members, `"`+name+`":`+value)
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	entry := func(user, rest string) string {
		return `{"id":` + id + `,"request_id":` + id + `,"time":"2026-01-31T09:00:00Z","ip":"","user_agent":"",
			"resource_type":"user","resource_id":` + id + `,"resource_target":"","resource_icon":"","action":"write",
			"diff":{"name":{"old":"a","new":"b","secret":false}},"status_code":200,"additional_fields":{},
			"description":"","resource_link":"","is_deleted":false,"organization_id":` + id + `,"user":` + user + rest + `}`
	}
	organization := `,"organization":{"id":` + id + `,"name":"coder","display_name":"Coder","icon":""}`

	checkSchemas(t, []schemaCase{
		{name: "service account", schema: "User", value: user("email", `""`), valid: true},
		{name: "login type unknown", schema: "User", value: user("login_type", `""`), valid: true},
		{name: "dormant", schema: "User", value: user("status", `"dormant"`), valid: true},
		{name: "another status", schema: "User", value: user("status", `"deleted"`)},
		{name: "another login type", schema: "User", value: user("login_type", `"saml"`)},
		{name: "no theme", schema: "User", value: user("theme_preference", "")},
		{name: "no avatar", schema: "User", value: user("avatar_url", "")},
		{name: "null list", schema: "User", value: user("organization_ids", "null")},
		{name: "id", schema: "User", value: user("id", `"new-user"`)},
		{name: "organization id", schema: "User", value: user("organization_ids", `["coder"]`)},
		{name: "never seen is no null", schema: "User", value: user("last_seen_at", "null")},
		{name: "time", schema: "User", value: user("created_at", `"yesterday"`)},
		{name: "role as a string", schema: "User", value: user("roles", `["owner"]`)},
		{name: "role without organization", schema: "User", value: user("roles", `[{"name":"owner","display_name":"Owner"}]`)},

		{name: "known actor", schema: "AuditLog", value: entry(user("", ""), ""), valid: true},
		{name: "no actor", schema: "AuditLog", value: entry("null", ""), valid: true},
		{name: "with organization", schema: "AuditLog", value: entry("null", organization), valid: true},
		{name: "null organization", schema: "AuditLog", value: entry("null", `,"organization":null`)},
		{name: "half an actor", schema: "AuditLog", value: entry(`{"id":`+id+`}`, "")},

		{name: "plain password", schema: "CreateUserRequest", value: `{"username":"a","email":"","password":"","login_type":"","user_status":null,"roles":null}`, valid: true},
		{name: "older client", schema: "CreateUserRequest", value: `{"username":"a","organization_id":` + id + `}`, valid: true},
		{name: "status", schema: "CreateUserRequest", value: `{"username":"a","user_status":"deleted"}`},
		{name: "underscore", schema: "CreateUserRequest", value: `{"username":"a_b"}`},
		{name: "double hyphen", schema: "CreateUserRequest", value: `{"username":"a--b"}`},
		{name: "33 letters", schema: "CreateUserRequest", value: `{"username":"` + strings.Repeat("a", 33) + `"}`},
		{name: "65 letters", schema: "NewPassword", value: `"` + strings.Repeat("a", 65) + `"`},
		{name: "no roles", schema: "UpdateRolesRequest", value: `{}`, valid: true},
		{name: "null roles", schema: "UpdateRolesRequest", value: `{"roles":null}`, valid: true},
		{name: "message only", schema: "Error", value: `{"message":"No."}`, valid: true},
		{name: "validation without field", schema: "Error", value: `{"message":"No.","validations":[{"detail":"x"}]}`},
	})
}

// schemaCase is a JSON value and whether a schema allows it.
type schemaCase struct {
	name, schema, value string
	valid               bool
}

func checkSchemas(t *testing.T, cases []schemaCase) {
	t.Helper()
	doc := load(t)
	for _, c := range cases {
		t.Run(c.schema+", "+c.name, func(t *testing.T) {
			t.Parallel()
			schema := doc.Components.Schemas[c.schema]
			if schema == nil {
				t.Fatal("there is no such schema")
			}
			var value any
			if err := json.Unmarshal([]byte(c.value), &value); err != nil {
				t.Fatal(err)
			}
			err := schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020())
			if (err == nil) != c.valid {
				t.Errorf("valid: got %t, want %t (%v)", err == nil, c.valid, err)
			}
		})
	}
}

func TestComponentsAreUsed(t *testing.T) {
	t.Parallel()

	components := load(t).Components
	names := map[string][]string{
		"schemas":    slices.Collect(maps.Keys(components.Schemas)),
		"responses":  slices.Collect(maps.Keys(components.Responses)),
		"parameters": slices.Collect(maps.Keys(components.Parameters)),
		"headers":    slices.Collect(maps.Keys(components.Headers)),
	}
	text := string(openapi.YAML())
	for kind, all := range names {
		for _, name := range all {
			if !strings.Contains(text, `"#/components/`+kind+"/"+name+`"`) {
				t.Errorf("%s/%s is used nowhere", kind, name)
			}
		}
	}
}

type operation struct {
	*openapi3.Operation
	method, path string
	item         *openapi3.PathItem
}

func operations(doc *openapi3.T) []operation {
	var all []operation
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			all = append(all, operation{Operation: o, method: method, path: path, item: item})
		}
	}
	return all
}

// api reports whether the operation belongs to the versioned API, where the
// dialect, the rate limit and the common error body hold.
func (o operation) api() bool { return strings.HasPrefix(o.path, "/api/v2") }

// expectedErrors are the errors that the operation can meet by its shape,
// whatever it does.
func (o operation) expectedErrors() []string {
	if !o.api() {
		return nil
	}
	// 400 for an unknown dialect, 428 for a bypass of the rate limit.
	expected := []string{"400", "428", "429", "500", "503"}
	if o.Security == nil {
		expected = append(expected, "401")
	}
	if o.method != http.MethodGet {
		expected = append(expected, "403", "413")
	}
	if strings.Contains(o.path, "{") && !slices.Contains(logins, o.OperationID) {
		expected = append(expected, "404")
	}
	return expected
}

func checkHeaders(t *testing.T, status string, response *openapi3.Response) {
	t.Helper()
	expected := []string{"X-Coder-Build-Version", "X-Coder-Request-Id"}
	if status == "429" || status == "503" {
		expected = append(expected, "Retry-After")
	}
	for _, name := range expected {
		if header := response.Headers[name]; header == nil || !header.Value.Required {
			t.Errorf("%s: the header %s is always there", status, name)
		}
	}
}

func checkSuccess(t *testing.T, status string, response *openapi3.Response, several bool) {
	t.Helper()
	if several != (len(response.Content) > 1) || len(response.Content) == 0 {
		t.Fatalf("%s has %d kinds of content, want 1", status, len(response.Content))
	}
	for mediaType, content := range response.Content {
		if content.Schema == nil || content.Schema.Value.Type == nil {
			t.Errorf("%s has no schema for %s", status, mediaType)
		}
	}
}

func checkRedirect(t *testing.T, status string, response *openapi3.Response) {
	t.Helper()
	if location := response.Headers["Location"]; location == nil || !location.Value.Required || len(response.Content) > 0 {
		t.Errorf("%s does not say where to, or has a body", status)
	}
}

// checkError wants the common body of errors, and nothing else but where pages
// are allowed too.
func checkError(t *testing.T, status string, response *openapi3.Response, pages bool) {
	t.Helper()
	content := response.Content["application/json"]
	types := 1
	if pages && response.Content["text/html"] != nil {
		types = 2
	}
	if content == nil || len(response.Content) != types || content.Schema.Ref != "#/components/schemas/Error" {
		t.Errorf("%s does not have the common body of errors", status)
	}
}
