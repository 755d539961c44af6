package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// placeOf is where the database of a test is.
func placeOf(cfg store.Config) store.Place {
	if cfg.DatabaseURL != "" {
		return store.Place{DatabaseURL: cfg.DatabaseURL}
	}
	return store.Place{DataDir: cfg.DataDir}
}

// copyInto copies a database, which must succeed.
func copyInto(t testing.TB, from, to store.Config) store.CopyReport {
	t.Helper()
	report, err := store.Copy{From: placeOf(from), To: placeOf(to)}.Run(t.Context())
	if err != nil {
		t.Fatalf("copy: %v", err)
	}
	return report
}

// fullFile is the file of a full database, once it was made.
var fullFile struct {
	sync.Mutex

	text []byte
}

// fullSQLite returns a database in which each table has rows, and each column
// values that differ from its default.
func fullSQLite(t *testing.T) store.Config {
	t.Helper()
	fullFile.Lock()
	defer fullFile.Unlock()
	cfg := store.Config{DataDir: t.TempDir()}
	file := filepath.Join(cfg.DataDir, store.SQLiteFile)
	if fullFile.text != nil {
		if err := os.WriteFile(file, fullFile.text, 0o600); err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	fill(t, cfg)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fullFile.text = text
	return cfg
}

func fill(t *testing.T, cfg store.Config) {
	t.Helper()
	s, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"organizations", "deployment"} {
		execute(t, cfg, `DELETE FROM `+table)
	}
	for _, row := range slices.Concat(rowsOfVersion2, rowsSinceVersion2, oddRows()) {
		row.insert(t, cfg)
	}
}

var rowsSinceVersion2 = []insertion{
	{"deployment", map[string]any{"key": "encryption_check", "value": "sealed-1:key:check"}},
	{"api_keys", map[string]any{
		"id": "ushSession", "secret_hash": []byte{1}, "user_id": oldZoe.String(), "login_type": "oidc", "name": "", "scopes": `["all"]`,
		"allow_list": `["*:*"]`, "lifetime_seconds": int64(86400), "ip": "::1", "expires_at": instant, "last_used": instant,
		"created_at": instant, "updated_at": instant, "replaced_by": "ushToken00", "identity_id": oldEntry.String(),
	}},
	{"git_ssh_keys", map[string]any{
		"user_id": oldZoe.String(), "public_key": "ssh-ed25519 AAAA", "sealed_private_key": "sealed-1:key:private", "created_at": instant, "updated_at": instant,
	}},
	{"user_settings", map[string]any{
		"user_id": oldZoe.String(), "theme_preference": "dark", "terminal_font": "fira", "theme_mode": "sync", "theme_light": "light", "theme_dark": "black",
		"task_notification_alert_dismissed": true, "thinking_display_mode": "auto", "shell_tool_display_mode": "full", "code_diff_display_mode": "split",
		"agent_chat_send_shortcut": "enter",
	}},
	{"user_settings", map[string]any{"user_id": oldRobot.String(), "task_notification_alert_dismissed": false}},
	{"user_settings", map[string]any{"user_id": oldGone.String()}}, // nothing was chosen: NULL
	{"ai_seats", map[string]any{"user_id": oldZoe.String(), "first_used_at": instant, "last_used_at": instant, "last_event": "task"}},
	{"autofill_parameters", map[string]any{
		"user_id": oldZoe.String(), "template_id": oldTeam.String(), "name": "region", "value": "eu", "workspace_id": oldHome.String(), "built_at": instant,
	}},
	{"custom_roles", map[string]any{
		"id": oldEntry.String(), "organization_id": oldTeam.String(), "name": "Gate", "name_key": "gate", "display_name": "The gate", "permissions": `[]`,
		"created_at": instant, "updated_at": instant,
	}},
	{"identities", map[string]any{
		"id": oldEntry.String(), "user_id": oldZoe.String(), "provider": "oidc", "issuer": "https://id.example.com", "subject": "zoe", "email": "zoe@example.com",
		"claims": `{"a":1}`, "sealed_refresh_token": "sealed-1:key:token", "tokens_expire_at": instant, "leased_until": instant, "created_at": instant,
		"last_login_at": instant,
	}},
	{"password_resets", map[string]any{"user_id": oldZoe.String(), "code_hash": []byte{0, 1, 2}, "expires_at": instant, "created_at": instant}},
	{"idp_sync_settings", map[string]any{"organization_id": uuid.Nil.String(), "kind": "organization", "settings": `{}`, "updated_at": instant}},
	{"idp_sync_settings", map[string]any{"organization_id": oldTeam.String(), "kind": "role", "settings": `{"a":[]}`, "updated_at": instant}},
	{"organizations", map[string]any{
		"id": "0b5d9c40-0001-4000-8000-00000000000f", "name": "described", "name_key": "described", "display_name": "", "description": "Äpfel", "icon": "/apple.svg",
		"is_default": false, "deleted": false, "created_at": instant, "updated_at": instant,
	}},
	{"audit_log", map[string]any{
		"id": "0b5d9c40-0003-4000-8000-00000000000f", "time": time.Time{}, "request_id": oldEntry.String(), "actor_id": uuid.Nil.String(),
		"organization_id": uuid.Nil.String(), "ip": "", "user_agent": "", "resource_type": "user", "resource_id": oldZoe.String(), "target": "", "target_key": "",
		"action": "write", "diff": "{}", "outcome": "ok", "additional": "{}",
	}},
}

