package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"usher/sdk"
)

// defaultPage is how many users a list shows without --limit and --all.
const defaultPage = 100

func (a *app) usersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "users",
		Short: "Manage users",
		Long:  "Manages users. USER is a username, an id, or me.",
	}
	cmd.AddCommand(
		a.usersListCommand(), a.usersShowCommand(), a.usersCreateCommand(), a.usersImportCommand(), a.usersDeleteCommand(), a.usersEraseCommand(),
		a.usersActivateCommand(), a.usersSuspendCommand(), a.usersEditRolesCommand(),
		a.usersSetEmailCommand(), a.usersSetPasswordCommand(),
	)
	return group(cmd)
}

// listOptions are the flags of a list.
type listOptions struct {
	search string
	limit  int
	all    bool
	output format
}

func (a *app) usersListCommand() *cobra.Command {
	var options listOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List users",
		Long: "Lists the users that you may read, by username.\n\n" +
			"A search has words, which match a part of the username or e-mail, and filters\n" +
			"such as status:active, role:owner and login_type:password.",
		Example: "  usher users list --search \"status:suspended\"\n" +
			"  usher users list --all --output json",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := exclusive(cmd, "limit", "all"); err != nil {
				return err
			}
			if options.limit < 1 {
				return misused(cmd, "--limit must be at least 1; --all shows every user")
			}
			return a.listUsers(cmd.Context(), options)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&options.search, "search", "", "show only users that match this `query`")
	flags.IntVar(&options.limit, "limit", defaultPage, "show at most `n` users")
	flags.BoolVar(&options.all, "all", false, "show all of them")
	options.output.addFlag(cmd)
	return cmd
}

func (a *app) listUsers(ctx context.Context, options listOptions) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	page, err := fetchUsers(ctx, client, options)
	if err != nil {
		return err
	}
	err = a.print(options.output, page, func(w io.Writer) {
		writeRow(w, "USERNAME", "EMAIL", "NAME", "STATUS", "LOGIN", "ROLES", "LAST SEEN", "CREATED")
		for _, user := range page.Users {
			writeRow(w, user.Username, orDash(user.Email), orDash(user.Name), string(user.Status), string(user.LoginType),
				orDash(roleNames(user.Roles)), ago(user.LastSeenAt, a.now()), date(user.CreatedAt))
		}
	})
	if err == nil && len(page.Users) < page.Count {
		a.notef("These are %d of %s; --all shows every one.\n", len(page.Users), count(page.Count, "user"))
	}
	return err
}

func fetchUsers(ctx context.Context, client *sdk.Client, options listOptions) (sdk.GetUsersResponse, error) {
	request := sdk.UsersRequest{Search: options.search, Limit: options.limit}
	if !options.all {
		return client.Users(ctx, request)
	}
	request.Limit = 0
	page := sdk.GetUsersResponse{Users: []sdk.User{}}
	for user, err := range client.AllUsers(ctx, request) {
		if err != nil {
			return page, err
		}
		page.Users = append(page.Users, user)
	}
	page.Count = len(page.Users)
	return page, nil
}

func (a *app) usersShowCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "show USER",
		Short: "Show a user",
		Args:  takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, user, err := a.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.printDetails(cmd.Context(), output, client, user)
		},
	}
	output.addFlag(cmd)
	return cmd
}

// printDetails prints one user with everything there is to know.
func (a *app) printDetails(ctx context.Context, output format, client *sdk.Client, user sdk.User) error {
	if output.json {
		return a.print(output, user, nil)
	}
	organizations, err := organizationNames(ctx, client, user)
	if err != nil {
		return err
	}
	return a.print(output, user, func(w io.Writer) {
		writeRow(w, "Username", user.Username)
		writeRow(w, "Name", orDash(user.Name))
		writeRow(w, "E-mail", orDash(user.Email))
		writeRow(w, "ID", user.ID.String())
		writeRow(w, "Status", string(user.Status))
		writeRow(w, "Login", loginOf(user))
		writeRow(w, "Roles", orDash(roleNames(user.Roles)))
		writeRow(w, "Organizations", orDash(organizations))
		writeRow(w, "Last seen", ago(user.LastSeenAt, a.now()))
		writeRow(w, "Created", date(user.CreatedAt))
		writeRow(w, "Server", a.target.url)
	})
}

func loginOf(user sdk.User) string {
	if user.IsServiceAccount {
		return fmt.Sprintf("%s (service account)", user.LoginType)
	}
	return string(user.LoginType)
}

// organizationNames names the organizations of a user. One that the caller or the
// token may not read is told by its id, which is part of the user.
func organizationNames(ctx context.Context, client *sdk.Client, user sdk.User) (string, error) {
	organizations, err := client.UserOrganizations(ctx, user.ID.String())
	if err != nil && !sdk.IsForbidden(err) && !sdk.IsNotFound(err) {
		return "", err
	}
	known := map[uuid.UUID]string{}
	for _, organization := range organizations {
		known[organization.ID] = organization.Name
	}
	var names []string
	for _, id := range user.OrganizationIDs {
		names = append(names, cmp.Or(known[id], id.String()))
	}
	return strings.Join(names, ", "), nil
}
