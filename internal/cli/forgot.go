package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"usher/sdk"
)

// forgotOptions are the flags of forgot-password.
type forgotOptions struct {
	email string
	sent  bool
}

func (a *app) forgotPasswordCommand() *cobra.Command {
	var options forgotOptions
	cmd := &cobra.Command{
		Use:   "forgot-password [URL]",
		Short: "Set a new password with a passcode that comes by e-mail",
		Long: "Has the server send a one-time passcode to your e-mail address, then asks for it\n" +
			"and for a new password. All your sessions and tokens end with the old one. You\n" +
			"need not be logged in. The passcode is good for 20 minutes, and once.\n\n" +
			"Where standard input is no terminal, the command ends when the message is on its\n" +
			"way. With --passcode-sent no message is sent: the passcode of the last one and\n" +
			"the new password are two lines of standard input then.\n\n" +
			"Whoever runs the server can set a password without mail: usher reset-password",
		Example: "  usher forgot-password usher.example.com\n" +
			"  usher forgot-password usher.example.com --email alice@example.com --passcode-sent",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return takes("URL")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.forgotPassword(cmd, options, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&options.email, "email", "", "your `e-mail` address")
	flags.BoolVar(&options.sent, "passcode-sent", false, "a passcode has come already; do not send another")
	flags.SortFlags = false
	return cmd
}

func (a *app) forgotPassword(cmd *cobra.Command, options forgotOptions, args []string) error {
	ctx := cmd.Context()
	if options.email == "" && !a.interactive() {
		return misused(cmd, "--email is missing, and standard input is not a terminal to ask at")
	}
	client, err := a.loginClient(args)
	if err != nil {
		return err
	}
	if options.email == "" {
		if options.email, err = a.ask(ctx, "E-mail", ""); err != nil {
			return err
		}
	}
	if !options.sent {
		request := sdk.RequestOneTimePasscodeRequest{Email: options.email}
		if err := client.RequestOneTimePasscode(ctx, request); err != nil {
			return err
		}
		a.printf("If %s belongs to an account at %s, a message with a passcode is on its way.\n", options.email, a.target.url)
		if !a.interactive() {
			a.notef("When it has come: usher forgot-password %s --email %s --passcode-sent\n", a.target.url, options.email)
			return nil
		}
	}
	return a.usePasscode(cmd, client, options.email)
}

// passcode asks for the passcode, or reads it where nobody can be asked.
func (a *app) passcode(ctx context.Context) (string, error) {
	if !a.interactive() {
		return a.readLine(ctx)
	}
	return a.ask(ctx, "Passcode", "")
}

func (a *app) usePasscode(cmd *cobra.Command, client *sdk.Client, email string) error {
	ctx := cmd.Context()
	passcode, err := a.passcode(ctx)
	if err != nil {
		return err
	}
	password, err := a.newPassword(ctx, "New password", acceptable(ctx, client))
	if err != nil {
		return err
	}
	err = client.ChangePasswordWithOneTimePasscode(ctx, sdk.ChangePasswordWithOneTimePasscodeRequest{
		Email: email, Password: password, OneTimePasscode: passcode,
	})
	if err != nil {
		return fmt.Errorf("the password is as it was: %w", err)
	}
	a.printf("The new password is set, and all sessions and tokens have ended.\nLog in with: usher login %s\n", a.target.url)
	return nil
}
