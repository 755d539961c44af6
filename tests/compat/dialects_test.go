package compat_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/sdk"
)

// leftOut are the members of a user that the dialects leave out where they are
// empty.
func leftOut() []string {
	return []string{"avatar_url", "is_service_account", "name", "theme_preference"}
}

// alwaysThere are those that are present whatever they hold.
func alwaysThere() []string {
	return []string{
		"created_at", "email", "has_ai_seat", "id", "last_seen_at", "login_type",
		"organization_ids", "roles", "status", "updated_at", "username",
	}
}

// sorted joins lists of names in order.
func sorted(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return all
}

// dialectRow is a dialect with the members of a user who has nothing that could
// be left out.
type dialectRow struct {
	dialect string
	plain   []string // members of a user without name, picture and so on
	role    []string // members of a site role
}

func dialectRows() []dialectRow {
	return []dialectRow{
		{
			dialect: sdk.DialectReference, plain: sorted(alwaysThere(), leftOut()),
			role: []string{"display_name", "name", "organization_id"},
		},
		{dialect: sdk.DialectCoder, plain: alwaysThere(), role: []string{"display_name", "name"}},
		{dialect: sdk.DialectLegacy, plain: sorted(alwaysThere(), []string{"avatar_url"}), role: []string{"display_name", "name"}},
	}
}

func members(v any) []string {
	object, _ := v.(map[string]any)
	return slices.Sorted(maps.Keys(object))
}

// TestEmptyMembersOfUsers asks every endpoint that answers with a user.
func TestEmptyMembersOfUsers(t *testing.T) {
	t.Parallel()
	for _, row := range dialectRows() {
		t.Run(row.dialect, func(t *testing.T) {
			t.Parallel()
			s := servertest.New(t)
			c := raw(s)
			c.dialect = row.dialect
			check := func(what string, user any) {
				t.Helper()
				if diff := cmp.Diff(row.plain, members(user)); diff != "" {
					t.Errorf("%s: members differ (-want +got):\n%s", what, diff)
				}
				for _, role := range user.(map[string]any)["roles"].([]any) {
					if diff := cmp.Diff(row.role, members(role)); diff != "" {
						t.Errorf("%s: members of a role differ (-want +got):\n%s", what, diff)
					}
				}
			}
			created := object(t, c.call(t, "POST", "/users", map[string]any{
				"username": "plain", "email": "plain@example.com", "login_type": "none",
				"organization_ids": []any{s.OrganizationID}, "roles": []any{"auditor"},
			}).want(t, http.StatusCreated))
			check("create", created)
			for _, request := range []struct {
				method, path string
				body         any
			}{
				{"GET", "", nil},
				{"PUT", "/profile", map[string]any{"username": "plain"}},
				{"PUT", "/email", map[string]any{"email": "plainer@example.com"}},
				{"PUT", "/status/suspend", nil},
				{"PUT", "/status/activate", nil},
				{"PUT", "/roles", map[string]any{"roles": []any{"user-admin"}}},
			} {
				r := c.call(t, request.method, "/users/plain"+request.path, request.body).want(t, http.StatusOK)
				check(r.request, decode[any](t, r))
			}
			list := object(t, c.call(t, "GET", "/users?q=plain", nil).want(t, http.StatusOK))
			check("list", list["users"].([]any)[0])
			c.as(keyOf(t, s, "plain")).call(t, "POST", "/users/logout", nil).want(t, http.StatusOK)
			log := object(t, c.call(t, "GET", "/audit?q=action:logout", nil).want(t, http.StatusOK))
			check("audit", log["audit_logs"].([]any)[0].(map[string]any)["user"])
		})
	}
}

