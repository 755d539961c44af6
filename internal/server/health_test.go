package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, path := range []string{"/healthz", "/readyz"} {
			r := get(t, http.DefaultClient, s.URL+path, nil)
			if r.status != http.StatusOK || r.body != "OK\n" || !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
				t.Errorf("%s: status %d, %q as %s", path, r.status, r.body, r.header.Get("Content-Type"))
			}
		}
	})
}

// TestLostDatabase: the process is up and says that it is not ready, and is
// ready again when the database is back.
func TestLostDatabase(t *testing.T) {
	t.Parallel()
	db := store.Config{DatabaseURL: storetest.MigratedPostgres(t), DataDir: t.TempDir()}
	s := servertest.Start(t, db)
	s.CreateFirstUser(t)
	reachable := closeDatabase(t, db.DatabaseURL)

	for _, path := range []string{"/readyz", "/api/v2/users", "/api/v2/users/first"} {
		begin := time.Now()
		r := get(t, http.DefaultClient, s.URL+path, http.Header{"Coder-Session-Token": {s.Owner.SessionToken()}})
		if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "1" {
			t.Errorf("%s: status %d, Retry-After %q; want 503 and 1", path, r.status, r.header.Get("Retry-After"))
		}
		var body sdk.Response
		if err := json.Unmarshal([]byte(r.body), &body); err != nil || body.Message == "" || strings.Contains(r.body, "SQLSTATE") {
			t.Errorf("%s: the body %q is not the common one, or says too much", path, r.body)
		}
		if took := time.Since(begin); took > 10*time.Second { // five are promised, on a machine that does nothing else
			t.Errorf("%s: answered after %v", path, took)
		}
	}
	if r := get(t, http.DefaultClient, s.URL+"/healthz", nil); r.status != http.StatusOK {
		t.Errorf("/healthz: status %d, want 200: the process is up", r.status)
	}

	reachable()
	for deadline := time.Now().Add(20 * time.Second); ; {
		r := get(t, http.DefaultClient, s.URL+"/readyz", nil)
		if r.status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the database is back, and /readyz says %d: %s", r.status, r.body)
		}
	}
	if _, err := s.Owner.Users(t.Context(), sdk.UsersRequest{}); err != nil {
		t.Errorf("after the database is back: %v", err)
	}
}

// closeDatabase ends all connections to a database and refuses new ones, until
// the returned function is called.
func closeDatabase(t *testing.T, databaseURL string) (reopen func()) {
	t.Helper()
	parsed, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal("the URL of the test's database cannot be read")
	}
	name := strings.TrimPrefix(parsed.Path, "/")
	parsed.Path = "/postgres"
	conn, err := pgx.Connect(t.Context(), parsed.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	run := func(text string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), text, args...); err != nil {
			t.Fatal(err)
		}
	}
	quoted := pgx.Identifier{name}.Sanitize()
	run(`ALTER DATABASE ` + quoted + ` ALLOW_CONNECTIONS false`)
	run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, name)
	return func() { run(`ALTER DATABASE ` + quoted + ` ALLOW_CONNECTIONS true`) }
}

// TestMetrics counts requests by the route's pattern, so that no path of a user
// becomes a series.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for range 3 {
		if _, err := s.Owner.User(t.Context(), s.OwnerID.String()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Owner.User(t.Context(), "nobody"); !sdk.IsNotFound(err) {
		t.Fatal(err)
	}
	r := get(t, http.DefaultClient, s.URL+"/metrics", nil)
	if r.status != http.StatusOK || !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
		t.Errorf("status %d, %s", r.status, r.header.Get("Content-Type"))
	}
	for _, line := range []string{
		`usher_http_requests_total{method="GET",route="/api/v2/users/{user}",status="200"} 3`,
		`usher_http_requests_total{method="GET",route="/api/v2/users/{user}",status="404"} 1`,
		`usher_http_requests_total{method="POST",route="/api/v2/users/login",status="201"} 1`,
		`usher_http_request_duration_seconds_count{route="/api/v2/users/{user}"} 4`,
		"# TYPE go_goroutines gauge",
	} {
		if !strings.Contains(r.body, line+"\n") {
			t.Errorf("the metrics lack %q", line)
		}
	}
	for _, private := range []string{s.OwnerID.String(), "nobody", "owner@", s.Owner.SessionToken()} {
		if strings.Contains(r.body, private) {
			t.Errorf("the metrics have %q in them", private)
		}
	}
}

// TestFirstPage says what this is and where to go, and lets nothing foreign in.
func TestFirstPage(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.SQLite(t))
	r := get(t, http.DefaultClient, s.URL+"/", nil)
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("status %d, %s", r.status, r.header.Get("Content-Type"))
	}
	for _, part := range []string{
		"<!doctype html>", "<title>Usher</title>", "users, organizations, roles", "usher login " + s.URL,
		`href="/api/v2/openapi.yaml"`, `href="/healthz"`, `href="/readyz"`, `href="/metrics"`,
	} {
		if !strings.Contains(r.body, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	if policy := r.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || r.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("Content-Security-Policy %q, X-Content-Type-Options %q", policy, r.header.Get("X-Content-Type-Options"))
	}
	if r := get(t, http.DefaultClient, s.URL+"/no/such/page", nil); r.status != http.StatusNotFound {
		t.Errorf("an unknown page: status %d, want 404", r.status)
	}
}
