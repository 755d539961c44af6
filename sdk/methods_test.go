package sdk_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/sdk"
)

// method is one method of the client with the request that it must send and the
// answer that it must understand.
type method struct {
	call   func(context.Context, *sdk.Client) (any, error)
	want   string // method, path and query
	body   string // of the request
	status int
	answer string
}

// methods covers the whole client. The paths, statuses and answers without a
// reference example are those of the users and auth contracts.
func methods(t *testing.T) map[string]method {
	ref := loadReference(t)
	example := func(key string) string { return string(ref[key].Response) }
	user := example("GET /api/v2/users/{user}")
	org := example("GET /api/v2/users/{user}/organizations/{organizationname}")
	id := uuid.MustParse("497f6eca-6276-4993-bfeb-53cbbbba6f08")
	dormant := sdk.UserStatusDormant
	avatar := "https://example.com/a.png"
	all := map[string]method{
		"HasFirstUser": {
			call:   func(ctx context.Context, c *sdk.Client) (any, error) { return c.HasFirstUser(ctx) },
			want:   "GET /api/v2/users/first",
			status: 200,
		},
		"CreateFirstUser": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.CreateFirstUser(ctx, sdk.CreateFirstUserRequest{Email: "a@example.com", Username: "ada", Name: "Ada", Password: "pw"})
			},
			want: "POST /api/v2/users/first", body: `{"email":"a@example.com","username":"ada","name":"Ada","password":"pw"}`,
			status: 201, answer: example("POST /api/v2/users/first"),
		},
		"LoginWithPassword": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.LoginWithPassword(ctx, sdk.LoginWithPasswordRequest{Email: "a@example.com", Password: "pw"})
			},
			want: "POST /api/v2/users/login", body: `{"email":"a@example.com","password":"pw"}`,
			status: 201, answer: `{"session_token":"id-secret"}`,
		},
		"RequestOneTimePasscode": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return nil, c.RequestOneTimePasscode(ctx, sdk.RequestOneTimePasscodeRequest{Email: "a@example.com"})
			},
			want: "POST /api/v2/users/otp/request", body: `{"email":"a@example.com"}`, status: 204,
		},
		"ChangePasswordWithOneTimePasscode": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return nil, c.ChangePasswordWithOneTimePasscode(ctx, sdk.ChangePasswordWithOneTimePasscodeRequest{
					Email: "a@example.com", Password: "pw", OneTimePasscode: "code",
				})
			},
			want: "POST /api/v2/users/otp/change-password", body: `{"email":"a@example.com","password":"pw","one_time_passcode":"code"}`,
			status: 204,
		},
		"Logout": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return nil, c.Logout(ctx) },
			want: "POST /api/v2/users/logout", status: 200,
		},
		"AuthMethods": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.AuthMethods(ctx) },
			want: "GET /api/v2/users/authmethods", status: 200, answer: strings.Replace(example("GET /api/v2/users/authmethods"),
				"{", `{"oidc_providers":[{"name":"partners","sign_in_text":"Partners","icon_url":"x"}],`, 1),
		},
		"Identities": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.Identities(ctx, "ada") },
			want: "GET /api/v2/users/ada/identities", status: 200,
			answer: `[{"id":"` + id.String() + `","provider":"oidc","issuer":"i","subject":"s","email":"e","created_at":"2026-01-31T09:00:00Z","last_login_at":"2026-01-31T09:00:00Z"}]`,
		},
		"LinkIdentity": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.LinkIdentity(ctx, sdk.Me, sdk.LinkIdentityRequest{Provider: "github"})
			},
			want: "POST /api/v2/users/me/identities", body: `{"provider":"github"}`, status: 201, answer: `{"redirect_url":"https://x"}`,
		},
		"UnlinkIdentity": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return nil, c.UnlinkIdentity(ctx, "ada", id) },
			want: "DELETE /api/v2/users/ada/identities/" + id.String(), status: 204,
		},
		"ConvertLogin": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.ConvertLogin(ctx, sdk.Me, sdk.ConvertLoginRequest{ToType: sdk.LoginTypeOIDC, Password: "pw"})
			},
			want: "POST /api/v2/users/me/convert-login", body: `{"to_type":"oidc","password":"pw"}`, status: 201,
			answer: `{"state_string":"convert-x","expires_at":"2026-01-31T09:00:00Z","to_type":"oidc","user_id":"` + id.String() + `"}`,
		},
		"OIDCClaims": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.OIDCClaims(ctx) },
			want: "GET /api/v2/users/oidc-claims", status: 200, answer: `{"claims":{"sub":"248289761001"}}`,
		},
		"Users": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.Users(ctx, sdk.UsersRequest{Search: `status:active ada&x=1`, AfterID: id, Limit: 10, Offset: 5})
			},
			want:   "GET /api/v2/users?after_id=497f6eca-6276-4993-bfeb-53cbbbba6f08&limit=10&offset=5&q=status%3Aactive+ada%26x%3D1",
			status: 200, answer: example("GET /api/v2/users"),
		},
		"Users, all": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.Users(ctx, sdk.UsersRequest{}) },
			want: "GET /api/v2/users", status: 200, answer: example("GET /api/v2/users"),
		},
		"Users, negative limit": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.Users(ctx, sdk.UsersRequest{Limit: -1})
			},
			want: "GET /api/v2/users?limit=-1", status: 200, answer: `{"users":[],"count":0}`,
		},
		"CreateUser": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.CreateUser(ctx, sdk.CreateUserRequest{
					Email: "a@example.com", Username: "ada", Password: "pw", LoginType: sdk.LoginTypePassword,
					UserStatus: &dormant, OrganizationIDs: []uuid.UUID{id}, Roles: []string{sdk.RoleAuditor},
				})
			},
			want: "POST /api/v2/users",
			body: `{"email":"a@example.com","username":"ada","password":"pw","login_type":"password","user_status":"dormant",` +
				`"organization_ids":["497f6eca-6276-4993-bfeb-53cbbbba6f08"],"roles":["auditor"]}`,
			status: 201, answer: user,
		},
		"User": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.User(ctx, sdk.Me) },
			want: "GET /api/v2/users/me", status: 200, answer: user,
		},
		"DeleteUser": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return nil, c.DeleteUser(ctx, id.String()) },
			want: "DELETE /api/v2/users/497f6eca-6276-4993-bfeb-53cbbbba6f08", status: 200,
		},
		"UpdateUserProfile": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateUserProfile(ctx, "ada", sdk.UpdateUserProfileRequest{Username: "ada", AvatarURL: &avatar})
			},
			want: "PUT /api/v2/users/ada/profile", body: `{"username":"ada","name":"","avatar_url":"https://example.com/a.png"}`,
			status: 200, answer: user,
		},
		"UpdateUserPassword": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return nil, c.UpdateUserPassword(ctx, "ada", sdk.UpdateUserPasswordRequest{OldPassword: "old", Password: "new"})
			},
			want: "PUT /api/v2/users/ada/password", body: `{"old_password":"old","password":"new"}`, status: 204,
		},
		"UpdateUserEmail": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateUserEmail(ctx, "ada", sdk.UpdateUserEmailRequest{Email: "b@example.com"})
			},
			want: "PUT /api/v2/users/ada/email", body: `{"email":"b@example.com"}`, status: 200, answer: user,
		},
		"ActivateUser": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.ActivateUser(ctx, "ada") },
			want: "PUT /api/v2/users/ada/status/activate", status: 200, answer: user,
		},
		"SuspendUser": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.SuspendUser(ctx, "ada") },
			want: "PUT /api/v2/users/ada/status/suspend", status: 200, answer: user,
		},
		"UserRoles": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.UserRoles(ctx, "ada") },
			want: "GET /api/v2/users/ada/roles", status: 200, answer: user,
		},
		"UpdateUserRoles": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateUserRoles(ctx, "ada", sdk.UpdateRolesRequest{Roles: []string{}})
			},
			want: "PUT /api/v2/users/ada/roles", body: `{"roles":[]}`, status: 200, answer: user,
		},
		"GitSSHKey": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.GitSSHKey(ctx, sdk.Me) },
			want: "GET /api/v2/users/me/gitsshkey", status: 200, answer: example("GET /api/v2/users/{user}/gitsshkey"),
		},
		"RegenerateGitSSHKey": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.RegenerateGitSSHKey(ctx, "ada") },
			want: "PUT /api/v2/users/ada/gitsshkey", status: 200, answer: example("PUT /api/v2/users/{user}/gitsshkey"),
		},
		"GitSSHPrivateKey": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.GitSSHPrivateKey(ctx, sdk.Me) },
			want: "GET /api/v2/users/me/gitsshkey/private", status: 200, answer: `{"private_key":"-----BEGIN"}`,
		},
		"UserLoginType": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.UserLoginType(ctx, sdk.Me) },
			want: "GET /api/v2/users/me/login-type", status: 200, answer: `{"login_type":"password"}`,
		},
		"UserOrganizations": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.UserOrganizations(ctx, sdk.Me) },
			want: "GET /api/v2/users/me/organizations", status: 200, answer: example("GET /api/v2/users/{user}/organizations"),
		},
		"UserOrganizationByName": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UserOrganizationByName(ctx, sdk.Me, "coder")
			},
			want: "GET /api/v2/users/me/organizations/coder", status: 200, answer: org,
		},
		"Organization": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.Organization(ctx, sdk.DefaultOrganization)
			},
			want: "GET /api/v2/organizations/default", status: 200, answer: org,
		},
		"SiteRoles": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.SiteRoles(ctx) },
			want: "GET /api/v2/users/roles", status: 200,
			answer: `[{"name":"owner","display_name":"Owner","organization_id":"","site_permissions":[{"negate":false,"resource_type":"*","action":"*"}],
				"organization_permissions":[],"user_permissions":[],"assignable":true,"built_in":true}]`,
		},
		"ValidatePassword": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.ValidatePassword(ctx, sdk.ValidateUserPasswordRequest{Password: "pw"})
			},
			want: "POST /api/v2/users/validate-password", body: `{"password":"pw"}`,
			status: 200, answer: `{"valid":false,"details":"too short"}`,
		},
		"CreateSessionKey": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.CreateSessionKey(ctx, sdk.Me) },
			want: "POST /api/v2/users/me/keys", status: 201, answer: example("POST /api/v2/users/{user}/keys"),
		},
		"BuildInfo": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.BuildInfo(ctx) },
			want: "GET /api/v2/buildinfo", status: 200,
			answer: `{"external_url":"https://example.com","version":"v0.0.0+usher.1.2.3","dashboard_url":"https://example.com",
				"telemetry":true,"workspace_proxy":true,"agent_api_version":"1.0","provisioner_api_version":"1.0",
				"upgrade_message":"m","deployment_id":"d"}`,
		},
		"AuditLogs": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.AuditLogs(ctx, sdk.AuditLogsRequest{Search: "action:create", Limit: 2, Offset: 1})
			},
			want: "GET /api/v2/audit?limit=2&offset=1&q=action%3Acreate", status: 200,
			answer: `{"count":1,"audit_logs":[{"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","request_id":"266ea41d-adf5-480b-af50-15b940c2b846",
				"time":"2026-01-02T03:04:05.000006Z","ip":"192.0.2.1","user_agent":"usher/1","resource_type":"user",
				"resource_id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","resource_target":"ada","resource_icon":"","action":"write",
				"diff":{"status":{"old":"active","new":"suspended","secret":false}},"status_code":200,"additional_fields":{"k":"v"},
				"description":"{user} updated user {target}","resource_link":"/users?filter=ada","is_deleted":false,
				"organization_id":"00000000-0000-0000-0000-000000000000","user":null}]}`,
		},
	}
	maps.Copy(all, settingsMethods())
	maps.Copy(all, organizationMethods(org))
	maps.Copy(all, syncMethods())
	return all
}

