package server_test

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

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

// privateForms are the ways in which a private half could lie about: lines of
// the PEM file, the whole of what they encode, the seed in it, as bytes, as hex,
// and as base64 at each of the three positions in a longer text.
func privateForms(t *testing.T, pem string) map[string]string {
	t.Helper()
	forms := map[string]string{}
	var body string
	for _, line := range strings.Split(strings.TrimSpace(pem), "\n") {
		if !strings.HasPrefix(line, "-----") {
			body += line
			if len(line) > 40 { // the header of the format is alike in all keys
				forms["a line of the file "+line[:4]] = line[20:]
			}
		}
	}
	key, err := ssh.ParseRawPrivateKey([]byte(pem))
	if err != nil {
		t.Fatal("the private half cannot be read")
	}
	private, ok := key.(*ed25519.PrivateKey)
	if !ok {
		t.Fatalf("the key is a %T", key)
	}
	seed := string(private.Seed())
	forms["the seed"], forms["the seed in hex"] = seed, hex.EncodeToString([]byte(seed))
	decoded, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		t.Fatal("the file is not base64")
	}
	// The public half is in the file too, and no secret.
	at := strings.Index(string(decoded), seed)
	forms["what the file encodes"] = string(decoded[at-16 : at+32])
	for shift := range 3 {
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "url base64": base64.RawURLEncoding} {
			text := encoding.EncodeToString(append(make([]byte, shift), seed...))
			forms[name+" shifted by "+string(rune('0'+shift))] = text[4 : len(text)-2]
		}
	}
	return forms
}

// remains is everything that a thief of the database gets: the files, or a dump.
func remains(t *testing.T, s *servertest.Server) map[string]string {
	t.Helper()
	found := map[string]string{}
	if s.Store.DatabaseURL != "" {
		found["the dump"] = dump(t, s.Store.DatabaseURL)
		return found
	}
	offline := server.Offline{DataDir: s.Store.DataDir}
	copied := filepath.Join(t.TempDir(), "backup.db")
	if _, err := offline.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	found["the copy"] = readFile(t, copied)
	entries, err := os.ReadDir(s.Store.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != server.EncryptionKeyFile {
			found[entry.Name()] = readFile(t, filepath.Join(s.Store.DataDir, entry.Name()))
		}
	}
	if len(found[store.SQLiteFile]) == 0 || len(found[store.SQLiteFile+"-wal"]) == 0 {
		t.Errorf("the database or its log is empty: %d and %d bytes", len(found[store.SQLiteFile]), len(found[store.SQLiteFile+"-wal"]))
	}
	return found
}

// dump returns every row of every table, as text.
func dump(t *testing.T, databaseURL string) string {
	t.Helper()
	db, err := sql.Open("pgx", databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var tables, all strings.Builder
	read := func(to *strings.Builder, query string) {
		rows, err := db.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				t.Fatal(err)
			}
			to.WriteString(text + "\n")
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	read(&tables, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
	for _, table := range strings.Fields(tables.String()) {
		read(&all, `SELECT t::text FROM `+table+` t`)
	}
	return all.String()
}

// TestPrivateHalvesAreNowhere looks for them in everything that the database
// leaves on a disk, in the log of the server and in the audit log.
func TestPrivateHalvesAreNowhere(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		client, user := s.SignedIn(t, "ada")
		var secrets []sdk.GitSSHPrivateKey
		look := func() sdk.GitSSHKey {
			t.Helper()
			private, err := client.GitSSHPrivateKey(t.Context(), sdk.Me)
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, private)
			public, err := client.GitSSHKey(t.Context(), sdk.Me)
			if err != nil {
				t.Fatal(err)
			}
			return public
		}
		look()
		if _, err := s.Owner.RegenerateGitSSHKey(t.Context(), user.ID.String()); err != nil {
			t.Fatal(err)
		}
		public := look()
		if _, _, _, err := (server.Offline{DataDir: s.Store.DataDir}).NewEncryptionKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, r, err := offline(s.Store).RotateEncryption(t.Context(), false); err != nil || r.Resealed != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		look()

		entries, err := s.Owner.AuditLogs(t.Context(), sdk.AuditLogsRequest{Search: "resource_type:git_ssh_key"})
		if err != nil || len(entries.AuditLogs) < 4 {
			t.Fatalf("%d entries, %v", len(entries.AuditLogs), err)
		}
		places := remains(t, s)
		places["the log"] = s.Log.String()
		sawPublic := false
		for place, text := range places {
			sawPublic = sawPublic || strings.Contains(text, strings.TrimSpace(public.PublicKey))
			if strings.Contains(text, "PRIVATE KEY") {
				t.Errorf("%s has a private key", place)
			}
			for _, private := range secrets {
				for form, needle := range privateForms(t, private.PrivateKey) {
					if strings.Contains(text, needle) {
						t.Errorf("%s has %s", place, form)
					}
				}
			}
			for _, key := range strings.Fields(readFile(t, keyFileOf(s.Store))) {
				if len(key) == 44 && strings.Contains(text, key) {
					t.Errorf("%s has an encryption key", place)
				}
			}
		}
		if !sawPublic {
			t.Error("not even the public half was found: the search is blind")
		}
	})
}

// TestPrivateFormsAreFound: the search above would see a key in each form.
func TestPrivateFormsAreFound(t *testing.T) {
	t.Parallel()
	pair, err := secret.NewSSHKeyMaker(secret.SSHEd25519).Make(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	forms := privateForms(t, pair.Private.Reveal())
	key, err := ssh.ParseRawPrivateKey([]byte(pair.Private.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	seed := key.(*ed25519.PrivateKey).Seed()
	for name, text := range map[string]string{
		"plain":  pair.Private.Reveal(),
		"seed":   "…" + string(seed),
		"hex":    hex.EncodeToString(seed),
		"base 0": base64.StdEncoding.EncodeToString(append([]byte("abc"), seed...)),
		"base 1": base64.StdEncoding.EncodeToString(append([]byte("abcd"), seed...)),
		"base 2": base64.URLEncoding.EncodeToString(append([]byte("abcde"), append(seed, "more"...)...)),
	} {
		found := false
		for _, needle := range forms {
			found = found || strings.Contains(text, needle)
		}
		if !found {
			t.Errorf("%s is not found", name)
		}
		for form, needle := range forms {
			if strings.Contains(pair.Public, needle) {
				t.Errorf("%s is in the public half", form)
			}
		}
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
		time.Sleep(time.Millisecond)
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
