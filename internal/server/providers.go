package server

import (
	"context"
	"net/url"
	"sync"

	"usher/internal/idp"
	"usher/internal/service"
)

// addProviders gives the use cases the identity providers, and what follows from
// the claims of the default one.
func (c Config) addProviders(settings *service.Config, access *url.URL) (err error) {
	if settings.Providers, err = c.providers(access); err != nil {
		return err
	}
	settings.SiteRoleSync = c.OIDCSync.siteRoles()
	settings.OrganizationSync, err = c.OIDCSync.organizations()
	return err
}

// providers makes the identity providers, in the order of the settings. None of
// them is asked anything.
func (c Config) providers(access *url.URL) (*idp.Providers, error) {
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	var list []*idp.Provider
	github, err := c.github(access, roots)
	if err != nil {
		return nil, err
	}
	if github != nil {
		list = append(list, github)
	}
	settings, err := c.furtherOIDC()
	if err != nil {
		return nil, err
	}
	if c.OIDC.IsSet() {
		settings = append([]idp.OIDCConfig{c.OIDC}, settings...)
	}
	for _, one := range settings {
		one.AccessURL, one.Roots = access, roots
		provider, err := idp.NewOIDC(one)
		if err != nil {
			return nil, err
		}
		list = append(list, provider)
	}
	return idp.NewProviders(list...), nil
}

// watchProviders finds out in the background whether the providers can be
// reached. The returned function ends that.
func (c Config) watchProviders(ctx context.Context, providers *idp.Providers) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { providers.Watch(ctx, c.Log) })
	return func() {
		cancel()
		watching.Wait()
	}
}