// keyOf makes a key for a user who cannot sign in.
func keyOf(t *testing.T, s *servertest.Server, user string) string {
	t.Helper()
	key, err := s.Owner.CreateSessionKey(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return key.Key
}

// TestMembersThatAreNotEmptyStay in every dialect.
func TestMembersThatAreNotEmptyStay(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	picture := "https://example.com/ada.png"
	if _, err := s.Owner.UpdateUserProfile(t.Context(), s.CreateUser(t, "ada").Username,
		sdk.UpdateUserProfileRequest{Username: "ada", Name: "Ada Lovelace", AvatarURL: &picture}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Owner.CreateUser(t.Context(), sdk.CreateUserRequest{
		Username: "robot", ServiceAccount: true, OrganizationIDs: oneID(s),
	}); err != nil {
		t.Fatal(err)
	}
	for _, row := range dialectRows() {
		t.Run(row.dialect, func(t *testing.T) {
			t.Parallel()
			c := raw(s)
			c.dialect = row.dialect
			ada := object(t, c.call(t, "GET", "/users/ada", nil).want(t, http.StatusOK))
			if ada["name"] != "Ada Lovelace" || ada["avatar_url"] != picture {
				t.Errorf("name %v, avatar_url %v", ada["name"], ada["avatar_url"])
			}
			robot := object(t, c.call(t, "GET", "/users/robot", nil).want(t, http.StatusOK))
			if robot["is_service_account"] != true || robot["email"] != "" {
				t.Errorf("is_service_account %v, email %v", robot["is_service_account"], robot["email"])
			}
		})
	}
}

func TestShapeOfRoles(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	s.CreateUser(t, "ada", "auditor", "user-admin")
	s.CreateUser(t, "bob")
	names := func(roles ...any) map[string]any {
		return map[string]any{
			"roles":              append([]any{}, roles...),
			"organization_roles": map[string]any{s.OrganizationID.String(): []any{}},
		}
	}
	for _, dialect := range []string{sdk.DialectCoder, sdk.DialectLegacy} {
		c := raw(s)
		c.dialect = dialect
		for user, want := range map[string]map[string]any{
			"ada": names("auditor", "user-admin"), "bob": names(), "me": names("owner"),
		} {
			got := object(t, c.call(t, "GET", "/users/"+user+"/roles", nil).want(t, http.StatusOK))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, roles of %s differ (-want +got):\n%s", dialect, user, diff)
			}
		}
		for _, role := range decode[[]any](t, c.call(t, "GET", "/users/roles", nil).want(t, http.StatusOK)) {
			if slices.Contains(members(role), "organization_id") {
				t.Errorf("%s: a site role has an organization_id: %v", dialect, role)
			}
		}
	}
	got := object(t, raw(s).call(t, "GET", "/users/ada/roles", nil).want(t, http.StatusOK))
	if got["username"] != "ada" || !slices.Contains(members(got["roles"].([]any)[0]), "organization_id") {
		t.Errorf("reference: the roles of a user are %v, want a User", got)
	}
	for _, role := range decode[[]any](t, raw(s).call(t, "GET", "/users/roles", nil).want(t, http.StatusOK)) {
		if !slices.Contains(members(role), "organization_id") {
			t.Errorf("reference: a site role lacks organization_id: %v", role)
		}
	}
}

func TestShapeOfAuthMethods(t *testing.T) {
	t.Parallel()
	const terms = "https://example.com/terms"
	full := func(more map[string]any) map[string]any {
		methods := map[string]any{
			"password": map[string]any{"enabled": true},
			"github":   map[string]any{"enabled": false, "default_provider_configured": false},
			"oidc":     map[string]any{"enabled": false, "signInText": "", "iconUrl": ""},
		}
		maps.Copy(methods, more)
		return methods
	}
	bools := map[string]any{"password": true, "github": false, "oidc": false}
	for _, test := range []struct {
		name    string
		terms   string
		answers map[string]map[string]any
	}{
		{"without terms", "", map[string]map[string]any{
			sdk.DialectReference: full(map[string]any{"terms_of_service_url": "", "oidc_providers": []any{}}), sdk.DialectCoder: full(nil), sdk.DialectLegacy: bools,
		}},
		{"with terms", terms, map[string]map[string]any{
			sdk.DialectReference: full(map[string]any{"terms_of_service_url": terms, "oidc_providers": []any{}}),
			sdk.DialectCoder:     full(map[string]any{"terms_of_service_url": terms}),
			sdk.DialectLegacy:    bools,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.New(t, func(cfg *server.Config) { cfg.TermsOfServiceURL = test.terms })
			for dialect, want := range test.answers {
				c := raw(s).as("") // it needs no authentication
				c.dialect = dialect
				got := object(t, c.call(t, "GET", "/users/authmethods", nil).want(t, http.StatusOK))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: authmethods differ (-want +got):\n%s", dialect, diff)
				}
			}
		})
	}
}

