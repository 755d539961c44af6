package api

import (
	"usher/internal/buildinfo"
	"usher/openapi"
	"usher/sdk"
)

// healthz says that the process is up.
func (a *API) healthz(c *call) error { return c.text("text/plain; charset=utf-8", "OK\n") }

// readyz says that the database answers. An identity provider that does not is
// told as well, but is no reason to send nobody here: passwords and sessions work
// without it.
func (a *API) readyz(c *call) error {
	if err := a.Service.Ready(c.ctx()); err != nil {
		return err
	}
	text := "OK\n"
	for _, provider := range a.Service.UnreachableProviders() {
		text += "the identity provider " + provider + " cannot be reached\n"
	}
	return c.text("text/plain; charset=utf-8", text)
}

func (a *API) apiRoot(c *call) error { return c.ok(sdk.Response{Message: "👋"}) }

func (a *API) buildInfo(c *call) error {
	url := a.AccessURL.String()
	return c.ok(sdk.BuildInfo{
		ExternalURL:           url,
		Version:               buildinfo.WireVersion(),
		DashboardURL:          url,
		AgentAPIVersion:       "1.0",
		ProvisionerAPIVersion: "1.0",
		DeploymentID:          a.DeploymentID,
	})
}

func (a *API) openAPI(c *call) error {
	return c.text("application/yaml", string(openapi.YAML()))
}
