package server_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// TestBackupUnderWrites copies while users are being made, restores the copy
// elsewhere, and compares: all that was answered before is in it, each user with
// all of its rows, and no row that the server did not have.
func TestBackupUnderWrites(t *testing.T) {
	t.Parallel()
	s := servertest.On(t, storetest.SQLite(t))
	stream := startStream(t, s)
	stream.await(t, 20)
	before := stream.made()
	file := filepath.Join(t.TempDir(), "usher.backup")
	dir, err := offline(s.Store).Backup(t.Context(), file)
	if err != nil || dir != s.Store.DataDir {
		t.Fatalf("backed up %q: %v", dir, err)
	}
	stream.await(t, len(before)+20) // it is not the writes that waited
	stream.stop()

	copied := restore(t, file)
	rows, source := storetest.Dump(t, copied), map[string]bool{}
	for _, line := range storetest.Dump(t, s.Store) {
		source[line] = true
	}
	for _, line := range rows {
		of, _, _ := strings.Cut(line, ": ")
		touched := strings.Contains(line, s.OwnerID.String()) && (of == "users" || of == "api_keys") // by its requests
		if !source[line] && !touched {
			t.Errorf("a row that the server has not: %s", line)
		}
	}
	text := strings.Join(rows, "\n")
	for _, user := range before {
		if !strings.Contains(text, "users: "+user.ID.String()) {
			t.Errorf("%s was answered before the copy and is not in it", user.Username)
		}
	}
	users := strings.Count("\n"+text, "\nusers: ")
	for table, want := range map[string]int{"organization_members": users, "audit_log": users + 1} { // and the login
		if got := strings.Count("\n"+text, "\n"+table+": "); got != want {
			t.Errorf("%d users have %d rows in %s, want %d", users, got, table, want)
		}
	}
	carryKeys(t, s.Store, copied)
	again := servertest.Start(t, copied)
	again.Login(t, "owner@example.com")
	again.Login(t, before[0].Email)
}

// TestBackupIsComplete: with nothing going on, each row is in the copy, and what
// is sealed can be opened with the key file, and only with it.
func TestBackupIsComplete(t *testing.T) {
	t.Parallel()
	s := servertest.On(t, storetest.SQLite(t))
	s.SignedIn(t, "ann", "auditor")
	private, err := s.Owner.GitSSHPrivateKey(t.Context(), sdk.Me)
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	file := filepath.Join(t.TempDir(), "usher.backup")
	if _, err := offline(s.Store).Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	copied := restore(t, file)
	if diff := cmp.Diff(storetest.Dump(t, s.Store), storetest.Dump(t, copied)); diff != "" {
		t.Errorf("the restored rows differ (-server +copy):\n%s", diff)
	}
	for name, dir := range map[string]string{file: "", store.SQLiteFile: copied.DataDir} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v; want 0600", name, info.Mode().Perm(), err)
		}
	}
	err = server.Run(t.Context(), server.Config{Listen: "127.0.0.1:0", DataDir: copied.DataDir})
	if err == nil || !strings.Contains(err.Error(), server.EncryptionKeyFile) {
		t.Errorf("without the key file: %v", err)
	}
	carryKeys(t, s.Store, copied)
	again := servertest.Start(t, copied)
	opened, err := again.Login(t, "owner@example.com").GitSSHPrivateKey(t.Context(), sdk.Me)
	if err != nil || opened != private {
		t.Errorf("the private half from the backup is another one, or: %v", err)
	}
}

// restore puts a backup into a data directory that it makes.
func restore(t *testing.T, file string) store.Config {
	t.Helper()
	cfg := store.Config{DataDir: filepath.Join(t.TempDir(), "new", "data")}
	dir, err := offline(cfg).Restore(t.Context(), file)
	if err != nil || dir != cfg.DataDir {
		t.Fatalf("restored into %q: %v", dir, err)
	}
	for _, name := range slices.Collect(maps.Keys(contents(t, cfg.DataDir))) {
		if strings.HasSuffix(name, ".part") {
			t.Errorf("%s is left", name)
		}
	}
	return cfg
}

// carryKeys puts the key file of one data directory into another.
func carryKeys(t *testing.T, from, to store.Config) {
	t.Helper()
	keys, err := os.ReadFile(filepath.Join(from.DataDir, server.EncryptionKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to.DataDir, server.EncryptionKeyFile), keys, 0o600); err != nil {
		t.Fatal(err)
	}
}

// contents reads the files of a directory by name; none where there is no
// directory. Locks are left out.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file.Name(), ".lock") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found[file.Name()] = string(text)
	}
	return found
}

// stream makes users until it is stopped.
type stream struct {
	mu    sync.Mutex
	users []sdk.User
	more  chan struct{}
	stop  func()
}

func startStream(t *testing.T, s *servertest.Server) *stream {
	t.Helper()
	w := &stream{more: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var number atomic.Int64
	for range 4 {
		running.Go(func() {
			for ctx.Err() == nil {
				name := fmt.Sprintf("user-%d", number.Add(1))
				user, err := s.Owner.CreateUser(t.Context(), sdk.CreateUserRequest{
					Username: name, Email: name + "@example.com", Password: servertest.Password, OrganizationIDs: []uuid.UUID{s.OrganizationID},
				})
				if err != nil {
					t.Errorf("create %s: %v", name, err)
					return
				}
				w.add(user)
			}
		})
	}
	w.stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(w.stop)
	return w
}

func (w *stream) add(user sdk.User) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.users = append(w.users, user)
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *stream) made() []sdk.User {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.users)
}

