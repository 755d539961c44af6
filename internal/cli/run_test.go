package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testToken = "ushTESTTES-0123456789abcdefghijkl"

// outcome is what a run left behind.
type outcome struct {
	status   int
	out, err string
}

// run runs a command with an environment of its own and with input that is no
// terminal.
func run(t *testing.T, env map[string]string, input string, args ...string) outcome {
	t.Helper()
	if env == nil {
		env = map[string]string{}
	}
	if env["USHER_CONFIG_DIR"] == "" {
		env["USHER_CONFIG_DIR"] = filepath.Join(t.TempDir(), "config")
	}
	var out, errs bytes.Buffer
	status := Run(t.Context(), args, IO{
		In: strings.NewReader(input), Out: &out, Err: &errs,
		Env: func(name string) string { return env[name] },
	})
	return outcome{status: status, out: out.String(), err: errs.String()}
}

// answering starts a server that gives every request the same answer.
func answering(t *testing.T, status int, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Coder-Build-Version", "v0.0.0+usher.test")
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "7")
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		body   string
		args   []string
		want   string
	}{
		"forbidden": {
			status: http.StatusForbidden,
			body:   `{"message":"Forbidden.","detail":"user:delete is missing from your role"}`,
			args:   []string{"users", "show", "alice"},
			want:   "usher: Forbidden. (user:delete is missing from your role)\n",
		},
		"validations": {
			status: http.StatusBadRequest,
			body:   `{"message":"Validation failed.","validations":[{"field":"username","detail":"too long"},{"field":"email","detail":"no e-mail"}]}`,
			args:   []string{"users", "create", "--username", "a", "--email", "b"},
			want:   "usher: Validation failed.\n  username: too long\n  email: no e-mail\n",
		},
		"not logged in": {
			status: http.StatusUnauthorized,
			body:   `{"message":"Your session has expired."}`,
			args:   []string{"whoami"},
			want:   "usher: the server refused the token of USHER_SESSION_TOKEN: Your session has expired.\n",
		},
		"no such user": {
			status: http.StatusNotFound,
			body:   `{"message":"Resource not found"}`,
			args:   []string{"users", "delete", "alice", "--yes"},
			want:   "usher: there is no user \"alice\" that you may see\n",
		},
		"no such organization": {
			status: http.StatusNotFound,
			body:   `{"message":"Resource not found"}`,
			args:   []string{"users", "create", "--username", "a", "--email", "b", "--org", "nowhere"},
			want:   "usher: there is no organization \"nowhere\" that you may see\n",
		},
		"too many": {
			status: http.StatusTooManyRequests,
			body:   `{"message":"Too many requests."}`,
			args:   []string{"users", "list"},
			want:   "usher: Too many requests. Try again in 7s.\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"USHER_URL": answering(t, test.status, test.body), "USHER_SESSION_TOKEN": testToken}
			got := run(t, env, "", test.args...)
			if diff := cmp.Diff(test.want, got.err); diff != "" || got.status != exitFailed || got.out != "" {
				t.Errorf("status %d, out %q, stderr (-want +got):\n%s", got.status, got.out, diff)
			}
		})
	}
}

func TestExpiredSessionSaysHowToLogIn(t *testing.T) {
	t.Parallel()
	url := answering(t, http.StatusUnauthorized, `{"message":"Your session has expired."}`)
	got := run(t, rememberedAt(t, url), "", "whoami")
	want := fmt.Sprintf("usher: you are not logged in to %s: Your session has expired.\nLog in with: usher login %s\n", url, url)
	if diff := cmp.Diff(want, got.err); diff != "" || got.status != exitFailed {
		t.Errorf("status %d, stderr (-want +got):\n%s", got.status, diff)
	}
}

func TestNothingAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for _, args := range [][]string{{"login", server.URL}, {"users", "list", "--url", server.URL, "--token", testToken}} {
		got := run(t, nil, "", args...)
		want := fmt.Sprintf("usher: nothing answers at %s; start a server there with \"usher serve\", or name another with --url\n", server.URL)
		if diff := cmp.Diff(want, got.err); diff != "" || got.status != exitFailed {
			t.Errorf("%v: status %d, stderr (-want +got):\n%s", args, got.status, diff)
		}
	}
}

