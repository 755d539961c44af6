package api_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// patience is how long a client may have to wait for a 503.
const patience = 5 * time.Second

// databaseless are operations that need no database: they go on without one.
var databaseless = []string{
	"apiRoot", "buildInfo", "openAPI", "authMethods", "validatePassword", "healthz", "metrics", "listScopes",
	"githubCallback", "githubDevice", "oidcCallback", "namedOIDCCallback", "entitlements", "appearance", "updateCheck", "cspReport",
}

// needingDatabase lists a good call of every other operation.
func needingDatabase() []below {
	bodies := map[string]any{
		"createFirstUser": first(), "login": credentials("owner@example.com", servertest.Password), "createUser": newUser("new-one"),
		"importUsers":                       body{"users": []any{imported("new-two")}},
		"requestOneTimePasscode":            body{"email": "owner@example.com"},
		"changePasswordWithOneTimePasscode": reset("owner@example.com", nextPassword, "wrong"),
		"updateUserProfile":                 body{"username": "owner"}, "updateUserEmail": body{"email": "owner@example.com"},
		"updateUserRoles":    body{"roles": []string{"auditor"}},
		"updateUserPassword": body{"password": nextPassword, "old_password": servertest.Password},
	}
	var calls []below
	for _, o := range described() {
		if slices.Contains(databaseless, o.ID) {
			continue
		}
		at := strings.NewReplacer("{user}", "owner", "{organization}", "default", "{organizationname}", "coder").Replace(o.Path)
		if strings.Contains(at, "{") { // of a kind that the server does not hold
			continue
		}
		request, known := bodies[o.ID]
		if !known && contract().Paths.Value(o.Path).GetOperation(o.Method).RequestBody != nil {
			continue
		}
		calls = append(calls, below{o.Method, at, request})
	}
	return calls
}

// expectOutage asks everything at once; each call must be told to come back.
func expectOutage(t *testing.T, c client) {
	t.Helper()
	var wait sync.WaitGroup
	var longest atomic.Int64
	defer func() { t.Logf("the longest answer took %s", time.Duration(longest.Load())) }()
	for _, call := range needingDatabase() {
		wait.Go(func() {
			a, err := c.try(t, call.method, call.below, call.body)
			if err != nil {
				t.Error(err)
				return
			}
			for before := longest.Load(); int64(a.took) > before && !longest.CompareAndSwap(before, int64(a.took)); before = longest.Load() {
			}
			if a.took > patience {
				t.Errorf("%s %s took %s, want at most %s", call.method, call.below, a.took, patience)
			}
			if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "1" || !strings.Contains(string(a.body), `"message":"`) {
				t.Errorf("%s %s: %s, Retry-After %q", call.method, call.below, a, a.header.Get("Retry-After"))
			}
		})
	}
	wait.Wait()
}

// expectService asks what changes nothing until all of it works.
func expectService(t *testing.T, c client) {
	t.Helper()
	for _, at := range []string{"/readyz", path("me"), usersPath, path("owner", "roles"), auditPath, "/api/v2/users/first"} {
		eventually(t, func() bool { return c.get(t, at).status == http.StatusOK })
	}
	c.put(t, path("me", "status/activate"), nil).user(t, http.StatusOK)
}

// eventually asks until it is so.
func eventually(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); {
		if time.Now().After(deadline) {
			t.Fatal("it never came to that")
		}
	}
}

// maintain runs a statement on the server's own database.
func maintain(t *testing.T, databaseURL string, texts ...string) {
	t.Helper()
	at, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal("the database URL is none")
	}
	at.Path = "/postgres"
	conn, err := pgx.Connect(t.Context(), at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, text := range texts {
		if _, err := conn.Exec(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// TestDatabaseGone: the server of the database turns everybody away.
func TestDatabaseGone(t *testing.T) {
	// Not beside others: it is about how long answers take.
	databaseURL := storetest.MigratedPostgres(t)
	s := servertest.Start(t, store.Config{DatabaseURL: databaseURL, DataDir: t.TempDir()})
	s.CreateFirstUser(t)
	c := owner(s)
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal("the database URL is none")
	}
	name := pgx.Identifier{config.Database}.Sanitize()
	for range 2 { // it may happen again
		maintain(t, databaseURL, `ALTER DATABASE `+name+` ALLOW_CONNECTIONS false`,
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '`+config.Database+`'`)
		// What is known from memory may be served for a moment.
		eventually(t, func() bool { return c.get(t, "/api/v2/users/roles").status == http.StatusServiceUnavailable })
		expectOutage(t, c)
		for _, at := range []string{"/healthz", "/metrics", "/api/v2", "/api/v2/users/authmethods"} {
			guest(s).get(t, at).want(t, http.StatusOK)
		}
		maintain(t, databaseURL, `ALTER DATABASE `+name+` ALLOW_CONNECTIONS true`)
		expectService(t, c)
	}
	for _, entry := range audit(t, s, "") {
		if entry.StatusCode >= 500 {
			t.Errorf("an outage was audited: %+v", entry)
		}
	}
}

// TestDatabaseSilent: the database can be reached and never answers, as behind a
// network that drops everything.
func TestDatabaseSilent(t *testing.T) {
	// Not beside others: it is about how long answers take.
	databaseURL := storetest.MigratedPostgres(t)
	v := startValve(t, databaseURL)
	s := servertest.Start(t, store.Config{DatabaseURL: v.url, DataDir: t.TempDir()})
	s.CreateFirstUser(t)
	c := owner(s)
	v.gate.Lock()
	release := sync.OnceFunc(v.gate.Unlock)
	t.Cleanup(release) // before the server is stopped, which would wait
	eventually(t, func() bool { return c.get(t, "/api/v2/users/roles").status == http.StatusServiceUnavailable })
	expectOutage(t, c)
	guest(s).get(t, "/api/v2").want(t, http.StatusOK)
	guest(s).get(t, "/healthz").want(t, http.StatusOK)
	release()
	expectService(t, c)
}

// valve is a connection to PostgreSQL that a test can hold: nothing is lost and
// nothing is closed, but nothing gets through.
type valve struct {
	url  string
	gate sync.RWMutex // held for writing while nothing may pass
}

func startValve(t *testing.T, databaseURL string) *valve {
	t.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal("the database URL is none")
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	at := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Host: listener.Addr().String(), Path: "/" + config.Database, RawQuery: "sslmode=disable"}
	v := &valve{url: at.String()}
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go v.connect(near, network, address)
		}
	}()
	return v
}

func (v *valve) connect(near net.Conn, network, address string) {
	far, err := net.Dial(network, address)
	if err != nil {
		_ = near.Close()
		return
	}
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() {
			_, _ = io.Copy(passing{Writer: way[1], valve: v}, way[0])
			_ = way[0].Close()
			_ = way[1].Close()
		}()
	}
}

// passing writes when the valve is open.
type passing struct {
	io.Writer
	valve *valve
}

// Write implements io.Writer.
func (p passing) Write(text []byte) (int, error) {
	p.valve.gate.RLock()
	defer p.valve.gate.RUnlock()
	return p.Writer.Write(text)
}
