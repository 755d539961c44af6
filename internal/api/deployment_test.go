package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// neverSucceed are operations that refuse everyone: what they are about is not
// here.
var neverSucceed = []string{"getWorkspace"}

// recordForeign is the part of the scenario that other products' clients play.
func recordForeign(t *testing.T, take func(operation string, a answer) answer, admin client) {
	t.Helper()
	for _, o := range described() {
		if !slices.Contains(foreign, o.ID) {
			continue
		}
		at := strings.NewReplacer("{user}", "me", "{organization}", "default", "{workspacename}", "dev").Replace(o.Path)
		take(o.ID, admin.do(t, o.Method, at, nil))
	}
}

// TestEntitlements: every name that clients know is there, those of what Usher
// has are enabled, and nobody has to sign in to be told.
func TestEntitlements(t *testing.T) {
	t.Parallel()

	known := strings.Fields(`
		user_limit audit_log connection_log browser_only scim template_rbac user_role_management high_availability
		multiple_external_auth external_provisioner_daemons appearance advanced_template_scheduling workspace_proxy
		external_token_encryption workspace_batch_actions task_batch_actions access_control control_shared_ports
		custom_roles multiple_organizations workspace_prebuilds managed_agent_limit workspace_external_agent aibridge
		boundary service_accounts ai_governance_user_limit`)
	has := []string{"audit_log", "multiple_organizations", "custom_roles", "service_accounts", "user_role_management"}
	type feature struct {
		Entitlement string `json:"entitlement"`
		Enabled     bool   `json:"enabled"`
	}
	want := map[string]feature{}
	for _, name := range known {
		want[name] = feature{Entitlement: "not_entitled"}
		if slices.Contains(has, name) {
			want[name] = feature{Entitlement: "entitled", Enabled: true}
		}
	}
	s := servertest.New(t)
	a := guest(s).get(t, "/api/v2/entitlements").want(t, http.StatusOK)
	got := decode[struct {
		Features    map[string]feature `json:"features"`
		RefreshedAt time.Time          `json:"refreshed_at"`
	}](t, a)
	if diff := cmp.Diff(want, got.Features); diff != "" {
		t.Error(diff)
	}
	if age := time.Since(got.RefreshedAt); age < 0 || age > time.Minute {
		t.Errorf("refreshed at %s", got.RefreshedAt)
	}
	rest := decode[map[string]any](t, a)
	delete(rest, "features")
	delete(rest, "refreshed_at")
	if diff := cmp.Diff(map[string]any{
		"warnings": []any{}, "errors": []any{}, "has_license": false, "trial": false, "require_telemetry": false,
	}, rest); diff != "" {
		t.Error(diff)
	}
}

// TestForeignEndpoints: each says what clients can decode, to whom it may.
func TestForeignEndpoints(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	ann := join(t, s, "ann")
	info := decode[sdk.BuildInfo](t, guest(s).get(t, "/api/v2/buildinfo").want(t, http.StatusOK))
	for _, test := range []struct {
		at     string
		public bool
		want   string // JSON
	}{
		{"appearance", true, `{"application_name":"","logo_url":"","docs_url":"","service_banner":{"enabled":false},"announcement_banners":[],"support_links":[]}`},
		{"updatecheck", true, `{"current":true,"version":"` + info.Version + `","url":""}`},
		{"experiments", false, `[]`},
		{"experiments/available", false, `{"safe":[]}`},
		{"regions", false, `{"regions":[{"id":"` + info.DeploymentID + `","name":"primary","display_name":"Default","icon_url":"","healthy":true,
			"path_app_url":"` + s.URL + `","wildcard_hostname":""}]}`},
		{"deployment/ssh", false, `{"hostname_prefix":"coder.","hostname_suffix":"coder","ssh_config_options":{}}`},
		{"organizations/default/settings/workspace-sharing", false, `{"sharing_globally_disabled":false,"sharing_disabled":false,"shareable_workspace_owners":"everyone"}`},
		{"notifications/inbox", false, `{"notifications":[],"unread_count":0}`},
		{"workspaces?q=owner:me", false, `{"workspaces":[],"count":0}`},
		{"templates", false, `[]`},
	} {
		got := ann.get(t, "/api/v2/"+test.at).want(t, http.StatusOK)
		if diff := cmp.Diff(decode[any](t, answer{body: []byte(test.want)}), decode[any](t, got)); diff != "" {
			t.Errorf("%s: %s", test.at, diff)
		}
		status := http.StatusUnauthorized
		if test.public {
			status = http.StatusOK
		}
		guest(s).get(t, "/api/v2/"+test.at).want(t, status)
	}
	for _, report := range []any{nil, `{"csp-report":{}}`, "no JSON"} {
		if got := guest(s).post(t, "/api/v2/csp/reports", report).want(t, http.StatusOK); strings.TrimSpace(string(got.body)) != `"ok"` {
			t.Errorf("a report of the browser: %s", got)
		}
	}
	addOrganization(t, s, "foreign")
	ann.get(t, orgPath("foreign", "settings/workspace-sharing")).refused(t, http.StatusNotFound, notFound)
	ann.get(t, path("me", "workspace/dev")).refused(t, http.StatusNotFound, notFound)
	owner(s).get(t, path("ann", "workspace/dev")).refused(t, http.StatusNotFound, notFound)
}

