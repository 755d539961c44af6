package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"usher/sdk"
)

func (a *app) tokensViewCommand() *cobra.Command {
	var user string
	var output format
	cmd := &cobra.Command{
		Use:   "view NAME|ID",
		Short: "Show what a token may do",
		Long: "Shows a token and says in words what it may do, with which objects and for how\n" +
			"long. The token itself is not shown: the server does not keep it.",
		Args: takes("NAME|ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, owner, err := a.tokenOwner(cmd.Context(), user)
			if err != nil {
				return err
			}
			key, err := findToken(cmd.Context(), client, owner, args[0])
			if err != nil {
				return err
			}
			return a.printToken(cmd.Context(), output, client, key)
		},
	}
	addTokenOwner(cmd.Flags(), &user)
	output.addFlag(cmd)
	cmd.Flags().SortFlags = false
	return cmd
}

// printToken prints a token with everything there is to know.
func (a *app) printToken(ctx context.Context, output format, client *sdk.Client, key sdk.APIKey) error {
	if output.json {
		return a.print(output, key, nil)
	}
	owner, err := ownerOf(ctx, client, key)
	if err != nil {
		return err
	}
	return a.print(output, key, func(w io.Writer) {
		writeRow(w, "Name", orDash(key.TokenName))
		writeRow(w, "ID", key.ID)
		writeRow(w, "Kind", kindOf(key))
		writeRow(w, "Owner", owner)
		writeRow(w, "Created", date(key.CreatedAt))
		writeRow(w, "Expires", a.moment(key.ExpiresAt))
		writeRow(w, "Last used", ago(key.LastUsed, a.now()))
		if key.ReplacedBy != "" {
			writeRow(w, "Replaced by", key.ReplacedBy)
		}
		fmt.Fprintln(w)
		writePowers(w, key)
	})
}

// ownerOf names the owner. A caller who may read the token but not the user gets
// the id, which is part of the token.
func ownerOf(ctx context.Context, client *sdk.Client, key sdk.APIKey) (string, error) {
	owner, err := client.User(ctx, key.UserID.String())
	if sdk.IsForbidden(err) || sdk.IsNotFound(err) {
		return key.UserID.String(), nil
	}
	return owner.Username, err
}

func kindOf(key sdk.APIKey) string {
	if key.LoginType == sdk.LoginTypeToken {
		return "token"
	}
	return fmt.Sprintf("session (%s)", key.LoginType)
}

// writePowers says what a token may do: by its scopes, to which objects, and that
// the roles of its owner stand above both.
func writePowers(w io.Writer, key sdk.APIKey) {
	clauses := permitted(key.Scopes)
	if len(clauses) == 0 {
		clauses = []string{"do nothing"}
	}
	for _, clause := range clauses {
		fmt.Fprintf(w, "It may %s.\n", clause)
	}
	switch {
	case unrestricted(key.AllowList):
		fmt.Fprintln(w, "It is not limited to certain objects.")
	case len(key.AllowList) == 0:
		fmt.Fprintln(w, "It is limited to no objects at all, so that it can do nothing.")
	default:
		fmt.Fprintln(w, "It is limited to these objects:")
		for _, entry := range key.AllowList {
			fmt.Fprintf(w, "  %s\n", objectInWords(entry))
		}
	}
	if !slices.Contains(key.Scopes, sdk.APIKeyScopeAll) {
		fmt.Fprintln(w, "It never goes beyond what its owner may do.")
	}
}
