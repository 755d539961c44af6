package server

import (
	"crypto/x509"
	"errors"
	"net/url"
	"strings"

	"usher/internal/idp"
)

// validateGitHub hands every problem to check, under the name of its flag.
func (c Config) validateGitHub(check func(flag string, err error)) {
	for _, fault := range c.GitHub.Check() {
		check("oauth2-github-"+strings.ReplaceAll(fault.Field, "_", "-"), errors.New(fault.Detail))
	}
}

// github makes the provider of GitHub logins, which come back to the access URL;
// nil where there is to be none.
func (c Config) github(access *url.URL, roots *x509.CertPool) (*idp.Provider, error) {
	if !c.GitHub.IsSet() {
		return nil, nil
	}
	cfg := c.GitHub
	cfg.AccessURL, cfg.Roots = access, roots
	return idp.NewGitHub(cfg)
}
