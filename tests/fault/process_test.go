package fault_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

const password = "SomeSecurePassword!"

// binary is the program, built once for all tests of the process.
//
// It is state of the package because only TestMain, which can hand nothing down,
// knows when the last test is over and the file can go.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "usher-fault-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "usher")
	build := exec.CommandContext(context.Background(), "go", "build", "-buildvcs=false", "-o", path, "usher")
	if output, err := build.CombinedOutput(); err != nil {
		return path, fmt.Errorf("go build: %w\n%s", err, output)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	defer func() {
		if path, _ := binary(); path != "" {
			_ = os.RemoveAll(filepath.Dir(path))
		}
	}()
	storetest.Main(m)
}

// patience bounds every wait for a process; a machine that is busy with other
// tests needs seconds for what is done in milliseconds.
const patience = 90 * time.Second

// process is a running server.
type process struct {
	url  string
	cmd  *exec.Cmd
	out  *lines        // its standard output
	log  *lines        // its standard error
	done chan struct{} // closed when it has ended
	err  error         // of its end, once done is closed
}

// arguments are those of a server on this database, and its settings for tests.
func arguments(db store.Config) []string {
	list := []string{"serve", "--listen", "127.0.0.1:0", "--data-dir", db.DataDir, "--rate-limit", "0"}
	if db.DatabaseURL != "" {
		list = append(list, "--database-url", db.DatabaseURL)
	}
	return list
}

// run starts the program without waiting for anything. It is killed with the
// test, if it runs that long.
func run(t *testing.T, arguments ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{out: newLines(), log: newLines(), done: make(chan struct{})}
	p.cmd = exec.Command(path, arguments...)
	p.cmd.Env = []string{"HOME=" + t.TempDir()}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// serve starts a server and waits until it says where it is.
func serve(t *testing.T, db store.Config) *process {
	t.Helper()
	p := run(t, arguments(db)...)
	p.ready(t)
	return p
}

// ready waits until the server says where it is.
func (p *process) ready(t *testing.T) {
	t.Helper()
	p.await(t, p.out, " is ready at ")
	_, url, _ := strings.Cut(p.out.String(), " is ready at ")
	p.url, _, _ = strings.Cut(url, "\n")
}

// await waits until the process has written a whole line with the part in it.
func (p *process) await(t *testing.T, to *lines, part string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		text, changed := to.read()
		if _, rest, found := strings.Cut(text, part); found && strings.Contains(rest, "\n") {
			return
		}
		select {
		case <-changed:
		case <-p.done:
			t.Fatalf("the process ended without %q: %v\n%s", part, p.err, p.log)
		case <-deadline:
			t.Fatalf("the process does not write %q:\n%s", part, p.log)
		}
	}
}

// client is one that is not signed in.
func (p *process) client(t *testing.T) *sdk.Client {
	t.Helper()
	client, err := sdk.New(p.url)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// signal sends a signal to the process.
func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("send %v: %v", s, err)
	}
}

// status waits for the end of the process and returns its exit status, -1 if a
// signal ended it.
func (p *process) status(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("the process does not end:\n%s", p.log)
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		t.Fatal(p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// lines collects what a process writes and tells when something is in it.
type lines struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed and replaced with every write
}

func newLines() *lines { return &lines{changed: make(chan struct{})} }

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(p)
}

// String returns everything that was written so far.
func (l *lines) String() string {
	text, _ := l.read()
	return text
}

// last returns the last line with the part in it.
func (l *lines) last(part string) (found string) {
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, part) {
			found = line
		}
	}
	return found
}

func (l *lines) read() (text string, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String(), l.changed
}

// createFirstUser makes the owner and signs it in.
func createFirstUser(t *testing.T, p *process) *sdk.Client {
	t.Helper()
	client := p.client(t)
	_, err := client.CreateFirstUser(t.Context(), sdk.CreateFirstUserRequest{
		Email: "owner@example.com", Username: "owner", Password: password,
	})
	if err != nil {
		t.Fatal(err)
	}
	session, err := client.LoginWithPassword(t.Context(), sdk.LoginWithPasswordRequest{Email: "owner@example.com", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	client.SetSessionToken(session.SessionToken)
	return client
}
