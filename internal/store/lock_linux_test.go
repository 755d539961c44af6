package store_test

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"usher/internal/store"
)

// TestLockIsNotLeftToChildren: a process that is just being started has our files
// open for a moment, and must not keep the lock that we give back in it.
func TestLockIsNotLeftToChildren(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release, err := store.LockDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	copied := duplicate(t, dir)
	defer func() { _ = syscall.Close(copied) }()
	release()
	again, err := store.LockDataDir(dir)
	if err != nil {
		t.Fatalf("the lock was given back, and %v", err)
	}
	again()
}

// duplicate returns another descriptor of the one file that is open in a
// directory, as a child has it before it becomes another program.
func duplicate(t *testing.T, dir string) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range open {
		path, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err != nil || filepath.Dir(path) != dir {
			continue
		}
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		copied, err := syscall.Dup(fd)
		if err != nil {
			t.Fatal(err)
		}
		return copied
	}
	t.Fatalf("no file of %s is open", dir)
	return 0
}
