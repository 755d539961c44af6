package store_test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

// wantRefused copies, which must be refused with these words, and finds both
// databases as they were. A place that is no database is not looked at.
func wantRefused(t *testing.T, from, to store.Config, words ...string) {
	t.Helper()
	before := [][]string{storetest.Dump(t, from), storetest.Dump(t, to)}
	report, err := store.Copy{From: placeOf(from), To: placeOf(to)}.Run(t.Context())
	if err == nil {
		t.Fatalf("it was copied: %+v", report)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the refusal %q lacks %q", err, word)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the refusal shows a password: %v", err)
	}
	if diff := cmp.Diff(before, [][]string{storetest.Dump(t, from), storetest.Dump(t, to)}); diff != "" {
		t.Errorf("a refused copy changed something (-before +after):\n%s", diff)
	}
}

// TestCopyIntoADatabaseThatWasOpened: what a server makes in an empty database
// gives way to what the source has.
func TestCopyIntoADatabaseThatWasOpened(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, to store.Config) {
		from := fullSQLite(t)
		execute(t, to, `INSERT INTO deployment (key, value) VALUES ('encryption_check', 'sealed-1:other:check')`)
		copied := store.Config{DataDir: t.TempDir()}
		copyInto(t, from, to)
		copyInto(t, to, copied)
		if diff := cmp.Diff(rowsIn(t, from), rowsIn(t, copied)); diff != "" {
			t.Errorf("what was copied (-want +got):\n%s", diff)
		}
	})
}

// TestCopyRefusesATargetWithRows in any of the tables.
func TestCopyRefusesATargetWithRows(t *testing.T) {
	t.Parallel()
	rows := map[string]string{
		"users": `INSERT INTO users (id, username, username_key, name, name_key, email, email_key, avatar_url, status, login_type, is_service_account, deleted,
			github_user_id, password_hash, created_at, updated_at, last_seen_at) SELECT id, 'a', 'a', '', '', '', '', '', 'active', 'none', FALSE, TRUE,
			0, '', created_at, created_at, created_at FROM organizations`,
		"organizations": `INSERT INTO organizations (id, name, name_key, display_name, description, icon, is_default, deleted, created_at, updated_at)
			SELECT '0b5d9c40-0001-4000-8000-000000000009', 'a', 'a', '', '', '', FALSE, TRUE, created_at, created_at FROM organizations`,
		"deployment":        `INSERT INTO deployment (key, value) VALUES ('something', 'else')`,
		"idp_sync_settings": `INSERT INTO idp_sync_settings SELECT id, 'role', '{}', created_at FROM organizations`,
	}
	for table, text := range rows {
		t.Run(table, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, to store.Config) {
				execute(t, to, text)
				wantRefused(t, fullSQLite(t), to, "not empty", table)
			})
		})
	}
}

// TestCopyRefusesOtherSchemas on either side: it upgrades nothing but an empty
// database.
func TestCopyRefusesOtherSchemas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		words      []string
	}{
		{"newer", `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)`, []string{"schema 99999", "newer Usher"}},
		{"older", `DELETE FROM goose_db_version WHERE version_id > 2`, []string{"schema 2", "older Usher", "start a server"}},
		{"none", `ALTER TABLE goose_db_version RENAME TO something`, []string{"no database of Usher"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, other store.Config) {
				execute(t, other, c.text)
				wantRefused(t, other, storetest.SQLite(t), c.words...)
				wantRefused(t, storetest.SQLite(t), other, c.words...)
			})
		})
	}
}

// TestCopyRefusesASchemaThatItWouldNotCopyInFull: where the two schemas differ,
// or have what is not understood, and whether there are rows or not.
func TestCopyRefusesASchemaThatItWouldNotCopyInFull(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		words []string
	}{
		"column":  {`ALTER TABLE users ADD COLUMN motto TEXT NOT NULL DEFAULT ''`, []string{"differ", "users.motto (text)"}},
		"table":   {`CREATE TABLE mottos (id UUID PRIMARY KEY)`, []string{"differ", "mottos.id (uuid)"}},
		"less":    {`DROP TABLE ai_seats`, []string{"differ", "ai_seats.last_event (text)"}},
		"keyless": {`CREATE TABLE mottos (id TEXT)`, []string{"mottos", "no primary key"}},
		"type":    {`CREATE TABLE mottos (id UUID PRIMARY KEY, motto JSON)`, []string{"mottos.motto", "nothing is known of the type"}},
		"made":    {`CREATE TABLE mottos (id UUID PRIMARY KEY, a TEXT, b TEXT GENERATED ALWAYS AS (a) STORED)`, []string{"mottos.b", "makes its values"}},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, other store.Config) {
				execute(t, other, c.text)
				for _, ends := range [][2]store.Config{{other, storetest.SQLite(t)}, {storetest.SQLite(t), other}} {
					wantRefused(t, ends[0], ends[1], c.words...)
				}
			})
		})
	}
}

