package idp

import (
	"slices"

	"usher/internal/account"
)

// Providers are all providers of a deployment.
type Providers struct{ list []*Provider }

// NewProviders puts providers together, whose names must differ.
func NewProviders(list ...*Provider) *Providers { return &Providers{list: list} }

// Get returns the provider of that name, or nil.
func (ps *Providers) Get(name string) *Provider {
	if ps == nil {
		return nil
	}
	i := slices.IndexFunc(ps.list, func(p *Provider) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return ps.list[i]
}

// All lists the providers in the order of the settings.
func (ps *Providers) All() []*Provider {
	if ps == nil {
		return nil
	}
	return ps.list
}

// Further lists the OpenID Connect providers beside the default one.
func (ps *Providers) Further() []*Provider {
	return slices.DeleteFunc(slices.Clone(ps.All()), func(p *Provider) bool {
		return p.Name == account.ProviderGitHub || p.Name == account.ProviderOIDC
	})
}
