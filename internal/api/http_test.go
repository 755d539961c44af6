package api_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/openapi"
	"usher/sdk"
)

func TestOpenDocuments(t *testing.T) {
	t.Parallel()

	s := behind(t, "https://usher.example.com")
	c := guest(s)
	for _, at := range []string{"/api/v2", "/api/v2/"} {
		if got := strings.TrimSpace(string(c.get(t, at).want(t, http.StatusOK).body)); got != `{"message":"👋"}` {
			t.Errorf("%s: %s", at, got)
		}
	}
	for _, at := range []string{"/healthz", "/readyz"} {
		if got := strings.TrimSpace(string(c.get(t, at).want(t, http.StatusOK).body)); got != "OK" {
			t.Errorf("%s: %s", at, got)
		}
	}
	build := decode[sdk.BuildInfo](t, c.get(t, "/api/v2/buildinfo").want(t, http.StatusOK))
	if build.ExternalURL == "" || build.DashboardURL != "https://usher.example.com" || build.Telemetry || build.WorkspaceProxy ||
		build.UpgradeMessage != "" || uuid.Validate(build.DeploymentID) != nil || !strings.HasPrefix(build.Version, "v0.0.0+") {
		t.Errorf("%+v", build)
	}
	if got := c.get(t, "/api/v2/openapi.yaml").want(t, http.StatusOK); !bytes.Equal(got.body, openapi.YAML()) {
		t.Error("another description is served than the one that is tested")
	}
	if got := c.get(t, "/metrics").want(t, http.StatusOK); !strings.Contains(string(got.body), "usher_http_requests_total{") {
		t.Error("the metrics do not count requests")
	}
	page := c.get(t, "/").want(t, http.StatusOK)
	if !strings.Contains(page.header.Get("Content-Type"), "text/html") || !strings.Contains(string(page.body), "https://usher.example.com") {
		t.Errorf("%s", page)
	}
	methods := decode[sdk.AuthMethods](t, c.get(t, "/api/v2/users/authmethods").want(t, http.StatusOK))
	if !methods.Password.Enabled || methods.GitHub.Enabled || methods.OIDC.Enabled || methods.TermsOfServiceURL != "" {
		t.Errorf("%+v", methods)
	}
	// A bad credential is of no consequence where none is needed.
	for _, at := range []string{"/", "/healthz", "/api/v2", "/api/v2/buildinfo", "/api/v2/users/authmethods"} {
		c.as("nonsense").get(t, at).want(t, http.StatusOK)
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	for _, at := range []string{
		"/api/v2/nowhere", "/api/v2/users/me/nowhere", "/api/v2/users/me/profile/x", "/api/v3/users", "/api", "/nowhere", "/favicon.ico",
		"/api/v2/groups", "/api/v2/users/me/quiet-hours", "/API/V2/users", "/api/v2/Users", "/api/v2users", "/api/v2/users/me/status",
		// What a proxy might resolve to something else is nothing.
		"/api/v2/./users", "/api/v2/users/../users/me", "/api/v2/users/me/..", "/../api/v2/users", "/api/v2/users/.",
		// An encoded slash does not part segments.
		"/api/v2/users%2Fme", "/api%2Fv2/users", "/%2Fapi/v2/users",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			body := owner(s).do(t, method, at, nil).refused(t, http.StatusNotFound, "Route not found.")
			if body.Message != "Route not found." {
				t.Errorf("%s %s: %q", method, at, body.Message)
			}
		}
	}
	// It is a part of a name, which nobody has.
	for _, at := range []string{"/api/v2/users/me%2Froles", "/api/v2/users/%2e%2e", "/api/v2/users/%2e", "/api/v2/users/%2F%2F", "/api/v2/users/me%2F"} {
		owner(s).get(t, at).refused(t, http.StatusNotFound, notFound)
	}
}

func TestSlashes(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	for _, at := range []string{"/api/v2/users/me", "/api/v2/users/me/", "//api/v2/users/me", "/api//v2///users/me//", "/api/v2/users//me"} {
		owner(s).get(t, at).user(t, http.StatusOK)
	}
	for _, at := range []string{"/api/v2/users/", "//api/v2/users", "/api/v2/users/?limit=1", "/api/v2/organizations/default/", "/api/v2/users/roles/"} {
		owner(s).get(t, at).want(t, http.StatusOK)
	}
	owner(s).post(t, "//api/v2/users/", newUser("ann")).user(t, http.StatusCreated)
	owner(s).put(t, "/api/v2/users/ann/status//suspend/", nil).user(t, http.StatusOK)
	guest(s).get(t, "/api/v2/users/first/").want(t, http.StatusOK)
	guest(s).get(t, "/healthz/").want(t, http.StatusOK)
}

