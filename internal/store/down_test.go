package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// answerTime is within what every caller is told that a database is down.
const answerTime = 5 * time.Second

// use is a way to use a store, begun some time after the others.
type use struct {
	name  string
	after time.Duration
	call  func(ctx context.Context) error
}

// reads are the ways to read.
func reads(s *store.Store) []use {
	list := store.UserList{Readable: everyone()}
	return []use{
		{name: "direct", call: func(ctx context.Context) error {
			_, err := s.Direct().HasUsers(ctx)
			return err
		}},
		{name: "direct list", call: func(ctx context.Context) error {
			_, err := s.Direct().ListUsers(ctx, list, store.UserPage{})
			return err
		}},
		{name: "read", call: func(ctx context.Context) error {
			return s.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.CountUsers(ctx, store.UserList{Readable: everyone(), Search: account.UserSearch{Name: "a"}})
				return err
			})
		}},
	}
}

// writes are some that must not happen. They begin one after another, so that
// the later ones find an earlier one that waits already, and must not wait for
// longer because of it.
func writes(s *store.Store) []use {
	var list []use
	for i := range 3 {
		list = append(list, use{
			name: fmt.Sprint("write ", i), after: time.Duration(i) * 200 * time.Millisecond,
			call: func(ctx context.Context) error {
				return s.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
					return tx.InsertUser(ctx, person(fmt.Sprint("never-", i)), "")
				})
			},
		})
	}
	return list
}

// wantUnavailable fails unless each use is refused in time.
func wantUnavailable(t *testing.T, uses []use) {
	t.Helper()
	var running sync.WaitGroup
	for _, u := range uses {
		running.Go(func() {
			<-time.After(u.after)
			bounded, cancel := context.WithTimeout(t.Context(), 2*answerTime)
			defer cancel()
			start := time.Now()
			err := u.call(bounded)
			if took := time.Since(start); took > answerTime {
				t.Errorf("%s: the answer took %v", u.name, took)
			}
			if account.KindOf(err) != account.KindUnavailable {
				t.Errorf("%s: the error is of kind %q: %v", u.name, account.KindOf(err), err)
			}
		})
	}
	running.Wait()
}

// wantUnharmed fails unless the store is empty and works.
func wantUnharmed(t *testing.T, s *store.Store) {
	t.Helper()
	if has, err := s.Direct().HasUsers(t.Context()); err != nil || has {
		t.Errorf("is there a user: %v (%v); a write that was refused has happened", has, err)
	}
	insert(t, s, person("alice"))
}

// lockOut runs a statement in a transaction beside the store, and returns what
// ends the transaction.
func lockOut(t *testing.T, cfg store.Config, begin, lock string) (release func()) {
	t.Helper()
	conn, err := raw(t, cfg).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	execute := func(ctx context.Context, text string) {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	execute(t.Context(), begin)
	execute(t.Context(), lock)
	release = sync.OnceFunc(func() {
		execute(context.WithoutCancel(t.Context()), "ROLLBACK")
		_ = conn.Close()
	})
	t.Cleanup(release)
	return release
}

// Another process writes to the file and does not come to an end. Reads go on.
func TestFileThatIsLocked(t *testing.T) {
	t.Parallel()
	cfg := storetest.SQLite(t)
	s := storetest.Open(t, cfg)
	release := lockOut(t, cfg, "BEGIN EXCLUSIVE", "DELETE FROM user_roles")
	for _, u := range reads(s) {
		if err := u.call(t.Context()); err != nil {
			t.Errorf("%s: %v", u.name, err)
		}
	}
	opening := use{name: "open", call: func(ctx context.Context) error {
		second, err := store.Open(ctx, cfg)
		if err == nil {
			_ = second.Close()
		}
		return err
	}}
	wantUnavailable(t, append(writes(s), opening))
	release()
	wantUnharmed(t, s)
}

func TestTableThatIsLocked(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	s := storetest.Open(t, cfg)
	release := lockOut(t, cfg, "BEGIN", "LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
	wantUnavailable(t, append(writes(s), reads(s)...))
	release()
	wantUnharmed(t, s)
}

// Whoever kills connections, an answer is right or "unavailable", and what was
// acknowledged is there.
func TestConnectionsThatAreKilled(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	s := storetest.Open(t, cfg)
	killer := raw(t, cfg)
	stop := make(chan struct{})
	var users sync.WaitGroup
	var acknowledged sync.Map
	for i := range 8 {
		users.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				u := person(fmt.Sprintf("user-%d-%d", i, n))
				err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, u, "") })
				if err == nil {
					acknowledged.Store(u.ID, u)
				}
				wantServedOrUnavailable(t, "write", err)
				for _, r := range reads(s) {
					wantServedOrUnavailable(t, r.name, r.call(t.Context()))
				}
			}
		})
	}
	for range 100 {
		kill(t, killer)
	}
	close(stop)
	users.Wait()
	kill(t, killer) // also those that lie idle
	for _, r := range reads(s) {
		wantServedOrUnavailable(t, r.name, r.call(t.Context()))
	}
	s = storetest.Open(t, cfg)
	acknowledged.Range(func(_, value any) bool {
		u, _ := value.(account.User)
		if got := user(t, s, u.ID); got.Username != u.Username {
			t.Errorf("user %q is %q", u.Username, got.Username)
		}
		return true
	})
}

