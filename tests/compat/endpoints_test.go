package compat_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// meaning fills a page's example with values that mean something on a server.
type meaning struct {
	as     *sdk.Client       // whose session is used; nil is the owner
	path   map[string]string // the variables of the path
	query  url.Values
	fields map[string]any // one for each member of the example's body, no more
	shows  map[string]any // members of the answer that follow from these
}

// example is one endpoint of a page that Usher serves, and how to call it. It
// is called on a server that has the owner and nobody else, unless it is fresh.
type example struct {
	page, method, path string
	dialect            string   // empty is reference
	fresh              bool     // on a server without users
	exact              bool     // the answer has no member that the page lacks
	empty              []string // lists that the request leaves empty
	prepare            func(t *testing.T, s *servertest.Server) meaning
	// login takes the place of prepare on a server that was told of providers.
	login func(t *testing.T, s *servertest.Server, l logins) meaning
}

func (e example) key() string { return e.method + " /api/v2" + e.path }

// owner addresses the owner by itself.
func owner(*testing.T, *servertest.Server) meaning {
	return meaning{path: map[string]string{"user": "me"}, shows: map[string]any{"username": "owner"}}
}

// alone needs nothing but the path.
func alone(*testing.T, *servertest.Server) meaning { return meaning{} }

// newcomer returns what every field of the page's body for a new user can mean.
func newcomer(_ *testing.T, s *servertest.Server) meaning {
	return meaning{
		fields: map[string]any{
			"email": "Ada@Example.com", "username": "Ada", "name": "Ada Lovelace",
			"password": servertest.Password, "login_type": "password", "user_status": "active",
			"organization_ids": []any{s.OrganizationID.String()}, "roles": []any{"auditor"}, "service_account": false,
		},
		shows: map[string]any{
			"email": "Ada@Example.com", "username": "Ada", "name": "Ada Lovelace", "status": "active",
			"login_type": "password", "is_service_account": false, "last_seen_at": "0001-01-01T00:00:00Z",
			"organization_ids": []any{s.OrganizationID.String()},
		},
	}
}

// somebody is a user with a role, so that no list of the answer is empty.
func somebody(t *testing.T, s *servertest.Server) meaning {
	t.Helper()
	user := s.CreateUser(t, "ada", "auditor")
	return meaning{
		path:  map[string]string{"user": user.ID.String()},
		shows: map[string]any{"id": user.ID.String(), "username": "ada"},
	}
}

// with adds a body and what follows from it.
func with(base func(*testing.T, *servertest.Server) meaning, fields, shows map[string]any) func(*testing.T, *servertest.Server) meaning {
	return func(t *testing.T, s *servertest.Server) meaning {
		t.Helper()
		m := base(t, s)
		m.fields = fields
		maps.Copy(m.shows, shows)
		return m
	}
}

// selfService is a user who acts for itself.
func selfService(t *testing.T, s *servertest.Server) meaning {
	t.Helper()
	client, user := s.SignedIn(t, "ada")
	return meaning{as: client, path: map[string]string{"user": user.ID.String()}, shows: map[string]any{}}
}

func firstUserFields(more map[string]any) map[string]any {
	fields := map[string]any{"email": "first@example.com", "username": "first-one", "password": servertest.Password, "trial": false}
	maps.Copy(fields, more)
	return fields
}

// examples are the endpoints of the two pages that Usher serves.
func examples() []example {
	return slices.Concat(userExamples(), accountExamples(), keyExamples(), settingExamples(), loginExamples(), olderExamples())
}

