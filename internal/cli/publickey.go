package cli

import (
	"github.com/spf13/cobra"

	"usher/sdk"
)

func (a *app) publickeyCommand() *cobra.Command {
	var reset, private, yes bool
	cmd := &cobra.Command{
		Use:   "publickey",
		Short: "Show your SSH key for git",
		Long: "Shows the public half of the SSH key by which your workspaces reach git hosts.\n" +
			"Add it to your account there. The first time, the server makes the key.\n\n" +
			"With --private, shows the private half instead: a file for ssh, without a\n" +
			"passphrase. The server writes each look at it into the audit log.",
		Example: "  usher publickey >> ~/.ssh/authorized_keys\n" +
			"  (umask 077; usher publickey --private > ~/.ssh/id_usher)",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			if reset {
				const question = "Replace your SSH key? Git hosts refuse you until they know the new one."
				if err := a.confirm(cmd.Context(), yes, question); err != nil {
					return err
				}
				if _, err := client.RegenerateGitSSHKey(cmd.Context(), sdk.Me); err != nil {
					return err
				}
			}
			return a.printSSHKey(cmd, client, private)
		},
	}
	cmd.Flags().BoolVar(&reset, "reset", false, "replace the key by a new one first")
	cmd.Flags().BoolVar(&private, "private", false, "show the private half, which is a secret")
	addYes(cmd, &yes)
	return cmd
}

func (a *app) printSSHKey(cmd *cobra.Command, client *sdk.Client, private bool) error {
	if !private {
		key, err := client.GitSSHKey(cmd.Context(), sdk.Me)
		a.printf("%s", key.PublicKey)
		return err
	}
	key, err := client.GitSSHPrivateKey(cmd.Context(), sdk.Me)
	a.printf("%s", key.PrivateKey)
	return err
}
