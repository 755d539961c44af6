package storetest

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// errNoPostgres is what a test fails with on a machine without PostgreSQL.
var errNoPostgres = errors.New("PostgreSQL's server programs (initdb and postgres) were not found. " +
	"Run `./test --install` in the repository's root directory to install them, " +
	"or set " + ServerVariable + " to the URL of a server whose role may CREATE DATABASE")

// versionedDirectories is where systems that can hold several versions of
// PostgreSQL side by side keep its server programs, out of everyone's PATH.
// The script ./test looks in the same places.
func versionedDirectories() []string {
	return []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/usr/libexec/postgresql*",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
	}
}

// findPrograms returns the directory that holds initdb and postgres: the first of
// searchPath (a PATH) that has both, else the newest of the versioned
// directories, else the one that pg_config names.
func findPrograms(ctx context.Context, searchPath string, versioned []string) (string, error) {
	onPath := slices.DeleteFunc(filepath.SplitList(searchPath), func(directory string) bool {
		return !filepath.IsAbs(directory)
	})
	directories := slices.Clone(onPath)
	for _, pattern := range versioned {
		found, err := newestFirst(pattern)
		if err != nil {
			return "", err
		}
		directories = append(directories, found...)
	}
	for _, directory := range onPath {
		output, err := exec.CommandContext(ctx, filepath.Join(directory, "pg_config"), "--bindir").Output()
		if err == nil {
			directories = append(directories, strings.TrimSpace(string(output)))
		}
	}
	found := slices.IndexFunc(directories, hasPrograms)
	if found < 0 {
		return "", errNoPostgres
	}
	return directories[found], nil
}

// newestFirst expands a pattern whose asterisk stands for a version.
func newestFirst(pattern string) ([]string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	beforeVersion := strings.IndexByte(pattern, '*')
	slices.SortFunc(found, func(a, b string) int {
		return cmp.Compare(majorVersion(b[beforeVersion:]), majorVersion(a[beforeVersion:]))
	})
	return found, nil
}

func hasPrograms(directory string) bool {
	return isProgram(filepath.Join(directory, "initdb")) && isProgram(filepath.Join(directory, "postgres"))
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// majorVersion reads 17 from 17/bin and 9 from 9.6/bin, and 0 where a path does
// not begin with a number.
func majorVersion(path string) int {
	digits := len(path) - len(strings.TrimLeft(path, "0123456789"))
	version, err := strconv.Atoi(path[:digits])
	if err != nil {
		return 0
	}
	return version
}
