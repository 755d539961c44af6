package server_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"usher/internal/secret"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

func keyFileOf(db store.Config) string { return filepath.Join(db.DataDir, server.EncryptionKeyFile) }

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// start runs a server that is expected to refuse, and returns why.
func start(t *testing.T, db store.Config, change ...func(*server.Config)) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := server.Config{
		Listen: "127.0.0.1:0", DataDir: db.DataDir, DatabaseURL: secret.Redacted(db.DatabaseURL),
		OnReady: func(server.Ready) { cancel() },
	}
	for _, f := range change {
		f(&cfg)
	}
	return server.Run(ctx, cfg)
}

// wantRefusal expects words in the error of a start.
func wantRefusal(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("the server started")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}

// TestKeyFileIsMadeOnce: for the first server of a database, for its owner only,
// and never again.
func TestKeyFileIsMadeOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		if err := start(t, db); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(keyFileOf(db))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%v, %v", info, err)
		}
		first := readFile(t, keyFileOf(db))
		ring, err := secret.ParseKeyring([]byte(first))
		if err != nil || len(ring.IDs()) != 1 {
			t.Fatalf("%v, %v", ring.IDs(), err)
		}
		if err := start(t, db); err != nil || readFile(t, keyFileOf(db)) != first {
			t.Errorf("a second start changed the file (%v)", err)
		}
		if hidden, err := filepath.Glob(filepath.Join(db.DataDir, ".encryption*")); err != nil || len(hidden) > 0 {
			t.Errorf("left behind are %v (%v)", hidden, err)
		}

		// A lost file is not made anew, because the old key has been used.
		if err := os.Rename(keyFileOf(db), keyFileOf(db)+".moved"); err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, start(t, db), `"`+ring.Current()+`"`, keyFileOf(db), "not there", "--encryption-key-file", "--discard-unreadable")
		if _, err := os.Stat(keyFileOf(db)); err == nil {
			t.Error("a refused start made a key file")
		}
		if err := start(t, db, func(c *server.Config) { c.EncryptionKeyFile = keyFileOf(db) + ".moved" }); err != nil {
			t.Errorf("with the file named: %v", err)
		}
	})
}

// TestWrongKeyFile: a node with the keys of another deployment does not start.
func TestWrongKeyFile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		if err := start(t, db); err != nil {
			t.Fatal(err)
		}
		right := readFile(t, keyFileOf(db))
		id, key, _ := strings.Cut(right, " ")
		_, otherLine := secret.NewSealingKey()
		_, otherKey, _ := strings.Cut(otherLine.Reveal(), " ")
		for name, tt := range map[string]struct {
			text  string
			words []string
		}{
			"another key":         {otherLine.Reveal(), []string{`"` + id + `"`, "not in it", "--discard-unreadable"}},
			"another of that id":  {id + " " + otherKey, []string{`"` + id + `"`, "another one"}},
			"nothing":             {"", []string{"no key"}},
			"nonsense":            {right + "nonsense " + strings.TrimSpace(otherKey)[:20], []string{"line 2"}},
			"half a key, a crash": {right[:len(right)/2], []string{"line 1"}},
		} {
			if err := os.WriteFile(keyFileOf(db), []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := start(t, db)
			wantRefusal(t, err, append(tt.words, keyFileOf(db))...)
			for _, hidden := range []string{strings.TrimSpace(key)[:8], strings.TrimSpace(otherKey)[:8]} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("%s: the error shows a key", name)
				}
			}
		}
		if err := os.WriteFile(keyFileOf(db), []byte(otherLine.Reveal()+right), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := start(t, db); err != nil {
			t.Errorf("with the right key as the second line: %v", err)
		}
	})
}

func TestKeyFileThatEverybodyCanRead(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	if err := start(t, db); err != nil {
		t.Fatal(err)
	}
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true} {
		if err := os.Chmod(keyFileOf(db), mode); err != nil {
			t.Fatal(err)
		}
		s := servertest.Start(t, db)
		if got := strings.Contains(s.Log.String(), "everybody on this machine"); got != warned {
			t.Errorf("mode %o: warned %t", mode, got)
		}
		s.Stop()
	}
}

// TestRotationBesideAServer: the server goes on with the new key, and with the
// new one alone; SIGHUP is not needed.
func TestRotationBesideAServer(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		before, err := s.Owner.GitSSHPrivateKey(t.Context(), sdk.Me)
		if err != nil {
			t.Fatal(err)
		}
		o := offline(s.Store)
		if s.Store.DatabaseURL != "" {
			o.DataDir = s.Store.DataDir
		}
		file, id, made, err := o.NewEncryptionKey(t.Context())
		if err != nil || made || file != keyFileOf(s.Store) {
			t.Fatalf("%s %s %t, %v", file, id, made, err)
		}
		file, r, err := o.RotateEncryption(t.Context(), false)
		if err != nil || r.KeyID != id || r.Resealed != 1 || len(r.Others) != 1 || file != keyFileOf(s.Store) {
			t.Fatalf("%+v, %v", r, err)
		}
		line, _, _ := strings.Cut(readFile(t, file), "\n")
		if err := os.WriteFile(file, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		if after, err := s.Owner.GitSSHPrivateKey(t.Context(), sdk.Me); err != nil || after != before {
			t.Errorf("the private half has changed, %v", err)
		}
		if _, err := s.Owner.RegenerateGitSSHKey(t.Context(), sdk.Me); err != nil {
			t.Error(err)
		}
		log, err := s.Owner.AuditLogs(t.Context(), sdk.AuditLogsRequest{Search: "resource_type:encryption_key resource_target:" + id})
		if err != nil || log.Count != 2 || log.AuditLogs[0].AdditionalFields["resealed"] != "1" {
			t.Errorf("%+v, %v", log, err)
		}
	})
}