func TestHTTPSToPlainServer(t *testing.T) {
	t.Parallel()
	address := strings.TrimPrefix(answering(t, http.StatusOK, `{}`), "http://")
	got := run(t, nil, "", "login", "https://"+address)
	if want := "usher: https://" + address + " speaks plain HTTP; write the address with http://\n"; got.err != want {
		t.Errorf("got %q, want %q", got.err, want)
	}
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string
	}{
		"unknown command":       {args: []string{"usres"}, want: "there is no command \"usres\"; did you mean users?\nRun 'usher --help' for usage.\n"},
		"unknown subcommand":    {args: []string{"users", "frobnicate"}, want: "there is no command \"frobnicate\"\nRun 'usher users --help' for usage.\n"},
		"unknown flag":          {args: []string{"whoami", "--loud=hunter2"}, want: "unknown flag: --loud\nRun 'usher whoami --help' for usage.\n"},
		"missing argument":      {args: []string{"users", "set-email"}, want: "USER and EMAIL are missing\nRun 'usher users set-email --help' for usage.\n"},
		"half the arguments":    {args: []string{"users", "set-email", "alice"}, want: "EMAIL is missing\nRun 'usher users set-email --help' for usage.\n"},
		"superfluous argument":  {args: []string{"users", "set-password", "alice", "hunter2"}, want: "there are too many arguments; the form is: usher users set-password USER [flags]\nRun 'usher users set-password --help' for usage.\n"},
		"output format":         {args: []string{"whoami", "-o", "yaml"}, want: "invalid argument \"yaml\" for \"-o, --output\" flag: it is table or json\nRun 'usher whoami --help' for usage.\n"},
		"limit and all":         {args: []string{"users", "list", "--all", "--limit", "3"}, want: "--limit and --all exclude each other\nRun 'usher users list --help' for usage.\n"},
		"limit 0":               {args: []string{"users", "list", "--limit", "0"}, want: "--limit must be at least 1; --all shows every user\nRun 'usher users list --help' for usage.\n"},
		"roles and clear":       {args: []string{"users", "edit-roles", "a", "--role", "x", "--clear"}, want: "--role and --clear exclude each other\nRun 'usher users edit-roles --help' for usage.\n"},
		"no roles":              {args: []string{"users", "edit-roles", "a"}, want: "--role is missing; --clear takes every role away\nRun 'usher users edit-roles --help' for usage.\n"},
		"program with e-mail":   {args: []string{"users", "create", "--service-account", "--email", "x"}, want: "--service-account and --email exclude each other\nRun 'usher users create --help' for usage.\n"},
		"program without name":  {args: []string{"users", "create", "--service-account"}, want: "--username is missing\nRun 'usher users create --help' for usage.\n"},
		"person without a name": {args: []string{"users", "create"}, want: "--email and --username must be given, because standard input is not a terminal to ask at\nRun 'usher users create --help' for usage.\n"},
		"password for nothing":  {args: []string{"users", "create", "--login-type", "none", "--password-stdin"}, want: "--password-stdin is only for --login-type password\nRun 'usher users create --help' for usage.\n"},
		"url for a server":      {args: []string{"serve", "--url", "localhost"}, want: "--url has no meaning here; it is for commands that use a running server\nRun 'usher serve --help' for usage.\n"},
		"unknown shell":         {args: []string{"completion", "tcsh"}, want: "\"tcsh\" is not one of bash, zsh, fish and powershell\nRun 'usher completion --help' for usage.\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, nil, "", test.args...)
			if diff := cmp.Diff("usher: "+test.want, got.err); diff != "" || got.status != exitUsage || got.out != "" {
				t.Errorf("status %d, out %q, stderr (-want +got):\n%s", got.status, got.out, diff)
			}
		})
	}
}

func TestConfirmationNeedsTerminalOrYes(t *testing.T) {
	t.Parallel()
	var changes []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			changes = append(changes, r.Method+" "+r.URL.Path)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"id":"6f2c1f0e-3c0f-4b5e-9a59-1f6f4a0f1d11","username":"alice","status":"active"}`)
	}))
	defer server.Close()
	for _, verb := range []string{"delete", "suspend"} {
		got := run(t, map[string]string{"USHER_URL": server.URL, "USHER_SESSION_TOKEN": testToken}, "y\n", "users", verb, "alice")
		want := "usher: this needs a confirmation, and standard input is not a terminal; say --yes to go on\n"
		if got.err != want || got.status != exitFailed {
			t.Errorf("%s: status %d, stderr %q", verb, got.status, got.err)
		}
	}
	if changes != nil {
		t.Errorf("the refused commands sent %v", changes)
	}
}

func TestVersionWithoutServer(t *testing.T) {
	t.Parallel()
	got := run(t, nil, "", "version", "--output", "json")
	if got.status != exitOK || !strings.Contains(got.out, `"server": null`) || got.err != "" {
		t.Errorf("status %d, out %q, stderr %q", got.status, got.out, got.err)
	}
}

// A server that is down is worth a note: the client's version is an answer.
func TestVersionOfServerThatIsDown(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	got := run(t, rememberedAt(t, server.URL), "", "version")
	if got.status != exitOK || !strings.HasPrefix(got.out, "usher ") || !strings.HasPrefix(got.err, "usher: nothing answers at "+server.URL) {
		t.Errorf("status %d, out %q, stderr %q", got.status, got.out, got.err)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		interrupt()
		<-r.Context().Done() // the client is gone
	}))
	defer server.Close()
	var out, errs bytes.Buffer
	env := rememberedAt(t, server.URL)
	status := Run(ctx, []string{"whoami"}, IO{
		In: strings.NewReader(""), Out: &out, Err: &errs, Env: func(name string) string { return env[name] },
	})
	if status != exitFailed || out.String() != "" || errs.String() != "usher: interrupted\n" {
		t.Errorf("status %d, out %q, stderr %q", status, out.String(), errs.String())
	}
}

func TestManualHasAPageForEveryCommand(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "man")
	if got := run(t, nil, "", "manual", dir); got.status != exitOK {
		t.Fatal(got.err)
	}
	for _, page := range []string{"usher.1", "usher-serve.1", "usher-users-edit-roles.1"} {
		content, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(content, []byte(".SH OPTIONS")) {
			t.Errorf("%s has no options", page)
		}
	}
}
