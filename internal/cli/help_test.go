package cli

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// TestHelp holds the help of every command to its golden file. Run the test
// with -update after a change, and read the difference.
func TestHelp(t *testing.T) {
	t.Parallel()
	golden := map[string]bool{}
	for _, words := range commandPaths((&app{}).rootCommand()) {
		name := strings.Join(words, "-") + ".golden"
		golden[name] = true
		t.Run(strings.Join(words, " "), func(t *testing.T) {
			t.Parallel()
			got := run(t, nil, "", append(words[1:len(words):len(words)], "--help")...)
			if got.status != exitOK || got.err != "" {
				t.Fatalf("status %d, stderr %q", got.status, got.err)
			}
			compareGolden(t, filepath.Join("testdata", "help", name), got.out)
		})
	}
	entries, err := os.ReadDir(filepath.Join("testdata", "help"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !golden[entry.Name()] {
			t.Errorf("%s belongs to no command", entry.Name())
		}
	}
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// commandPaths returns the words of each command below and including this one.
func commandPaths(cmd *cobra.Command) [][]string {
	paths := [][]string{strings.Fields(cmd.CommandPath())}
	for _, sub := range cmd.Commands() {
		paths = append(paths, commandPaths(sub)...)
	}
	return paths
}

// Each command says what it does, what it takes and that it takes no more.
func TestCommandsAreComplete(t *testing.T) {
	t.Parallel()
	root := (&app{}).rootCommand()
	for _, words := range commandPaths(root) {
		cmd, _, err := root.Find(words[1:])
		if err != nil {
			t.Fatal(err)
		}
		if cmd.Short == "" || cmd.Args == nil || cmd.RunE == nil {
			t.Errorf("%s: short %q, has Args %v, has RunE %v", cmd.CommandPath(), cmd.Short, cmd.Args != nil, cmd.RunE != nil)
		}
	}
}
