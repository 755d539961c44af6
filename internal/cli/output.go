package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"usher/sdk"
)

// format is how a command prints data; its zero value is a table.
type format struct{ json bool }

func (f *format) String() string {
	if f.json {
		return "json"
	}
	return "table"
}

func (f *format) Set(name string) error {
	if name != "table" && name != "json" {
		return errors.New("it is table or json")
	}
	f.json = name == "json"
	return nil
}

func (f *format) Type() string { return "FORMAT" }

func (f *format) addFlag(cmd *cobra.Command) {
	flag := cmd.Flags().VarPF(f, "output", "o", "how to print: table, or json for programs\n[default: table]")
	flag.DefValue = "" // the description has it
	names := cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp)
	// It fails only for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("output", names)
}

// print writes a value of the SDK as its JSON, or the table.
func (a *app) print(f format, value any, table func(io.Writer)) error {
	if f.json {
		encoder := json.NewEncoder(a.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 3, ' ', 0)
	table(w)
	return w.Flush()
}

// printUser reports a change: the user as JSON, or a sentence for people.
func (a *app) printUser(f format, user sdk.User, sentence string, args ...any) error {
	return a.print(f, user, func(w io.Writer) { fmt.Fprintf(w, sentence, args...) })
}

// writeRow writes a line of a table. Cells come from other people, so that nothing
// in them may move the cursor or break the line.
func writeRow(w io.Writer, cells ...string) {
	for i, cell := range cells {
		cells[i] = printable(cell)
	}
	fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

// printable replaces everything that a terminal would not simply show.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// orDash makes an empty cell visible.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

const day = 24 * time.Hour

// longAgo is when a date says more than a number of days.
const longAgo = 30 * day

// ago tells a time in words while that says more than the date.
func ago(t, now time.Time) string {
	age := now.Sub(t)
	switch {
	case t.Unix() <= 0: // the zero time, and the wire's other "never"
		return "never"
	case age < time.Minute:
		return "just now"
	case age < time.Hour:
		return count(int(age/time.Minute), "minute") + " ago"
	case age < day:
		return count(int(age/time.Hour), "hour") + " ago"
	case age < longAgo:
		return count(int(age/day), "day") + " ago"
	}
	return date(t)
}

// until tells when something ends, rounded to what a person would say, or that it
// has ended.
func until(t, now time.Time) string {
	left := t.Sub(now)
	switch {
	case left <= 0:
		return "expired " + ago(t, now)
	case left < time.Minute:
		return "in less than a minute"
	case left.Round(time.Minute) < time.Hour:
		return "in " + count(int(left.Round(time.Minute)/time.Minute), "minute")
	case left.Round(time.Hour) < 2*day:
		return "in " + count(int(left.Round(time.Hour)/time.Hour), "hour")
	case left < longAgo:
		return "in " + count(int(left.Round(day)/day), "day")
	}
	return date(t)
}

// moment tells a time to the minute, and in words.
func (a *app) moment(t time.Time) string {
	const minutes = "2006-01-02 15:04"
	exact, words := t.Local().Format(minutes), until(t, a.now())
	if words == date(t) {
		return exact
	}
	return fmt.Sprintf("%s (%s)", exact, words)
}

func date(t time.Time) string { return t.Local().Format(time.DateOnly) }

// count joins a number and a noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// enumerate joins words as a sentence does.
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

func roleNames(roles []sdk.SlimRole) string {
	var names []string
	for _, role := range roles {
		names = append(names, role.Name)
	}
	return strings.Join(names, ", ")
}
