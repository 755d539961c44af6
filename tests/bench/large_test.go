package bench_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// What `make bench-large` sets: how many users the databases have, where they lie,
// and which page the figures go to. Without it the same is done in short, with
// few users, which tells whether every answer is right and nothing of speed.
const (
	sizesVariable  = "USHER_BENCH_USERS"
	engineVariable = "USHER_BENCH_ENGINES"
	placeVariable  = "USHER_BENCH_DIR"
	pageVariable   = "USHER_BENCH_PAGE"
)

// effort is how much is measured.
type effort struct {
	sizes    []int
	asks     int           // how often a question is asked
	requests int           // of a pair with the bare handler
	span     time.Duration // of everything that is counted by the second
	crowd    int           // clients that log in at the same time
}

func chosenEffort(t *testing.T) effort {
	t.Helper()
	text := os.Getenv(sizesVariable)
	if text == "" {
		return effort{sizes: []int{1200}, asks: 2, requests: smokeRequests, span: 100 * time.Millisecond, crowd: 8}
	}
	e := effort{asks: 41, requests: 10_000, span: 5 * time.Second, crowd: 200}
	for field := range strings.SplitSeq(text, ",") {
		size, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || size < 1000 {
			t.Fatalf("%s is %q: want numbers of at least 1000, with commas", sizesVariable, text)
		}
		e.sizes = append(e.sizes, size)
	}
	slices.Sort(e.sizes)
	return e
}

// TestLarge measures each engine with each number of users. It runs alone where
// it measures, and beside the others where it only looks at the answers.
func TestLarge(t *testing.T) {
	if os.Getenv(sizesVariable) == "" {
		t.Parallel()
	}
	e := chosenEffort(t)
	report := &largeReport{began: time.Now(), sizes: e.sizes}
	for _, engine := range strings.Split(cmp.Or(os.Getenv(engineVariable), "sqlite,postgres"), ",") {
		for _, size := range e.sizes {
			report.add(measureLarge(t, e, engine, size))
		}
	}
	page := os.Getenv(pageVariable)
	if page == "" {
		page = filepath.Join(t.TempDir(), "performance.md")
	}
	if err := report.write(page); err != nil {
		t.Fatal(err)
	}
	checkPage(t, page, report)
}

// largeDeployment is a deployment of many users under measurement.
type largeDeployment struct {
	t       *testing.T
	effort  effort
	engine  string
	users   int
	largest bool
	now     time.Time
	db      store.Config
	binary  string
	process *exec.Cmd
	server  *servertest.Server // where it is, and the first user's client
	figures *figures
	last    []int // numbers that were seen last
	gone    int   // users that were deleted
}

func measureLarge(t *testing.T, e effort, engine string, users int) *figures {
	t.Helper()
	l := &largeDeployment{
		t: t, effort: e, engine: engine, users: users, largest: users == slices.Max(e.sizes),
		now: time.Now().UTC().Truncate(time.Second), figures: &figures{engine: engine, users: users},
	}
	t.Logf("%s with %d users", engine, users)
	l.binary = buildUsher(t)
	l.db = l.makeDatabase()
	l.start()
	l.signIn()
	l.importPeople()
	l.addTokens()
	l.settle()
	l.stop()
	l.restart()
	l.measureQuestions()
	l.checkChanges()
	l.measureSizes()
	if l.largest {
		l.measureRates()
		l.measureStream()
		l.measureLogins()
	}
	l.figures.note("memory after all of it", "MiB", float64(l.memory())/mebi, 0)
	l.stop()
	return l.figures
}

const mebi = 1 << 20

// buildUsher builds the program.
func buildUsher(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "usher")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", path, "usher")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, output)
	}
	return path
}

