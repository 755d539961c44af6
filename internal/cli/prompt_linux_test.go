package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/term"
)

// conversation is somebody at a terminal, and a command that asks.
type conversation struct {
	app      *app
	keyboard *os.File // the far end of the terminal: types, and sees the echo
	tty      *os.File
	screen   *bytes.Buffer // what the command has written since the last answer
	questions,
	writer *os.File
	before *term.State
}

func newConversation(t *testing.T) *conversation {
	t.Helper()
	keyboard, tty := openTerminal(t)
	questions, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = questions.Close(), writer.Close() })
	c := &conversation{keyboard: keyboard, tty: tty, questions: questions, writer: writer, before: before, screen: &bytes.Buffer{}}
	c.app = newApp(IO{In: tty, Out: io.Discard, Err: writer, Env: func(string) string { return "" }})
	return c
}

// openTerminal returns the two ends of a new pseudo-terminal, see pty(7).
func openTerminal(t *testing.T) (keyboard, tty *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var locked, number int32
	for request, argument := range map[uintptr]*int32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, keyboard.Fd(), request, uintptr(unsafe.Pointer(argument))); errno != 0 {
			t.Fatal(errno)
		}
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = keyboard.Close(), tty.Close() })
	return keyboard, tty
}

// asked returns when the command has asked the question.
func (c *conversation) asked(t *testing.T, question string) {
	t.Helper()
	c.screen.Reset()
	one := make([]byte, 1)
	for !strings.HasSuffix(c.screen.String(), question) {
		if _, err := c.questions.Read(one); err != nil {
			t.Fatalf("after %q: %v", c.screen, err)
		}
		c.screen.Write(one)
	}
}

// silent returns when the terminal is not as it was, which is without echo.
func (c *conversation) silent(t *testing.T) {
	t.Helper()
	for {
		now, err := term.GetState(int(c.tty.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(now, c.before) {
			return
		}
		runtime.Gosched()
	}
}

func (c *conversation) typeLine(t *testing.T, line string) {
	t.Helper()
	if _, err := c.keyboard.WriteString(line + "\n"); err != nil {
		t.Fatal(err)
	}
}

// echo returns what the terminal showed of what was typed before the mark.
func (c *conversation) echo(t *testing.T, mark string) string {
	t.Helper()
	c.typeLine(t, mark)
	var shown bytes.Buffer
	one := make([]byte, 1)
	for !strings.Contains(shown.String(), mark) {
		if _, err := c.keyboard.Read(one); err != nil {
			t.Fatal(err)
		}
		shown.Write(one)
	}
	return shown.String()
}

func TestPasswordsAreNotEchoed(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	type answer struct {
		password string
		err      error
	}
	got := make(chan answer, 1)
	go func() {
		password, err := c.app.newPassword(t.Context(), "Password", nil)
		got <- answer{password: password, err: err}
	}()
	for _, step := range []struct{ question, line string }{
		{question: "Password: ", line: "hunter2"},
		{question: "The same once more: ", line: "hunter3"},
		{question: "\nThe two passwords differ.\nPassword: ", line: "hunter4"},
		{question: "\nThe same once more: ", line: "hunter4"},
	} {
		c.asked(t, step.question)
		c.silent(t)
		c.typeLine(t, step.line)
	}
	if answer := <-got; answer.password != "hunter4" || answer.err != nil {
		t.Errorf("got %q, %v", answer.password, answer.err)
	}
	if shown := c.echo(t, "end"); strings.Contains(shown, "hunter") {
		t.Errorf("the terminal showed %q", shown)
	}
}

func TestInterruptedQuestionRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	ctx, interrupt := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := c.app.secret(ctx, "Password")
		got <- err
	}()
	c.asked(t, "Password: ")
	c.silent(t)
	interrupt()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	after, err := term.GetState(int(c.tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(after, c.before) {
		t.Error("the terminal is still without echo")
	}
	// The abandoned read restores the terminal once more when it ends: by then
	// the descriptor must not be that of another test's terminal.
	c.typeLine(t, "")
	c.app.reads.Wait()
}

func TestConfirmation(t *testing.T) {
	t.Parallel()
	for line, goesOn := range map[string]bool{"y": true, "YES": true, "": false, "n": false, "yeah": false} {
		c := newConversation(t)
		got := make(chan error, 1)
		go func() { got <- c.app.confirm(t.Context(), false, "Delete it?") }()
		c.asked(t, "Delete it? [y/N] ")
		c.typeLine(t, line)
		if err := <-got; (err == nil) != goesOn {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestKeysAreNotEchoed(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	client, err := c.app.connect(answering(t, http.StatusUnauthorized, `{"message":"signed out"}`), session{})
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		email string
		done  bool
		err   error
	}
	got := make(chan answer, 1)
	go func() {
		email, done, err := c.app.loginWithBrowser(t.Context(), client, loginOptions{}, true)
		got <- answer{email: email, done: done, err: err}
	}()
	const question = "Session key (not shown), or nothing to log in with e-mail and password: "
	c.asked(t, "\n\n    "+c.app.target.url+"/cli-auth\n\n"+question)
	c.silent(t)
	c.typeLine(t, testToken)
	c.asked(t, "\nThat is no valid key. Copy the whole key from the page.\n"+question)
	c.silent(t)
	c.typeLine(t, "")
	if answer := <-got; answer.email != "" || answer.done || answer.err != nil {
		t.Errorf("got %q, %t, %v", answer.email, answer.done, answer.err)
	}
	if client.SessionToken() != "" {
		t.Error("the client keeps a key that was refused")
	}
	if shown := c.echo(t, "end"); strings.Contains(shown, testToken) {
		t.Errorf("the terminal showed %q", shown)
	}
}
