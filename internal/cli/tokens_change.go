package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"usher/sdk"
)

// removal are the flags of a removal.
type removal struct {
	user        string
	forget, yes bool
}

func (a *app) tokensRemoveCommand() *cobra.Command {
	var options removal
	cmd := &cobra.Command{
		Use:   "remove NAME|ID",
		Short: "End a token",
		Long: "Ends a token at once, after a confirmation. The server lists it as expired for a\n" +
			"while, and its name is taken until then; with --delete the token is forgotten.\n" +
			"An id may be that of a session, too.",
		Args: takes("NAME|ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.removeToken(cmd.Context(), options, args[0])
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&options.forget, "delete", false, "forget the token, and free its name")
	addYes(cmd, &options.yes)
	addTokenOwner(flags, &options.user)
	flags.SortFlags = false
	return cmd
}

func (a *app) removeToken(ctx context.Context, options removal, name string) error {
	client, user, err := a.tokenOwner(ctx, options.user)
	if err != nil {
		return err
	}
	key, err := findToken(ctx, client, user, name)
	if err != nil {
		return err
	}
	named := tokenNamed(key)
	question, remove, report := "End %s? Whoever uses it is refused from then on.", client.ExpireAPIKey, "%s has ended.\n"
	switch expired := !key.ExpiresAt.After(a.now()); {
	case options.forget:
		question, remove, report = "Delete %s for ever?", client.DeleteAPIKey, "%s is deleted.\n"
	case expired:
		// By this machine's clock. The server has its own, and is told all the same.
		options.yes, report = true, "%s has expired already.\n"
	}
	if err := a.confirm(ctx, options.yes, fmt.Sprintf(question, named)); err != nil {
		return err
	}
	if err := remove(ctx, user, key.ID); err != nil {
		return err
	}
	a.printf(report, sentenceOf(named))
	if inUse, _ := keyID(a.target.token); inUse != key.ID {
		return nil
	}
	a.printf("It was the one in use. Log in again with: usher login %s\n", a.target.url)
	return a.forgetUsed()
}

// sentenceOf makes "the token …" begin a sentence.
func sentenceOf(named string) string { return "T" + named[1:] }

// rotation are the flags of a rotation.
type rotation struct {
	user    string
	current bool
	overlap span
}

func (a *app) tokensRotateCommand() *cobra.Command {
	var options rotation
	cmd := &cobra.Command{
		Use:   "rotate NAME|ID",
		Short: "Replace a token by a new one",
		Long: "Makes a new token with the name, scopes, objects and lifetime of an old one, and\n" +
			"prints it, alone and this once, on standard output. Notes go to standard error.\n\n" +
			"The old token works on for the overlap, but never past its own end, so that\n" +
			"programs can be changed over without an interruption.\n\n" +
			"With --current it is the token in use, which may replace itself whatever its\n" +
			"scopes; that gains no time. A stored login is kept up to date.",
		Example: "  usher tokens rotate ci --overlap 24h\n" +
			"  TOKEN=$(USHER_SESSION_TOKEN=$TOKEN usher tokens rotate --current)",
		RunE: func(cmd *cobra.Command, args []string) error { return a.rotateToken(cmd, options, args) },
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := exclusive(cmd, "current", "user"); err != nil {
			return err
		}
		if options.current {
			return takes()(cmd, args)
		}
		return takes("NAME|ID")(cmd, args)
	}
	flags := cmd.Flags()
	flags.Var(&options.overlap, "overlap", "how long the old token works on, a `duration` of at most 7d;\n0 ends it at once [default: 1h]")
	flags.BoolVar(&options.current, "current", false, "rotate the token in use")
	addTokenOwner(flags, &options.user)
	flags.SortFlags = false
	return cmd
}

func (a *app) rotateToken(cmd *cobra.Command, options rotation, args []string) error {
	ctx := cmd.Context()
	client, user, err := a.tokenOwner(ctx, options.user)
	if err != nil {
		return err
	}
	id, err := a.tokenToRotate(ctx, client, user, args)
	if err != nil {
		return err
	}
	var request sdk.RotateKeyRequest
	if cmd.Flags().Changed("overlap") {
		overlap := int64(options.overlap)
		request.Overlap = &overlap
	}
	rotated, err := client.RotateAPIKey(ctx, user, id, request)
	if err != nil {
		return err
	}
	a.printf("%s\n", rotated.Key)
	a.noteRotated(rotated)
	return a.rememberRotated(rotated)
}

// tokenToRotate returns the id of the token in the arguments, or else of the one
// in use, which may be unable to read anything.
func (a *app) tokenToRotate(ctx context.Context, client *sdk.Client, user string, args []string) (string, error) {
	if len(args) == 0 {
		id, ok := keyID(a.target.token)
		if !ok {
			return "", errors.New("what is in use does not look like a token")
		}
		return id, nil
	}
	key, err := findToken(ctx, client, user, args[0])
	return key.ID, err
}

func (a *app) noteRotated(rotated sdk.RotateKeyResponse) {
	a.notef("The new token works until %s. It is not shown again.\n", a.moment(rotated.ExpiresAt))
	old := rotated.Previous
	if !old.ExpiresAt.After(a.now()) {
		a.notef("The old token %s works no more: put the new one in its place now.\n", old.ID)
		return
	}
	a.notef("The old token %s works until %s: put the new one in its place before.\n"+
		"See whether the old one is still used with: usher tokens view %s\n", old.ID, a.moment(old.ExpiresAt), old.ID)
}

// rememberRotated puts the new token into the stored login if the old one is
// there.
func (a *app) rememberRotated(rotated sdk.RotateKeyResponse) error {
	stored, err := a.stored()
	if err != nil {
		return err
	}
	if id, _ := keyID(stored.token); id != rotated.Previous.ID || stored.url != a.target.url {
		return nil
	}
	if err := a.remember(session{url: stored.url, token: rotated.Key}); err != nil {
		return err
	}
	a.notef("Your stored login to %s uses the new token.\n", stored.url)
	return nil
}