// TestWrongMethods asks every path for the methods that it does not have. Of a
// path that fits two templates, such as users/first, either may have the method.
func TestWrongMethods(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	all := []string{"CONNECTED", http.MethodDelete, http.MethodGet, http.MethodOptions, http.MethodPatch, http.MethodPost, http.MethodPut, http.MethodTrace}
	for template := range contract().Paths.Map() {
		at := strings.NewReplacer("{user}", "nobody", "{organization}", "nowhere", "{organizationname}", "nowhere",
			"{keyid}", "x", "{keyname}", "x").Replace(template)
		allowed := methodsOf(at)
		for _, method := range all {
			if slices.Contains(allowed, method) {
				continue
			}
			if a := owner(s).do(t, method, at, nil); a.status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: got %s, want 405", method, at, a)
			} else if got := strings.Split(a.header.Get("Allow"), ", "); !slices.Equal(slices.Sorted(slices.Values(got)), allowed) {
				t.Errorf("%s %s: Allow %q, want %q", method, at, got, allowed)
			}
		}
	}
	guest(s).do(t, http.MethodPatch, "/api/v2/users", nil).refused(t, http.StatusMethodNotAllowed, "Method not allowed.")
	guest(s).do(t, http.MethodPost, "/", nil).want(t, http.StatusMethodNotAllowed)
}

// methodsOf lists the methods of a path, sorted.
func methodsOf(at string) []string {
	var allowed []string
	for template, item := range contract().Paths.Map() {
		if _, ok := fits(template, at); !ok {
			continue
		}
		for method := range item.Operations() {
			allowed = append(allowed, method)
			if method == http.MethodGet {
				allowed = append(allowed, http.MethodHead)
			}
		}
	}
	slices.Sort(allowed)
	return slices.Compact(allowed)
}

// TestHEAD is GET without a body.
func TestHEAD(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	for _, at := range []string{"/api/v2/users/me", "/api/v2/users", "/api/v2/users/first", "/healthz", "/", "/api/v2/users/nobody", "/api/v2/nowhere", "/api/v2/openapi.yaml"} {
		get, head := owner(s).get(t, at), owner(s).do(t, http.MethodHead, at, nil)
		if head.status != get.status || len(head.body) > 0 || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
			t.Errorf("%s: HEAD %s, GET %s", at, head, get)
		}
	}
	guest(s).do(t, http.MethodHead, "/api/v2/users/me", nil).want(t, http.StatusUnauthorized)
	owner(s).do(t, http.MethodHead, path("me", "profile"), nil).want(t, http.StatusMethodNotAllowed)
	owner(s).get(t, path("me")).want(t, http.StatusOK)
}

