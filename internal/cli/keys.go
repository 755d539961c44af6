package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"usher/internal/server"
)

func (a *app) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Change the key that encrypts secrets in the database",
		Long: "The SSH keys of users and what renews their logins at identity providers are\n" +
			"encrypted in the database with a key from a file, of which the first line encrypts\n" +
			"and every line decrypts. To change the key:\n\n" +
			"  1. usher keys new-encryption-key   adds a new first line\n" +
			"  2. copy the file to every node, if they do not share it\n" +
			"  3. usher keys rotate-encryption    encrypts everything with the new key\n" +
			"  4. remove the other lines from the file",
	}
	for _, sub := range []*cobra.Command{a.newEncryptionKeyCommand(), a.rotateEncryptionCommand()} {
		serverSide(sub)
		cmd.AddCommand(sub)
	}
	return group(cmd)
}

func (a *app) newEncryptionKeyCommand() *cobra.Command {
	rows := settingsNamed("data-dir", "encryption-key-file")
	cmd := &cobra.Command{
		Use:   "new-encryption-key",
		Short: "Add a key to the encryption key file",
		Long: "Adds a new key as the first line of the encryption key file, which is made if it\n" +
			"is not there. The other keys stay, because they are needed until everything is\n" +
			"encrypted with the new one.",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			offline, err := a.offline(cmd, rows)
			if err != nil {
				return err
			}
			file, id, made, err := offline.NewEncryptionKey(cmd.Context())
			if err != nil {
				return err
			}
			a.explainNewKey(file, id, made)
			return nil
		},
	}
	addSettings(cmd.Flags(), rows)
	cmd.Flags().SortFlags = false
	return cmd
}

func (a *app) explainNewKey(file, id string, made bool) {
	if made {
		a.printf("Made %s with the key %s.\n\n", file, id)
	} else {
		a.printf("Added the key %s to %s.\n\n", id, file)
	}
	a.printf("Back the file up, apart from the database, and see that every node has it. Then\n" +
		"encrypt everything with the new key:\n\n    usher keys rotate-encryption\n")
}

func (a *app) rotateEncryptionCommand() *cobra.Command {
	rows := settingsNamed("data-dir", "database-url", "encryption-key-file")
	var discard, yes bool
	cmd := &cobra.Command{
		Use:   "rotate-encryption",
		Short: "Encrypt everything with the first key of the file",
		Long: "Encrypts everything anew that is not encrypted with the first key of the\n" +
			"encryption key file. Servers may be running. It can be interrupted and started\n" +
			"again. The change is audited.\n\n" +
			"With --discard-unreadable, what no key of the file decrypts is thrown away, which\n" +
			"is the way out of a lost key: users get a new SSH key when they ask for theirs, and\n" +
			"log in once more at their provider.",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			offline, err := a.offline(cmd, rows)
			if err != nil {
				return err
			}
			if discard {
				const question = "Throw away for ever what the keys in the file do not decrypt?"
				if err := a.confirm(cmd.Context(), yes, question); err != nil {
					return err
				}
			}
			file, rotation, err := offline.RotateEncryption(cmd.Context(), discard)
			if err != nil {
				return err
			}
			return a.explainRotation(file, rotation)
		},
	}
	addSettings(cmd.Flags(), rows)
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&discard, "discard-unreadable", false, "throw away what no key of the file decrypts")
	addYes(cmd, &yes)
	return cmd
}

// explainRotation says what a rotation did and what is left to do. Values that
// no key opens are a failure.
func (a *app) explainRotation(file string, r server.EncryptionRotation) error {
	a.printf("The key %s encrypts from now on; %s encrypted anew.\n", r.KeyID, count(r.Resealed, "secret"))
	if r.Discarded > 0 {
		a.printf("Thrown away: %s.\n", count(r.Discarded, "secret"))
	}
	if r.Unreadable > 0 {
		return fmt.Errorf("%s cannot be decrypted, for want of the right key %s.\n"+
			"Add that to %s and rotate again, or throw them away with --discard-unreadable",
			count(r.Unreadable, "secret"), strings.Join(r.Missing, ", "), file)
	}
	if len(r.Others) > 0 {
		a.printf("\nNothing in the database needs the other keys any more: %s. Remove their lines\n"+
			"from %s, and keep a copy for as long as you keep older backups.\n", strings.Join(r.Others, ", "), file)
	}
	return nil
}
