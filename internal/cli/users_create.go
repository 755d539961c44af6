package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"usher/internal/secret"
	"usher/sdk"
)

// createOptions are the flags of a creation.
type createOptions struct {
	person        newPerson
	organizations []string
	roles         []string
	service       bool
	loginType     string
	passwordStdin bool
	output        format
}

func (a *app) usersCreateCommand() *cobra.Command {
	var options createOptions
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create a user",
		Long: "Creates a user. E-mail and username that are not given are asked for at a\n" +
			"terminal. A user who logs in with a password gets a generated one, which is\n" +
			"shown this once, or with --password-stdin one of your choice. With\n" +
			"--output json a generated password is on standard error.",
		Example: "  usher users create --username alice --email alice@example.com\n" +
			"  usher users create --username bob --email bob@example.com --role auditor --password-stdin\n" +
			"  usher users create --username deploy --service-account",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.createUser(cmd, options) },
	}
	flags := cmd.Flags()
	options.person.addFlags(flags, "")
	flags.StringArrayVar(&options.roles, "role", nil, "give this site `role`; repeatable")
	flags.StringArrayVar(&options.organizations, "org", nil, "make a member of this `organization` (name or id) instead of\nthe default one; repeatable")
	flags.StringVar(&options.loginType, "login-type", "", "the `kind` of login: password, github, oidc or none, which\ncan only use tokens [default: password]")
	flags.BoolVar(&options.passwordStdin, "password-stdin", false, "read the password from standard input; without echo at a\nterminal")
	flags.BoolVar(&options.service, "service-account", false, "create an account for a program, without e-mail and login")
	options.output.addFlag(cmd)
	flags.SortFlags = false
	return cmd
}

func (a *app) createUser(cmd *cobra.Command, options createOptions) error {
	ctx := cmd.Context()
	for _, personal := range []string{"email", "login-type", "password-stdin"} {
		if err := exclusive(cmd, "service-account", personal); err != nil {
			return err
		}
	}
	withPassword := !options.service && (options.loginType == "" || options.loginType == string(sdk.LoginTypePassword))
	if options.passwordStdin && !withPassword {
		return misused(cmd, "--password-stdin is only for --login-type password")
	}
	if err := a.completeNewUser(cmd, &options); err != nil {
		return err
	}
	client, err := a.client()
	if err != nil {
		return err
	}
	organizations, err := organizationsOf(ctx, client, options.organizations)
	if err != nil {
		return err
	}
	request := sdk.CreateUserRequest{
		Email: options.person.email, Username: options.person.username, Name: options.person.name,
		LoginType: sdk.LoginType(options.loginType), OrganizationIDs: organizations,
		ServiceAccount: options.service, Roles: options.roles,
	}
	if withPassword {
		if request.Password, err = a.firstPassword(ctx, client, options); err != nil {
			return err
		}
	}
	user, err := client.CreateUser(ctx, request)
	if err != nil {
		return err
	}
	if err := a.printUser(options.output, user, "Created user %s.\n", user.Username); err != nil {
		return err
	}
	switch {
	case withPassword && !options.passwordStdin:
		fmt.Fprintf(a.besides(options.output), "Password: %s\nIt is not shown again.\n", request.Password)
	case user.LoginType == sdk.LoginTypeNone:
		fmt.Fprintf(a.besides(options.output), "Make the first token with: usher tokens create --user %s\n", user.Username)
	}
	return nil
}

// completeNewUser asks for what is missing; programs have no e-mail.
func (a *app) completeNewUser(cmd *cobra.Command, options *createOptions) error {
	if !options.service {
		return a.completePerson(cmd, &options.person)
	}
	if options.person.username == "" {
		return misused(cmd, "--username is missing")
	}
	return nil
}

// firstPassword reads or generates the password of a new user.
func (a *app) firstPassword(ctx context.Context, client *sdk.Client, options createOptions) (string, error) {
	if options.passwordStdin {
		return a.newPassword(ctx, "Password for "+options.person.username, acceptable(ctx, client))
	}
	return secret.GeneratePassword()
}

// besides returns where a person finds what is no part of the data.
func (a *app) besides(output format) io.Writer {
	if output.json {
		return a.Err
	}
	return a.Out
}

// organizationsOf finds organizations by name or id. None at all are the default
// one, for which the server takes the nil id.
func organizationsOf(ctx context.Context, client *sdk.Client, names []string) ([]uuid.UUID, error) {
	if len(names) == 0 {
		return []uuid.UUID{uuid.Nil}, nil
	}
	var ids []uuid.UUID
	for _, name := range names {
		organization, err := client.Organization(ctx, name)
		if sdk.IsNotFound(err) {
			return nil, noSuchOrganization(name)
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, organization.ID)
	}
	return ids, nil
}
