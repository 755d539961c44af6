package store_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/pressly/goose/v3"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

var update = flag.Bool("update", false, "write testdata/schemas anew; never for a version that was released")

// oldSchemas are the versions of the schema that databases out there may have,
// each with rows. A release adds its own: rows for what is new, and two files
// that -update writes and nobody changes again.
var oldSchemas = map[int64][]insertion{
	2: rowsOfVersion2,
}

// insertion is one row: a table, and values by column.
type insertion struct {
	table  string
	values map[string]any
}

func dumpFile(version int64, engine string) string {
	return filepath.Join("testdata", "schemas", fmt.Sprintf("%05d.%s.sql", version, engine))
}

// TestOldSchemasMigrate opens a database of each old schema and finds its rows.
func TestOldSchemasMigrate(t *testing.T) {
	t.Parallel()
	for version, rows := range oldSchemas {
		eachEmpty(t, func(t *testing.T, cfg store.Config) {
			if *update {
				writeDump(t, cfg, version, rows)
				return
			}
			load(t, cfg, version)
			s := storetest.Open(t, cfg)
			checkRowsOfVersion2(t, s)
			fresh := store.Config{DataDir: t.TempDir()}
			if cfg.DatabaseURL != "" {
				fresh.DatabaseURL = storetest.EmptyPostgres(t)
			}
			storetest.Open(t, fresh)
			if diff := cmp.Diff(schema(t, fresh), schema(t, cfg)); diff != "" {
				t.Errorf("an old database is not like a new one (-new +old):\n%s", diff)
			}
		})
	}
}

func engineOf(cfg store.Config) (name string, dialect goose.Dialect) {
	if cfg.DatabaseURL == "" {
		return "sqlite", goose.DialectSQLite3
	}
	return "postgres", goose.DialectPostgres
}