// oddRows are of values that are kept, compared or written unlike others.
func oddRows() []insertion {
	var rows []insertion
	add := func(n int, more map[string]any) {
		id := uuid.NewSHA1(oldEntry, fmt.Appendf(nil, "odd %d", n))
		values := map[string]any{"username": id.String(), "username_key": id.String()}
		for column, value := range more {
			values[column] = value
		}
		rows = append(rows, oldUser(id, "", "", values))
	}
	texts := []string{
		"", " ", "\t\r\n", "\x01\x1f\x7f", `back\slash 'quote' "double" \N \.`, "NULL", "Zoë 🜁 e\u0301 \u200b\ufeff\ufffd", "\U0010ffff",
		"\u202eright to left", strings.Repeat("long ", 20_000), "0", "1e3", "00000000-0000-0000-0000-000000000000", "2024-02-29 23:59:58", "true", "$1 %s {}",
	}
	for i, text := range texts {
		add(i, map[string]any{"name": text, "name_key": text, "avatar_url": text, "password_hash": text})
	}
	moments := []time.Time{
		{},
		time.Time{}.Add(time.Microsecond), time.Date(1900, 1, 1, 0, 0, 0, 1000, time.UTC), time.Unix(0, 0).UTC(), time.Unix(-1, 999999000).UTC(),
		time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	}
	for i, at := range moments {
		add(100+i, map[string]any{"created_at": at, "updated_at": at, "last_seen_at": at})
	}
	for i, number := range []int64{1, -1, 1<<63 - 1, -1 << 63, 1<<53 + 1} {
		add(200+i, map[string]any{"github_user_id": number})
	}
	for i, hash := range [][]byte{{}, {0}, []byte("text"), []byte(strings.Repeat("\xff\x00", 20_000))} {
		rows = append(rows, insertion{"api_keys", map[string]any{
			"id": fmt.Sprintf("ushOdd%04d", i), "secret_hash": hash, "user_id": oldZoe.String(), "login_type": "password", "name": "", "scopes": "[]",
			"allow_list": "[]", "lifetime_seconds": int64(0), "ip": "", "expires_at": instant, "last_used": instant, "created_at": instant, "updated_at": instant,
		}})
	}
	return rows
}

