package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
)

// inspectSQLite looks at the file in a data directory.
func inspectSQLite(ctx context.Context, dataDir string) (Inspection, error) {
	path := filepath.Join(dataDir, SQLiteFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return Inspection{}, ErrNoDatabase
	}
	db, err := sql.Open(sqliteEngine.driver, sqliteDSN(path, "mode", "ro"))
	if err != nil {
		return Inspection{}, err
	}
	defer func() { _ = db.Close() }()
	found := Inspection{}
	if err := db.QueryRowContext(ctx, `SELECT 'SQLite ' || sqlite_version()`).Scan(&found.Engine); err != nil {
		return Inspection{}, err
	}
	const table = `SELECT count(*) FROM sqlite_master WHERE name = 'goose_db_version'`
	err = found.inspect(ctx, &Store{engine: &sqliteEngine, readers: db}, goose.DialectSQLite3, table)
	return found, err
}
