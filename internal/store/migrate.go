package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// migratePostgres brings the schema to the newest version. A lock of the
// session keeps two nodes from doing it at once.
func migratePostgres(ctx context.Context, db *sql.DB) error {
	return migrate(ctx, goose.DialectPostgres, &postgresEngine, db, goose.WithSessionLocker(sessionLock{}))
}

// sessionLock is an advisory lock of PostgreSQL, as goose's own is. That one
// asks again every few seconds, and nodes that start together would wait for
// nothing; this one waits in the server.
type sessionLock struct{}

// migrationLock is the number of the lock, "usher" in ASCII.
const migrationLock = 0x7573686572

// migrationPatience bounds the wait for another node's migration.
const migrationPatience = 10 * time.Minute

// SessionLock implements lock.SessionLocker.
func (sessionLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, migrationPatience)
	defer cancel()
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock)
	return err
}

// SessionUnlock implements lock.SessionLocker.
func (sessionLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", migrationLock)
	return err
}

// migrateSQLite does the same for a file. The lock file keeps out an offline
// command that starts at the same moment.
func migrateSQLite(ctx context.Context, path string) error {
	release, err := lockFile(filepath.Join(filepath.Dir(path), "migrate.lock"), true)
	if err != nil {
		return err
	}
	defer release()
	db, err := sql.Open(sqliteEngine.driver, sqliteDSN(path, "_txlock", "immediate"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return migrate(ctx, goose.DialectSQLite3, &sqliteEngine, db)
}

func migrate(ctx context.Context, dialect goose.Dialect, e *engine, db *sql.DB, options ...goose.ProviderOption) error {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, db, timeline{FS: steps, engine: e.name}, options...)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return refuseNewer(ctx, provider)
}

// refuseNewer refuses a database that a newer program has changed: this one
// would write rows that the newer schema does not expect.
func refuseNewer(ctx context.Context, provider *goose.Provider) error {
	has, knows, err := provider.GetVersions(ctx)
	if err == nil && has > knows {
		err = fmt.Errorf("the database has schema %d, made by a newer Usher; this one knows schemas up to %d", has, knows)
	}
	return err
}

// timeline shows one engine its steps: those for both, named NNNNN_what.sql, and
// of each pair its own, named NNNNN_what.<engine>.sql.
type timeline struct {
	fs.FS
	engine string
}

// Glob implements fs.GlobFS.
func (t timeline) Glob(pattern string) ([]string, error) {
	names, err := fs.Glob(t.FS, pattern)
	return slices.DeleteFunc(names, func(name string) bool {
		return strings.Count(name, ".") == 2 && !strings.HasSuffix(name, "."+t.engine+".sql")
	}), err
}

// SchemaDigest identifies the timeline of migrations: two builds with the same
// digest make the same schema.
func SchemaDigest() string { return digest(migrations) }

func digest(files fs.FS) string {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		_, _ = fmt.Fprintf(sum, "%s %d\n%s", path, len(text), text)
		return err
	})
	if err != nil {
		panic(fmt.Sprintf("the embedded migrations cannot be read: %v", err)) // a broken build
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
