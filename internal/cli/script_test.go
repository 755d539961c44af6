package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary play usher: scripts run it as a process of its
// own, as a shell would.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "write golden files instead of comparing them")
	testscript.Main(m, map[string]func(){"usher": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(Run(ctx, os.Args[1:], IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}))
	}})
}

// TestScripts runs testdata/script: whole stories of the command line against
// real servers. Besides testscript's own commands there are
//
//	server start [flag...]   start "usher serve" on a free port and set $URL
//	server stop              interrupt it and expect an orderly end
//	generated NAME           set a variable to the password in the last stdout
//	id NAME                  set a variable to the id of the JSON in the last stdout
//	mail start               start a mail server and set $MAIL to its address
//	passcode NAME            set a variable to the passcode in the next mail
//	mode PERM PATH           compare the permissions of a file
//	postgres                 start a PostgreSQL server and set $POSTGRES to an empty database
//	provider E-MAIL          start an OpenID Connect provider at $ISSUER
//	visit                    open the address in the last stdout in a browser
func TestScripts(t *testing.T) {
	t.Parallel()
	var running providers
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       flag.Lookup("update").Value.String() == "true",
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "home")
			env.Setenv("HOME", home)
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
			env.Setenv("XDG_DATA_HOME", filepath.Join(home, ".local", "share"))
			env.Values[serverKey{}], env.Values[mailKey{}] = &process{}, &mailbox{}
			return os.Mkdir(home, 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"server":    serverCommand,
			"generated": generatedCommand,
			"id":        idCommand,
			"mode":      modeCommand,
			"mail":      mailCommand,
			"passcode":  passcodeCommand,
			"postgres":  postgresCommand(t),
			"provider":  running.start(t),
			"visit":     running.visit(t),
		},
	})
}

// serverKey finds the server of a script.
type serverKey struct{}

// process is a running "usher serve".
type process struct{ cmd *exec.Cmd }

func serverCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: server start [flag...] | server stop")
	}
	p, ok := ts.Value(serverKey{}).(*process)
	if !ok {
		ts.Fatalf("there is no place for a server")
	}
	switch args[0] {
	case "start":
		ts.Check(p.start(ts, args[1:]))
		ts.Defer(func() { _ = p.stop() })
	case "stop":
		ts.Check(p.stop())
	default:
		ts.Fatalf("unknown: server %s", args[0])
	}
}

// start returns when the server has said on its standard output where it is.
// The server's port is free, its log is a file of the script.
func (p *process) start(ts *testscript.TestScript, flags []string) error {
	if p.cmd != nil {
		return fmt.Errorf("a server is running already")
	}
	log, err := os.Create(ts.MkAbs("server.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("usher", append([]string{"serve", "--listen", "127.0.0.1:0"}, flags...)...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"HOME", "XDG_DATA_HOME", "TMPDIR", "PATH", "GOCOVERDIR", "USHER_OIDC_CLIENT_SECRET_FILE"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd = cmd
	welcome, url := readWelcome(stdout)
	if url == "" {
		logged, _ := os.ReadFile(log.Name())
		return fmt.Errorf("the server did not start:\n%s%s", welcome, logged)
	}
	ts.Setenv("URL", url)
	return os.WriteFile(ts.MkAbs("welcome"), []byte(welcome), 0o600)
}

// readWelcome reads until the line that says how to log in, or until the server
// ends. What follows is left in the pipe, which is large enough for it.
func readWelcome(stdout io.Reader) (welcome, url string) {
	const ready = " is ready at "
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		line := lines.Text()
		welcome += line + "\n"
		if _, address, found := strings.Cut(line, ready); found {
			url = address
		}
		if strings.HasPrefix(line, "    usher login ") {
			return welcome, url
		}
	}
	return welcome, ""
}

// stop interrupts the server and returns an error unless it ends with status 0.
func (p *process) stop() error {
	if p.cmd == nil {
		return nil
	}
	cmd := p.cmd
	p.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	// A server that hangs would keep the test until its own time is up.
	const patience = 30 * time.Second
	kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("the server ended badly: %w", err)
	}
	return nil
}

// generatedCommand takes the password out of what "users create" printed.
func generatedCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: generated NAME")
	}
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		if password, found := strings.CutPrefix(line, "Password: "); found {
			ts.Setenv(args[0], strings.TrimSpace(password))
			return
		}
	}
	ts.Fatalf("standard output has no password")
}

// idCommand takes the id out of what a command printed with --output json.
func idCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: id NAME")
	}
	var thing struct {
		ID string `json:"id"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &thing))
	ts.Setenv(args[0], thing.ID)
}

func modeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode PERM PATH")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, not %s", args[1], got, args[0])
	}
}
