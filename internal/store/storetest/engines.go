package storetest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"usher/internal/store"
)

// engineVariable chooses the one engine of a run: sqlite or postgres. Without it
// Each runs its tests on both, and Database is SQLite.
const engineVariable = "USHER_TEST_ENGINE"

// engines are empty migrated databases of each kind.
var engines = map[string]func(testing.TB) store.Config{
	"sqlite": SQLite,
	"postgres": func(t testing.TB) store.Config {
		t.Helper()
		return store.Config{DatabaseURL: MigratedPostgres(t), DataDir: t.TempDir()}
	},
}

// Each runs a test on both engines, on an empty migrated database each.
func Each(t *testing.T, test func(t *testing.T, cfg store.Config)) {
	t.Helper()
	for _, name := range []string{"sqlite", "postgres"} {
		if chosen := os.Getenv(engineVariable); chosen != "" && chosen != name {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, engines[name](t))
		})
	}
}

// Database returns an empty migrated database of the engine that the run chose,
// for tests that are about something else than engines. All of them run on each
// engine: see ./test.
func Database(t testing.TB) store.Config {
	t.Helper()
	name := cmp.Or(os.Getenv(engineVariable), "sqlite")
	engine, ok := engines[name]
	if !ok {
		t.Fatalf("%s is %q, not sqlite or postgres", engineVariable, name)
	}
	return engine(t)
}

// Open opens the store that a test was given and closes it with the test.
func Open(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}

// MigratedPostgres returns the URL of a database of the newest schema, which is
// dropped with the test.
func MigratedPostgres(t testing.TB) string {
	t.Helper()
	return Postgres(t, "usher_template_"+store.SchemaDigest(), func(ctx context.Context, url string) error {
		s, err := store.Open(ctx, store.Config{DatabaseURL: url})
		if err != nil {
			return err
		}
		return s.Close()
	})
}

// SQLite returns a database file of the newest schema in a directory of the
// test: a copy of one that was migrated once for the whole process.
func SQLite(t testing.TB) store.Config {
	t.Helper()
	text, err := migratedFile()
	if err != nil {
		t.Fatalf("migrate a SQLite file: %v", err)
	}
	cfg := store.Config{DataDir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(cfg.DataDir, store.SQLiteFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return cfg
}

var migratedFile = sync.OnceValues(func() (text []byte, err error) {
	dir, err := os.MkdirTemp("", "usher-sqlite-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := store.Open(context.Background(), store.Config{DataDir: dir})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, fmt.Errorf("close: %w", err)
	}
	return os.ReadFile(filepath.Join(dir, store.SQLiteFile))
})
