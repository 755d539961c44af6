package store_test

import (
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

// eachEmpty runs a test on both engines, on a database without any schema.
func eachEmpty(t *testing.T, test func(t *testing.T, cfg store.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, store.Config{DataDir: t.TempDir()})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, store.Config{DatabaseURL: storetest.EmptyPostgres(t), DataDir: t.TempDir()})
	})
}

func TestTheFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DataDir: t.TempDir()}
	s := storetest.Open(t, cfg)
	insert(t, s, person("alice"))
	for _, name := range []string{store.SQLiteFile, store.SQLiteFile + "-wal", store.SQLiteFile + "-shm"} {
		info, err := os.Stat(filepath.Join(cfg.DataDir, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		addFutureMigration(t, cfg)
		if again, err := store.Open(t.Context(), cfg); err == nil {
			t.Error("a database of a newer schema was opened", again.Close())
		} else if !strings.Contains(err.Error(), "made by a newer Usher") {
			t.Errorf("the refusal says %q", err)
		}
		if err := s.Ping(t.Context()); err != nil { // the refusal leaves the database alone
			t.Error(err)
		}
	})
}

// addFutureMigration notes in the database that it has been migrated further
// than this program knows.
func addFutureMigration(t *testing.T, cfg store.Config) {
	t.Helper()
	driver, source := "sqlite", "file:"+cfg.DataDir+"/"+store.SQLiteFile
	if cfg.DatabaseURL != "" {
		driver, source = "pgx", cfg.DatabaseURL
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)`)
	if err != nil {
		t.Fatal(err)
	}
}

func TestManyOpenAnEmptyDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, cfg store.Config) {
		const nodes = 6
		var stores [nodes]*store.Store
		for i, err := range atOnce(nodes, func(i int) (err error) {
			stores[i], err = store.Open(t.Context(), cfg)
			return err
		}) {
			if err != nil {
				t.Errorf("node %d: %v", i, err)
			}
		}
		var organizations, deployments []uuid.UUID
		for _, s := range stores {
			if s == nil {
				continue
			}
			organizations = append(organizations, defaultOrganization(t, s).ID)
			id, err := s.Direct().DeploymentID(t.Context())
			if err != nil {
				t.Error(err)
			}
			deployments = append(deployments, id)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if len(slices.Compact(organizations)) != 1 || len(slices.Compact(deployments)) != 1 {
			t.Errorf("the nodes see the organizations %v and the deployments %v", organizations, deployments)
		}
		var count int
		if err := raw(t, cfg).QueryRowContext(t.Context(), `SELECT count(*) FROM organizations`).Scan(&count); err != nil || count != 1 {
			t.Errorf("there are %d organizations (%v)", count, err)
		}
	})
}

func TestOpeningAgainChangesNothing(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, cfg store.Config) {
		s := open(t, cfg)
		alice := person("alice")
		insert(t, s, alice)
		home := defaultOrganization(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		before := schema(t, cfg)
		for range 2 {
			s := open(t, cfg)
			if diff := cmp.Diff(alice, user(t, s, alice.ID)); diff != "" {
				t.Errorf("the user (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(home, defaultOrganization(t, s)); diff != "" {
				t.Errorf("the organization (-want +got):\n%s", diff)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(before, schema(t, cfg)); diff != "" {
			t.Errorf("the schema (-before +after):\n%s", diff)
		}
	})
}

// schema describes the tables and indexes of a database and the migrations that
// it has seen.
func schema(t *testing.T, cfg store.Config) []string {
	t.Helper()
	query := `SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1`
	if cfg.DatabaseURL != "" {
		query = `
			SELECT 'column ' || table_name || '.' || column_name || ': ' || data_type || ' ' || is_nullable
			       || ' ' || coalesce(column_default, '') || ' ' || coalesce(collation_name, '')
			  FROM information_schema.columns WHERE table_schema = 'public'
			UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
			UNION ALL SELECT 'constraint ' || conname || ': ' || pg_get_constraintdef(oid) FROM pg_constraint
			           WHERE connamespace = 'public'::regnamespace
			 ORDER BY 1`
	}
	db := raw(t, cfg)
	versions := texts(t, db, `SELECT 'version ' || version_id || ' ' || is_applied FROM goose_db_version ORDER BY id`)
	return append(texts(t, db, query), versions...)
}

// texts returns the rows of a query of one column.
func texts(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// migrationName is NNNNN_what.sql, or NNNNN_what.engine.sql for one of a pair.
var migrationName = regexp.MustCompile(`^(\d{5})_([a-z0-9_]+)(?:\.(sqlite|postgres))?\.sql$`)

// TestTimelineOfMigrations holds the files to one timeline: each version once,
// or as a pair with one name, and only ever forward.
func TestTimelineOfMigrations(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	engines, titles := map[int][]string{}, map[int][]string{}
	for _, entry := range entries {
		parts := migrationName.FindStringSubmatch(entry.Name())
		if parts == nil {
			t.Errorf("%s is not called like a migration", entry.Name())
			continue
		}
		version, err := strconv.Atoi(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		engines[version] = append(engines[version], parts[3])
		titles[version] = append(titles[version], parts[2])
		text, err := os.ReadFile("migrations/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "-- +goose Up\n") || strings.Contains(string(text), "+goose Down") {
			t.Errorf("%s goes elsewhere than up", entry.Name())
		}
	}
	for version := range engines {
		pair := slices.Equal(slices.Sorted(slices.Values(engines[version])), []string{"postgres", "sqlite"})
		if !pair && !slices.Equal(engines[version], []string{""}) {
			t.Errorf("version %d is for the engines %q: want one file for both, or one for each", version, engines[version])
		}
		if len(slices.Compact(titles[version])) != 1 {
			t.Errorf("version %d has the names %q", version, titles[version])
		}
	}
}

func TestSchemaDigestTellsSchemasApart(t *testing.T) {
	t.Parallel()
	if got, want := store.SchemaDigest(), store.Digest(os.DirFS(".")); !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(got) || want == got {
		t.Errorf("the digest is %q, and of all files %q", got, want)
	}
	base := func() fstest.MapFS {
		return fstest.MapFS{
			"migrations/00001_a.sql": {Data: []byte("CREATE TABLE a")},
			"migrations/00002_b.sql": {Data: []byte("CREATE TABLE b")},
		}
	}
	digests := map[string]string{store.Digest(base()): "the base"}
	for name, edit := range map[string]func(fstest.MapFS){
		"a byte":        func(f fstest.MapFS) { f["migrations/00002_b.sql"].Data = []byte("CREATE TABLE c") },
		"one more file": func(f fstest.MapFS) { f["migrations/00003_c.sql"] = &fstest.MapFile{} },
		"one file less": func(f fstest.MapFS) { delete(f, "migrations/00002_b.sql") },
		"a name": func(f fstest.MapFS) {
			f["migrations/00002_c.sql"] = f["migrations/00002_b.sql"]
			delete(f, "migrations/00002_b.sql")
		},
		"the files swapped": func(f fstest.MapFS) {
			f["migrations/00001_a.sql"], f["migrations/00002_b.sql"] = f["migrations/00002_b.sql"], f["migrations/00001_a.sql"]
		},
	} {
		files := base()
		edit(files)
		digest := store.Digest(files)
		if other, taken := digests[digest]; taken {
			t.Errorf("%s and %s have the same digest", name, other)
		}
		digests[digest] = name
	}
	if once, again := store.Digest(base()), store.Digest(base()); once != again {
		t.Errorf("the digest of the same files is %s, and then %s", once, again)
	}
}

// The digest is of what the repository holds, not of an older build.
func TestSchemaDigestIsOfTheMigrations(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS("."), "migrations", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := store.SchemaDigest(), store.Digest(files); got != want {
		t.Errorf("the digest is %s, want %s", got, want)
	}
}