// migrateTo brings an empty database to a version, without the store's help.
func migrateTo(t *testing.T, cfg store.Config, version int64) {
	t.Helper()
	engine, dialect := engineOf(cfg)
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	steps := fstest.MapFS{}
	for _, file := range files {
		name := filepath.Base(file)
		if strings.Count(name, ".") == 2 && !strings.HasSuffix(name, "."+engine+".sql") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		steps[name] = &fstest.MapFile{Data: text}
	}
	provider, err := goose.NewProvider(dialect, raw(t, cfg), steps)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

// load makes a database of an old schema from its file. The one of SQLite is
// complete; the one of PostgreSQL has the rows only, for a dump of its schema
// would be of one version of PostgreSQL.
func load(t *testing.T, cfg store.Config, version int64) {
	t.Helper()
	engine, _ := engineOf(cfg)
	if engine == "postgres" {
		migrateTo(t, cfg, version)
	}
	script, err := os.ReadFile(dumpFile(version, engine))
	if err != nil {
		t.Fatal(err)
	}
	execute(t, cfg, string(script))
}

func writeDump(t *testing.T, cfg store.Config, version int64, rows []insertion) {
	t.Helper()
	migrateTo(t, cfg, version)
	execute(t, cfg, `UPDATE goose_db_version SET tstamp = '2024-02-29 12:00:00'`) // whenever it is written
	for _, row := range rows {
		row.insert(t, cfg)
	}
	engine, _ := engineOf(cfg)
	if err := os.MkdirAll(filepath.Dir(dumpFile(version, engine)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dumpFile(version, engine), []byte(dump(t, cfg, rows)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (i insertion) columns() []string {
	return sortedKeys(i.values)
}

func (i insertion) insert(t *testing.T, cfg store.Config) {
	t.Helper()
	var places []string
	var args []any
	for n, column := range i.columns() {
		places = append(places, fmt.Sprintf("$%d", n+1))
		args = append(args, i.values[column])
	}
	execute(t, cfg, "INSERT INTO "+i.table+" ("+strings.Join(i.columns(), ", ")+") VALUES ("+strings.Join(places, ", ")+")", args...)
}

// dump writes a database as SQL, in the order in which its rows were inserted.
func dump(t *testing.T, cfg store.Config, rows []insertion) string {
	t.Helper()
	db := raw(t, cfg)
	var script strings.Builder
	sqlite := cfg.DatabaseURL == ""
	if sqlite {
		for _, text := range texts(t, db, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'sqlite_sequence' ORDER BY rowid`) {
			fmt.Fprintf(&script, "%s;\n", text)
		}
		rows = append([]insertion{{table: "goose_db_version", values: map[string]any{"id": 0, "version_id": 0, "is_applied": 0, "tstamp": 0}}}, rows...)
	}
	done := map[string]bool{}
	for _, row := range rows {
		if done[row.table] {
			continue
		}
		done[row.table] = true
		var literals []string
		for _, column := range row.columns() {
			literal := "quote(" + column + ")"
			if !sqlite {
				literal = "quote_nullable(" + column + "::text)"
			}
			literals = append(literals, literal)
		}
		// Without an order, both engines return rows as they were inserted.
		for _, values := range texts(t, db, "SELECT "+strings.Join(literals, " || ', ' || ")+" FROM "+row.table) {
			fmt.Fprintf(&script, "INSERT INTO %s (%s) VALUES (%s);\n", row.table, strings.Join(row.columns(), ", "), values)
		}
	}
	return script.String()
}

var (
	oldHome  = uuid.MustParse("0b5d9c40-0001-4000-8000-000000000001")
	oldTeam  = uuid.MustParse("0b5d9c40-0001-4000-8000-000000000002")
	oldZoe   = uuid.MustParse("0b5d9c40-0002-4000-8000-000000000001")
	oldGone  = uuid.MustParse("0b5d9c40-0002-4000-8000-000000000002")
	oldRobot = uuid.MustParse("0b5d9c40-0002-4000-8000-000000000003")
	oldEntry = uuid.MustParse("0b5d9c40-0003-4000-8000-000000000001")
)

func oldUser(id uuid.UUID, username, email string, more map[string]any) insertion {
	values := map[string]any{
		"id": id.String(), "username": username, "username_key": account.Fold(username), "name": "", "name_key": "",
		"email": email, "email_key": account.Fold(email), "avatar_url": "", "status": "active", "login_type": "password",
		"is_service_account": false, "deleted": false, "github_user_id": int64(0), "password_hash": "",
		"created_at": instant, "updated_at": instant, "last_seen_at": time.Time{},
	}
	for column, value := range more {
		values[column] = value
	}
	return insertion{"users", values}
}

func oldOrganization(id uuid.UUID, name string, isDefault, deleted bool) insertion {
	return insertion{"organizations", map[string]any{
		"id": id.String(), "name": name, "name_key": account.Fold(name), "display_name": "The " + name, "description": "", "icon": "",
		"is_default": isDefault, "deleted": deleted, "created_at": instant, "updated_at": instant,
	}}
}

func oldMember(userID, organizationID uuid.UUID) insertion {
	return insertion{"organization_members", map[string]any{
		"user_id": userID.String(), "organization_id": organizationID.String(), "created_at": instant, "updated_at": instant,
	}}
}

var rowsOfVersion2 = []insertion{
	{"deployment", map[string]any{"key": "deployment_id", "value": oldEntry.String()}},
	oldOrganization(oldHome, "coder", true, false),
	oldOrganization(oldTeam, "Team", false, false),
	oldOrganization(uuid.MustParse("0b5d9c40-0001-4000-8000-000000000003"), "team", false, true),
	oldUser(oldZoe, "Zoë", "Zoë@example.com", map[string]any{
		"name": "Zoë's \\ name", "name_key": "zoë's \\ name", "avatar_url": "https://example.com/z.png", "status": "dormant",
		"login_type": "github", "github_user_id": int64(1) << 62, "password_hash": "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA",
		"updated_at": instant.Add(time.Hour), "last_seen_at": instant.Add(time.Microsecond),
	}),
	oldUser(oldGone, "zoë", "zoë@example.com", map[string]any{"deleted": true}),
	oldUser(oldRobot, "robot", "", map[string]any{"is_service_account": true, "login_type": "none"}),
	{"user_roles", map[string]any{"user_id": oldZoe.String(), "role": "owner"}},
	{"user_roles", map[string]any{"user_id": oldZoe.String(), "role": "auditor"}},
	oldMember(oldZoe, oldTeam),
	oldMember(oldZoe, oldHome),
	{"organization_member_roles", map[string]any{"user_id": oldZoe.String(), "organization_id": oldTeam.String(), "role": "organization-admin"}},
	{"api_keys", map[string]any{
		"id": "ushToken00", "secret_hash": []byte{0, 0xff, '\''}, "user_id": oldZoe.String(), "login_type": "token", "name": "ci",
		"scopes": `["user:read"]`, "allow_list": `["user:` + oldRobot.String() + `"]`, "lifetime_seconds": int64(3600), "ip": "::1",
		"expires_at": instant.Add(time.Hour), "last_used": account.NeverUsed(), "created_at": instant, "updated_at": instant,
	}},
	{"audit_log", map[string]any{
		"id": oldEntry.String(), "time": instant, "request_id": uuid.Nil.String(), "actor_id": oldZoe.String(), "organization_id": oldHome.String(),
		"ip": "::1", "user_agent": "curl", "resource_type": "user", "resource_id": oldGone.String(), "target": "zoë", "target_key": "zoë",
		"action": "delete", "diff": `{"deleted":{"old":false,"new":true,"secret":false}}`, "outcome": "ok", "additional": `{"a":"b"}`,
	}},
}

func checkRowsOfVersion2(t *testing.T, s *store.Store) {
	t.Helper()
	zoe := account.User{
		ID: oldZoe, Username: "Zoë", Name: `Zoë's \ name`, Email: "Zoë@example.com", AvatarURL: "https://example.com/z.png",
		Status: account.StatusDormant, LoginType: account.LoginGitHub, GitHubUserID: 1 << 62,
		Roles: []string{"auditor", "owner"}, OrganizationIDs: []uuid.UUID{oldHome, oldTeam},
		CreatedAt: instant, UpdatedAt: instant.Add(time.Hour), LastSeenAt: instant.Add(time.Microsecond),
	}
	gone := account.User{
		ID: oldGone, Username: "zoë", Email: "zoë@example.com", Status: account.StatusActive, LoginType: account.LoginPassword,
		Deleted: true, Roles: []string{}, OrganizationIDs: []uuid.UUID{}, CreatedAt: instant, UpdatedAt: instant,
	}
	robot := account.User{
		ID: oldRobot, Username: "robot", Status: account.StatusActive, LoginType: account.LoginNone, IsServiceAccount: true,
		Roles: []string{}, OrganizationIDs: []uuid.UUID{}, CreatedAt: instant, UpdatedAt: instant,
	}
	for _, want := range []account.User{zoe, gone, robot} {
		if diff := cmp.Diff(want, user(t, s, want.ID)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Username, diff)
		}
	}
	home := account.Organization{ID: oldHome, Name: "coder", DisplayName: "The coder", IsDefault: true, CreatedAt: instant, UpdatedAt: instant}
	if diff := cmp.Diff(home, defaultOrganization(t, s)); diff != "" {
		t.Errorf("the default organization (-want +got):\n%s", diff)
	}
	if id, err := s.Direct().DeploymentID(t.Context()); err != nil || id != oldEntry {
		t.Errorf("the deployment's id is %v (%v)", id, err)
	}
	if hash, err := s.Direct().PasswordHash(t.Context(), oldZoe); err != nil || !strings.HasPrefix(hash, "$argon2id$") {
		t.Errorf("the password's hash is %q (%v)", hash, err)
	}

	credential, err := s.Direct().CredentialByKeyID(t.Context(), "ushToken00")
	want := store.Credential{
		Key: account.APIKey{
			ID: "ushToken00", UserID: oldZoe, LoginType: account.LoginToken, Name: "ci", Scopes: []string{"user:read"},
			AllowList: account.AllowList{{Type: account.ResourceUser, ID: oldRobot}}, Lifetime: time.Hour,
			ExpiresAt: instant.Add(time.Hour), LastUsed: account.NeverUsed(), CreatedAt: instant, UpdatedAt: instant,
		},
		SecretHash: []byte{0, 0xff, '\''}, User: zoe,
		Memberships: []account.Membership{{OrganizationID: oldHome, Roles: []string{}}, {OrganizationID: oldTeam, Roles: []string{"organization-admin"}}},
	}
	if diff := cmp.Diff(want, credential); err != nil || diff != "" {
		t.Errorf("the key (%v, -want +got):\n%s", err, diff)
	}
	entry := account.AuditRecord{
		AuditEntry: account.AuditEntry{
			ID: oldEntry, Time: instant, ActorID: oldZoe, OrganizationID: oldHome, IP: "::1", UserAgent: "curl", Resource: account.AuditUser,
			ResourceID: oldGone, Target: "zoë", Action: account.AuditDelete, Diff: account.Diff{"deleted": {Old: false, New: true}},
			Outcome: account.OutcomeOK, Additional: map[string]string{"a": "b"},
		},
		Actor: &zoe, Organization: &home, ResourceDeleted: true,
	}
	if diff := cmp.Diff([]account.AuditRecord{entry}, entries(t, s, store.AuditList{Readable: everyone()})); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}

	wantList(t, s, "the list", store.UserList{Readable: everyone()}, []string{"robot", "Zoë"})
	insert(t, s, person("new"))
	err = s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, person("ZOË"), "") })
	wantKind(t, err, account.KindConflict)
}
