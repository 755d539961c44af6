package sdk_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/sdk"
)

// reference holds the examples of the reference pages by "METHOD /path".
type reference map[string]struct {
	Status   int             `json:"status"`
	Request  json.RawMessage `json:"request"`
	Response json.RawMessage `json:"response"`
}

func loadReference(t *testing.T) reference {
	t.Helper()
	data, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref reference
	if err := json.Unmarshal(data, &ref); err != nil {
		t.Fatal(err)
	}
	return ref
}

// authMethods is the answer as the reference has it: without what Usher adds.
type authMethods struct {
	sdk.AuthMethods
	OIDCProviders []sdk.OIDCProvider `json:"oidc_providers,omitempty"`
}

// TestReferenceExamples decodes each example into its type and encodes it again.
// A field that the type lacks, adds, misspells or types differently shows.
func TestReferenceExamples(t *testing.T) {
	t.Parallel()
	ref := loadReference(t)
	requests := map[string]any{
		"POST /api/v2/users":                new(sdk.CreateUserRequest),
		"POST /api/v2/users/first":          new(sdk.CreateFirstUserRequest),
		"PUT /api/v2/users/{user}/password": new(sdk.UpdateUserPasswordRequest),
		"PUT /api/v2/users/{user}/profile":  new(sdk.UpdateUserProfileRequest),
		"PUT /api/v2/users/{user}/roles":    new(sdk.UpdateRolesRequest),
	}
	responses := map[string]any{
		"GET /api/v2/users":                                         new(sdk.GetUsersResponse),
		"POST /api/v2/users":                                        new(sdk.User),
		"GET /api/v2/users/authmethods":                             new(authMethods),
		"GET /api/v2/users/first":                                   new(sdk.Response),
		"POST /api/v2/users/first":                                  new(sdk.CreateFirstUserResponse),
		"POST /api/v2/users/logout":                                 new(sdk.Response),
		"GET /api/v2/users/{user}":                                  new(sdk.User),
		"POST /api/v2/users/{user}/keys":                            new(sdk.GenerateAPIKeyResponse),
		"GET /api/v2/users/{user}/keys/{keyid}":                     new(sdk.APIKey),
		"GET /api/v2/users/{user}/login-type":                       new(sdk.UserLoginType),
		"GET /api/v2/users/{user}/organizations":                    new([]sdk.Organization),
		"GET /api/v2/users/{user}/organizations/{organizationname}": new(sdk.Organization),
		"PUT /api/v2/users/{user}/profile":                          new(sdk.User),
		"GET /api/v2/users/{user}/roles":                            new(sdk.User),
		"PUT /api/v2/users/{user}/roles":                            new(sdk.User),
		"PUT /api/v2/users/{user}/status/activate":                  new(sdk.User),
		"PUT /api/v2/users/{user}/status/suspend":                   new(sdk.User),
	}
	for key, example := range ref {
		if len(example.Request) > 0 {
			t.Run(key+" request", func(t *testing.T) {
				t.Parallel()
				checkRoundTrip(t, example.Request, requests[key])
			})
		}
		if len(example.Response) > 0 {
			t.Run(key+" response", func(t *testing.T) {
				t.Parallel()
				checkRoundTrip(t, example.Response, responses[key])
			})
		}
	}
}

func checkRoundTrip(t *testing.T, example []byte, value any) {
	t.Helper()
	if value == nil {
		t.Fatal("no type is listed for this example")
	}
	if err := json.Unmarshal(example, value); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(generic(t, example), generic(t, encode(t, value))); diff != "" {
		t.Errorf("the type changes the example (-reference +type):\n%s", diff)
	}
}

