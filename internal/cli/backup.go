package cli

import (
	"github.com/spf13/cobra"

	"usher/internal/server"
)

func (a *app) backupCommand() *cobra.Command {
	rows := databaseSettings()
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database into a file, while the server runs",
		Long: "Writes a consistent copy of the embedded database to a file that must not be\n" +
			"there yet. The server may be running, and is not held up. The copy is opened and\n" +
			"checked before it gets its name.\n\n" +
			"It needs the settings that the server was started with, and the rights of the\n" +
			"user that runs the server. The encryption key file is not part of the copy; back\n" +
			"it up too, and elsewhere. PostgreSQL has tools of its own, such as pg_dump.",
		Example: "  usher backup /backup/usher-2026-01-31.db --data-dir /var/lib/usher",
		Args:    takes("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			offline, err := a.offline(cmd, rows)
			if err != nil {
				return err
			}
			dataDir, err := offline.Backup(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			a.printf("Copied the database of %s to %s.\n", dataDir, args[0])
			a.printf("What is encrypted in it needs the key file (%s, unless you named another); back that up too.\n", server.EncryptionKeyFile)
			return nil
		},
	}
	addSettings(cmd.Flags(), rows)
	cmd.Flags().SortFlags = false
	return cmd
}

func (a *app) restoreCommand() *cobra.Command {
	rows := databaseSettings()
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a copy of the database into an empty data directory",
		Long: "Puts a copy that \"usher backup\" made into a data directory that has no database\n" +
			"yet, and that no server is using. The directory is made if it is not there. The\n" +
			"copy is checked first; where something is wrong, nothing is changed.",
		Example: "  usher restore /backup/usher-2026-01-31.db --data-dir /var/lib/usher-new",
		Args:    takes("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			offline, err := a.offline(cmd, rows)
			if err != nil {
				return err
			}
			dataDir, err := offline.Restore(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			a.printf("Restored %s into %s.\n", args[0], dataDir)
			a.printf("Put the key file (%s, unless you named another) in its place before you start the server.\n", server.EncryptionKeyFile)
			return nil
		},
	}
	addSettings(cmd.Flags(), rows)
	cmd.Flags().SortFlags = false
	return cmd
}