// TestCopyRoundTrip copies a full database to the other engine and back, and
// finds every row as it was, byte by byte.
func TestCopyRoundTrip(t *testing.T) {
	t.Parallel()
	first, second, third := fullSQLite(t), store.Config{DatabaseURL: storetest.EmptyPostgres(t)}, store.Config{DataDir: t.TempDir()}
	fourth := store.Config{DatabaseURL: storetest.EmptyPostgres(t)}
	wantFull(t, first)
	before := rowsIn(t, first)

	there := copyInto(t, first, second)
	back := copyInto(t, second, third)
	if diff := cmp.Diff(before, rowsIn(t, third)); diff != "" {
		t.Errorf("after the way there and back (-want +got):\n%s", diff)
	}
	again := copyInto(t, second, fourth) // and between two of one kind
	if diff := cmp.Diff(rowsIn(t, second), rowsIn(t, fourth)); diff != "" {
		t.Errorf("from one to another (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, rowsIn(t, first)); diff != "" {
		t.Errorf("the source has changed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(there.Tables, back.Tables); diff != "" {
		t.Errorf("the sums of the engines differ (-one +other):\n%s", diff)
	}
	if diff := cmp.Diff(there.Tables, again.Tables); diff != "" {
		t.Errorf("the sums of two copies differ:\n%s", diff)
	}
	if there.EncryptionCheck != "sealed-1:key:check" {
		t.Errorf("the check value is %q", there.EncryptionCheck)
	}
	counts := map[string]int64{}
	for _, line := range before {
		table, _, _ := strings.Cut(line, ": ")
		counts[table]++
	}
	for _, table := range there.Tables {
		if counts[table.Name] != table.Rows || len(table.SHA256) != 64 {
			t.Errorf("%s: %d rows, sum %q; want %d", table.Name, table.Rows, table.SHA256, counts[table.Name])
		}
		delete(counts, table.Name)
	}
	if len(counts) > 0 {
		t.Errorf("not reported: %v", counts)
	}
	for _, cfg := range []store.Config{second, third} {
		fresh := store.Config{DataDir: t.TempDir()}
		if cfg.DatabaseURL != "" {
			fresh.DatabaseURL = storetest.MigratedPostgres(t)
		} else {
			fresh = storetest.SQLite(t)
		}
		if diff := cmp.Diff(schema(t, fresh), schema(t, cfg)); diff != "" {
			t.Errorf("the schema of a copy (-fresh +copied):\n%s", diff)
		}
		checkRowsThatMoved(t, cfg)
	}
}

// rowsIn is a dump without what the migrations and the engine note for
// themselves.
func rowsIn(t testing.TB, cfg store.Config) []string {
	t.Helper()
	return slices.DeleteFunc(storetest.Dump(t, cfg), func(line string) bool {
		return strings.HasPrefix(line, "goose_db_version: ") || strings.HasPrefix(line, "sqlite_")
	})
}

// wantFull fails where a table has no row, or a column nothing but what it has
// by itself: then the rows above do not tell whether it is copied.
func wantFull(t *testing.T, cfg store.Config) {
	t.Helper()
	db := raw(t, cfg)
	columns := texts(t, db, `SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE 'user\_search%' ESCAPE '\' AND t.name NOT IN ('goose_db_version', 'user_texts')`)
	if len(columns) < 100 {
		t.Errorf("there are only %d columns", len(columns))
	}
	for _, name := range columns {
		table, column, _ := strings.Cut(name, ".")
		query := fmt.Sprintf(`SELECT count(*) FROM %s WHERE CAST(%s AS TEXT) NOT IN ('', '0', '-62135596800000000', '%s')`, table, column, uuid.Nil)
		if got := texts(t, db, query); got[0] == "0" {
			t.Errorf("no row has anything in %s: add one to rowsSinceVersion2", name)
		}
	}
}

// checkRowsThatMoved opens a copy as a server does.
func checkRowsThatMoved(t *testing.T, cfg store.Config) {
	t.Helper()
	before := rowsIn(t, cfg)
	s := storetest.Open(t, cfg)
	if diff := cmp.Diff(before, rowsIn(t, cfg)); diff != "" {
		t.Errorf("opening the copy changed it (-before +after):\n%s", diff)
	}
	if got := defaultOrganization(t, s); got.ID != oldHome {
		t.Errorf("the default organization is %v", got)
	}
	zoe := user(t, s, oldZoe)
	if zoe.GitHubUserID != 1<<62 || zoe.LastSeenAt != instant.Add(time.Microsecond) || !slices.Equal(zoe.Roles, []string{"auditor", "owner"}) {
		t.Errorf("zoe is %+v", zoe)
	}
	if gone := user(t, s, oldGone); !gone.Deleted {
		t.Errorf("the deleted user is %+v", gone)
	}
	credential, err := s.Direct().CredentialByKeyID(t.Context(), "ushToken00")
	if err != nil || !slices.Equal(credential.SecretHash, []byte{0, 0xff, '\''}) || credential.User.ID != oldZoe {
		t.Errorf("the token is %+v (%v)", credential, err)
	}
	insert(t, s, person("new"))
	err = s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, person("ZOË"), "") })
	wantKind(t, err, account.KindConflict)
}