// TestFieldsAlwaysPresent encodes zero values: the reference dialect leaves
// nothing out. The lists are the fields of the users contract.
func TestFieldsAlwaysPresent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		value  any
		fields []string
	}{
		"User": {sdk.User{}, []string{
			"avatar_url", "created_at", "email", "has_ai_seat", "id", "is_service_account", "last_seen_at",
			"login_type", "name", "organization_ids", "roles", "status", "theme_preference", "updated_at", "username",
		}},
		"SlimRole":                     {sdk.SlimRole{}, []string{"display_name", "name", "organization_id"}},
		"GetUsersResponse":             {sdk.GetUsersResponse{}, []string{"count", "users"}},
		"AuthMethods":                  {sdk.AuthMethods{}, []string{"github", "oidc", "oidc_providers", "password", "terms_of_service_url"}},
		"Identity":                     {sdk.Identity{}, []string{"created_at", "email", "id", "issuer", "last_login_at", "provider", "subject"}},
		"ConvertLoginRequest":          {sdk.ConvertLoginRequest{}, []string{"password", "to_type"}},
		"OAuthConversionResponse":      {sdk.OAuthConversionResponse{}, []string{"expires_at", "state_string", "to_type", "user_id"}},
		"ExternalAuthDevice":           {sdk.ExternalAuthDevice{}, []string{"device_code", "expires_in", "interval", "user_code", "verification_uri"}},
		"GitHubAuthMethod":             {sdk.GitHubAuthMethod{}, []string{"default_provider_configured", "enabled"}},
		"OIDCAuthMethod":               {sdk.OIDCAuthMethod{}, []string{"enabled", "iconUrl", "signInText"}},
		"UserLoginType":                {sdk.UserLoginType{}, []string{"login_type"}},
		"LoginWithPasswordResponse":    {sdk.LoginWithPasswordResponse{}, []string{"session_token"}},
		"ValidateUserPasswordResponse": {sdk.ValidateUserPasswordResponse{}, []string{"details", "valid"}},
		"CreateFirstUserResponse":      {sdk.CreateFirstUserResponse{}, []string{"organization_id", "user_id"}},
		"APIKey": {sdk.APIKey{}, []string{
			"allow_list", "created_at", "expires_at", "id", "last_used", "lifetime_seconds", "login_type",
			"scope", "scopes", "token_name", "updated_at", "user_id",
		}},
		"AllowListEntry": {sdk.AllowListEntry{}, []string{"id", "type"}},
		"Organization": {sdk.Organization{}, []string{
			"created_at", "description", "display_name", "icon", "id", "is_default", "name", "updated_at",
		}},
		"MinimalOrganization": {sdk.MinimalOrganization{}, []string{"display_name", "icon", "id", "name"}},
		"OrganizationMember": {sdk.OrganizationMember{}, []string{
			"created_at", "organization_id", "roles", "updated_at", "user_id",
		}},
		"OrganizationMemberWithUserData": {sdk.OrganizationMemberWithUserData{}, []string{
			"avatar_url", "created_at", "email", "global_roles", "has_ai_seat", "is_service_account", "last_seen_at",
			"login_type", "name", "organization_id", "roles", "status", "updated_at", "user_created_at", "user_id",
			"user_updated_at", "username",
		}},
		"AssignableRole": {sdk.AssignableRole{}, []string{
			"assignable", "built_in", "display_name", "name", "organization_id", "organization_permissions",
			"site_permissions", "user_permissions",
		}},
		"Permission": {sdk.Permission{}, []string{"action", "negate", "resource_type"}},
		"AuditLog": {sdk.AuditLog{Organization: &sdk.MinimalOrganization{}}, []string{
			"action", "additional_fields", "description", "diff", "id", "ip", "is_deleted", "organization",
			"organization_id", "request_id", "resource_icon", "resource_id", "resource_link", "resource_target",
			"resource_type", "status_code", "time", "user", "user_agent",
		}},
		"AuditDiffField":    {sdk.AuditDiffField{Old: "", New: ""}, []string{"new", "old", "secret"}},
		"AuditLogsResponse": {sdk.AuditLogsResponse{}, []string{"audit_logs", "count"}},
		"BuildInfo": {sdk.BuildInfo{}, []string{
			"agent_api_version", "dashboard_url", "deployment_id", "external_url", "provisioner_api_version",
			"telemetry", "upgrade_message", "version", "workspace_proxy",
		}},
		"UserAppearanceSettings": {sdk.UserAppearanceSettings{}, []string{
			"terminal_font", "theme_dark", "theme_light", "theme_mode", "theme_preference",
		}},
		"UserPreferenceSettings": {sdk.UserPreferenceSettings{}, []string{
			"agent_chat_send_shortcut", "code_diff_display_mode", "shell_tool_display_mode",
			"task_notification_alert_dismissed", "thinking_display_mode",
		}},
		"UserParameter": {sdk.UserParameter{}, []string{"name", "value"}},
		"RecordAutofillParametersResponse": {sdk.RecordAutofillParametersResponse{}, []string{
			"created_at", "parameters", "template_id", "transition", "workspace_id",
		}},
		"OrganizationSyncSettings":                 {sdk.OrganizationSyncSettings{}, []string{"field", "mapping", "organization_assign_default"}},
		"OrganizationSyncConfig":                   {sdk.OrganizationSyncConfig{}, []string{"assign_default", "field"}},
		"RoleSyncSettings":                         {sdk.RoleSyncSettings{}, []string{"field", "mapping"}},
		"RoleSyncConfig":                           {sdk.RoleSyncConfig{}, []string{"field"}},
		"SyncMapping":                              {sdk.SyncMapping[string]{}, []string{"gets", "given"}},
		"ValidationError":                          {sdk.ValidationError{}, []string{"detail", "field"}},
		"LoginWithPasswordRequest":                 {sdk.LoginWithPasswordRequest{}, []string{"email", "password"}},
		"RequestOneTimePasscodeRequest":            {sdk.RequestOneTimePasscodeRequest{}, []string{"email"}},
		"ChangePasswordWithOneTimePasscodeRequest": {sdk.ChangePasswordWithOneTimePasscodeRequest{}, []string{"email", "one_time_passcode", "password"}},
		"UpdateUserEmailRequest":                   {sdk.UpdateUserEmailRequest{}, []string{"email"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fields := slices.Sorted(maps.Keys(generic(t, encode(t, test.value)).(map[string]any)))
			if diff := cmp.Diff(test.fields, fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFieldsLeftOut lists what may be absent, because it means something else
// than empty or because the contract says so.
func TestFieldsLeftOut(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		value any
		want  string
	}{
		"error":            {sdk.Response{Message: "m"}, `{"message":"m"}`},
		"diff of a secret": {sdk.AuditDiffField{Secret: true}, `{"secret":true}`},
		"diff of a false":  {sdk.AuditDiffField{Old: false, New: true}, `{"old":false,"new":true,"secret":false}`},
		"create user":      {sdk.CreateUserRequest{Username: "ada"}, `{"email":"","username":"ada","login_type":""}`},
		"first user": {
			sdk.CreateFirstUserRequest{Email: "e", Username: "u", Password: "p"},
			`{"email":"e","username":"u","password":"p"}`,
		},
		"profile keeps the avatar":  {sdk.UpdateUserProfileRequest{Username: "u"}, `{"username":"u","name":""}`},
		"profile clears the avatar": {sdk.UpdateUserProfileRequest{AvatarURL: new(string)}, `{"username":"","name":"","avatar_url":""}`},
		"someone else's password":   {sdk.UpdateUserPasswordRequest{Password: "p"}, `{"password":"p"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(encode(t, test.value)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestAllowListEntry(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		json    string
		want    sdk.AllowListEntry
		wantErr bool
	}{
		"object":                {json: `{"type":"user","id":"7"}`, want: sdk.AllowListEntry{Type: "user", ID: "7"}},
		"object between spaces": {json: " {\"type\":\"*\",\"id\":\"*\"} ", want: sdk.AllowListEntry{Type: "*", ID: "*"}},
		"string":                {json: `"user:7"`, want: sdk.AllowListEntry{Type: "user", ID: "7"}},
		"string with spaces":    {json: `" user : 7 "`, want: sdk.AllowListEntry{Type: "user", ID: "7"}},
		"first colon splits":    {json: `"user:a:b"`, want: sdk.AllowListEntry{Type: "user", ID: "a:b"}},
		"no colon":              {json: `"user"`, want: sdk.AllowListEntry{Type: "user"}},
		"number":                {json: `7`, wantErr: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Inside an array, as on the wire.
			var got []sdk.AllowListEntry
			err := json.Unmarshal([]byte("["+test.json+"]"), &got)
			if (err != nil) != test.wantErr {
				t.Fatalf("error %v, want one: %v", err, test.wantErr)
			}
			if !test.wantErr && !cmp.Equal(got, []sdk.AllowListEntry{test.want}) {
				t.Errorf("got %v, want [%v]", got, test.want)
			}
		})
	}
	if got := (sdk.AllowListEntry{Type: "user", ID: "*"}).String(); got != "user:*" {
		t.Errorf("String() = %q", got)
	}
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// generic decodes JSON without a type, so that two documents compare by content.
func generic(t *testing.T, data []byte) any {
	t.Helper()
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return value
}