func kill(t *testing.T, db *sql.DB) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	if err != nil {
		t.Errorf("kill the connections: %v", err)
	}
}

func wantServedOrUnavailable(t *testing.T, what string, err error) {
	t.Helper()
	if kind := account.KindOf(err); kind != "" && kind != account.KindUnavailable {
		t.Errorf("%s: the error is of kind %q: %v", what, kind, err)
	}
}

// A server that is not there is found missing at once, and one that is silent
// in time. What is said about it does not repeat the password.
func TestServerThatCannotBeReached(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	var running sync.WaitGroup
	for _, address := range []string{closed.Addr().String(), silent.Addr().String()} {
		for _, options := range []string{"", "?sslmode=disable"} {
			running.Go(func() {
				cfg := store.Config{DatabaseURL: "postgres://usher:hunter2@" + address + "/usher" + options}
				start := time.Now()
				s, err := store.Open(t.Context(), cfg)
				if err == nil {
					t.Errorf("%s: it was opened (%v)", address, s.Close())
					return
				}
				if took := time.Since(start); took > answerTime || address == closed.Addr().String() && took > time.Second {
					t.Errorf("%s: the answer took %v", address, took)
				}
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the error repeats the password: %v", err)
				}
			})
		}
	}
	running.Wait()
}

func TestDatabaseURLs(t *testing.T) {
	t.Parallel()
	for databaseURL, good := range map[string]bool{
		"postgres://usher@db.example/usher":        true,
		"postgresql:///usher?host=/run/postgresql": true,
		"":                                       false,
		"usher":                                  false,
		"mysql://usher:hunter2@db.example/usher": false,
		"postgres://usher:hunter2@db.example:x/": false,
		"postgres://usher:hunter2%zz@db.example/":     false,
		"host=db.example user=usher password=hunter2": false,
	} {
		err := store.CheckDatabaseURL(databaseURL)
		if (err == nil) != good {
			t.Errorf("%q: %v", databaseURL, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats the password: %v", err)
		}
		if good || databaseURL == "" {
			continue
		}
		_, err = store.Open(t.Context(), store.Config{DatabaseURL: databaseURL, DataDir: t.TempDir()})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("opening %q: %v", databaseURL, err)
		}
	}
}

// What is no database is left as it is, and said to be none.
func TestFileThatIsNoDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, store.SQLiteFile)
	text := strings.Repeat("this is a letter to a friend\n", 1000)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Config{DataDir: dir}); err == nil || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("opening it: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != text {
		t.Errorf("the file has changed (%v)", err)
	}
	if _, err := store.Open(t.Context(), store.Config{DataDir: filepath.Join(dir, "missing")}); err == nil {
		t.Error("a directory that is not there was opened")
	}
}