// reading are the routes that read a body, with one that makes sense.
func reading() map[string]below {
	return map[string]below{
		"first user": {http.MethodPost, "/api/v2/users/first", first()},
		"login":      {http.MethodPost, loginPath, credentials("ann@example.com", servertest.Password)},
		"validate":   {http.MethodPost, "/api/v2/users/validate-password", body{"password": nextPassword}},
		"passcode":   {http.MethodPost, requestPath, body{"email": "ann@example.com"}},
		"reset":      {http.MethodPost, changePath, reset("ann@example.com", nextPassword, "wrong")},
		"create":     {http.MethodPost, usersPath, newUser("zoe")},
		"profile":    {http.MethodPut, path("ann", "profile"), body{"username": "ann"}},
		"email":      {http.MethodPut, path("ann", "email"), body{"email": "ann@example.com"}},
		"password":   {http.MethodPut, path("ann", "password"), body{"password": nextPassword}},
		"roles":      {http.MethodPut, path("ann", "roles"), body{"roles": []string{"auditor"}}},
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	before := create(t, s, newUser("ann"))
	for name, route := range reading() {
		for _, bad := range []string{"", " ", "{", "nonsense", `{"username":`, `"text"`, "[]", "7", "true", `{"a":}`, "\xff\xfe", "{\"a\":\"\n\"}", `{'a':1}`} {
			body := owner(s).do(t, route.method, route.below, bad).refused(t, http.StatusBadRequest, badJSON)
			if body.Message != badJSON || body.Detail == "" {
				t.Errorf("%s, %q: %+v", name, bad, body)
			}
		}
		if got := owner(s).do(t, route.method, route.below, nil).refused(t, http.StatusBadRequest, badJSON); got.Detail != "EOF" {
			t.Errorf("%s without a body: %q", name, got.Detail)
		}
		for member := range route.body.(body) {
			wrong := route.body.(body).but(member, body{"an": "object"})
			owner(s).do(t, route.method, route.below, wrong).refused(t, http.StatusBadRequest, badJSON)
		}
	}
	if after := owner(s).get(t, path("ann")).user(t, http.StatusOK); !after.UpdatedAt.Equal(before.UpdatedAt) {
		t.Error("a bad body changed something")
	}
}

// TestLenientBodies: clients of many ages send more, and other spellings, than
// the description shows.
func TestLenientBodies(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	create(t, s, newUser("ann"))
	for name, test := range map[string]struct{ text, username, real string }{
		"unknown members":         {`{"username":"ann","name":"A","colour":"red","nested":{"a":[1,2]}}`, "ann", "A"},
		"another case":            {`{"USERNAME":"ann","Name":"B"}`, "ann", "B"},
		"twice: the last counts":  {`{"username":"x_y","username":"ann","name":"C","NAME":"D"}`, "ann", "D"},
		"null is absent":          {`{"username":"ann","name":null,"avatar_url":null}`, "ann", ""},
		"text after the value":    {`{"username":"ann","name":"E"} and more`, "ann", "E"},
		"a second value":          {`{"username":"ann","name":"F"}{"username":"ben"}`, "ann", "F"},
		"white space around":      {" \n\t{\"username\":\"ann\",\"name\":\"G\"}\r\n", "ann", "G"},
		"escapes":                 {`{"\u0075sername":"\u0061nn","name":"\u00e9"}`, "ann", "é"},
		"what HTML would mean":    {`{"username":"ann","name":"<b>&amp;</b>"}`, "ann", "<b>&amp;</b>"},
		"a name of another world": {`{"username":"ann","name":"😀 ﷽"}`, "ann", "😀 ﷽"},
	} {
		for _, contentType := range []string{"", "application/json", "text/plain", "application/x-www-form-urlencoded", "nonsense"} {
			got := owner(s).with("Content-Type", contentType).put(t, path("ann", "profile"), test.text).user(t, http.StatusOK)
			if got.Username != test.username || got.Name != test.real {
				t.Errorf("%s: %q %q", name, got.Username, got.Name)
			}
		}
	}
	owner(s).put(t, path("ann", "profile"), "null").refused(t, http.StatusBadRequest, badFields, "username")
	owner(s).put(t, path("ann", "status/suspend"), "this body is not read").user(t, http.StatusOK)
}

const megabyte = 1 << 20

// TestLargeBodies: a megabyte and no more, whether or not its length is known
// beforehand.
func TestLargeBodies(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	create(t, s, newUser("ann"))
	// padded is a body of so many bytes.
	padded := func(size int) string {
		const begin, end = `{"username":"ann","name":"A","padding":"`, `"}`
		return begin + strings.Repeat("x", size-len(begin)-len(end)) + end
	}
	chunked := func(text string) io.Reader { return io.MultiReader(strings.NewReader(text)) }
	owner(s).put(t, path("ann", "profile"), padded(megabyte)).user(t, http.StatusOK)
	owner(s).put(t, path("ann", "profile"), chunked(padded(megabyte))).user(t, http.StatusOK)
	for name, route := range reading() {
		owner(s).with("Expect", "100-continue").do(t, route.method, route.below, padded(megabyte+1)).
			refused(t, http.StatusRequestEntityTooLarge, "1 MiB")
		if a := owner(s).do(t, route.method, route.below, chunked(padded(megabyte+1))); a.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s in chunks: got %s, want 413", name, a)
		}
	}
	// What comes after the value counts as well.
	tail := `{"username":"ann","name":"Too Late"}` + strings.Repeat(" ", megabyte)
	owner(s).with("Expect", "100-continue").put(t, path("ann", "profile"), tail).want(t, http.StatusRequestEntityTooLarge)
	owner(s).put(t, path("ann", "profile"), chunked(tail)).want(t, http.StatusRequestEntityTooLarge)
	if got := owner(s).get(t, path("ann")).user(t, http.StatusOK); got.Name != "A" {
		t.Errorf("name %q", got.Name)
	}
}

// TestUserAgentIsStored as text of bounded length, whatever it was.
func TestUserAgentIsStored(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		create(t, s, newUser("ann"))
		for agent, want := range map[string]string{
			"coder-cli/v2.33.1 (linux/amd64; coder users list)": "coder-cli/v2.33.1 (linux/amd64; coder users list)",
			strings.Repeat("x", 600):                            strings.Repeat("x", 512),
			"bytes \xff\xfe and é":                              "bytes  and é",
			strings.Repeat("é", 300):                            strings.Repeat("é", 256),
			"é" + strings.Repeat("é", 254) + "xé":               strings.Repeat("é", 255) + "x",
		} {
			a := owner(s).with("User-Agent", agent).with(sdk.DialectHeader, sdk.DialectReference).put(t, path("ann", "status/activate"), nil).want(t, http.StatusOK)
			if got := entryOf(t, s, a).UserAgent; got != want {
				t.Errorf("%q is stored as %q", agent, got)
			}
		}
	})
}