// TestCopyTakesWhatAMigrationAdds: what both schemas have is copied, whatever it
// is called, in an order in which every row finds the rows that it refers to.
func TestCopyTakesWhatAMigrationAdds(t *testing.T) {
	t.Parallel()
	from, to, back := fullSQLite(t), store.Config{DatabaseURL: storetest.MigratedPostgres(t)}, storetest.SQLite(t)
	for _, cfg := range []store.Config{from, to, back} {
		execute(t, cfg, `ALTER TABLE users ADD COLUMN "Motto of ""us""" TEXT NOT NULL DEFAULT ''`)
		execute(t, cfg, `CREATE TABLE zzz (name TEXT, number INTEGER, "order" BOOLEAN, PRIMARY KEY (number, name))`)
		execute(t, cfg, `CREATE TABLE aaa (name TEXT, number INTEGER, secret BYTEA, later_id UUID REFERENCES users (id),
			PRIMARY KEY (name, number), FOREIGN KEY (number, name) REFERENCES zzz (number, name))`)
	}
	execute(t, from, `UPDATE users SET "Motto of ""us""" = 'semper ' || username`)
	execute(t, from, `INSERT INTO zzz VALUES ('z', 1, TRUE), ('Z', 1, NULL), ('ä', -1, FALSE), ('z', 0, TRUE)`)
	execute(t, from, `INSERT INTO aaa VALUES ('z', 1, x'00ff', '`+oldZoe.String()+`'), ('ä', -1, NULL, NULL)`)
	before := rowsIn(t, from)
	copyInto(t, from, to)
	report := copyInto(t, to, back)
	if diff := cmp.Diff(before, rowsIn(t, back)); diff != "" {
		t.Errorf("after the way there and back (-want +got):\n%s", diff)
	}
	for name, want := range map[string]int64{"aaa": 2, "zzz": 4} {
		at := slices.IndexFunc(report.Tables, func(table store.CopiedTable) bool { return table.Name == name })
		if at < 0 || report.Tables[at].Rows != want {
			t.Errorf("%s is not in the report with %d rows: %+v", name, want, report.Tables)
		}
	}
}

