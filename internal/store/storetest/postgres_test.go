package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// childVariable makes this test binary play another test process.
const childVariable = "STORETEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childVariable) {
	case "hold a cluster":
		holdCluster()
	case "leave a cluster":
		leaveCluster()
	default:
		Main(m)
	}
}

// holdCluster plays a test process that is killed: it starts a cluster, tells
// where it is and waits for its end.
func holdCluster() {
	cluster, err := StartPostgres(context.Background())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(cluster.URL(maintenanceDatabase))
	select {}
}

// leaveCluster plays a test process without Main, which stops nothing.
func leaveCluster() {
	url, err := server.start(context.Background())
	fmt.Println(url)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// TestPlayedByAChild fails on purpose in a child process, with a cluster running.
func TestPlayedByAChild(t *testing.T) {
	if os.Getenv(childVariable) != "fail with a cluster" {
		return
	}
	fmt.Println(EmptyPostgres(t))
	t.Fail()
}

func TestClusterAnswersOnASocketOnly(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t)
	conn := connect(t, cluster.URL("postgres"))
	want := map[string]string{
		"listen_addresses":   "",
		"fsync":              "off",
		"synchronous_commit": "off",
		"full_page_writes":   "off",
		"autovacuum":         "off",
		"max_connections":    "500",
		"server_encoding":    "UTF8",
	}
	for name, value := range want {
		var got string
		if err := conn.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
	var collation string
	err := conn.QueryRow(t.Context(), `SELECT datcollate FROM pg_database WHERE datname = 'template0'`).Scan(&collation)
	if err != nil || collation != "C" {
		t.Errorf("collation = %q, %v, want C", collation, err)
	}
}

func TestStopEndsServerAndRemovesDirectory(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t)
	conn := connect(t, cluster.URL("postgres"))
	if err := cluster.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the server still answers")
	}
	if _, err := os.Stat(cluster.directory); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Stat of the directory: %v, want that it does not exist", err)
	}
	if err := cluster.Stop(); err != nil {
		t.Errorf("the second Stop: %v", err)
	}
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := StartPostgres(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestServerThatCannotStartIsReportedWithItsLog(t *testing.T) {
	t.Parallel()
	programs := t.TempDir()
	writeProgram(t, programs, "initdb", "#!/bin/sh\necho the disk is made of cheese >&2\nexit 1\n")
	directory := filepath.Join(t.TempDir(), "cluster")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	cluster, err := supervise(t.Context(), programs, directory, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = cluster.awaitReady(t.Context())
	if err == nil || !strings.Contains(err.Error(), "made of cheese") {
		t.Errorf("error %v, want the log's last lines", err)
	}
	if err := cluster.Stop(); err != nil {
		t.Error(err)
	}
}

func TestProcessWithoutMainLeavesNothing(t *testing.T) {
	t.Parallel()
	child := childProcess(t, "leave a cluster")
	output, err := child.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	directory := socketDirectory(t, strings.TrimSpace(string(output)))
	await(t, "the removal of "+directory, func() bool { return missing(directory) })
}

func TestMainStopsTheClusterAndExitsWithTheTestsStatus(t *testing.T) {
	t.Parallel()
	child := childProcess(t, "fail with a cluster")
	child.Args = append(child.Args, "-test.run=^TestPlayedByAChild$")
	output, err := child.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("%v, want exit status 1: %s", err, output)
	}
	url, _, _ := strings.Cut(string(output), "\n")
	if directory := socketDirectory(t, url); !missing(directory) {
		t.Errorf("%s is still there", directory)
	}
}

func TestProcessPrefersTheServerItIsGiven(t *testing.T) {
	const given = "postgres://tester@db.example/postgres"
	t.Setenv(ServerVariable, given)
	var p process
	url, err := p.start(t.Context())
	if err != nil || url != given {
		t.Errorf("start = %q, %v, want %q", url, err, given)
	}
	if p.cluster != nil {
		t.Error("it started a cluster all the same")
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	if _, err := p.start(t.Context()); err == nil {
		t.Error("a stopped process starts again")
	}
}

// TestProcessRemembersItsFailure is why a hundred tests on a machine without
// PostgreSQL do not look for it a hundred times.
func TestProcessRemembersItsFailure(t *testing.T) {
	t.Parallel()
	p := process{err: errNoPostgres}
	if _, err := p.template(t.Context(), "any", createNotes); !errors.Is(err, errNoPostgres) {
		t.Errorf("error %v, want %v", err, errNoPostgres)
	}
}

func TestPostgresGivesEachTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	template := templateName(t)
	var urls [2]string
	for i := range urls {
		t.Run("test", func(t *testing.T) {
			urls[i] = Postgres(t, template, createNotes)
			conn := connect(t, urls[i])
			var count int
			if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM notes`).Scan(&count); err != nil {
				t.Fatal(err)
			}
			if count != 0 {
				t.Errorf("%d notes of another test", count)
			}
			if _, err := conn.Exec(t.Context(), `INSERT INTO notes VALUES ('mine')`); err != nil {
				t.Fatal(err)
			}
		})
	}
	if urls[0] == urls[1] {
		t.Errorf("both tests got %s", urls[0])
	}
	for _, url := range urls {
		if conn, err := pgx.Connect(t.Context(), url); err == nil {
			_ = conn.Close(t.Context())
			t.Errorf("%s outlived its test", url)
		}
	}
}

func TestEmptyPostgresHasNoTables(t *testing.T) {
	t.Parallel()
	conn := connect(t, EmptyPostgres(t))
	var tables int
	err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables)
	if err != nil || tables != 0 {
		t.Errorf("%d tables, %v, want none", tables, err)
	}
}

// TestTemplateRace has many sessions ask for one template. A session is all that
// one process is to the server, so goroutines race here as processes do.
func TestTemplateRace(t *testing.T) {
	t.Parallel()
	url := maintenanceURL(t)
	var migrations atomic.Int32
	migrate := func(ctx context.Context, url string) error {
		migrations.Add(1)
		return createNotes(ctx, url)
	}
	name := templateName(t)
	var racers sync.WaitGroup
	for range 12 {
		racers.Go(func() {
			if err := Template(t.Context(), url, name, migrate); err != nil {
				t.Error(err)
				return
			}
			clone(t, url, name)
		})
	}
	racers.Wait()
	if got := migrations.Load(); got != 1 {
		t.Errorf("migrated %d times, want once", got)
	}
}

func TestTemplateIsMadeAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	url, name := maintenanceURL(t), templateName(t)
	errBroken := errors.New("broken migration")
	halfway := func(ctx context.Context, url string) error {
		return errors.Join(createNotes(ctx, url), errBroken)
	}
	if err := Template(t.Context(), url, name, halfway); !errors.Is(err, errBroken) {
		t.Fatalf("error %v, want the migration's", err)
	}
	if err := Template(t.Context(), url, name, createNotes); err != nil {
		t.Fatal(err)
	}
	connect(t, clone(t, url, name))
}

func TestTemplateRefusesNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", strings.Repeat("n", maxTemplateName+1)} {
		if err := Template(t.Context(), "postgres://127.0.0.1:1/postgres", name, createNotes); err == nil {
			t.Errorf("Template took the name %q", name)
		}
	}
}

func TestDatabaseURL(t *testing.T) {
	t.Parallel()
	got, err := databaseURL("postgresql://me:secret@db.example:5433/postgres?sslmode=disable", "other")
	if want := "postgresql://me:secret@db.example:5433/other?sslmode=disable"; err != nil || got != want {
		t.Errorf("databaseURL = %q, %v, want %q", got, err, want)
	}
	for _, bad := range []string{"host=db password=secret", "postgres://me:secret@db.example:port/", "mysql://me:secret@db"} {
		_, err := databaseURL(bad, "other")
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("databaseURL(%q): error %v, want one without the password", bad, err)
		}
	}
}

func TestSupervisorEnvironment(t *testing.T) {
	t.Parallel()
	got := supervisorEnvironment([]string{"PATH=/bin", "PGHOST=elsewhere", "PGDATA=/precious", "LANG=tr_TR"})
	if want := "PATH=/bin LANG=tr_TR LC_ALL=C"; strings.Join(got, " ") != want {
		t.Errorf("environment %q, want %q", got, want)
	}
}

func createNotes(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `CREATE TABLE notes (text TEXT NOT NULL)`)
	return errors.Join(err, conn.Close(ctx))
}

func startCluster(t *testing.T) *Cluster {
	t.Helper()
	cluster, err := StartPostgres(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func maintenanceURL(t *testing.T) string {
	t.Helper()
	url, err := server.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// templateName is a name of this test's own, whose database goes with the test:
// the server may be one that stays.
func templateName(t *testing.T) string {
	t.Helper()
	name := "storetest_" + strings.ToLower(rand.Text())
	t.Cleanup(func() {
		url := maintenanceURL(t)
		for _, database := range []string{name, name + buildingSuffix} {
			if err := dropDatabase(context.WithoutCancel(t.Context()), url, database); err != nil {
				t.Error(err)
			}
		}
	})
	return name
}

// childProcess prepares this binary as another test process, which must start a
// cluster of its own even where the tests were given a server.
func childProcess(t *testing.T, role string) *exec.Cmd {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+role, ServerVariable+"=")
	child.Stderr = t.Output()
	return child
}

func socketDirectory(t *testing.T, url string) string {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return config.Host
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// await polls, since nothing announces that another process is gone.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(readyInterval)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func writeProgram(t *testing.T, directory, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}
