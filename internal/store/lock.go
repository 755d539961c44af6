package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// dataDirLock is the file by which a data directory is locked.
const dataDirLock = "usher.lock"

// LockDataDir takes the data directory for one server, so that two of them
// never share a SQLite file. The lock ends with the process, however it ends.
func LockDataDir(dir string) (release func(), err error) {
	release, err = lockFile(filepath.Join(dir, dataDirLock), false)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("another server is using %s; stop it first, or choose another --data-dir", dir)
	}
	return release, err
}

// lockFile takes an advisory lock on a file that it creates and leaves behind.
func lockFile(path string, wait bool) (release func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	if err := syscall.Flock(int(file.Fd()), how); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
	}
	return func() {
		// Closing alone would leave the lock to a child process that is just being
		// started and has not let go of our files yet.
		_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
		_ = file.Close()
	}, nil
}