func userExamples() []example {
	return []example{
		{page: "current", method: "GET", path: "/users", exact: true, prepare: alone},
		{page: "current", method: "POST", path: "/users", exact: true, prepare: newcomer},
		{page: "current", method: "GET", path: "/users/{user}", exact: true, prepare: owner},
		{page: "current", method: "DELETE", path: "/users/{user}", prepare: func(t *testing.T, s *servertest.Server) meaning {
			t.Helper()
			m := somebody(t, s)
			m.shows = map[string]any{"message": "User has been deleted!"}
			return m
		}},
		{
			page: "current", method: "PUT", path: "/users/{user}/profile", exact: true,
			prepare: with(somebody, map[string]any{"username": "Countess", "name": "Ada King"},
				map[string]any{"username": "Countess", "name": "Ada King"}),
		},
		{
			page: "current", method: "PUT", path: "/users/{user}/password",
			prepare: with(selfService, map[string]any{"old_password": servertest.Password, "password": "AnotherSecurePassword!"}, nil),
		},
		{page: "current", method: "GET", path: "/users/{user}/roles", exact: true, prepare: somebody},
		{
			page: "current", method: "PUT", path: "/users/{user}/roles", exact: true,
			prepare: with(somebody, map[string]any{"roles": []any{"template-admin"}}, map[string]any{
				"roles": []any{map[string]any{"name": "template-admin", "display_name": "Template Admin", "organization_id": ""}},
			}),
		},
		{
			page: "current", method: "PUT", path: "/users/{user}/status/activate", exact: true,
			prepare: with(somebody, nil, map[string]any{"status": "active"}),
		},
		{
			page: "current", method: "PUT", path: "/users/{user}/status/suspend", exact: true,
			prepare: with(somebody, nil, map[string]any{"status": "suspended"}),
		},
	}
}

func accountExamples() []example {
	return []example{
		{page: "current", method: "GET", path: "/users/authmethods", prepare: alone}, // not exact: oidc_providers is added
		{page: "current", method: "GET", path: "/users/first", exact: true, prepare: alone},
		{page: "current", method: "POST", path: "/users/first", fresh: true, exact: true, prepare: func(*testing.T, *servertest.Server) meaning {
			return meaning{fields: firstUserFields(map[string]any{
				"name":            "The First",
				"onboarding_info": map[string]any{"newsletter_marketing": false, "newsletter_releases": true},
				"trial_info": map[string]any{
					"company_name": "", "country": "", "developers": "", "first_name": "",
					"job_title": "", "last_name": "", "phone_number": "",
				},
			})}
		}},
		{page: "current", method: "POST", path: "/users/logout", exact: true, prepare: alone},
		{page: "current", method: "GET", path: "/users/{user}/login-type", exact: true, prepare: with(selfService, nil, map[string]any{"login_type": "password"})},
		{page: "current", method: "GET", path: "/users/{user}/organizations", exact: true, prepare: somebodysOrganizations},
		{page: "current", method: "GET", path: "/users/{user}/organizations/{organizationname}", exact: true, prepare: somebodysOrganizations},
		{page: "current", method: "POST", path: "/users/{user}/keys", exact: true, prepare: func(*testing.T, *servertest.Server) meaning {
			return meaning{path: map[string]string{"user": "me"}}
		}},
	}
}

func somebodysOrganizations(t *testing.T, s *servertest.Server) meaning {
	t.Helper()
	m := silent(somebody)(t, s)
	m.path["organizationname"] = "coder"
	return m
}

// tokenFields are what every field of the page's body for a new token can mean.
func tokenFields() map[string]any {
	return map[string]any{
		"token_name": "ci", "lifetime": int64(time.Hour), "scope": "all", "scopes": []any{"all"},
		"allow_list": []any{map[string]any{"type": "*", "id": "*"}},
	}
}

// token is a token of the owner, called by the name or the id that the path has.
func token(t *testing.T, s *servertest.Server) meaning {
	t.Helper()
	key := decode[struct{ Key string }](t, raw(s).call(t, "POST", "/users/me/keys/tokens", tokenFields()).want(t, http.StatusCreated))
	id, _, _ := strings.Cut(key.Key, "-")
	return meaning{
		path:  map[string]string{"user": "me", "keyname": "ci", "keyid": id},
		shows: map[string]any{"id": id, "token_name": "ci", "lifetime_seconds": 3600.0, "scope": "all", "scopes": []any{"coder:all"}},
	}
}

// silent leaves out what would be compared with the answer.
func silent(prepare func(*testing.T, *servertest.Server) meaning) func(*testing.T, *servertest.Server) meaning {
	return func(t *testing.T, s *servertest.Server) meaning {
		t.Helper()
		m := prepare(t, s)
		m.shows = nil
		return m
	}
}

func keyExamples() []example {
	return []example{
		{page: "current", method: "GET", path: "/users/{user}/keys/tokens", prepare: silent(token)},
		{page: "current", method: "POST", path: "/users/{user}/keys/tokens", exact: true, prepare: func(*testing.T, *servertest.Server) meaning {
			return meaning{path: map[string]string{"user": "me"}, fields: tokenFields()}
		}},
		{page: "current", method: "GET", path: "/users/{user}/keys/tokens/{keyname}", exact: true, prepare: token},
		{page: "current", method: "GET", path: "/users/{user}/keys/{keyid}", exact: true, prepare: token},
		{page: "current", method: "DELETE", path: "/users/{user}/keys/{keyid}", prepare: silent(token)},
		{page: "current", method: "PUT", path: "/users/{user}/keys/{keyid}/expire", prepare: silent(token)},
	}
}