// TestDeploymentPages are for owners and auditors; who else asks is told which
// permission it is.
func TestDeploymentPages(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	pages := map[string]string{
		"deployment/config": "deployment_config:read", "deployment/stats": "deployment_stats:read",
		"insights/user-status-counts": "deployment_stats:read",
	}
	for _, role := range askers {
		asker := joinAs(t, s, role)
		narrow := guest(s).as(mint(t, asker.client, "me", body{"scopes": []string{"user:read"}}))
		for page, permission := range pages {
			if role != "owner" && role != "auditor" {
				asker.get(t, "/api/v2/"+page).lacks(t, permission, "role")
				continue
			}
			asker.get(t, "/api/v2/"+page).want(t, http.StatusOK)
			narrow.get(t, "/api/v2/"+page).lacks(t, permission, "scope")
		}
	}
	for page := range pages {
		guest(s).get(t, "/api/v2/"+page).refused(t, http.StatusUnauthorized, signedOut)
	}
}

// TestDeploymentConfig shows settings and no secret, and says that no provider
// decides about roles.
func TestDeploymentConfig(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		a := owner(s).get(t, "/api/v2/deployment/config").want(t, http.StatusOK)
		got := decode[struct {
			Config  map[string]json.RawMessage `json:"config"`
			Options []any                      `json:"options"`
		}](t, a)
		database := `"sqlite"`
		if s.Store.DatabaseURL != "" {
			database = `"postgres"`
			if strings.Contains(string(a.body), s.Store.DatabaseURL) || strings.Contains(string(a.body), "postgres://") {
				t.Errorf("the URL of the database is shown: %s", a)
			}
		}
		for name, want := range map[string]string{
			"database": database, "session_duration": "86400000000000", "audit_retention": "0", "dialect": `"reference"`,
			"trusted_proxies": "[]", "ssh_keygen_algorithm": `"ed25519"`,
		} {
			if string(got.Config[name]) != want {
				t.Errorf("%s is %s, want %s", name, got.Config[name], want)
			}
		}
		var provider map[string]any
		if err := json.Unmarshal(got.Config["oidc"], &provider); err != nil || provider["user_role_field"] != "" {
			t.Errorf("the provider is %s, want an empty user_role_field", got.Config["oidc"])
		}
		if got.Options == nil || len(got.Options) != 0 {
			t.Errorf("options are %v, want []", got.Options)
		}
	})
}

// TestUserStatusCounts counts people, not programs, and not who is deleted.
func TestUserStatusCounts(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		create(t, s, newUser("dora").but("user_status", nil))
		create(t, s, newUser("sue").but("user_status", "suspended"))
		create(t, s, newUser("ann"))
		create(t, s, robot("robot"))
		gone := create(t, s, newUser("gone"))
		owner(s).delete(t, path(gone.ID)).want(t, http.StatusOK)
		got := decode[struct {
			Counts map[string][]struct {
				Date  time.Time `json:"date"`
				Count int       `json:"count"`
			} `json:"status_counts"`
		}](t, owner(s).get(t, "/api/v2/insights/user-status-counts").want(t, http.StatusOK))
		counts := map[string]int{}
		for status, points := range got.Counts {
			if len(points) != 1 || time.Since(points[0].Date) > 25*time.Hour || points[0].Date.After(time.Now()) {
				t.Errorf("%s: %v", status, points)
				continue
			}
			counts[status] = points[0].Count
		}
		if diff := cmp.Diff(map[string]int{"active": 2, "dormant": 1, "suspended": 1}, counts); diff != "" {
			t.Error(diff)
		}
	})
}

// TestLoginsThatNeedAProvider say so, with and without a session.
func TestLoginsThatNeedAProvider(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	for at, says := range map[string]string{
		"oauth2/github/callback": "GitHub", "oauth2/github/callback?code=c&state=s": "GitHub",
		"oauth2/github/device": "GitHub", "oidc/callback": "OpenID Connect", "oidc/callback?code=c&state=s": "OpenID Connect",
	} {
		guest(s).get(t, path(at)).refused(t, http.StatusBadRequest, says)
		owner(s).get(t, path(at)).refused(t, http.StatusBadRequest, says)
	}
	owner(s).get(t, path("oidc-claims")).refused(t, http.StatusBadRequest, "OIDC")
	guest(s).get(t, path("oidc-claims")).refused(t, http.StatusUnauthorized, signedOut)
}
