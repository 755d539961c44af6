package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// IO is everything that a command touches of its process, apart from the files
// and addresses that it is told to use.
type IO struct {
	// In answers questions. Where it is a terminal's *os.File, passwords are read
	// without echo; otherwise it is read line by line without a question.
	In io.Reader
	// Out receives results, Err questions, notes, logs and failures.
	Out, Err io.Writer
	// Env returns a variable of the environment; empty is absent.
	Env func(name string) string
}

// Run runs the command that args (without the program's name) describe and
// returns the exit status: 0, 1 for a failure, 2 for wrong usage. Failures are
// on std.Err by then. Cancelling ctx interrupts a client command and stops a
// server in good order.
func Run(ctx context.Context, args []string, std IO) int {
	a := newApp(std)
	root := a.rootCommand()
	// Cobra takes the arguments of the process where there are none.
	root.SetArgs(append([]string{}, args...))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	fmt.Fprintf(std.Err, "usher: %s\n", a.explain(err))
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(std.Err, "Run '%s --help' for usage.\n", usage.command)
		return exitUsage
	}
	return exitFailed
}

// app is one run of the program.
type app struct {
	IO
	lines *bufio.Reader // of In
	now   func() time.Time
	reads sync.WaitGroup // the reads of In under way, abandoned ones too

	// The values of the global flags; empty where they are absent.
	urlFlag, tokenFlag, configDirFlag string

	// target is the server that the command talks to, once it is known; failures
	// name it.
	target session
}

func newApp(std IO) *app { return &app{IO: std, lines: bufio.NewReader(std.In), now: time.Now} }

// printf writes to Out. A failure to write there cannot be reported any better
// than by the program that closed the other end.
func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.Out, format, args...) }

// notef writes to Err, for what is not a result.
func (a *app) notef(format string, args ...any) { fmt.Fprintf(a.Err, format, args...) }
