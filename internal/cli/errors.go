package cli

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"usher/sdk"
)

// usageError is a command line that makes no sense, whatever the server thinks.
type usageError struct {
	command string // whose help would have told
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func misused(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{command: cmd.CommandPath(), err: fmt.Errorf(format, args...)}
}

// takes accepts exactly the named arguments. It never repeats what it got: a
// superfluous argument may well be a password.
func takes(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch missing := names[min(len(args), len(names)):]; len(missing) {
		case 0:
		case 1:
			return misused(cmd, "%s is missing", missing[0])
		default:
			return misused(cmd, "%s are missing", strings.Join(missing, " and "))
		}
		if len(args) > len(names) {
			return misused(cmd, "there are too many arguments; the form is: %s", cmd.UseLine())
		}
		return nil
	}
}

// exclusive refuses more than one of the flags.
func exclusive(cmd *cobra.Command, names ...string) error {
	var given []string
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) > 1 {
		return misused(cmd, "%s exclude each other", strings.Join(given, " and "))
	}
	return nil
}

// explain turns an error into what a person reads after "usher: ".
func (a *app) explain(err error) string {
	var answer *sdk.Error
	var network net.Error
	switch {
	case a.target.url == "":
		return err.Error()
	case sdk.IsUnauthenticated(err):
		return a.explainUnauthenticated(err)
	case errors.As(err, &answer) && answer.RetryAfter > 0:
		return fmt.Sprintf("%s Try again in %s.", err, answer.RetryAfter)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing answers at %s; start a server there with \"usher serve\", or name another with --url", a.target.url)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Sprintf("%s speaks plain HTTP; write the address with http://", a.target.url)
	case errors.As(err, &network):
		return fmt.Sprintf("cannot reach %s: %s", a.target.url, err)
	}
	return err.Error()
}

// explainUnauthenticated says which credential was refused. The server's own
// sentence comes along, because it knows a suspended account from an old session.
func (a *app) explainUnauthenticated(err error) string {
	if a.target.tokenFrom != "" {
		return fmt.Sprintf("the server refused the token of %s: %s", a.target.tokenFrom, err)
	}
	return fmt.Sprintf("you are not logged in to %s: %s\nLog in with: usher login %s", a.target.url, err, a.target.url)
}