// await waits until so many users are made.
func (w *stream) await(t *testing.T, count int) {
	t.Helper()
	for len(w.made()) < count {
		select {
		case <-w.more:
		case <-t.Context().Done():
			t.Fatal("the test ended before the users were made")
		}
	}
}

// TestRestoreRefusals leave everything as it was.
func TestRestoreRefusals(t *testing.T) {
	t.Parallel()
	s := servertest.On(t, storetest.SQLite(t))
	files := t.TempDir()
	good := filepath.Join(files, "good")
	if _, err := offline(s.Store).Backup(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	put := func(dir, name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	inUse := put(files, "in-use", string(text))
	put(files, "in-use-wal", "a log")
	type refusal struct{ name, file, dir, want string }
	refusals := []refusal{
		{"beside a running server", good, s.Store.DataDir, "another server is using"},
		{"no file", filepath.Join(files, "none"), "", "no such file"},
		{"a directory", files, "", "is no file"},
		{"a text", put(files, "text", strings.Repeat("once upon a time ", 1000)), "", "is no copy of a database"},
		{"another program's database", foreignDatabase(t), "", "is no database of Usher"},
		{"a database in use", inUse, "", "not a backup"},
	}
	for _, left := range []string{store.SQLiteFile, store.SQLiteFile + "-wal", store.SQLiteFile + "-journal"} {
		dir := t.TempDir()
		put(dir, left, "something")
		refusals = append(refusals, refusal{"beside " + left, good, dir, left + " exists already"})
	}
	for _, length := range []int{0, 50, 100, 4096, len(text) / 2, len(text) - 4096, len(text) - 1} {
		name := fmt.Sprintf("cut to %d", length)
		refusals = append(refusals, refusal{name, put(files, name, string(text[:length])), "", ""})
	}
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			dir := r.dir
			if dir == "" {
				dir = filepath.Join(t.TempDir(), "data")
			}
			before := contents(t, dir)
			_, err := offline(store.Config{DataDir: dir}).Restore(t.Context(), r.file)
			if err == nil || !strings.Contains(err.Error(), r.want) {
				t.Errorf("%v, want %q", err, r.want)
			}
			if r.dir == s.Store.DataDir { // its log is alive
				return
			}
			if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
				t.Errorf("the refusal changed the directory:\n%s", diff)
			}
			if _, err := os.Stat(dir); r.dir == "" && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the refusal made the directory: %v", err)
			}
		})
	}
	if _, err := s.Owner.User(t.Context(), sdk.Me); err != nil {
		t.Errorf("the running server: %v", err)
	}
}

// foreignDatabase is a SQLite file that somebody else made.
func foreignDatabase(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "foreign")
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE users (id TEXT); INSERT INTO users VALUES ('me')"); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestBackupRefusals overwrite nothing and leave nothing behind.
func TestBackupRefusals(t *testing.T) {
	t.Parallel()
	s := servertest.On(t, storetest.SQLite(t))
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("yesterday's"), 0o600); err != nil {
		t.Fatal(err)
	}
	nowhere := server.Offline{DataDir: filepath.Join(dir, "nowhere")}
	for _, test := range []struct {
		name    string
		offline server.Offline
		file    string
		want    string
	}{
		{"a file that is there", offline(s.Store), there, "exists already"},
		{"the database itself", offline(s.Store), filepath.Join(s.Store.DataDir, store.SQLiteFile), "exists already"},
		{"no database", nowhere, filepath.Join(dir, "new"), "there is no database at " + filepath.Join(dir, "nowhere")},
		{"no such directory", offline(s.Store), filepath.Join(dir, "none", "new"), "no such file or directory"},
	} {
		if _, err := test.offline.Backup(t.Context(), test.file); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := offline(s.Store).Backup(cancelled, filepath.Join(dir, "new")); err == nil {
		t.Error("a cancelled backup says that it is done")
	}
	if diff := cmp.Diff(map[string]string{"there": "yesterday's"}, contents(t, dir)); diff != "" {
		t.Errorf("the refusals left:\n%s", diff)
	}
	if _, err := s.Owner.User(t.Context(), sdk.Me); err != nil {
		t.Error(err)
	}
}

// TestBackupOfPostgres is for its own tools, which the refusal names.
func TestBackupOfPostgres(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := server.Offline{DataDir: dir, DatabaseURL: "postgres://usher:hunter2@127.0.0.1/usher"}
	_, backup := o.Backup(t.Context(), filepath.Join(dir, "file"))
	_, restore := o.Restore(t.Context(), filepath.Join(dir, "file"))
	for tool, err := range map[string]error{"pg_dump": backup, "pg_restore": restore} {
		if err == nil || !strings.Contains(err.Error(), tool) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want advice to use %s", err, tool)
		}
	}
	if left := contents(t, dir); len(left) > 0 {
		t.Errorf("the refusals left %v", left)
	}
}