// makeDatabase makes an empty database on a disk. PostgreSQL is as it is in
// production: what is acknowledged is on the disk.
func (l *largeDeployment) makeDatabase() store.Config {
	l.t.Helper()
	parent := os.Getenv(placeVariable)
	if parent == "" {
		parent = os.TempDir()
	}
	dir, err := os.MkdirTemp(parent, "usher-large-")
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if l.engine == "sqlite" {
		return store.Config{DataDir: dir}
	}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL runs as another user
		l.t.Fatal(err)
	}
	cluster, err := storetest.StartPostgresIn(l.t.Context(), parent, "fsync=on", "synchronous_commit=on", "full_page_writes=on",
		"autovacuum=on", "shared_buffers=256MB", "max_wal_size=4GB")
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			l.t.Error(err)
		}
	})
	return store.Config{DatabaseURL: cluster.URL("postgres"), DataDir: dir}
}

// start starts the program and waits for its first answer.
func (l *largeDeployment) start() {
	l.t.Helper()
	arguments := []string{
		"serve", "--listen", "127.0.0.1:0", "--data-dir", l.db.DataDir, "--rate-limit", "0", "--log-level", "warn",
		"--dormancy-threshold", "0",
	} // or people change while they are counted
	if l.db.DatabaseURL != "" {
		arguments = append(arguments, "--database-url", l.db.DatabaseURL)
	}
	l.process = exec.CommandContext(context.WithoutCancel(l.t.Context()), l.binary, arguments...)
	out, err := l.process.StdoutPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	l.process.Stderr = &bytes.Buffer{}
	if err := l.process.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(l.stop)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, found := strings.Cut(lines.Text(), " is ready at "); found {
			if l.server == nil {
				l.server = &servertest.Server{}
			}
			l.server.URL = address
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return
		}
	}
	l.t.Fatalf("the server does not start: %v", l.process.Stderr)
}

func (l *largeDeployment) stop() {
	if l.process == nil {
		return
	}
	_ = l.process.Process.Signal(os.Interrupt)
	_ = l.process.Wait()
	l.process = nil
}

// client is one of the first user's.
func (l *largeDeployment) client(token string) *sdk.Client {
	l.t.Helper()
	client, err := sdk.New(l.server.URL)
	if err != nil {
		l.t.Fatal(err)
	}
	client.SetSessionToken(token)
	return client
}

const largePassword = servertest.Password

func (l *largeDeployment) signIn() {
	l.t.Helper()
	client := l.client("")
	first, err := client.CreateFirstUser(l.t.Context(), sdk.CreateFirstUserRequest{
		Email: "owner@example.net", Username: "owner", Password: largePassword,
	})
	if err != nil {
		l.t.Fatal(err)
	}
	session, err := client.LoginWithPassword(l.t.Context(), sdk.LoginWithPasswordRequest{Email: "owner@example.net", Password: largePassword})
	if err != nil {
		l.t.Fatal(err)
	}
	l.server.Owner, l.server.OrganizationID = l.client(session.SessionToken), first.OrganizationID
	for _, name := range largeOrganizations[1:] {
		if _, err := l.server.Owner.CreateOrganization(l.t.Context(), sdk.CreateOrganizationRequest{Name: name}); err != nil {
			l.t.Fatal(err)
		}
	}
}

// importPeople makes the users with the command that people use for it.
func (l *largeDeployment) importPeople() {
	l.t.Helper()
	path := filepath.Join(l.db.DataDir, "people.jsonl")
	file, err := os.Create(path)
	if err != nil {
		l.t.Fatal(err)
	}
	buffered := bufio.NewWriter(file)
	if err := errors.Join(writePeople(buffered, l.users, l.now), buffered.Flush(), file.Close()); err != nil {
		l.t.Fatal(err)
	}
	command := exec.CommandContext(l.t.Context(), l.binary, "users", "import", path)
	command.Env = []string{"HOME=" + l.db.DataDir, "USHER_URL=" + l.server.URL, "USHER_SESSION_TOKEN=" + l.server.Owner.SessionToken()}
	begin := time.Now()
	output, err := command.CombinedOutput()
	took := time.Since(begin)
	if want := fmt.Sprintf("%d users created, 0 were there already, 0 refused.", l.users); err != nil || !strings.Contains(string(output), want) {
		l.t.Fatalf("import: %v\n%s", err, output)
	}
	if err := os.Remove(path); err != nil {
		l.t.Fatal(err)
	}
	l.figures.note("usher users import, audited", "users/s", float64(l.users)/took.Seconds(), 1667)
}

