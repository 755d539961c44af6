package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"usher/internal/secret"
	"usher/sdk"
)

func (a *app) tokensCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tokens",
		Short: "Manage API tokens",
		Long: "Manages API tokens, with which programs act as a user. A token is yours unless\n" +
			"--user names another user, and is called by its name or id.",
	}
	cmd.AddCommand(
		a.tokensCreateCommand(), a.tokensListCommand(), a.tokensViewCommand(), a.tokensRemoveCommand(),
		a.tokensRotateCommand(), a.tokensScopesCommand(),
	)
	return group(cmd)
}

// addTokenOwner adds the flag that says whose tokens a command is about. An empty
// value stays wrong: a script with an unset variable must not hand out a token
// of its own user.
func addTokenOwner(flags *pflag.FlagSet, user *string) {
	flags.StringVar(user, "user", sdk.Me, "whose tokens: a `user`, such as a service account")
}

// tokenOwner returns a client and the user that --user names: by id, or as "me",
// which takes no right to read users.
func (a *app) tokenOwner(ctx context.Context, name string) (client *sdk.Client, user string, err error) {
	if name == sdk.Me {
		client, err = a.client()
		return client, sdk.Me, err
	}
	client, found, err := a.find(ctx, name)
	return client, found.ID.String(), err
}

// findToken finds a token by its name or else by its id, which finds a session
// too. Of a whole key only the id is used: the secret is no part of an address,
// nor of a failure.
func findToken(ctx context.Context, client *sdk.Client, user, name string) (sdk.APIKey, error) {
	id, pasted := keyID(name)
	if pasted {
		name = id
	} else {
		token, err := client.Token(ctx, user, name)
		// The API answers with something else than a token for one reserved name.
		if err == nil && token.ID != "" {
			return token, nil
		}
		if err != nil && !sdk.IsNotFound(err) {
			return token, err
		}
	}
	if !secret.IsKeyID(name) {
		return sdk.APIKey{}, noSuchToken(name)
	}
	key, err := client.APIKey(ctx, user, name)
	if sdk.IsNotFound(err) {
		err = noSuchToken(name)
	}
	return key, err
}

func noSuchToken(name string) error {
	return fmt.Errorf("there is no token %q that you may see", name)
}

// keyID returns the part of a whole key that is no secret.
func keyID(key string) (id string, ok bool) {
	id, rest, _ := strings.Cut(key, "-")
	const secretLength = 22
	if !secret.IsKeyID(id) || len(rest) != secretLength {
		return "", false
	}
	return id, true
}

// tokenListOptions are the flags of a list.
type tokenListOptions struct {
	user    string
	all     bool
	expired bool
	output  format
}

func (a *app) tokensListCommand() *cobra.Command {
	var options tokenListOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List tokens",
		Long: "Lists tokens that work, the oldest first. A token that was rotated has no name\n" +
			"any more and says which one replaced it.",
		Example: "  usher tokens list --all --include-expired\n  usher tokens list --user deploy --output json",
		Args:    takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := exclusive(cmd, "user", "all"); err != nil {
				return err
			}
			return a.listTokens(cmd.Context(), options)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&options.all, "all", false, "the tokens of everyone, as far as you may see them")
	flags.BoolVar(&options.expired, "include-expired", false, "those that have expired, too")
	addTokenOwner(flags, &options.user)
	options.output.addFlag(cmd)
	flags.SortFlags = false
	return cmd
}

func (a *app) listTokens(ctx context.Context, options tokenListOptions) error {
	client, user, err := a.tokenOwner(ctx, options.user)
	if err != nil {
		return err
	}
	request := sdk.TokensRequest{IncludeAll: options.all, IncludeExpired: options.expired}
	tokens, err := client.Tokens(ctx, user, request)
	if err != nil {
		return err
	}
	tokens = append([]sdk.APIKeyWithOwner{}, tokens...) // never null
	return a.print(options.output, tokens, func(w io.Writer) {
		writeRow(w, "NAME", "ID", "OWNER", "SCOPES", "EXPIRES", "LAST USED", "REPLACED BY")
		for _, token := range tokens {
			writeRow(w, orDash(token.TokenName), token.ID, orDash(token.Username), scopesInShort(token.APIKey),
				until(token.ExpiresAt, a.now()), ago(token.LastUsed, a.now()), orDash(token.ReplacedBy))
		}
	})
}

func (a *app) tokensScopesCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "scopes",
		Short: "List the scopes that a token can be given",
		Long: "Lists the scopes that a token can be given, and what they let it do. Several\n" +
			"scopes add up; none of them goes beyond what the token's owner may do.",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.anonymousClient()
			if err != nil {
				return err
			}
			scopes, err := client.Scopes(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(output, scopes, func(w io.Writer) { writeScopes(w, scopes) })
		},
	}
	output.addFlag(cmd)
	return cmd
}

// writeScopes groups the scopes, which come sorted, by what stands before the
// colon.
func writeScopes(w io.Writer, scopes []sdk.APIKeyScope) {
	writeRow(w, "ABOUT", "SCOPE", "A TOKEN WITH IT MAY")
	before := ""
	for _, scope := range scopes {
		group, _, _ := strings.Cut(string(scope), ":")
		about := ""
		if group != before {
			before, about = group, groupTitle(group)
		}
		writeRow(w, about, string(scope), strings.Join(permitted([]sdk.APIKeyScope{scope}), "; "))
	}
}
