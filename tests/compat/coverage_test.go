package compat_test

import (
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"usher/internal/server"
	"usher/internal/server/servertest"
)

// needProvider are the endpoints that say 400 as long as no server can be told of
// an identity provider. When one can, each becomes a row of examples.
func needProvider() []string {
	return []string{
		"current GET /api/v2/users/oauth2/github/callback",
		"current GET /api/v2/users/oauth2/github/device",
		"current GET /api/v2/users/oidc-claims",
		"current GET /api/v2/users/oidc/callback",
		"older GET /api/v2/users/oauth2/github/callback",
		"older GET /api/v2/users/oidc/callback",
	}
}

// TestEveryEndpointOfThePagesIsAccountedFor: each is called by a row of
// examples or stands in needProvider, and none does both. Whatever the pages
// gain, or examples lose, shows here.
func TestEveryEndpointOfThePagesIsAccountedFor(t *testing.T) {
	t.Parallel()
	missing := map[string]bool{}
	for _, line := range needProvider() {
		missing[line] = true
	}
	called := map[string]bool{}
	for _, e := range examples() {
		called[e.page+" "+e.key()] = true
	}
	for page, endpoints := range readPages(t) {
		for _, e := range endpoints {
			line := page + " " + e.key()
			if called[line] == missing[line] {
				t.Errorf("%s: called by examples: %t, listed as missing: %t; want one of them", line, called[line], missing[line])
			}
			delete(missing, line)
		}
	}
	for line := range missing {
		t.Errorf("%s is listed as missing, but on no page", line)
	}
}

// TestWhatNeedsAProviderSaysSo, as deployed servers without one do, and fails
// when a server can be told of one.
func TestWhatNeedsAProviderSaysSo(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for _, line := range needProvider() {
		words := strings.Fields(line)
		r := raw(s).call(t, words[1], strings.TrimPrefix(words[2], "/api/v2"), nil)
		if r.status != http.StatusBadRequest || decode[clientMessage](t, r).Message == "" {
			t.Errorf("%s: status %d, want 400 without a provider: %s", line, r.status, r.body)
		}
	}
	provider := regexp.MustCompile(`(?i)github|oidc`)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[server.Config]()) {
		if provider.MatchString(field.Name) {
			t.Errorf("a server has the setting %s now: the endpoints of needProvider can be called as their pages show them", field.Name)
		}
	}
}
