package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The groups of the root command's help.
const (
	groupClient = "client"
	groupServer = "server"
)

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "usher",
		Short: "Keep the users of a deployment",
		Long: "Usher keeps the users of a deployment: accounts, logins, roles and tokens.\n" +
			"One program is the server and its client.",
		Example: "  usher serve                          # start a server, without any configuration\n" +
			"  usher login http://127.0.0.1:8080    # create its first user, or log in",
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return misused(cmd, "%w", err) })
	root.AddGroup(
		&cobra.Group{ID: groupClient, Title: "Use a server:"},
		&cobra.Group{ID: groupServer, Title: "Run a server:"},
	)
	a.globalFlags(root.PersistentFlags())
	for _, cmd := range []*cobra.Command{a.loginCommand(), a.logoutCommand(), a.forgotPasswordCommand(), a.whoamiCommand(), a.usersCommand(), a.organizationsCommand(), a.tokensCommand(), a.identitiesCommand(), a.publickeyCommand(), a.auditCommand(), a.versionCommand()} {
		cmd.GroupID = groupClient
		root.AddCommand(cmd)
	}
	for _, cmd := range []*cobra.Command{a.serveCommand(), a.doctorCommand(), a.resetPasswordCommand(), a.createAdminCommand(), a.backupCommand(), a.restoreCommand(), a.migrateDatabaseCommand()} {
		cmd.GroupID = groupServer
		serverSide(cmd)
		root.AddCommand(cmd)
	}
	keys := a.keysCommand()
	keys.GroupID = groupServer
	root.AddCommand(keys)
	root.AddCommand(a.completionCommand(), a.manualCommand())
	return group(root)
}

func (a *app) globalFlags(flags *pflag.FlagSet) {
	flags.StringVar(&a.urlFlag, "url", "", "the server's `address`\n[USHER_URL, default: where you are logged in]")
	flags.StringVar(&a.tokenFlag, "token", "", "a `token` to use instead of the stored session\n[USHER_SESSION_TOKEN]")
	flags.StringVar(&a.configDirFlag, "config-dir", "", "the `directory` that remembers your login\n[USHER_CONFIG_DIR, default: usher in the user's configuration directory]")
}

// group makes a command that only has subcommands show its help, and refuse
// what is none of them. Cobra by itself answers an unknown second word with
// help and success.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		const distance = 2 // cobra's own
		cmd.SuggestionsMinimumDistance = distance
		if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
			return misused(cmd, "there is no command %q; did you mean %s?", args[0], strings.Join(similar, " or "))
		}
		return misused(cmd, "there is no command %q", args[0])
	}
	return cmd
}

// serverSide marks a command that uses no running server: the global flags are
// no part of its help, and refused rather than ignored.
func serverSide(cmd *cobra.Command) {
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		var given []string
		cmd.InheritedFlags().VisitAll(func(flag *pflag.Flag) {
			if flag.Changed {
				given = append(given, "--"+flag.Name)
			}
		})
		if len(given) > 0 {
			return misused(cmd, "%s has no meaning here; it is for commands that use a running server", strings.Join(given, " and "))
		}
		return nil
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		cmd.InheritedFlags().VisitAll(func(flag *pflag.Flag) { flag.Hidden = true })
		cmd.Parent().HelpFunc()(cmd, args)
	})
}