// TestHangup: SIGHUP makes every server of the process read its file again.
func TestHangup(t *testing.T) {
	s := servertest.New(t)
	_, id, _, err := offline(s.Store).NewEncryptionKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hangup(t, s, `key=`+id)
	if err := os.WriteFile(keyFileOf(s.Store), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangup(t, s, "the old keys stay")
	if _, err := s.Owner.GitSSHPrivateKey(t.Context(), sdk.Me); err != nil {
		t.Errorf("after a file that makes no sense: %v", err)
	}
}

// hangup sends the signal and waits for its line in the log.
func hangup(t *testing.T, s *servertest.Server, line string) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(s.Log.String(), line); {
		if time.Now().After(deadline) {
			t.Fatalf("no %q in the log:\n%s", line, s.Log)
		}
		time.Sleep(time.Millisecond) // the log has no way to call back
	}
}

// TestNewEncryptionKey: first line, nothing lost, owner and mode as they were.
func TestNewEncryptionKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := server.Offline{EncryptionKeyFile: filepath.Join(dir, "linked")}
	real := filepath.Join(dir, "real")
	if err := os.Symlink(real, o.EncryptionKeyFile); err != nil {
		t.Fatal(err)
	}
	_, line := secret.NewSealingKey()
	old := "# from long ago\n" + line.Reveal()
	if err := os.WriteFile(real, []byte(old), 0o640); err != nil {
		t.Fatal(err)
	}
	_, id, made, err := o.NewEncryptionKey(t.Context())
	if err != nil || made {
		t.Fatalf("made %t, %v", made, err)
	}
	text := readFile(t, real)
	ring, err := secret.ParseKeyring([]byte(text))
	if err != nil || ring.Current() != id || len(ring.IDs()) != 2 || !strings.HasSuffix(text, old) {
		t.Errorf("the keys are %v, %v", ring.IDs(), err)
	}
	if info, err := os.Lstat(real); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Lstat(o.EncryptionKeyFile); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}

	if err := os.WriteFile(real, []byte("nonsense"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := o.NewEncryptionKey(t.Context()); err == nil || readFile(t, real) != "nonsense" {
		t.Errorf("a file that makes no sense was changed (%v)", err)
	}
}

// TestNewEncryptionKeysAtOnce: none of them is lost, also where there was no file.
func TestNewEncryptionKeysAtOnce(t *testing.T) {
	t.Parallel()
	o := server.Offline{EncryptionKeyFile: filepath.Join(t.TempDir(), "keys")}
	const n = 10
	type result struct {
		id  string
		err error
	}
	results := make(chan result, n)
	for range n {
		go func() {
			_, id, _, err := o.NewEncryptionKey(t.Context())
			results <- result{id, err}
		}()
	}
	var ids []string
	for range n {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
		}
		ids = append(ids, r.id)
	}
	ring, err := secret.ParseKeyring([]byte(readFile(t, o.EncryptionKeyFile)))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if !ring.Has(id) {
			t.Errorf("the key %s is lost", id)
		}
	}
}

// TestWayOutOfALostKey follows what the refusal says.
func TestWayOutOfALostKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		s := servertest.Start(t, db)
		s.CreateFirstUser(t)
		old, err := s.Owner.GitSSHKey(t.Context(), sdk.Me)
		if err != nil {
			t.Fatal(err)
		}
		s.Stop()
		if err := os.Remove(keyFileOf(db)); err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, start(t, db), "new-encryption-key", "rotate-encryption --discard-unreadable")
		o := offline(db)
		o.DataDir = db.DataDir
		_, id, made, err := o.NewEncryptionKey(t.Context())
		if err != nil || !made {
			t.Fatalf("made %t, %v", made, err)
		}
		wantRefusal(t, start(t, db), "not in it")
		_, _, err = o.RotateEncryption(t.Context(), false)
		wantRefusal(t, err, "--discard-unreadable")
		_, r, err := o.RotateEncryption(t.Context(), true)
		if err != nil || r.Discarded != 1 || r.KeyID != id {
			t.Fatalf("%+v, %v", r, err)
		}
		again := servertest.Start(t, db)
		client := again.Login(t, "owner@example.com")
		if key, err := client.GitSSHKey(t.Context(), sdk.Me); err != nil || key.PublicKey == old.PublicKey {
			t.Errorf("%+v, %v", key, err)
		}
	})
}
