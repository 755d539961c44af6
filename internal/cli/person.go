package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newPerson is what flags or answers say about somebody new.
type newPerson struct{ email, username, name string }

func (p *newPerson) addFlags(flags *pflag.FlagSet, prefix string) {
	whose := "the"
	if prefix != "" {
		whose = "the first user's"
	}
	flags.StringVar(&p.email, prefix+"email", "", whose+" `e-mail`")
	flags.StringVar(&p.username, prefix+"username", "", whose+" `username`")
	flags.StringVar(&p.name, prefix+"name", "", whose+" real `name`; may be empty")
}

// completePerson asks for what is missing. Without a terminal it says which
// flags would have told.
func (a *app) completePerson(cmd *cobra.Command, p *newPerson) error {
	if p.email != "" && p.username != "" {
		return nil
	}
	if !a.interactive() {
		var missing []string
		for _, flag := range []struct{ name, value string }{{"email", p.email}, {"username", p.username}} {
			if flag.value == "" {
				missing = append(missing, prefixed(cmd, flag.name))
			}
		}
		return misused(cmd, "%s must be given, because standard input is not a terminal to ask at", strings.Join(missing, " and "))
	}
	return a.askPerson(cmd.Context(), p)
}

// prefixed returns the flag of this command for a part of a person.
func prefixed(cmd *cobra.Command, name string) string {
	if cmd.Flags().Lookup("first-user-"+name) != nil {
		return "--first-user-" + name
	}
	return "--" + name
}

func (a *app) askPerson(ctx context.Context, p *newPerson) (err error) {
	if p.email == "" {
		if p.email, err = a.ask(ctx, "E-mail", ""); err != nil {
			return err
		}
	}
	if p.username == "" {
		if p.username, err = a.ask(ctx, "Username", suggestUsername(p.email)); err != nil {
			return err
		}
	}
	if p.name == "" {
		p.name, err = a.ask(ctx, "Real name (may be empty)", "")
	}
	return err
}

// suggestUsername makes a username of an e-mail, by the rule that the server
// has for usernames; it may find none.
func suggestUsername(email string) string {
	local, _, _ := strings.Cut(email, "@")
	words := strings.FieldsFunc(strings.ToLower(local), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	const longest = 32
	name := strings.Join(words, "-")
	return strings.Trim(name[:min(len(name), longest)], "-")
}
