package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

func TestPagesHaveTheirHeaders(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	member := visit(s).holding(s.Owner.SessionToken())
	for path, v := range map[string]visitor{
		"/": visit(s), "/login": visit(s), "/reset-password": visit(s), "/cli-auth": member, "/no/such/page": visit(s),
	} {
		p := v.get(t, path)
		if !strings.HasPrefix(p.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s is no page but %s", path, p.header.Get("Content-Type"))
		}
		p.wantHeader(t, "Content-Security-Policy", policyOfPages)
		p.wantHeader(t, "Strict-Transport-Security", "")
		p.wantHeader(t, "Vary", "Accept, Cookie")
		head := v.do(t, http.MethodHead, path, nil)
		if head.status != p.status || head.text != "" {
			t.Errorf("HEAD %s: status %d and %d bytes, want %d and none", path, head.status, len(head.text), p.status)
		}
	}
}

func TestOperatorsWidenThePolicy(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, func(c *server.Config) {
		c.AdditionalCSPPolicy = []string{"font-src https://fonts.example.com; IMG-SRC http://pictures.example.com", "base-uri 'self'"}
		c.StrictTransportSecurity = 86400
		c.StrictTransportSecurityOptions = []string{"includeSubDomains", "preload"}
	})
	const transport = "max-age=86400; includeSubDomains; preload"
	for _, path := range []string{"/", "/login", "/no/such/page"} {
		p := visit(s).get(t, path)
		p.wantHeader(t, "Content-Security-Policy", "default-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; "+
			"img-src 'self' https: data: http://pictures.example.com; style-src 'self'; font-src https://fonts.example.com")
		p.wantHeader(t, "Strict-Transport-Security", transport)
	}
	visit(s).get(t, "/cli-auth").want(t, http.StatusSeeOther).wantHeader(t, "Strict-Transport-Security", transport)
	if got := guest(s).get(t, "/api/v2/buildinfo").header.Get("Content-Security-Policy"); got != "" {
		t.Errorf("the API has the policy %q", got)
	}
}

// TestFirstPageKnowsWhoAsks and is there for everybody else as well.
func TestFirstPageKnowsWhoAsks(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	ada := create(t, s, newUser("ada").but("name", "Ada <b>Lovelace"))
	key := visit(s).post(t, "/login", "email", ada.Email, "password", servertest.Password).session(t)

	visit(s).get(t, "/").want(t, http.StatusOK).has(t, `href="/login"`, "usher login "+s.URL).lacks(t, `action="/logout"`, "ada")
	visit(s).holding(key).get(t, "/").want(t, http.StatusOK).
		has(t, "Ada &lt;b&gt;Lovelace", "ada@example.com", `action="/logout"`, `href="/cli-auth"`).lacks(t, `href="/login"`, key)
	visit(s).holding("ushAAAAAAA-0123456789abcdefghijkl").get(t, "/").want(t, http.StatusOK).has(t, `href="/login"`)
	visit(s).holding("nonsense").get(t, "/").want(t, http.StatusOK).has(t, `href="/login"`)
	owner(s).put(t, path(ada.ID, "status/suspend"), nil).want(t, http.StatusOK)
	visit(s).holding(key).get(t, "/").want(t, http.StatusOK).has(t, `href="/login"`)
}

func TestFirstPageOfAnEmptyServer(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.Database(t))
	visit(s).get(t, "/").want(t, http.StatusOK).has(t, `href="/setup"`).lacks(t, `href="/login"`)
}

