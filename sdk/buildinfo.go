package sdk

import (
	"context"
	"net/http"
)

// BuildInfo says what the server is. Anyone may read it.
type BuildInfo struct {
	ExternalURL string `json:"external_url"`
	// Version is "v0.0.0+usher." and Usher's own version, so that clients that
	// compare versions with theirs never warn.
	Version               string `json:"version"`
	DashboardURL          string `json:"dashboard_url"`
	Telemetry             bool   `json:"telemetry"`
	WorkspaceProxy        bool   `json:"workspace_proxy"`
	AgentAPIVersion       string `json:"agent_api_version"`
	ProvisionerAPIVersion string `json:"provisioner_api_version"`
	UpgradeMessage        string `json:"upgrade_message"`
	DeploymentID          string `json:"deployment_id"`
}

// BuildInfo returns what the server is. It needs no session.
func (c *Client) BuildInfo(ctx context.Context) (BuildInfo, error) {
	var result BuildInfo
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"buildinfo"},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}
