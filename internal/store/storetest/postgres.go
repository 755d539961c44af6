package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// ServerVariable names the environment variable that points the tests at an
// existing PostgreSQL server: a postgres:// URL whose role may CREATE DATABASE.
const ServerVariable = "USHER_TEST_POSTGRES_URL"

// startTimeout bounds one start of a cluster. It takes a second on an idle
// machine; the rest is room for one that compiles the other packages meanwhile.
const startTimeout = 2 * time.Minute

// cleanupTimeout bounds what runs after a test, when its own context is over.
const cleanupTimeout = time.Minute

// server is the PostgreSQL server of this test process.
//
// It is state of the package because a process has one server, while the tests
// that share it have no common ancestor but TestMain, which can hand nothing down.
var server process

// Main runs a package's tests, a *testing.M or something around one, and exits
// with their status. Call it as the whole of TestMain: afterwards it stops the
// cluster, if any test asked for one, and a cluster that cannot be stopped turns
// success into failure.
func Main(m interface{ Run() int }) {
	code := m.Run()
	if err := server.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "storetest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Postgres makes a database for this test alone, in the schema that migrate
// builds, and returns its URL. It is dropped when the test ends, whoever is still
// connected.
//
// The schema is built once per server, as the template called name, and cloned
// for each test: name must change with the migrations, so it holds their hash
// (see Template). Where there is neither a server nor the programs to start one,
// the test fails and says which command to run.
func Postgres(t testing.TB, name string, migrate Migrate) string {
	t.Helper()
	url, err := server.template(t.Context(), name, migrate)
	if err != nil {
		t.Fatal(err)
	}
	return clone(t, url, name)
}

// EmptyPostgres makes a database without any schema for this test alone and
// returns its URL: for tests of the migrations themselves.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	url, err := server.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return clone(t, url, "template0")
}

func clone(t testing.TB, serverURL, template string) string {
	t.Helper()
	url, name, err := cloneDatabase(t.Context(), serverURL, template)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), cleanupTimeout)
		defer cancel()
		if err := dropDatabase(ctx, serverURL, name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return url
}

// process is one test process's view of its server: found or started when first
// asked for, and remembered with whatever went wrong, so that a hundred tests on
// a machine without PostgreSQL do not try a hundred times.
type process struct {
	mu        sync.Mutex
	url       string
	err       error
	cluster   *Cluster
	templates map[string]error
}

// start returns the URL of the server's maintenance database.
func (p *process) start(ctx context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.startLocked(ctx)
}

func (p *process) startLocked(ctx context.Context) (string, error) {
	if p.url != "" || p.err != nil {
		return p.url, p.err
	}
	if p.url = os.Getenv(ServerVariable); p.url != "" {
		return p.url, nil
	}
	// The cluster outlives the test that happened to ask first, and so must the
	// outcome of starting it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	p.cluster, p.err = StartPostgres(ctx)
	if p.err != nil {
		return "", p.err
	}
	p.url = p.cluster.URL(maintenanceDatabase)
	return p.url, nil
}

// template starts the server and sees to it that it holds the template.
func (p *process) template(ctx context.Context, name string, migrate Migrate) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	url, err := p.startLocked(ctx)
	if err != nil {
		return "", err
	}
	if p.templates == nil {
		p.templates = map[string]error{}
	}
	err, known := p.templates[name]
	if !known {
		err = Template(context.WithoutCancel(ctx), url, name, migrate)
		p.templates[name] = err
	}
	return url, err
}

func (p *process) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	cluster := p.cluster
	p.url, p.cluster, p.templates = "", nil, nil
	p.err = errors.New("the tests are over and their PostgreSQL is stopped")
	if cluster == nil {
		return nil
	}
	return cluster.Stop()
}
