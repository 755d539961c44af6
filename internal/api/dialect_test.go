package api_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// speaks tells the dialect of an answer by a user who has nothing but empty
// fields, and by the ways to sign in.
func speaks(t *testing.T, c client) string {
	t.Helper()
	user := decode[map[string]json.RawMessage](t, c.get(t, path("me")).want(t, http.StatusOK))
	methods := decode[map[string]json.RawMessage](t, c.get(t, "/api/v2/users/authmethods").want(t, http.StatusOK))
	_, name := user["name"]
	_, avatar := user["avatar_url"]
	legacyMethods := string(methods["password"]) == "true"
	switch {
	case name && avatar && !legacyMethods:
		return sdk.DialectReference
	case !name && !avatar && !legacyMethods:
		return sdk.DialectCoder
	case !name && avatar && legacyMethods:
		return sdk.DialectLegacy
	}
	t.Errorf("a mixture: %v, %v", user, methods)
	return "none"
}

// TestDialectSelection: the header, else the name of the client, else what the
// server is set to.
func TestDialectSelection(t *testing.T) {
	t.Parallel()

	for _, configured := range []string{"", sdk.DialectReference, sdk.DialectCoder, sdk.DialectLegacy} {
		s := servertest.Start(t, storetest.Database(t), func(c *server.Config) { c.Dialect = configured })
		s.CreateFirstUser(t)
		owner(s).with(sdk.DialectHeader, sdk.DialectReference).post(t, usersPath, newUser("plain")).want(t, http.StatusCreated)
		c := login(t, s, "plain@example.com", servertest.Password)
		fallback := cmp.Or(configured, sdk.DialectReference)
		c.otherwise = fallback
		for _, test := range []struct{ header, agent, want string }{
			{"", "", fallback},
			{"", "curl/8", fallback},
			{"", "coder-cli/v2.33.1 (linux/amd64; coder login)", sdk.DialectCoder},
			{"", "not coder-cli/v2", fallback},
			{"", "coder-cli", fallback},
			{sdk.DialectReference, "coder-cli/v2", sdk.DialectReference},
			{sdk.DialectCoder, "", sdk.DialectCoder},
			{sdk.DialectLegacy, "coder-cli/v2", sdk.DialectLegacy},
		} {
			if got := speaks(t, c.with("User-Agent", test.agent).with(sdk.DialectHeader, test.header)); got != test.want {
				t.Errorf("server %q, header %q, agent %q: %s, want %s", configured, test.header, test.agent, got, test.want)
			}
		}
	}
}

func TestUnknownDialect(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	for _, unknown := range []string{"klingon", "Reference", "reference,coder", " "} {
		for _, at := range []string{path("me"), "/api/v2/buildinfo", "/api/v2/nowhere"} {
			a := owner(s).with(sdk.DialectHeader, unknown).get(t, at)
			if unknown == " " { // an empty value is none
				continue
			}
			a.refused(t, http.StatusBadRequest, sdk.DialectHeader)
		}
		owner(s).with(sdk.DialectHeader, unknown).put(t, path("me", "status/activate"), nil)
	}
	if entries := audit(t, s, "action:write"); len(entries) != 1 {
		t.Errorf("%d changes, want 1: that of the empty value", len(entries))
	}
}

// TestEmptyFields: what the dialects leave out of a user, in every answer that
// has one.
func TestEmptyFields(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	create(t, s, newUser("plain", "auditor"))
	const picture = "https://example.com/a.png"
	robot := body{"username": "robot", "service_account": true, "organization_ids": []uuid.UUID{uuid.Nil}, "name": "R"}
	create(t, s, robot)
	owner(s).put(t, path("robot", "profile"), body{"username": "robot", "name": "R", "avatar_url": picture}).want(t, http.StatusOK)

	always := []string{"created_at", "email", "has_ai_seat", "id", "last_seen_at", "login_type", "organization_ids", "roles", "status", "updated_at", "username"}
	optional := map[string][]string{
		sdk.DialectReference: {"avatar_url", "is_service_account", "name", "theme_preference"},
		sdk.DialectCoder:     {},
		sdk.DialectLegacy:    {"avatar_url"},
	}
	for dialect, more := range optional {
		c := owner(s).with(sdk.DialectHeader, dialect)
		check := func(where string, text json.RawMessage, want []string) {
			t.Helper()
			var user map[string]json.RawMessage
			if err := json.Unmarshal(text, &user); err != nil {
				t.Fatal(err)
			}
			want = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(always), want...))))
			if got := slices.Sorted(maps.Keys(user)); !slices.Equal(got, want) {
				t.Errorf("%s, %s: members %v, want %v", dialect, where, got, want)
			}
			var roles []map[string]any
			if err := json.Unmarshal(user["roles"], &roles); err != nil {
				t.Fatal(err)
			}
			for _, role := range roles {
				if _, there := role["organization_id"]; there != (dialect == sdk.DialectReference) {
					t.Errorf("%s, %s: a site role is %v", dialect, where, role)
				}
			}
		}
		check("get", c.get(t, path("plain")).want(t, http.StatusOK).body, more)
		check("get robot", c.get(t, path("robot")).want(t, http.StatusOK).body, append(slices.Clone(more), "name", "avatar_url", "is_service_account"))
		check("create", c.post(t, usersPath, newUser("new-"+dialect)).want(t, http.StatusCreated).body, more)
		check("status", c.put(t, path("plain", "status/activate"), nil).want(t, http.StatusOK).body, more)
		check("profile", c.put(t, path("plain", "profile"), body{"username": "plain"}).want(t, http.StatusOK).body, more)
		check("email", c.put(t, path("plain", "email"), body{"email": "plain@example.com"}).want(t, http.StatusOK).body, more)
		check("roles", c.put(t, path("plain", "roles"), body{"roles": []string{"auditor"}}).want(t, http.StatusOK).body, more)
		list := decode[struct{ Users []json.RawMessage }](t, c.get(t, usersPath+"?q=plain").want(t, http.StatusOK))
		check("list", list.Users[0], more)
		login := guest(s).post(t, loginPath, credentials("plain@example.com", servertest.Password))
		login.want(t, http.StatusCreated)
		log := decode[struct {
			Logs []struct{ User json.RawMessage } `json:"audit_logs"`
		}](t, c.get(t, auditPath+"?q=email:plain@example.com&limit=1").want(t, http.StatusOK))
		check("audit", log.Logs[0].User, more)
	}
}

// TestTermsOfService are left out where they are empty, in Coder's dialect.
func TestTermsOfService(t *testing.T) {
	t.Parallel()

	const terms = "https://example.com/terms"
	for _, url := range []string{"", terms} {
		s := servertest.New(t, func(c *server.Config) { c.TermsOfServiceURL = url })
		for dialect, present := range map[string]bool{sdk.DialectReference: true, sdk.DialectCoder: url != "", sdk.DialectLegacy: false} {
			got := decode[map[string]any](t, guest(s).with(sdk.DialectHeader, dialect).get(t, "/api/v2/users/authmethods").want(t, http.StatusOK))
			if text, there := got["terms_of_service_url"]; there != present || there && text != url {
				t.Errorf("%s with terms %q: %v", dialect, url, got)
			}
		}
	}
}
