package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// passwordAttempts is how often a person may choose a new password.
const passwordAttempts = 3

// terminal returns the descriptor of the terminal at which questions can be
// asked. There is none where In is a pipe, a file or a test's reader.
func (a *app) terminal() (fd int, ok bool) {
	file, ok := a.In.(*os.File)
	if !ok {
		return 0, false
	}
	fd = int(file.Fd())
	return fd, term.IsTerminal(fd)
}

func (a *app) interactive() bool {
	_, ok := a.terminal()
	return ok
}

// ask puts a question at the terminal and returns the answer without the space
// around it, or the preset answer for an empty one.
func (a *app) ask(ctx context.Context, question, preset string) (string, error) {
	if preset != "" {
		question += " [" + preset + "]"
	}
	a.notef("%s: ", question)
	answer, err := a.readLine(ctx)
	if err != nil {
		return "", err
	}
	if answer = strings.TrimSpace(answer); answer == "" {
		return preset, nil
	}
	return answer, nil
}

// confirm asks whether to go on. Without a terminal nobody can say yes, so that
// only --yes does.
func (a *app) confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	if !a.interactive() {
		return errors.New("this needs a confirmation, and standard input is not a terminal; say --yes to go on")
	}
	a.notef("%s [y/N] ", question)
	answer, err := a.readLine(ctx)
	if err != nil {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// secret reads a password without echo, or a line of standard input where that
// is no terminal.
func (a *app) secret(ctx context.Context, question string) (string, error) {
	fd, ok := a.terminal()
	if !ok {
		return a.readLine(ctx)
	}
	state, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("prepare the terminal: %w", err)
	}
	// An interrupted read leaves the terminal without echo.
	defer func() { _ = term.Restore(fd, state) }()
	a.notef("%s: ", question)
	defer a.notef("\n")
	return a.await(ctx, func() (string, error) {
		password, err := term.ReadPassword(fd)
		return string(password), err
	})
}

// newPassword asks for a new password, twice at a terminal. A check that is not
// nil returns what is wrong with the password, or nothing; at a terminal the
// person may then choose another.
func (a *app) newPassword(ctx context.Context, question string, check func(string) (string, error)) (string, error) {
	attempts := 1
	if a.interactive() {
		attempts = passwordAttempts
	}
	for {
		password, problem, err := a.choosePassword(ctx, question, check)
		if err != nil || problem == "" {
			return password, err
		}
		if attempts--; attempts == 0 {
			return "", errors.New(problem)
		}
		a.notef("%s\n", problem)
	}
}

func (a *app) choosePassword(ctx context.Context, question string, check func(string) (string, error)) (password, problem string, err error) {
	password, err = a.secret(ctx, question)
	if err != nil {
		return "", "", err
	}
	if password == "" {
		return "", "The password is empty.", nil
	}
	if check != nil {
		if problem, err = check(password); err != nil || problem != "" {
			return "", problem, err
		}
	}
	if !a.interactive() {
		return password, "", nil
	}
	again, err := a.secret(ctx, "The same once more")
	if err != nil {
		return "", "", err
	}
	if again != password {
		return "", "The two passwords differ.", nil
	}
	return password, "", nil
}

// readLine reads a line of In without its end.
func (a *app) readLine(ctx context.Context) (string, error) {
	return a.await(ctx, func() (string, error) {
		line, err := a.lines.ReadString('\n')
		if errors.Is(err, io.EOF) && line != "" {
			err = nil
		}
		if errors.Is(err, io.EOF) {
			err = errors.New("standard input ended before the answer")
		}
		return strings.TrimRight(line, "\r\n"), err
	})
}

// await returns early where ctx ends, because nothing else ends a read of a
// terminal. The read itself goes on; the process is about to end.
func (a *app) await(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	a.reads.Go(func() {
		text, err := read()
		done <- result{text: text, err: err}
	})
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