func TestMethods(t *testing.T) {
	t.Parallel()
	for name, test := range methods(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &recorder{status: test.status, body: test.answer}
			if test.answer == "" && test.status == http.StatusOK {
				server.body = `{"message":"Done."}`
			}
			result, err := test.call(t.Context(), connect(t, server))
			if err != nil {
				t.Fatal(err)
			}
			got := server.only(t)
			line := got.Method + " " + got.Path
			if got.Query != "" {
				line += "?" + got.Query
			}
			if line != test.want {
				t.Errorf("got  %s\nwant %s", line, test.want)
			}
			if got.Body != test.body {
				t.Errorf("got body  %s\nwant body %s", got.Body, test.body)
			}
			checkHeaders(t, got)
			if test.answer == "" {
				return
			}
			if diff := cmp.Diff(generic(t, []byte(test.answer)), generic(t, encode(t, result))); diff != "" {
				t.Errorf("result (-answer +result):\n%s", diff)
			}
		})
	}
}

func checkHeaders(t *testing.T, got recorded) {
	t.Helper()
	want := map[string]string{
		"Accept":               "application/json",
		sdk.DialectHeader:      "reference",
		sdk.SessionTokenHeader: token,
		"Content-Type":         "",
		"Cookie":               "",
	}
	if got.Body != "" {
		want["Content-Type"] = "application/json"
	}
	for name, value := range want {
		if got.Header.Get(name) != value {
			t.Errorf("header %s is %q, want %q", name, got.Header.Get(name), value)
		}
	}
	agent := regexp.MustCompile(`^usher/[^ ()]+ \([a-z0-9]+/[a-z0-9]+\)$`)
	if !agent.MatchString(got.Header.Get("User-Agent")) {
		t.Errorf("User-Agent is %q", got.Header.Get("User-Agent"))
	}
}

// TestMethodsRefuseOtherSuccess: a 2xx that is not the documented one is not the
// answer to the question that was asked.
func TestMethodsRefuseOtherSuccess(t *testing.T) {
	t.Parallel()
	for name, test := range methods(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := http.StatusCreated
			if test.status == other {
				other = http.StatusOK
			}
			_, err := test.call(t.Context(), connect(t, &recorder{status: other, body: test.answer}))
			var answer *sdk.Error
			if !errors.As(err, &answer) || answer.StatusCode != other {
				t.Errorf("error %v, want one with status %d", err, other)
			}
		})
	}
}
