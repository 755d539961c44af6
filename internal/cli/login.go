package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"usher/sdk"
)

// loginOptions are the flags of a login.
type loginOptions struct {
	email    string
	first    newPerson
	password string // of the first user
	// noBrowser keeps a browser from being opened; its page still serves.
	noBrowser bool
}

func (a *app) loginCommand() *cobra.Command {
	var options loginOptions
	cmd := &cobra.Command{
		Use:   "login [URL]",
		Short: "Log in to a server, or create its first user",
		Long: "Logs in to a server and remembers the session for the commands that follow.\n" +
			"Without a scheme, URL is http for this machine and https for any other.\n\n" +
			"At a terminal it opens a page of the server in a browser, where you sign in in any\n" +
			"way that the server knows, and asks for the key that the page shows. With --email,\n" +
			"or with an empty answer, it asks for a password instead. Passwords and keys are\n" +
			"never shown; where standard input is no terminal, the password is a line of it.\n\n" +
			"On a server without users it creates the first one, who becomes the owner. What\n" +
			"the flags do not say is asked for.\n\n" +
			"With --token or USHER_SESSION_TOKEN no session is made: the token is checked and\n" +
			"remembered.",
		Example: "  usher login http://127.0.0.1:8080\n" +
			"  usher login usher.example.com --email alice@example.com < password.txt\n" +
			"  USHER_SESSION_TOKEN=... usher login usher.example.com",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return takes("URL")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.login(cmd, options, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&options.email, "email", "", "log in as the user with this `e-mail`, and a password")
	flags.BoolVar(&options.noBrowser, "no-browser", false, "print the address of the page and open no browser")
	options.first.addFlags(flags, "first-user-")
	flags.StringVar(&options.password, "first-user-password", "", "the first user's `password`; other programs can see it here,\nstandard input is the better place")
	flags.SortFlags = false
	return cmd
}

func (a *app) login(cmd *cobra.Command, options loginOptions, args []string) error {
	ctx := cmd.Context()
	client, err := a.loginClient(args)
	if err != nil {
		return err
	}
	hasUsers, err := client.HasFirstUser(ctx)
	if err != nil {
		return err
	}
	first := options.password != "" || options.first != newPerson{}
	switch {
	case a.target.tokenFrom != "" && (first || options.email != ""):
		return misused(cmd, "%s is given, which leaves nothing to log in with an e-mail or to create; unset it", a.target.tokenFrom)
	case a.target.tokenFrom != "" && !hasUsers:
		return fmt.Errorf("%s has no users yet, so it knows no token; create the first user with: usher login %s", a.target.url, a.target.url)
	case a.target.tokenFrom != "":
		client.SetSessionToken(a.target.token)
	case hasUsers && first:
		return fmt.Errorf("%s has its first user already; log in without --first-user-…", a.target.url)
	case hasUsers:
		err = a.loginAsUser(cmd, client, options)
	default:
		err = a.createFirstUser(cmd, client, options)
	}
	if err != nil {
		return err
	}
	return a.finishLogin(ctx, client)
}

// loginClient returns a client of the address in the arguments, or else of the
// one that other commands would use. The stored session plays no part.
func (a *app) loginClient(args []string) (*sdk.Client, error) {
	if len(args) == 1 {
		return a.connect(args[0], session{})
	}
	client, err := a.anonymousClient()
	if err == nil && a.target.tokenFrom == "" {
		a.target.token = ""
	}
	return client, err
}

// loginAsUser logs in by the browser or a password: at a terminal by what the
// person there likes better.
func (a *app) loginAsUser(cmd *cobra.Command, client *sdk.Client, options loginOptions) error {
	ctx := cmd.Context()
	methods, err := client.AuthMethods(ctx)
	if err != nil {
		return err
	}
	email := options.email
	if email == "" && a.interactive() {
		var done bool
		email, done, err = a.loginWithBrowser(ctx, client, options, methods.Password.Enabled)
		if err != nil || done {
			return err
		}
	}
	return a.loginWithPassword(cmd, client, methods, email)
}

func (a *app) loginWithPassword(cmd *cobra.Command, client *sdk.Client, methods sdk.AuthMethods, email string) error {
	ctx := cmd.Context()
	var err error
	if !methods.Password.Enabled {
		return fmt.Errorf("%s takes no passwords; log in with a token: usher login %s --token TOKEN", a.target.url, a.target.url)
	}
	if email == "" && !a.interactive() {
		return misused(cmd, "--email is missing, and standard input is not a terminal to ask at")
	}
	if methods.TermsOfServiceURL != "" {
		a.notef("Terms of service: %s\n", printable(methods.TermsOfServiceURL))
	}
	if email == "" {
		if email, err = a.ask(ctx, "E-mail", ""); err != nil {
			return err
		}
	}
	password, err := a.secret(ctx, "Password")
	if err != nil {
		return err
	}
	return a.beginSession(ctx, client, email, password)
}

// createFirstUser makes the first user and a session for it.
func (a *app) createFirstUser(cmd *cobra.Command, client *sdk.Client, options loginOptions) error {
	ctx := cmd.Context()
	person := options.first
	if person.email == "" {
		person.email = options.email
	}
	a.notef("%s has no users yet; this creates the first one, who becomes the owner.\n", a.target.url)
	if err := a.completePerson(cmd, &person); err != nil {
		return err
	}
	password := options.password
	if password == "" {
		var err error
		if password, err = a.newPassword(ctx, "Password", acceptable(ctx, client)); err != nil {
			return err
		}
	}
	_, err := client.CreateFirstUser(ctx, sdk.CreateFirstUserRequest{
		Email: person.email, Username: person.username, Name: person.name, Password: password,
	})
	if err != nil {
		return err
	}
	a.printf("Created the first user, %s.\n", person.username)
	return a.beginSession(ctx, client, person.email, password)
}

// beginSession logs in and gives the session to the client.
func (a *app) beginSession(ctx context.Context, client *sdk.Client, email, password string) error {
	session, err := client.LoginWithPassword(ctx, sdk.LoginWithPasswordRequest{Email: email, Password: password})
	var answer *sdk.Error
	if sdk.IsUnauthenticated(err) && errors.As(err, &answer) {
		return errors.New(answer.Message) // no advice to log in
	}
	if err != nil {
		return err
	}
	client.SetSessionToken(session.SessionToken)
	return nil
}

// finishLogin proves that the token works and remembers it.
func (a *app) finishLogin(ctx context.Context, client *sdk.Client) error {
	me, err := client.User(ctx, sdk.Me)
	if err != nil {
		return err
	}
	if err := a.remember(session{url: a.target.url, token: client.SessionToken()}); err != nil {
		return err
	}
	a.printf("Logged in to %s as %s.\n", a.target.url, me.Username)
	return nil
}

func (a *app) logoutCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "logout",
		Short: "End the session and forget it",
		Long:  "Ends the session on the server, or the token that is in use, and removes it from\nthis machine. A session that is over already is only removed.",
		Args:  takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			if err := client.Logout(cmd.Context()); err != nil && !sdk.IsUnauthenticated(err) {
				return err
			}
			if err := a.forgetUsed(); err != nil {
				return err
			}
			a.printf("Logged out of %s.\n", a.target.url)
			return nil
		},
	}
}

// forgetUsed forgets the stored login if its token is the one in use, which is
// worth nothing any more. A token that was given for once changes no file.
func (a *app) forgetUsed() error {
	stored, err := a.stored()
	if err != nil || stored.token != a.target.token {
		return err
	}
	return a.forget()
}

func acceptable(ctx context.Context, client *sdk.Client) func(string) (string, error) {
	return func(password string) (string, error) {
		verdict, err := client.ValidatePassword(ctx, sdk.ValidateUserPasswordRequest{Password: password})
		switch {
		case err != nil || verdict.Valid:
			return "", err
		case verdict.Details == "":
			return "The server refuses this password.", nil
		}
		return verdict.Details, nil
	}
}