// TestCopyKnowsEveryTable holds the report to the list that the database itself
// has, on each engine, but for what triggers make of users.
func TestCopyKnowsEveryTable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		query := `SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`
		if cfg.DatabaseURL == "" {
			query = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name`
		}
		left := regexp.MustCompile(`^(goose_db_version|user_sums|user_day_sums|user_count_changes|user_texts|user_search.*)$`)
		want := slices.DeleteFunc(texts(t, raw(t, cfg), query), left.MatchString)
		var got []string
		for _, table := range copyInto(t, cfg, store.Config{DataDir: t.TempDir()}).Tables {
			got = append(got, table.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) < 10 {
			t.Errorf("the tables (-want +got):\n%s", diff)
		}
	})
}

// TestCopyRefusesTheSameDatabase however it is called.
func TestCopyRefusesTheSameDatabase(t *testing.T) {
	t.Parallel()
	const same = "same database"
	embedded := storetest.SQLite(t)
	wantRefused(t, embedded, embedded, same)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(embedded.DataDir, link); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, embedded, store.Config{DataDir: link}, same)

	served := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	wantRefused(t, served, served, same)
	otherwise, err := url.Parse(served.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	query := otherwise.Query()
	query.Set("connect_timeout", "3")
	otherwise.RawQuery = query.Encode()
	wantRefused(t, served, store.Config{DatabaseURL: otherwise.String()}, same)
}

// TestCopyRefusesServers that use either database: they would go on with what
// is no longer so.
func TestCopyRefusesServers(t *testing.T) {
	t.Parallel()
	embedded := storetest.SQLite(t)
	release := lock(t, embedded.DataDir)
	wantRefused(t, embedded, storetest.SQLite(t), "a server is using "+embedded.DataDir)
	wantRefused(t, storetest.SQLite(t), embedded, "a server is using "+embedded.DataDir)
	release()

	served := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	s := open(t, served)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, served, storetest.SQLite(t), "servers or commands of Usher are using", "stop all of them")
	wantRefused(t, storetest.SQLite(t), served, "servers or commands of Usher are using")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	copyInto(t, embedded, served)
}

// TestCopyFindsServersOfAnotherRole: what a role may not know of the sessions of
// others is not whose they are.
func TestCopyFindsServersOfAnotherRole(t *testing.T) {
	t.Parallel()
	served := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	role := "reader_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	execute(t, served, `CREATE ROLE `+role+` LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO `+role)
	defer execute(t, served, `DROP OWNED BY `+role+`; DROP ROLE `+role)
	address, err := url.Parse(served.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Del("user")
	address.User, address.RawQuery = url.User(role), query.Encode()
	reader := store.Config{DatabaseURL: address.String()}
	if who := texts(t, raw(t, reader), `SELECT current_user::text`); who[0] != role {
		t.Fatalf("the reader is %s", who)
	}
	copyInto(t, reader, storetest.SQLite(t))
	s := open(t, served)
	wantRefused(t, reader, storetest.SQLite(t), "servers or commands of Usher are using")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCopyNamesWhatCannotBeKept: the row and the column, not what is in them.
func TestCopyNamesWhatCannotBeKept(t *testing.T) {
	t.Parallel()
	to := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	for name, text := range map[string]string{
		"a NUL":          `UPDATE users SET name = 'hunter2' || char(0) WHERE id = '` + oldZoe.String() + `'`,
		"no UTF-8":       `UPDATE users SET name = CAST(x'68756e74657232ff' AS TEXT) WHERE id = '` + oldZoe.String() + `'`,
		"bytes":          `UPDATE users SET name = x'68756e74657232' WHERE id = '` + oldZoe.String() + `'`,
		"no time":        `UPDATE users SET created_at = 'hunter2' WHERE id = '` + oldZoe.String() + `'`,
		"no number":      `UPDATE users SET github_user_id = 'hunter2' WHERE id = '` + oldZoe.String() + `'`,
		"no boolean":     `UPDATE users SET deleted = 2 WHERE id = '` + oldZoe.String() + `'`,
		"a fraction":     `UPDATE users SET created_at = 1.5 WHERE id = '` + oldZoe.String() + `'`,
		"another ID":     `UPDATE api_keys SET identity_id = upper('` + oldZoe.String() + `') WHERE id = 'ushToken00'`,
		"nobody's":       `PRAGMA foreign_keys = 0; UPDATE api_keys SET user_id = '` + oldEntry.String() + `'`,
		"an unknown way": `PRAGMA ignore_check_constraints = 1; UPDATE users SET login_type = 'hunter' WHERE id = '` + oldZoe.String() + `'`,
	} {
		t.Run(name, func(t *testing.T) {
			from := fullSQLite(t)
			execute(t, from, text)
			words := []string{"Nothing of the copy is kept"}
			switch name {
			case "another ID":
				words = append(words, "copy api_keys", "identity_id", "ushToken00")
			case "nobody's":
				words = append(words, "copy api_keys", "api_keys_user_id_fkey")
			case "an unknown way":
				words = append(words, "copy users", "users_login_type_check")
			default:
				words = append(words, "copy users", oldZoe.String())
			}
			wantRefused(t, from, to, words...)
		})
	}
}

// TestPlaces: what people call a database.
func TestPlaces(t *testing.T) {
	t.Parallel()
	dir := storetest.SQLite(t).DataDir
	empty := t.TempDir()
	file := filepath.Join(dir, store.SQLiteFile)
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := store.Backup(t.Context(), dir, backup); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	const address = "postgres://usher:hunter2@db.example/usher"
	missing := filepath.Join(empty, "missing")
	for text, want := range map[string]store.Place{
		dir: {DataDir: dir}, file: {DataDir: dir}, link: {DataDir: dir}, backup: {File: backup}, address: {DatabaseURL: address},
		empty: {}, missing: {}, "mysql://usher:hunter2@db.example/usher": {}, "": {},
	} {
		got, err := store.PlaceToRead(text)
		if got != want || (err == nil) != (want != store.Place{}) || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("to read %q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]store.Place{
		dir: {DataDir: dir}, file: {DataDir: dir}, empty: {DataDir: empty}, missing: {DataDir: missing}, address: {DatabaseURL: address},
		filepath.Join(missing, store.SQLiteFile): {DataDir: missing},
		backup:                                   {}, "mysql://usher:hunter2@db.example/usher": {},
	} {
		got, err := store.PlaceToFill(text)
		if got != want || (err == nil) != (want != store.Place{}) || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("to fill %q: %+v, %v; want %+v", text, got, err, want)
		}
	}
}
