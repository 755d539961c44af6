package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"usher/sdk"
)

// span is a length of time as a flag: a Go duration, or whole days.
type span time.Duration

// String is empty for nothing, so that the help shows no default.
func (s *span) String() string {
	if *s == 0 {
		return ""
	}
	return time.Duration(*s).String()
}

// Set reads 90m, 720h or 30d. Sixteen bits of days are less than the longest
// duration.
func (s *span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * day
	}
	if err != nil || d < 0 {
		return errors.New("it is a duration such as 90m, 720h or 30d")
	}
	*s = span(d)
	return nil
}

// Type is what the help calls the value.
func (s *span) Type() string { return "DURATION" }

// allowList is a flag that collects objects.
type allowList []sdk.AllowListEntry

// String is empty, so that the help shows no default.
func (l *allowList) String() string { return "" }

// Set adds an object. Whether there is such a type the server knows.
func (l *allowList) Set(text string) error {
	kind, id, found := strings.Cut(text, ":")
	if !found || kind == "" || id == "" {
		return errors.New("it is type:id, where each may be *")
	}
	*l = append(*l, sdk.AllowListEntry{Type: kind, ID: id})
	return nil
}

// Type is what the help calls the value.
func (l *allowList) Type() string { return "TYPE:ID" }

// newToken are the flags of a creation.
type newToken struct {
	user, name string
	lifetime   span
	scopes     []string
	allow      allowList
}

func (a *app) tokensCreateCommand() *cobra.Command {
	var token newToken
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create a token",
		Long: "Creates a token and prints it, alone and this once, on standard output. Notes go\n" +
			"to standard error.\n\n" +
			"A token acts as its owner, and may do whatever the owner may unless scopes or\n" +
			"objects narrow it. Nobody can make a token wider than the one in use.",
		Example: "  TOKEN=$(usher tokens create --name ci --lifetime 720h --scope workspace:read)\n" +
			"  usher tokens create --scope coder:workspaces.operate --allow workspace:ID\n" +
			"  usher tokens create --user deploy",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("lifetime") && token.lifetime == 0 {
				return misused(cmd, "--lifetime must be more than 0; without it the server's default holds")
			}
			return a.createToken(cmd.Context(), token)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&token.name, "name", "", "the token's `name`, unique among those of its owner\n[default: the server makes one up]")
	flags.Var(&token.lifetime, "lifetime", "how long it works, a `duration` such as 720h or 30d\n[default: the server's]")
	flags.StringArrayVar(&token.scopes, "scope", nil, "let it do only what this `scope` says; repeatable, and\n\"usher tokens scopes\" lists them\n[default: everything that its owner may]")
	flags.Var(&token.allow, "allow", "let it touch only this object, `type:id` of which each may\nbe *; repeatable [default: every object]")
	addTokenOwner(flags, &token.user)
	flags.SortFlags = false
	return cmd
}

func (a *app) createToken(ctx context.Context, token newToken) error {
	client, user, err := a.tokenOwner(ctx, token.user)
	if err != nil {
		return err
	}
	request := sdk.CreateTokenRequest{Lifetime: int64(token.lifetime), TokenName: token.name, AllowList: token.allow}
	for _, scope := range token.scopes {
		request.Scopes = append(request.Scopes, sdk.APIKeyScope(scope))
	}
	created, err := client.CreateToken(ctx, user, request)
	if err != nil {
		return adviseOnScopes(err)
	}
	a.printf("%s\n", created.Key)
	a.noteCreated(ctx, client, user, created.Key)
	if len(token.scopes) == 0 && len(token.allow) == 0 {
		a.notef("It may do everything that its owner may; --scope and --allow narrow a token.\n")
	}
	return nil
}

// noteCreated says what the server made of the token. The one in use may lack
// the right to read it, which is no failure: the token is there.
func (a *app) noteCreated(ctx context.Context, client *sdk.Client, user, token string) {
	id, _ := keyID(token)
	key, err := client.APIKey(ctx, user, id)
	if err != nil {
		a.notef("Created a token with the id %s. It is not shown again.\n", id)
		return
	}
	a.notef("Created %s, which works until %s. It is not shown again.\n", tokenNamed(key), a.moment(key.ExpiresAt))
}

// adviseOnScopes adds where scopes are listed to a refusal of one.
func adviseOnScopes(err error) error {
	var answer *sdk.Error
	isScope := func(v sdk.ValidationError) bool { return v.Field == "scopes" }
	if errors.As(err, &answer) && slices.ContainsFunc(answer.Validations, isScope) {
		return fmt.Errorf("%w\nList the scopes with: usher tokens scopes", err)
	}
	return err
}

// tokenNamed calls a token by name and id. Sessions and tokens that were rotated
// have no name.
func tokenNamed(key sdk.APIKey) string {
	switch {
	case key.LoginType != sdk.LoginTypeToken:
		return "the session " + key.ID
	case key.TokenName == "":
		return "the token " + key.ID
	}
	return fmt.Sprintf("the token %s (%s)", printable(key.TokenName), key.ID)
}
