package cli

import (
	"github.com/spf13/cobra"

	"usher/internal/server"
	"usher/sdk"
)

// offlineNote ends the long help of both commands.
const offlineNote = "It works on the database itself, for the day when nobody can log in, and may run\n" +
	"beside a running server. It needs the settings that the server was started with,\n" +
	"and the rights of the user that runs the server. The change is audited."

func (a *app) resetPasswordCommand() *cobra.Command {
	rows := databaseSettings()
	cmd := &cobra.Command{
		Use:   "reset-password USERNAME",
		Short: "Set a user's password in the database",
		Long: "Sets the password of a user and ends all of the user's sessions and tokens.\n" +
			"The password is asked for twice, or is a line of standard input where that is\n" +
			"no terminal. People who get mail need nobody for that: usher forgot-password\n\n" + offlineNote,
		Args: takes("USERNAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			offline, err := a.offline(cmd, rows)
			if err != nil {
				return err
			}
			password, err := a.newPassword(cmd.Context(), "New password for "+args[0], nil)
			if err != nil {
				return err
			}
			if err := offline.ResetPassword(cmd.Context(), args[0], password); err != nil {
				return err
			}
			a.printf("The password of %s is set. All sessions and tokens of %s have ended.\n", args[0], args[0])
			return nil
		},
	}
	addSettings(cmd.Flags(), rows)
	cmd.Flags().SortFlags = false
	return cmd
}

func (a *app) createAdminCommand() *cobra.Command {
	rows := databaseSettings()
	var person newPerson
	var output format
	cmd := &cobra.Command{
		Use:   "create-admin",
		Short: "Create an owner in the database",
		Long: "Creates a user with the role owner, whether there are users already or not.\n" +
			"What is not given is asked for at a terminal. The password is asked for twice, or\n" +
			"is a line of standard input where that is no terminal.\n\n" + offlineNote,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			offline, err := a.offline(cmd, rows)
			if err != nil {
				return err
			}
			if err := a.completePerson(cmd, &person); err != nil {
				return err
			}
			password, err := a.newPassword(cmd.Context(), "Password for "+person.username, nil)
			if err != nil {
				return err
			}
			user, err := offline.CreateAdmin(cmd.Context(), sdk.CreateFirstUserRequest{
				Email: person.email, Username: person.username, Name: person.name, Password: password,
			})
			if err != nil {
				return err
			}
			return a.printUser(output, user, "Created the owner %s.\n", user.Username)
		},
	}
	addSettings(cmd.Flags(), rows)
	cmd.Flags().SortFlags = false
	person.addFlags(cmd.Flags(), "")
	output.addFlag(cmd)
	return cmd
}

// offline returns the database that the settings name.
func (a *app) offline(cmd *cobra.Command, rows []setting) (server.Offline, error) {
	options, err := a.readSettings(cmd, rows)
	if err != nil {
		return server.Offline{}, err
	}
	return server.Offline{
		DataDir: options.config.DataDir, DatabaseURL: options.config.DatabaseURL,
		EncryptionKeyFile: options.config.EncryptionKeyFile,
	}, nil
}
