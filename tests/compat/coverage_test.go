package compat_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"usher/internal/server/servertest"
)

// notServed are the endpoints of the pages that Usher does not serve so far. A
// line goes when its endpoint comes, and its row in examples takes its place.
func notServed() []string {
	return []string{
		"current GET /api/v2/users/oauth2/github/callback",
		"current GET /api/v2/users/oauth2/github/device",
		"current GET /api/v2/users/oidc-claims",
		"current GET /api/v2/users/oidc/callback",
		"current GET /api/v2/users/{user}/appearance",
		"current PUT /api/v2/users/{user}/appearance",
		"current GET /api/v2/users/{user}/autofill-parameters",
		"current GET /api/v2/users/{user}/gitsshkey",
		"current PUT /api/v2/users/{user}/gitsshkey",
		"current GET /api/v2/users/{user}/preferences",
		"current PUT /api/v2/users/{user}/preferences",
		"older GET /api/v2/users/oauth2/github/callback",
		"older GET /api/v2/users/oidc/callback",
	}
}

// TestEveryEndpointOfThePagesIsAccountedFor: each is called by a row of
// examples or stands in notServed, and none does both.
func TestEveryEndpointOfThePagesIsAccountedFor(t *testing.T) {
	t.Parallel()
	missing := map[string]bool{}
	for _, line := range notServed() {
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
				t.Errorf("%s: called by examples: %t, listed in notServed: %t; want one of them", line, called[line], missing[line])
			}
			delete(missing, line)
		}
	}
	for line := range missing {
		t.Errorf("%s is in notServed, but on no page", line)
	}
}

var pathVariable = regexp.MustCompile(`\{[^}]*\}`)

// TestTheListOfMissingEndpointsIsTrue fails when an endpoint of the list is
// served: by the server's own description, or in fact.
func TestTheListOfMissingEndpointsIsTrue(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	described := describedOperations(t, s)
	missing := map[string]bool{}
	for _, line := range notServed() {
		missing[line] = true
	}
	for page, endpoints := range readPages(t) {
		for _, e := range endpoints {
			if !missing[page+" "+e.key()] {
				continue
			}
			if described[e.Method+" "+pathVariable.ReplaceAllString(e.Path, "{}")] {
				t.Errorf("%s is in notServed, but the server describes it", e.key())
			}
			r := raw(s).call(t, e.Method, pathVariable.ReplaceAllString(e.Path[len("/api/v2"):], "owner"), nil)
			if r.status != http.StatusNotFound && r.status != http.StatusMethodNotAllowed {
				t.Errorf("%s is in notServed, but is answered with %d: %s", e.key(), r.status, r.body)
			}
		}
	}
}

// describedOperations returns "METHOD path" of each operation of the server's
// description, with {} for each variable.
func describedOperations(t *testing.T, s *servertest.Server) map[string]bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/v2/openapi.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	var description struct {
		Paths map[string]map[string]yaml.Node `yaml:"paths"`
	}
	if err := yaml.Unmarshal(send(t, req).body, &description); err != nil {
		t.Fatal(err)
	}
	operations := map[string]bool{}
	for path, methods := range description.Paths {
		for member := range methods {
			if slices.Contains([]string{"get", "post", "put", "patch", "delete"}, member) {
				operations[strings.ToUpper(member)+" "+pathVariable.ReplaceAllString(path, "{}")] = true
			}
		}
	}
	if len(operations) == 0 {
		t.Fatal("the server describes no operation")
	}
	return operations
}
