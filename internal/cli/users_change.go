package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"usher/sdk"
)

// find returns a client and the user of a command's first argument. The changes
// below then name the user by id, so that a renaming in between cannot hit
// somebody else.
func (a *app) find(ctx context.Context, name string) (*sdk.Client, sdk.User, error) {
	client, err := a.client()
	if err != nil {
		return nil, sdk.User{}, err
	}
	user, err := client.User(ctx, name)
	if sdk.IsNotFound(err) {
		err = fmt.Errorf("there is no user %q that you may see", name)
	}
	return client, user, err
}

func addYes(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "do not ask")
}

func (a *app) usersDeleteCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete USER",
		Short: "Delete a user",
		Long:  "Deletes a user with all sessions and tokens, after a confirmation. Username and\ne-mail are free at once. There is no way back; suspending a user has one.",
		Args:  takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, user, err := a.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.confirm(cmd.Context(), yes, fmt.Sprintf("Delete %s for ever?", describe(user))); err != nil {
				return err
			}
			if err := client.DeleteUser(cmd.Context(), user.ID.String()); err != nil {
				return err
			}
			a.printf("Deleted user %s.\n", user.Username)
			return nil
		},
	}
	addYes(cmd, &yes)
	return cmd
}

func (a *app) usersEraseCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "erase ID",
		Short: "Erase the personal data of a deleted user",
		Long: "Overwrites what the server keeps of a deleted user as a person, after a\n" +
			"confirmation: name, e-mail, settings and SSH key, and in the audit log also the\n" +
			"names of tokens, addresses and programs. The entries stay, under the user's id.\n" +
			"There is no way back. Backups and logs of the server are not touched.\n\n" +
			"A deleted user is found by its id only, which the audit log has.",
		Args: takes("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, user, err := a.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.confirm(cmd.Context(), yes, fmt.Sprintf("Erase everything personal of %s for ever?", describe(user))); err != nil {
				return err
			}
			if err := client.EraseUser(cmd.Context(), user.ID.String()); err != nil {
				return err
			}
			a.printf("Erased the personal data of user %s.\n", user.ID)
			return nil
		},
	}
	addYes(cmd, &yes)
	return cmd
}

func (a *app) usersActivateCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "activate USER",
		Short: "Make a suspended or dormant user active",
		Args:  takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, user, err := a.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if user.Status == sdk.UserStatusActive {
				return a.printUser(output, user, "%s is active already.\n", user.Username)
			}
			user, err = client.ActivateUser(cmd.Context(), user.ID.String())
			if err != nil {
				return err
			}
			return a.printUser(output, user, "%s is active.\n", user.Username)
		},
	}
	output.addFlag(cmd)
	return cmd
}

func (a *app) usersSuspendCommand() *cobra.Command {
	var yes bool
	var output format
	cmd := &cobra.Command{
		Use:   "suspend USER",
		Short: "Lock a user out, without deleting anything",
		Long:  "Suspends a user, after a confirmation: logins, sessions and tokens are refused\nuntil the user is activated, and work again then.",
		Args:  takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, user, err := a.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if user.Status == sdk.UserStatusSuspended {
				return a.printUser(output, user, "%s is suspended already.\n", user.Username)
			}
			if err := a.confirm(cmd.Context(), yes, fmt.Sprintf("Suspend %s?", describe(user))); err != nil {
				return err
			}
			user, err = client.SuspendUser(cmd.Context(), user.ID.String())
			if err != nil {
				return err
			}
			return a.printUser(output, user, "%s is suspended.\n", user.Username)
		},
	}
	addYes(cmd, &yes)
	output.addFlag(cmd)
	return cmd
}

func (a *app) usersEditRolesCommand() *cobra.Command {
	var roles []string
	var none bool
	var output format
	cmd := &cobra.Command{
		Use:     "edit-roles USER",
		Short:   "Replace the site roles of a user",
		Long:    "Replaces the site roles of a user by those that are given, and shows the roles\nbefore and after. The built-in ones are owner, user-admin, template-admin and\nauditor; everybody is a member without saying so.",
		Example: "  usher users edit-roles alice --role user-admin --role auditor\n  usher users edit-roles alice --clear",
		Args:    takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := exclusive(cmd, "role", "clear"); err != nil {
				return err
			}
			if len(roles) == 0 && !none {
				return misused(cmd, "--role is missing; --clear takes every role away")
			}
			return a.editRoles(cmd.Context(), args[0], roles, output)
		},
	}
	cmd.Flags().StringArrayVar(&roles, "role", nil, "give this `role`; repeatable")
	cmd.Flags().BoolVar(&none, "clear", false, "take every role away")
	output.addFlag(cmd)
	return cmd
}

// editRoles replaces roles; no roles at all are an empty list, never null.
func (a *app) editRoles(ctx context.Context, name string, roles []string, output format) error {
	client, before, err := a.find(ctx, name)
	if err != nil {
		return err
	}
	request := sdk.UpdateRolesRequest{Roles: append([]string{}, roles...)}
	after, err := client.UpdateUserRoles(ctx, before.ID.String(), request)
	if err != nil {
		return err
	}
	return a.printUser(output, after, "%s: %s → %s\n", after.Username, rolesOrNone(before.Roles), rolesOrNone(after.Roles))
}

func rolesOrNone(roles []sdk.SlimRole) string {
	if len(roles) == 0 {
		return "no roles"
	}
	return roleNames(roles)
}

func (a *app) usersSetEmailCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "set-email USER EMAIL",
		Short: "Set the e-mail of a user",
		Args:  takes("USER", "EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, user, err := a.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			user, err = client.UpdateUserEmail(cmd.Context(), user.ID.String(), sdk.UpdateUserEmailRequest{Email: args[1]})
			if err != nil {
				return err
			}
			return a.printUser(output, user, "The e-mail of %s is %s.\n", user.Username, printable(user.Email))
		},
	}
	output.addFlag(cmd)
	return cmd
}

func (a *app) usersSetPasswordCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set-password USER",
		Short: "Set the password of a user",
		Long: "Sets the password of a user, which ends all of the user's sessions and tokens.\n" +
			"Your own needs the present one first. Passwords are asked for without echo, or\n" +
			"are lines of standard input where that is no terminal.",
		Args: takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.setPassword(cmd.Context(), args[0])
		},
	}
}

func (a *app) setPassword(ctx context.Context, name string) error {
	client, user, err := a.find(ctx, name)
	if err != nil {
		return err
	}
	me, err := client.User(ctx, sdk.Me)
	if err != nil {
		return err
	}
	own := user.ID == me.ID
	var request sdk.UpdateUserPasswordRequest
	if own {
		if request.OldPassword, err = a.secret(ctx, "Present password"); err != nil {
			return err
		}
	}
	if request.Password, err = a.newPassword(ctx, "New password for "+user.Username, acceptable(ctx, client)); err != nil {
		return err
	}
	if err := client.UpdateUserPassword(ctx, user.ID.String(), request); err != nil {
		return err
	}
	a.printf("The password of %s is set. All sessions and tokens of %s have ended.\n", user.Username, user.Username)
	if !own {
		return nil
	}
	a.printf("Log in again with: usher login %s\n", a.target.url)
	return a.forgetUsed()
}

// describe names a user in a question.
func describe(user sdk.User) string {
	if user.Email == "" {
		return user.Username
	}
	return fmt.Sprintf("%s (%s)", user.Username, printable(user.Email))
}
