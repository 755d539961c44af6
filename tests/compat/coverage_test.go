package compat_test

import (
	"net/http"
	"testing"

	"usher/internal/server/servertest"
)

// needProvider are the endpoints that say 400 on a server without an identity
// provider.
func needProvider() []string {
	return []string{
		"/users/oauth2/github/callback", "/users/oauth2/github/device", "/users/oidc-claims", "/users/oidc/callback",
	}
}

// TestEveryEndpointOfThePagesIsAccountedFor: each is called by a row of
// examples. Whatever the pages gain, or examples lose, shows here.
func TestEveryEndpointOfThePagesIsAccountedFor(t *testing.T) {
	t.Parallel()
	called := map[string]bool{}
	for _, e := range examples() {
		called[e.page+" "+e.key()] = true
	}
	for page, endpoints := range readPages(t) {
		for _, e := range endpoints {
			if !called[page+" "+e.key()] {
				t.Errorf("%s page: nothing calls %s", page, e.key())
			}
		}
	}
}

// TestWhatNeedsAProviderSaysSo, as deployed servers without one do.
func TestWhatNeedsAProviderSaysSo(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for _, path := range needProvider() {
		r := raw(s).call(t, http.MethodGet, path, nil)
		if r.status != http.StatusBadRequest || decode[clientMessage](t, r).Message == "" {
			t.Errorf("%s: status %d, want 400 without a provider: %s", path, r.status, r.body)
		}
	}
}
