package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"usher/sdk"
)

func (a *app) identitiesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "identities",
		Short: "Manage the logins at identity providers",
		Long: "Manages identities: who a user is at GitHub or at an OpenID Connect provider. To\n" +
			"log in there with any of them is to log in as the user.",
	}
	cmd.AddCommand(a.identitiesListCommand(), a.identitiesLinkCommand(), a.identitiesUnlinkCommand(), a.claimsCommand())
	return group(cmd)
}

func (a *app) identitiesListCommand() *cobra.Command {
	var user string
	var output format
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List identities",
		Example: "  usher identities list --user alice",
		Args:    takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, user, err := a.tokenOwner(cmd.Context(), user)
			if err != nil {
				return err
			}
			identities, err := client.Identities(cmd.Context(), user)
			if err != nil {
				return err
			}
			return a.print(output, identities, func(w io.Writer) {
				writeRow(w, "PROVIDER", "ID", "E-MAIL", "ISSUER", "SUBJECT", "LINKED", "LAST LOGIN")
				for _, i := range identities {
					writeRow(w, i.Provider, i.ID.String(), orDash(i.Email), i.Issuer, i.Subject,
						ago(i.CreatedAt, a.now()), ago(i.LastLoginAt, a.now()))
				}
			})
		},
	}
	addIdentityOwner(cmd, &user)
	output.addFlag(cmd)
	cmd.Flags().SortFlags = false
	return cmd
}

func addIdentityOwner(cmd *cobra.Command, user *string) {
	cmd.Flags().StringVar(user, "user", sdk.Me, "whose identities: a `user`")
}

func (a *app) identitiesLinkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "link PROVIDER",
		Short: "Link an identity to your account",
		Long: "Prints an address to open in a browser that is logged in to the server as you.\n" +
			"Log in at the provider there within ten minutes, and the identity is yours here.\n" +
			"PROVIDER is github, oidc, or the name of another provider of the server. It takes\n" +
			"a login: API tokens cannot link.",
		Example: "  usher identities link github",
		Args:    takes("PROVIDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			begun, err := client.LinkIdentity(cmd.Context(), sdk.Me, sdk.LinkIdentityRequest{Provider: args[0]})
			if err != nil {
				return err
			}
			a.notef("Open this address in a browser that is logged in as you, within ten minutes:\n\n")
			a.printf("%s\n", begun.RedirectURL)
			return nil
		},
	}
	return cmd
}

// unlinking are the flags of the end of an identity.
type unlinking struct {
	user string
	yes  bool
}

func (a *app) identitiesUnlinkCommand() *cobra.Command {
	var options unlinking
	cmd := &cobra.Command{
		Use:   "unlink ID|PROVIDER",
		Short: "Unlink an identity",
		Long: "Takes an identity from a user, after a confirmation, and ends the logins that came\n" +
			"from it. A provider does for an id where it is the only identity there. The last\n" +
			"way to log in stays.",
		Args: takes("ID|PROVIDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.unlinkIdentity(cmd.Context(), options, args[0])
		},
	}
	addYes(cmd, &options.yes)
	addIdentityOwner(cmd, &options.user)
	cmd.Flags().SortFlags = false
	return cmd
}

func (a *app) unlinkIdentity(ctx context.Context, options unlinking, name string) error {
	client, user, err := a.tokenOwner(ctx, options.user)
	if err != nil {
		return err
	}
	identities, err := client.Identities(ctx, user)
	if err != nil {
		return err
	}
	identity, err := chooseIdentity(identities, name)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Unlink %s of %s? Logins that came from it end.", identity.Subject, identity.Issuer)
	if err := a.confirm(ctx, options.yes, printable(question)); err != nil {
		return err
	}
	if err := client.UnlinkIdentity(ctx, user, identity.ID); err != nil {
		return err
	}
	a.printf("The identity is unlinked.\n")
	return nil
}

// chooseIdentity finds the one identity that a name means: its id, or its
// provider.
func chooseIdentity(identities []sdk.Identity, name string) (sdk.Identity, error) {
	id, err := uuid.Parse(name)
	var found []sdk.Identity
	for _, i := range identities {
		if err == nil && i.ID == id || err != nil && i.Provider == name {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 0:
		return sdk.Identity{}, fmt.Errorf("there is no identity %q; list them with: usher identities list", name)
	case 1:
		return found[0], nil
	}
	return sdk.Identity{}, fmt.Errorf("there are %d identities of %s; name one by its id", len(found), name)
}

func (a *app) claimsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "claims",
		Short: "Show what the OpenID Connect provider says of you",
		Long:  "Shows, as JSON, what the provider said of you when you last logged in through it.",
		Args:  takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			claims, err := client.OIDCClaims(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(format{json: true}, claims.Claims, nil)
		},
	}
	return cmd
}