// addTokens gives every fifth user a token, straight into the database.
func (l *largeDeployment) addTokens() {
	l.t.Helper()
	driver, source, place := "sqlite", "file:"+filepath.Join(l.db.DataDir, store.SQLiteFile)+"?_pragma=busy_timeout(4000)", func(int) string { return "?" }
	past, future := any(l.now.UnixMicro()), any(l.now.AddDate(1, 0, 0).UnixMicro())
	if l.db.DatabaseURL != "" {
		driver, source, place = "pgx", l.db.DatabaseURL, func(n int) string { return fmt.Sprintf("$%d", n) }
		past, future = l.now, l.now.AddDate(1, 0, 0)
	}
	db := openRaw(l.t, driver, source)
	version := map[string]string{"sqlite": `SELECT sqlite_version()`, "postgres": `SHOW server_version`}[l.engine]
	l.figures.version = rawTexts(l.t, db, version)[0]
	users := rawTexts(l.t, db, fmt.Sprintf(`SELECT CAST(id AS TEXT) FROM users WHERE username <> 'owner' ORDER BY username_key LIMIT %d`, l.users/5))
	n := 0
	for some := range slices.Chunk(users, 200) {
		var rows []string
		var args []any
		for _, id := range some {
			n++
			values := []any{
				fmt.Sprintf("ush%07d", n), []byte(fmt.Sprintf("%032d", n)), id, "token", fmt.Sprintf("token-%d", n), `["coder:all"]`,
				`["*:*"]`, 31536000, "127.0.0.1", future, past, past, past,
			}
			places := make([]string, len(values))
			for i := range values {
				places[i] = place(len(args) + i + 1)
			}
			rows, args = append(rows, "("+strings.Join(places, ", ")+")"), append(args, values...)
		}
		_, err := db.ExecContext(l.t.Context(), `INSERT INTO api_keys (id, secret_hash, user_id, login_type, name, scopes, allow_list,
			lifetime_seconds, ip, expires_at, last_used, created_at, updated_at) VALUES `+strings.Join(rows, ", "), args...)
		if err != nil {
			l.t.Fatalf("add tokens: %v", err)
		}
	}
}

// settle lets the engine and the system do what they do by themselves after so
// many changes.
func (l *largeDeployment) settle() {
	l.t.Helper()
	defer func() { _ = exec.CommandContext(l.t.Context(), "sync").Run() }() // where there is none, it is not waited for
	if l.db.DatabaseURL == "" {
		return
	}
	db := openRaw(l.t, "pgx", l.db.DatabaseURL)
	for _, text := range []string{"VACUUM ANALYZE", "CHECKPOINT"} {
		if _, err := db.ExecContext(l.t.Context(), text); err != nil {
			l.t.Fatalf("%s: %v", text, err)
		}
	}
}

// restart measures the time from the start of the program to its first answer
// about a user, and the memory of a server that has nothing to do.
func (l *largeDeployment) restart() {
	l.t.Helper()
	token := l.server.Owner.SessionToken()
	begin := time.Now()
	l.start()
	l.server.Owner = l.client(token)
	if _, err := l.server.Owner.User(l.t.Context(), sdk.Me); err != nil {
		l.t.Fatal(err)
	}
	l.figures.noteTime("start to the first answer", time.Since(begin), 500*time.Millisecond)
	l.figures.note("memory, idle", "MiB", float64(l.memory())/mebi, -80)
}

// memory is the resident memory of the server, in bytes; 0 where the system does
// not tell.
func (l *largeDeployment) memory() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.process.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kibi, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		l.t.Fatal(err)
	}
	return kibi << 10
}
