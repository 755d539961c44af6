package compat_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// TestDashboardShell replays what the dashboard asks before it shows any page.
// What it cannot do without is checked; the rest must be JSON that says no.
func TestDashboardShell(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.Database(t), func(cfg *server.Config) { cfg.Dialect = sdk.DialectCoder })
	s.CreateFirstUser(t)
	user := raw(s)
	var entitlements struct {
		Features map[string]*struct {
			Enabled bool `json:"enabled"`
		} `json:"features"`
	}
	for path, into := range map[string]any{
		"/users/me": nil, "/buildinfo": nil, "/appearance": &struct {
			Banners []any `json:"announcement_banners"`
		}{}, "/organizations": &[]struct{ ID, Name string }{},
		"/entitlements": &entitlements, "/experiments": &[]string{}, "/updatecheck": &struct{ Current bool }{},
		"/regions": &struct {
			Regions []struct{ ID, Name string }
		}{}, "/notifications/inbox": &struct {
			Notifications []any
		}{},
		"/deployment/config": &struct {
			Config struct {
				OIDC *struct {
					UserRoleField *string `json:"user_role_field"`
				} `json:"oidc"`
			} `json:"config"`
		}{},
		"/workspaces?q=owner:me": &struct{ Workspaces []any }{}, "/templates": &[]any{},
	} {
		r := user.call(t, "GET", path, nil).want(t, http.StatusOK)
		if into == nil {
			continue
		}
		if err := json.Unmarshal(r.body, into); err != nil {
			t.Errorf("%s: %v in %s", path, err, r.body)
		}
	}
	for _, name := range []string{"audit_log", "user_role_management", "advanced_template_scheduling"} {
		if entitlements.Features[name] == nil {
			t.Errorf("a page throws without the feature %s", name)
		}
	}
	if entitlements.Features["template_rbac"].Enabled || entitlements.Features["advanced_template_scheduling"].Enabled {
		t.Error("the dashboard would offer groups, or schedules")
	}
	for _, path := range []string{"/groups", "/users/me/quiet-hours", "/users/me/workspace/dev"} {
		r := user.call(t, "GET", path, nil).want(t, http.StatusNotFound)
		if decode[clientMessage](t, r).Message == "" {
			t.Errorf("%s: %s", path, r.body)
		}
	}
}