// TestWhichDialect: the header, else the program, else the server's setting.
func TestWhichDialect(t *testing.T) {
	t.Parallel()
	const cli = "coder-cli/2.33.1 (linux/amd64; coder users list)"
	for _, setting := range []string{"", sdk.DialectReference, sdk.DialectCoder, sdk.DialectLegacy} {
		s := servertest.New(t, func(cfg *server.Config) { cfg.Dialect = setting })
		otherwise := setting
		if setting == "" {
			otherwise = sdk.DialectReference
		}
		for _, test := range []struct{ header, userAgent, want string }{
			{"", "Go-http-client/1.1", otherwise},
			{"", "", otherwise},
			{"", cli, sdk.DialectCoder},
			{"", "like coder-cli/2.33.1", otherwise},
			{"", "Coder-CLI/2.33.1", otherwise},
			{sdk.DialectReference, cli, sdk.DialectReference},
			{sdk.DialectLegacy, cli, sdk.DialectLegacy},
			{sdk.DialectCoder, "Go-http-client/1.1", sdk.DialectCoder},
			{sdk.DialectReference, "Go-http-client/1.1", sdk.DialectReference},
		} {
			c := raw(s)
			c.dialect, c.userAgent = test.header, test.userAgent
			if got := spoken(t, c); got != test.want {
				t.Errorf("server %q, header %q, User-Agent %q: the answer is in %s, want %s",
					setting, test.header, test.userAgent, got, test.want)
			}
		}
	}
}

// spoken tells the dialects apart by two answers.
func spoken(t *testing.T, c caller) string {
	t.Helper()
	methods := object(t, c.call(t, "GET", "/users/authmethods", nil).want(t, http.StatusOK))
	if methods["password"] == true {
		return sdk.DialectLegacy
	}
	roles := object(t, c.call(t, "GET", "/users/me/roles", nil).want(t, http.StatusOK))
	if slices.Contains(members(roles), "organization_roles") {
		return sdk.DialectCoder
	}
	return sdk.DialectReference
}

func TestUnknownDialectIsRefused(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for _, name := range []string{"klingon", "Reference", "coder,legacy"} {
		c := raw(s)
		c.dialect = name
		r := c.call(t, "GET", "/users/me", nil).want(t, http.StatusBadRequest)
		if message := decode[sdk.Response](t, r).Message; !strings.Contains(message, sdk.DialectHeader) {
			t.Errorf("%q is refused with %q, which does not name the header", name, message)
		}
	}
}

// TestVary: what an answer depends on is on every answer of the API.
func TestVary(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/users/me", 200},
		{"GET", "/users/authmethods", 200},
		{"GET", "/users/nobody", 404},
		{"GET", "/no/such/route", 404},
		{"PATCH", "/users", 405},
		{"POST", "/users", 400},
	} {
		r := raw(s).call(t, test.method, test.path, nil).want(t, test.status)
		vary := strings.Split(strings.ReplaceAll(strings.Join(r.header.Values("Vary"), ","), " ", ""), ",")
		for _, header := range []string{"Cookie", "User-Agent", "Usher-Dialect"} {
			if !slices.Contains(vary, header) {
				t.Errorf("%s: Vary %q lacks %s", r.request, vary, header)
			}
		}
	}
}
