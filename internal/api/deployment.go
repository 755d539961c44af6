package api

import (
	"maps"
	"time"

	"usher/internal/account"
	"usher/internal/buildinfo"
)

// The endpoints of this file belong to a larger product than Usher. Its clients
// call them all the same, and some of them stop when they are not there; each
// says what is true of a deployment that keeps people and nothing else.

// object is a JSON object whose fields nobody but those clients reads.
type object = map[string]any

// entitledFeatures are those features of the larger product that Usher has.
var entitledFeatures = []string{
	"audit_log", "custom_roles", "multiple_organizations", "service_accounts", "user_role_management",
}

// otherFeatures are those that it has not.
var otherFeatures = []string{
	"access_control", "advanced_template_scheduling", "ai_governance_user_limit", "aibridge", "appearance",
	"boundary", "browser_only", "connection_log", "control_shared_ports", "external_provisioner_daemons",
	"external_token_encryption", "high_availability", "managed_agent_limit", "multiple_external_auth", "scim",
	"task_batch_actions", "template_rbac", "user_limit", "workspace_batch_actions", "workspace_external_agent",
	"workspace_prebuilds", "workspace_proxy",
}

func (a *API) entitlements(c *call) error {
	features := object{}
	for _, name := range entitledFeatures {
		features[name] = object{"entitlement": "entitled", "enabled": true}
	}
	for _, name := range otherFeatures {
		features[name] = object{"entitlement": "not_entitled", "enabled": false}
	}
	return c.ok(object{
		"features": features, "warnings": []string{}, "errors": []string{},
		"has_license": false, "trial": false, "require_telemetry": false,
		"refreshed_at": c.started.UTC().Truncate(time.Microsecond),
	})
}

func (a *API) appearance(c *call) error {
	return c.ok(object{
		"application_name": "", "logo_url": "", "docs_url": "",
		"service_banner":       object{"enabled": false},
		"announcement_banners": []string{}, "support_links": []string{},
	})
}

func (a *API) experiments(c *call) error { return c.ok([]string{}) }

func (a *API) availableExperiments(c *call) error { return c.ok(object{"safe": []string{}}) }

func (a *API) regions(c *call) error {
	return c.ok(object{"regions": []object{{
		"id": a.DeploymentID, "name": "primary", "display_name": "Default", "icon_url": "",
		"healthy": true, "path_app_url": a.AccessURL.String(), "wildcard_hostname": "",
	}}})
}

func (a *API) updateCheck(c *call) error {
	return c.ok(object{"current": true, "version": buildinfo.WireVersion(), "url": ""})
}

func (a *API) deploymentConfig(c *call) error {
	if err := c.actor.Authorize(account.ActionRead, account.Object{Type: account.ResourceDeploymentConfig}); err != nil {
		return err
	}
	return c.ok(object{"config": maps.Clone(a.Settings), "options": []string{}})
}

func (a *API) deploymentStats(c *call) error {
	if err := c.actor.Authorize(account.ActionRead, account.Object{Type: account.ResourceDeploymentStats}); err != nil {
		return err
	}
	now := c.started.UTC().Truncate(time.Second)
	return c.ok(object{
		"aggregated_from": now, "collected_at": now, "next_update_at": now.Add(time.Minute),
		"workspaces": object{
			"pending": 0, "building": 0, "running": 0, "failed": 0, "stopped": 0,
			"connection_latency_ms": object{"P50": 0, "P95": 0}, "rx_bytes": 0, "tx_bytes": 0,
		},
		"session_count": object{"vscode": 0, "ssh": 0, "jetbrains": 0, "reconnecting_pty": 0},
	})
}

func (a *API) deploymentSSH(c *call) error {
	return c.ok(object{"hostname_prefix": "coder.", "hostname_suffix": "coder", "ssh_config_options": object{}})
}

func (a *API) workspaceSharing(c *call) error {
	if _, err := a.Service.Organization(c.ctx(), c.actor, c.org()); err != nil {
		return err
	}
	return c.ok(object{
		"sharing_globally_disabled": false, "sharing_disabled": false, "shareable_workspace_owners": "everyone",
	})
}

func (a *API) listWorkspaces(c *call) error {
	return c.ok(object{"workspaces": []string{}, "count": 0})
}

func (a *API) getWorkspace(*call) error { return account.NotFound() }

func (a *API) listTemplates(c *call) error { return c.ok([]string{}) }

func (a *API) inbox(c *call) error {
	return c.ok(object{"notifications": []string{}, "unread_count": 0})
}

// cspReport takes a browser's report that a page broke its policy. The pages
// here have nothing to load, so that nobody would read it.
func (a *API) cspReport(c *call) error { return c.ok("ok") }

// userStatusCounts gives the only point in time that is known: now.
func (a *API) userStatusCounts(c *call) error {
	counts, err := a.Service.CountUsersByStatus(c.ctx(), c.actor)
	if err != nil {
		return err
	}
	today := c.started.UTC().Truncate(24 * time.Hour)
	answer := map[account.UserStatus][]object{}
	for status, count := range counts {
		answer[status] = []object{{"date": today, "count": count}}
	}
	return c.ok(object{"status_counts": answer})
}