// olderExamples are of the page of 2022, in the dialect that keeps its shapes.
func olderExamples() []example {
	return []example{
		{page: "older", method: "GET", path: "/users", dialect: sdk.DialectLegacy, prepare: alone},
		{page: "older", method: "POST", path: "/users", dialect: sdk.DialectLegacy, empty: []string{".roles"}, prepare: func(_ *testing.T, s *servertest.Server) meaning {
			return meaning{
				fields: map[string]any{
					"email": "ada@example.com", "username": "ada", "password": servertest.Password,
					"organization_id": s.OrganizationID.String(),
				},
				shows: map[string]any{"username": "ada", "organization_ids": []any{s.OrganizationID.String()}},
			}
		}},
		{
			page: "older", method: "GET", path: "/users/authmethods", dialect: sdk.DialectLegacy, exact: true,
			prepare: func(*testing.T, *servertest.Server) meaning {
				return meaning{shows: map[string]any{"password": true, "github": false, "oidc": false}}
			},
		},
		{page: "older", method: "GET", path: "/users/first", dialect: sdk.DialectLegacy, exact: true, prepare: alone},
		{page: "older", method: "POST", path: "/users/first", dialect: sdk.DialectLegacy, fresh: true, exact: true, prepare: func(*testing.T, *servertest.Server) meaning {
			return meaning{fields: firstUserFields(nil)}
		}},
		{page: "older", method: "POST", path: "/users/logout", dialect: sdk.DialectLegacy, exact: true, prepare: alone},
	}
}

// TestEndpointsAreAsOnThePages calls each endpoint as its page shows it and
// compares status, members, JSON types and forms of the answer.
func TestEndpointsAreAsOnThePages(t *testing.T) {
	t.Parallel()
	for _, e := range examples() {
		t.Run(e.page+" "+e.key(), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db store.Config) {
				page := findEndpoint(t, e.page, e.key())
				if e.login != nil {
					l := startLogins(t)
					s := servertest.Start(t, db, l.tell)
					s.CreateFirstUser(t)
					e.run(t, s, page, e.login(t, s, l))
					return
				}
				s := servertest.Start(t, db)
				if !e.fresh {
					s.CreateFirstUser(t)
				}
				e.run(t, s, page, e.prepare(t, s))
			})
		})
	}
}

func (e example) run(t *testing.T, s *servertest.Server, page endpoint, m meaning) {
	t.Helper()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(page.RequestExample)), slices.Sorted(maps.Keys(m.fields))); diff != "" {
		t.Fatalf("the request does not have the members of the page's example (-page +request):\n%s", diff)
	}
	var body any
	if m.fields != nil {
		body = m.fields
	}
	c := raw(s)
	c.dialect = e.dialect
	if m.as != nil {
		c = c.as(m.as.SessionToken())
	}
	r := c.call(t, e.method, m.fill(e.path), body).want(t, page.Responses[0].Status)
	e.compare(t, page, r)
	e.compareMeaning(t, m, r)
}

// fill puts the variables into the path.
func (m meaning) fill(path string) string {
	for name, value := range m.path {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	if len(m.query) > 0 {
		path += "?" + m.query.Encode()
	}
	return path
}

func (e example) compare(t *testing.T, page endpoint, r reply) {
	t.Helper()
	if page.ResponseExample == nil {
		return // the page shows none
	}
	if page.ResponseExample.Status != r.status {
		t.Errorf("status %d, want that of the example, %d", r.status, page.ResponseExample.Status)
	}
	c := comparison{optional: mayBeAbsent[page.Responses[0].Schema], empty: e.empty, exact: e.exact}
	c.value("", page.ResponseExample.Body, decode[any](t, r))
	for _, difference := range c.found {
		t.Errorf("%s: %s", e.key(), difference)
	}
}

func (e example) compareMeaning(t *testing.T, m meaning, r reply) {
	t.Helper()
	if len(m.shows) == 0 {
		return
	}
	var got map[string]any
	if err := json.Unmarshal(r.body, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range m.shows {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s: %s differs (-want +got):\n%s", e.key(), name, diff)
		}
	}
}
