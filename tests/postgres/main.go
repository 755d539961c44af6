// Command postgres runs another command with a throw-away PostgreSQL server:
//
//	go run ./tests/postgres -- go test ./internal/store/...
//
// The command finds the server's URL in USHER_TEST_POSTGRES_URL; the server ends
// when the command does. Run a shell with it, and one server serves many runs of
// the tests. The command's status becomes this one's, except that `go run` turns
// every failure into 1: build it where the status matters.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"usher/internal/store/storetest"
)

const startTimeout = 2 * time.Minute

// Statuses that a shell would give, too.
const (
	statusFailed   = 1
	statusUsage    = 2
	statusNoRun    = 127
	statusSignaled = 128
)

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(arguments []string) int {
	if len(arguments) > 0 && arguments[0] == "--" {
		arguments = arguments[1:]
	}
	if len(arguments) == 0 {
		fmt.Fprintln(os.Stderr, "usage: go run ./tests/postgres -- COMMAND [ARGUMENT...]")
		return statusUsage
	}
	// From here on an interrupt ends the command, and with it this one.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)

	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	cluster, err := storetest.StartPostgres(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return statusFailed
	}
	status := runCommand(arguments, cluster.URL("postgres"), signals)
	if err := cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(status, statusFailed)
	}
	return status
}

// runCommand passes the signals on to the command and returns its status.
func runCommand(arguments []string, serverURL string, signals <-chan os.Signal) int {
	command := exec.CommandContext(context.Background(), arguments[0], arguments[1:]...)
	command.Env = append(os.Environ(), storetest.ServerVariable+"="+serverURL)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := command.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return statusNoRun
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for {
		select {
		case received := <-signals:
			// It fails only for a command that has just ended.
			_ = command.Process.Signal(received)
		case err := <-ended:
			return status(err)
		}
	}
}

func status(err error) int {
	var exit *exec.ExitError
	if err == nil {
		return 0
	}
	if !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, err)
		return statusFailed
	}
	if state, ok := exit.Sys().(syscall.WaitStatus); ok && state.Signaled() {
		return statusSignaled + int(state.Signal())
	}
	return exit.ExitCode()
}
