package storetest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindPrograms(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	both := func(path ...string) string {
		directory := makeDirectories(t, root, path...)
		writeProgram(t, directory, "initdb", "#!/bin/sh\n")
		writeProgram(t, directory, "postgres", "#!/bin/sh\n")
		return directory
	}
	onPath := both("path")
	both("lib", "9", "bin")
	newest := both("lib", "17", "bin")
	both("lib", "16", "bin")
	half := makeDirectories(t, root, "lib", "18", "bin")
	writeProgram(t, half, "initdb", "#!/bin/sh\n")
	named := both("named by pg_config")
	configured := makeDirectories(t, root, "configured")
	writeProgram(t, configured, "pg_config", "#!/bin/sh\n[ \"$1\" = --bindir ] && echo '"+named+"'\n")
	lost := makeDirectories(t, root, "lost")
	writeProgram(t, lost, "pg_config", "#!/bin/sh\necho /nowhere\n")
	versioned := []string{filepath.Join(root, "lib", "*", "bin")}

	for _, test := range []struct {
		name      string
		path      []string
		versioned []string
		want      string
	}{
		{name: "PATH comes first", path: []string{half, onPath, configured}, versioned: versioned, want: onPath},
		{name: "then the newest version", path: []string{half, configured}, versioned: versioned, want: newest},
		{name: "then what pg_config names", path: []string{lost, configured}, want: named},
		{name: "a relative directory is no place for programs", path: []string{"."}},
		{name: "pg_config may name nothing", path: []string{lost, half}},
		{name: "nothing at all"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := strings.Join(test.path, string(os.PathListSeparator))
			got, err := findPrograms(t.Context(), path, test.versioned)
			if test.want == "" {
				if !errors.Is(err, errNoPostgres) {
					t.Errorf("findPrograms = %q, %v, want %v", got, err, errNoPostgres)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("findPrograms = %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestMissingPostgresNamesTheCommand(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"`./test --install`", ServerVariable} {
		if !strings.Contains(errNoPostgres.Error(), want) {
			t.Errorf("%q does not name %s", errNoPostgres, want)
		}
	}
}

func TestMajorVersion(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{
		"17/bin":                   17,
		"9.6/bin":                  9,
		"18":                       18,
		"":                         0,
		"next/bin":                 0,
		"999999999999999999999999": 0,
	} {
		if got := majorVersion(path); got != want {
			t.Errorf("majorVersion(%q) = %d, want %d", path, got, want)
		}
	}
}

func makeDirectories(t *testing.T, root string, path ...string) string {
	t.Helper()
	directory := filepath.Join(append([]string{root}, path...)...)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	return directory
}
