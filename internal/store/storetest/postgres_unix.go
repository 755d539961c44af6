//go:build linux || darwin || freebsd

package storetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// systemUser is whom the server runs as.
type systemUser struct {
	uid, gid uint32
}

// serverUser returns whom to run the server as: nil for the process's own user,
// another one for root.
func serverUser() (*systemUser, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("read the ids of user %s: %w", name, err)
		}
		return &systemUser{uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as")
}

// detach starts the command in a session of its own, so that an interrupt at the
// terminal or a kill of the process group reaches the tests and not the
// supervisor, which has the server to end first.
func detach(command *exec.Cmd, runAs *systemUser) {
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if runAs != nil {
		command.SysProcAttr.Credential = &syscall.Credential{Uid: runAs.uid, Gid: runAs.gid}
	}
}

// handOver gives a directory to the server's user.
func handOver(directory string, runAs *systemUser) error {
	if runAs == nil {
		return nil
	}
	return os.Chown(directory, int(runAs.uid), int(runAs.gid))
}

// freeBytes is how much may be written to a file system, 0 if nobody can tell.
func freeBytes(path string) uint64 {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(path, &stat); err != nil {
		return 0
	}
	return uint64(stat.Bavail) * uint64(stat.Bsize) //nolint:unconvert // the fields' types differ from system to system
}
