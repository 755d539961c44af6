package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"usher/internal/store/storetest"
)

// TestProgressAtATerminal: a bar, which is gone at the end.
func TestProgressAtATerminal(t *testing.T) {
	t.Parallel()
	keyboard, tty := openTerminal(t)
	from, to := storetest.SQLite(t).DataDir, t.TempDir()
	var out bytes.Buffer
	status := Run(t.Context(), []string{"migrate-database", "--from", from, "--to", to}, IO{
		In: strings.NewReader(""), Out: &out, Err: tty, Env: func(string) string { return "" },
	})
	if status != exitOK || !strings.Contains(out.String(), "Copied 2 rows of ") {
		t.Fatalf("status %d, standard output %q", status, out.String())
	}
	const mark = "the end"
	if _, err := tty.WriteString(mark); err != nil {
		t.Fatal(err)
	}
	var screen strings.Builder
	one := make([]byte, 1)
	for !strings.HasSuffix(screen.String(), mark) {
		if _, err := keyboard.Read(one); err != nil {
			t.Fatal(err)
		}
		screen.Write(one)
	}
	shown := strings.TrimSuffix(screen.String(), mark)
	if !strings.Contains(shown, "Copying") || !strings.Contains(shown, "0%") || strings.Contains(shown, "\n") {
		t.Errorf("the terminal showed %q", shown)
	}
	if lines := strings.Split(shown, "\r"); strings.TrimSpace(lines[len(lines)-1]) != "" {
		t.Errorf("the bar is still there: %q", shown)
	}
}

// TestInterruptedMove says that there is nothing to clean up.
func TestInterruptedMove(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	var out bytes.Buffer
	errs := &interruptedWriter{interrupt: interrupt}
	status := Run(ctx, []string{"migrate-database", "--from", storetest.SQLite(t).DataDir, "--to", t.TempDir()}, IO{
		In: strings.NewReader(""), Out: &out, Err: errs, Env: func(string) string { return "" },
	})
	if status != exitFailed || out.Len() > 0 || !strings.HasSuffix(errs.String(), "\nusher: interrupted; nothing was copied\n") {
		t.Errorf("status %d, standard output %q, standard error %q", status, out.String(), errs.String())
	}
}

// interruptedWriter interrupts the command that writes to it.
type interruptedWriter struct {
	strings.Builder

	interrupt func()
}

func (w *interruptedWriter) Write(p []byte) (int, error) {
	w.interrupt()
	return w.Builder.Write(p)
}