// TestPagesWithoutTheDatabase: the first page answers as ever, the others say
// that they cannot.
func TestPagesWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	databaseURL := storetest.MigratedPostgres(t)
	s := servertest.Start(t, store.Config{DatabaseURL: databaseURL, DataDir: t.TempDir()})
	s.CreateFirstUser(t)
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal("the database URL is none")
	}
	maintain(t, databaseURL, `ALTER DATABASE `+pgx.Identifier{config.Database}.Sanitize()+` ALLOW_CONNECTIONS false`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '`+config.Database+`'`)
	eventually(t, func() bool { return owner(s).get(t, "/api/v2/users/roles").status == http.StatusServiceUnavailable })

	visit(s).get(t, "/").want(t, http.StatusOK).has(t, `role="alert"`, "The database does not answer").lacks(t, `href="/setup"`)
	for _, p := range []sheet{
		visit(s).get(t, "/login"), visit(s).get(t, "/setup"),
		visit(s).holding(s.Owner.SessionToken()).get(t, "/cli-auth"),
	} {
		p.want(t, http.StatusServiceUnavailable).has(t, "Not available at the moment").wantHeader(t, "Retry-After", "1")
	}
	form := visit(s).post(t, "/login", "email", "owner@example.com", "password", servertest.Password)
	form.want(t, http.StatusServiceUnavailable).problem(t).has(t, `value="owner@example.com"`).lacks(t, servertest.Password)
	form.wantHeader(t, "Retry-After", "1")
}

// TestUnknownPages are pages for people, and JSON for programs and in the API.
func TestUnknownPages(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for _, path := range []string{"/no/such/page", "/assets/login.html", "/assets/layout.html", "/assets/", "/assets/..%2fpages.go", "/assets/no.js"} {
		visit(s).get(t, path).want(t, http.StatusNotFound).has(t, "<h1>Page not found</h1>", `href="/"`)
		program := visit(s).with("Accept", "*/*").get(t, path).want(t, http.StatusNotFound)
		program.wantHeader(t, "Content-Type", "application/json; charset=utf-8")
	}
	visit(s).get(t, "/api/v2/nothing").want(t, http.StatusNotFound).wantHeader(t, "Content-Type", "application/json; charset=utf-8")
	wrong := visit(s).post(t, "/cli-auth/x").want(t, http.StatusNotFound)
	wrong.has(t, "<h1>Page not found</h1>")
	wrong = visit(s).post(t, "/login/device").want(t, http.StatusMethodNotAllowed)
	wrong.wantHeader(t, "Allow", "GET, HEAD")
}

func TestAssets(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for name, contentType := range map[string]string{
		"style.css": "text/css; charset=utf-8", "device.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		p := visit(s).get(t, "/assets/"+name).want(t, http.StatusOK)
		p.wantHeader(t, "Content-Type", contentType)
		p.wantHeader(t, "Cache-Control", "no-cache")
		p.wantHeader(t, "X-Content-Type-Options", "nosniff")
		etag := p.header.Get("ETag")
		again := visit(s).with("If-None-Match", etag).get(t, "/assets/"+name)
		if etag == "" || again.status != http.StatusNotModified || again.text != "" {
			t.Errorf("%s again, with the tag %s: status %d, %d bytes", name, etag, again.status, len(again.text))
		}
	}
}

// TestFormsFromOtherSites do nothing.
func TestFormsFromOtherSites(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	key := s.Owner.SessionToken()
	member := visit(s).holding(key)
	for name, v := range map[string]visitor{
		"another site":             member.with("Sec-Fetch-Site", "cross-site"),
		"a neighbour":              member.with("Sec-Fetch-Site", "same-site"),
		"another origin":           member.without("Sec-Fetch-Site").with("Origin", "https://evil.example.com"),
		"an origin that is hidden": member.without("Sec-Fetch-Site").with("Origin", "null"),
		"a key in the query":       visit(s).with("Sec-Fetch-Site", "cross-site"),
	} {
		query := ""
		if name == "a key in the query" {
			query = "?" + sdk.SessionTokenCookie + "=" + key
		}
		for _, path := range []string{"/login", "/setup", "/reset-password", "/cli-auth", "/logout"} {
			p := v.post(t, path+query, "email", "owner@example.com", "password", servertest.Password)
			if p.status != http.StatusForbidden || len(p.cookies) > 0 || !strings.Contains(p.text, "another site") {
				t.Errorf("%s, %s: status %d, cookies %v\n%s", name, path, p.status, p.cookies, p.text)
			}
		}
	}
	if n := len(audit(t, s, "action:create resource_type:api_key")); n != 0 {
		t.Errorf("%d keys were made", n)
	}
	member.get(t, "/cli-auth").want(t, http.StatusOK) // nobody was signed out
	// What browsers say of our own forms, with and without TLS.
	member.post(t, "/cli-auth").want(t, http.StatusCreated)
	member.without("Sec-Fetch-Site").with("Origin", s.URL).post(t, "/cli-auth").want(t, http.StatusCreated)
}

// TestFormsThatAreNone get an answer that says so.
func TestFormsThatAreNone(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	large := visit(s).post(t, "/login", "email", strings.Repeat("x", 1<<20)).want(t, http.StatusRequestEntityTooLarge)
	large.has(t, "larger than 1 MiB")
	v := visit(s).with("Content-Type", "application/x-www-form-urlencoded")
	v.do(t, http.MethodPost, "/login", strings.NewReader("email=%zz")).want(t, http.StatusBadRequest).has(t, "cannot be read")
	credentials, err := json.Marshal(credentials("owner@example.com", servertest.Password))
	if err != nil {
		t.Fatal(err)
	}
	for _, contentType := range []string{"application/json", "text/plain", "multipart/form-data; boundary=x", ""} {
		visit(s).with("Content-Type", contentType).do(t, http.MethodPost, "/login", strings.NewReader(string(credentials))).
			want(t, http.StatusBadRequest).problem(t, "E-mail must not be empty.")
	}
}
