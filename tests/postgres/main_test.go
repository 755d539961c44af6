package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestCommandFindsTheServer also is the proof that the status comes through.
func TestCommandFindsTheServer(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "url")
	got := run([]string{"--", "sh", "-c", `echo "$USHER_TEST_POSTGRES_URL" >"$1"; exit 3`, "sh", out})
	if got != 3 {
		t.Errorf("status %d, want 3", got)
	}
	url, err := os.ReadFile(out)
	if err != nil || !strings.HasPrefix(string(url), "postgres://") {
		t.Errorf("the command saw the URL %q, %v", url, err)
	}
}

func TestSignalsReachTheCommand(t *testing.T) {
	t.Parallel()
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGTERM
	if got := runCommand([]string{"sleep", "3600"}, "postgres://unused", signals); got != 128+15 {
		t.Errorf("status %d, want %d", got, 128+15)
	}
}

func TestWhatCannotRun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		arguments []string
		want      int
	}{
		{name: "nothing", want: 2},
		{name: "only dashes", arguments: []string{"--"}, want: 2},
		{name: "no such command", arguments: []string{"--", "/no/such/command"}, want: 127},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := run(test.arguments); got != test.want {
				t.Errorf("status %d, want %d", got, test.want)
			}
		})
	}
}

func TestStatusOfSuccess(t *testing.T) {
	t.Parallel()
	if got := status(exec.CommandContext(t.Context(), "true").Run()); got != 0 {
		t.Errorf("status %d, want 0", got)
	}
}