// TestCopyInManyBatches: more rows than one query reads, under keys that a
// language would put into another order than their bytes.
func TestCopyInManyBatches(t *testing.T) {
	t.Parallel()
	from, to, back := storetest.SQLite(t), store.Config{DatabaseURL: storetest.MigratedPostgres(t)}, store.Config{DataDir: t.TempDir()}
	execute(t, to, `ALTER TABLE deployment ALTER COLUMN key TYPE TEXT COLLATE "en-x-icu"`)
	const numbers = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) `
	execute(t, from, `INSERT INTO deployment (key, value) `+numbers+
		`SELECT substr('aBÄ.-Zß_z0', i % 10 + 1, 1) || substr('bAä_ 9', i / 10 % 6 + 1, 1) || i, i FROM n`)
	oldUser(oldZoe, "zoe", "", nil).insert(t, from)
	execute(t, from, `INSERT INTO autofill_parameters (user_id, template_id, name, value, workspace_id, built_at) `+numbers+
		`SELECT (SELECT id FROM users), printf('0b5d9c40-%04d-4000-8000-000000000000', i % 7), 'Name ' || i, '', (SELECT id FROM users), i FROM n`)
	there := copyInto(t, from, to)
	if diff := cmp.Diff(there.Tables, copyInto(t, to, back).Tables); diff != "" {
		t.Errorf("the sums of the engines differ:\n%s", diff)
	}
	rows := rowsIn(t, back)
	if diff := cmp.Diff(rowsIn(t, from), rows); diff != "" || len(rows) < 10_000 {
		t.Errorf("%d rows after the way there and back (-want +got):\n%s", len(rows), diff)
	}
}

// TestCopyReportsItsProgress counts each row twice, table by table.
func TestCopyReportsItsProgress(t *testing.T) {
	t.Parallel()
	from := fullSQLite(t)
	var seen []store.CopyProgress
	report, err := store.Copy{
		From: placeOf(from), To: store.Place{DataDir: t.TempDir()},
		Progress: func(p store.CopyProgress) { seen = append(seen, p) },
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var rows int64
	copied, checked := map[string]int64{}, map[string]int64{}
	for _, table := range report.Tables {
		rows += table.Rows
	}
	for i, p := range seen {
		if p.Total != 2*rows || i > 0 && p.Done < seen[i-1].Done {
			t.Errorf("step %d is %+v of %d rows", i, p, rows)
		}
		if p.Checking {
			checked[p.Table] = p.Rows
		} else {
			copied[p.Table] = p.Rows
		}
	}
	if last := seen[len(seen)-1]; last.Done != 2*rows {
		t.Errorf("the last step is %+v", last)
	}
	for _, table := range report.Tables {
		if copied[table.Name] != table.Rows || checked[table.Name] != table.Rows {
			t.Errorf("%s: %d rows were announced, and %d to be checked; there are %d", table.Name, copied[table.Name], checked[table.Name], table.Rows)
		}
	}
}
