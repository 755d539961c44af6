package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

// childVariable makes this test binary play another process on the directory in
// directoryVariable: a server, or an offline command.
const (
	childVariable     = "STORE_TEST_CHILD"
	directoryVariable = "STORE_TEST_DIRECTORY"
)

// playChild says "ready" when it has done its part, and ends, without cleaning
// up, when its standard input does.
func playChild(part string) int {
	dir := os.Getenv(directoryVariable)
	var err error
	switch part {
	case "server":
		_, err = store.LockDataDir(dir)
	case "offline":
		err = workOffline(dir)
	case "copying":
		err = copyHalf(dir)
	default:
		err = fmt.Errorf("there is no part called %q", part)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// offlineUsers is how many users an offline command adds, each for itself.
const offlineUsers = 50

func workOffline(dir string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{DataDir: dir})
	if err != nil {
		return err
	}
	for i := range offlineUsers {
		u := person(fmt.Sprintf("offline-%d", i))
		err := s.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, u, "") })
		if err != nil {
			return err
		}
	}
	return s.Close()
}

// startChild starts a process and waits until it is ready. The process ends with
// the test, or when the returned function kills it.
func startChild(t *testing.T, part, dir string) (kill func()) {
	t.Helper()
	command := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	command.Env = append(os.Environ(), childVariable+"="+part, directoryVariable+"="+dir)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_ = command.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	if line != "ready\n" {
		t.Fatalf("the %s says %q (%v)", part, line, err)
	}
	return func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
}

func lock(t *testing.T, dir string) (release func()) {
	t.Helper()
	release, err := store.LockDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func wantLocked(t *testing.T, dir string) {
	t.Helper()
	release, err := store.LockDataDir(dir)
	if err == nil {
		release()
		t.Fatal("a second server may use the directory")
	}
	if want := "another server is using " + dir + "; stop it first, or choose another --data-dir"; err.Error() != want {
		t.Errorf("the second server is told %q, want %q", err, want)
	}
}

func TestOneServerHasTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release := lock(t, dir)
	wantLocked(t, dir)
	wantLocked(t, dir)
	lock(t, t.TempDir())()
	release()
	release = lock(t, dir)
	wantLocked(t, dir)
	release()
	if _, err := store.LockDataDir(filepath.Join(dir, "missing")); err == nil || strings.Contains(err.Error(), "another server") {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func TestLockEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kill := startChild(t, "server", dir)
	wantLocked(t, dir)
	kill()
	lock(t, dir)()
}

// An offline command works beside a server, and both see what the other did.
func TestOfflineCommandBesideAServer(t *testing.T) {
	t.Parallel()
	cfg := storetest.SQLite(t)
	defer lock(t, cfg.DataDir)()
	s := storetest.Open(t, cfg)
	stop, written := make(chan struct{}), make(chan int, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				written <- n
				return
			default:
			}
			u := person(fmt.Sprintf("online-%d", n))
			err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, u, "") })
			if err != nil {
				t.Errorf("the server's write %d: %v", n, err)
			}
		}
	}()
	startChild(t, "offline", cfg.DataDir)
	close(stop)
	want := <-written + offlineUsers
	if got, err := s.Direct().CountUsers(t.Context(), store.UserList{Readable: everyone()}); err != nil || got != want {
		t.Errorf("there are %d users (%v), want %d", got, err, want)
	}
}
