package store_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestSearchIndexForgets: what was a name's letters is not to be found in the
// pages of the index when the user is deleted or renamed, as little as the name.
func TestSearchIndexForgets(t *testing.T) {
	t.Parallel()
	cfg := storetest.SQLite(t)
	s := storetest.Open(t, cfg)
	gone, renamed := person("xqzjkvw"), person("wvkjzqx")
	insert(t, s, gone, renamed, person("somebody"))
	blocks := func() string {
		return strings.Join(texts(t, raw(t, cfg), `SELECT hex(block) FROM user_search_data ORDER BY id`), " ")
	}
	const first, second = "717A6A", "6B6A7A" // qzj and kjz
	if text := blocks(); !strings.Contains(text, first) || !strings.Contains(text, second) {
		t.Fatalf("the letters are not in the index to begin with: %s", text)
	}
	deleteUser(t, s, gone.ID)
	renamed.Username, renamed.Email = "other", "other@example.com"
	write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateUser(ctx, renamed) })
	if text := blocks(); strings.Contains(text, first) || strings.Contains(text, second) {
		t.Errorf("letters of names that are gone are still in the index: %s", text)
	}
	if problem := texts(t, raw(t, cfg), `PRAGMA integrity_check`); problem[0] != "ok" {
		t.Errorf("the database is not sound: %s", problem)
	}
}

// TestPackedTextsForget: packing keeps what searches find, and what a change made
// loose is not to be found in the pages that had it.
func TestPackedTextsForget(t *testing.T) {
	t.Parallel()
	cfg := storetest.SQLite(t)
	s := storetest.Open(t, cfg)
	gone, renamed := person("xqzjkvw"), person("wvkjzqx")
	insert(t, s, gone, renamed, person("somebody"))
	db := raw(t, cfg)
	packed := func() string {
		if err := s.TidyLists(t.Context()); err != nil {
			t.Fatal(err)
		}
		return strings.Join(texts(t, db, `SELECT coalesce(text, 'loose') FROM user_texts ORDER BY block`), "|")
	}
	const want = "xqzjkvw\nxqzjkvw@example.com\x1ewvkjzqx\nwvkjzqx@example.com\x1esomebody\nsomebody@example.com"
	if got := packed(); got != want {
		t.Errorf("the texts are %q, want %q", got, want)
	}
	deleteUser(t, s, gone.ID)
	renamed.Username, renamed.Email = "other", "other@example.com"
	write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateUser(ctx, renamed) })
	if loose := texts(t, db, `SELECT count(*) FROM user_texts WHERE text IS NULL`); loose[0] != "1" {
		t.Errorf("%s blocks are loose after a change, want 1", loose[0])
	}
	if got := packed(); got != "other\nother@example.com\x1esomebody\nsomebody@example.com" {
		t.Errorf("after the changes the texts are %q", got)
	}
	execute(t, cfg, `PRAGMA wal_checkpoint(TRUNCATE)`)
	file, err := os.ReadFile(filepath.Join(cfg.DataDir, store.SQLiteFile))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(file, []byte("xqzjkvw\nxqzjkvw@example.com")) || bytes.Contains(file, []byte("wvkjzqx\nwvkjzqx@example.com")) {
		t.Error("texts of users who are gone are still in the file")
	}
}

// TestSearchSurvivesACopyOfTheFile: the index refers to rows by their numbers,
// which a backup and a VACUUM keep.
func TestSearchSurvivesACopyOfTheFile(t *testing.T) {
	t.Parallel()
	cfg := storetest.SQLite(t)
	s := storetest.Open(t, cfg)
	users := crowd()
	insert(t, s, users...)
	execute(t, cfg, `DELETE FROM user_roles`)
	execute(t, cfg, `DELETE FROM users WHERE username = 'ann'`)
	execute(t, cfg, `VACUUM`)
	file := t.TempDir() + "/copy.db"
	if err := store.Backup(t.Context(), cfg.DataDir, file); err != nil {
		t.Fatal(err)
	}
	copied := store.Config{DataDir: t.TempDir()}
	if err := store.Restore(t.Context(), file, copied.DataDir); err != nil {
		t.Fatal(err)
	}
	for _, there := range []*store.Store{s, storetest.Open(t, copied)} {
		list := store.UserList{Readable: everyone()}
		list.Search.Search = "corp.example"
		wantList(t, there, "an address", list, []string{"Bob-2", "cat"})
		list.Search.Search = "gmail"
		wantList(t, there, "an address that is gone", list, []string{})
		wantList(t, there, "all", store.UserList{Readable: everyone()}, []string{"Bob-2", "cat", "robot"})
	}
}
