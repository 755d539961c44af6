package server_test

import (
	"bytes"
	"crypto/ed25519"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"usher/internal/secret"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/sdk"
)

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
	at := bytes.Index(decoded, []byte(seed))
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
