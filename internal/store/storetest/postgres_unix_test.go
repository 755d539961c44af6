//go:build linux || darwin || freebsd

package storetest

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestKilledProcessLeavesNothing is the promise that a developer's machine does
// not fill with servers, however the tests end.
func TestKilledProcessLeavesNothing(t *testing.T) {
	t.Parallel()
	child := childProcess(t, "hold a cluster")
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	url := nextLine(t, lines)
	directory := socketDirectory(t, url)
	conn := connect(t, url)
	serverPID := postmaster(t, directory)

	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	if _, err := conn.WaitForNotification(t.Context()); err == nil {
		t.Error("the server sent a notification, want the end of the connection")
	}
	await(t, "the end of the server", func() bool { return !alive(serverPID) })
	await(t, "the removal of "+directory, func() bool { return missing(directory) })
}

func nextLine(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	if !lines.Scan() {
		t.Fatalf("the child said nothing: %v", lines.Err())
	}
	return lines.Text()
}

// postmaster reads the server's process id from the file that it keeps.
func postmaster(t *testing.T, directory string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(directory, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func alive(pid int) bool {
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestServerUserIsNeverRoot(t *testing.T) {
	t.Parallel()
	user, err := serverUser()
	if err != nil {
		t.Fatal(err)
	}
	if root := os.Geteuid() == 0; root != (user != nil) {
		t.Fatalf("running as root: %v, another user: %v", root, user != nil)
	}
	if user != nil && user.uid == 0 {
		t.Error("the other user is root again")
	}
}
