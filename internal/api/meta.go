package api

import (
	_ "embed"
	"html/template"

	"usher/internal/buildinfo"
	"usher/openapi"
	"usher/sdk"
)

//go:embed home.html
var homePage string

var homeTemplate = template.Must(template.New("home").Parse(homePage))

// home is a plain page that says what this is and where to go.
func (a *API) home(c *call) error {
	header := c.w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	return homeTemplate.Execute(c.w, map[string]string{
		"Version": buildinfo.Version(),
		"URL":     a.AccessURL.String(),
	})
}

// healthz says that the process is up.
func (a *API) healthz(c *call) error { return c.text("text/plain; charset=utf-8", "OK\n") }

// readyz says that the database answers.
func (a *API) readyz(c *call) error {
	if err := a.Service.Ready(c.ctx()); err != nil {
		return err
	}
	return c.text("text/plain; charset=utf-8", "OK\n")
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
