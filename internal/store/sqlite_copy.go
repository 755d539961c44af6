package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// sqliteCopy passes over what triggers make of users, and the number of their
// rows, in whose place their id is the key.
var sqliteCopy = copyEngine{
	columns: `
		SELECT t.name, c.name, upper(c.type), CASE WHEN t.name = 'users' AND c.name = 'id' THEN 1 ELSE c.pk END, c.hidden <> 0
		  FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c
		 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND t.name NOT LIKE 'user\_search%' ESCAPE '\'
		   AND t.name NOT IN ('user_sums', 'user_day_sums', 'user_texts') AND NOT (t.name = 'users' AND c.name = 'number')`,
	references: `
		SELECT DISTINCT t.name, f."table" FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f
		 WHERE t.type = 'table'`,
	kinds: map[string]columnKind{
		"TEXT": kindText, "UUID": kindUUID, "TIMESTAMPTZ": kindTime, "BOOLEAN": kindBoolean,
		"BIGINT": kindInteger, "INTEGER": kindInteger, "SMALLINT": kindInteger, "BYTEA": kindBytes,
	},
	insert: insertSQLite,
}

// sqliteFiles are what belongs to a database, behind its name.
func sqliteFiles() []string { return []string{"", "-wal", "-shm", "-journal"} }

// PlaceToRead understands where a person says that a database is: a postgres://
// URL, a data directory, the database file in one, or a file that Backup made.
// The error does not repeat a URL, which may hold a password.
func PlaceToRead(text string) (Place, error) {
	if strings.Contains(text, "://") {
		return placeOfURL(text)
	}
	info, err := os.Stat(text)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Place{}, fmt.Errorf("there is no database at %s", text)
	case err != nil:
		return Place{}, err
	case !info.IsDir():
		return placeOfFile(text)
	}
	file := filepath.Join(text, SQLiteFile)
	if _, err := os.Stat(file); err != nil {
		return Place{}, fmt.Errorf("there is no database at %s", file)
	}
	return Place{DataDir: text}, nil
}

func placeOfURL(text string) (Place, error) {
	if err := CheckDatabaseURL(text); err != nil {
		return Place{}, fmt.Errorf("%w, or a path", err)
	}
	return Place{DatabaseURL: text}, nil
}

// placeOfFile takes a file with the name of a server's for that server's, which
// may be running.
func placeOfFile(file string) (Place, error) {
	followed, err := filepath.EvalSymlinks(file)
	if err != nil {
		return Place{}, err
	}
	if filepath.Base(followed) == SQLiteFile {
		return Place{DataDir: filepath.Dir(followed)}, nil
	}
	return Place{File: file}, nil
}

// PlaceToFill understands where a person wants a database to be: a postgres://
// URL, or a data directory, which need not be there yet.
func PlaceToFill(text string) (Place, error) {
	if strings.Contains(text, "://") {
		return placeOfURL(text)
	}
	if filepath.Base(text) == SQLiteFile {
		return Place{DataDir: filepath.Dir(text)}, nil
	}
	switch info, err := os.Stat(text); {
	case errors.Is(err, os.ErrNotExist):
		return Place{DataDir: text}, nil
	case err != nil:
		return Place{}, err
	case !info.IsDir():
		return Place{}, fmt.Errorf("%s is a file; name a data directory", text)
	}
	return Place{DataDir: text}, nil
}

// is reports whether both places are certainly the same.
func (p Place) is(other Place) bool {
	if p.DatabaseURL != "" || other.DatabaseURL != "" {
		return p.DatabaseURL == other.DatabaseURL
	}
	one, err := os.Stat(p.path())
	if err != nil {
		return false
	}
	two, err := os.Stat(other.path())
	return err == nil && os.SameFile(one, two)
}

// path is of the database file.
func (p Place) path() string {
	if p.File != "" {
		return p.File
	}
	return filepath.Join(p.DataDir, SQLiteFile)
}

// connect opens the database for a copy: to read it, or to fill it.
func (p Place) connect(ctx context.Context, fill bool) (*copyEnd, error) {
	open := openSQLiteSource
	switch {
	case p.DatabaseURL != "":
		open = func(ctx context.Context, p Place, end *copyEnd) error { return openPostgresCopy(ctx, p, end, fill) }
	case fill:
		open = openSQLiteTarget
	}
	end := &copyEnd{engine: &sqliteCopy, name: p.path()}
	if err := open(ctx, p, end); err != nil {
		return nil, errors.Join(err, end.close(ctx))
	}
	return end, nil
}

// openSQLiteSource keeps servers out of a data directory, and reads a backup
// without leaving a trace beside it.
func openSQLiteSource(ctx context.Context, p Place, end *copyEnd) error {
	options := "?_pragma=busy_timeout(4000)&_pragma=query_only(1)&_pragma=cache_size(-64000)"
	if p.File == "" {
		if err := end.lockDataDir(p.DataDir); err != nil {
			return err
		}
	} else {
		if err := CheckBackup(ctx, p.File); err != nil {
			return err
		}
		options += "&mode=ro&immutable=1"
	}
	return end.openSQLite(ctx, "file:"+escapePath(p.path())+options, "BEGIN")
}

// openSQLiteTarget makes the database where there is none, and migrates it.
func openSQLiteTarget(ctx context.Context, p Place, end *copyEnd) error {
	if err := os.MkdirAll(p.DataDir, 0o700); err != nil {
		return fmt.Errorf("create the data directory: %w", err)
	}
	if err := end.lockDataDir(p.DataDir); err != nil {
		return err
	}
	if err := end.claimSQLite(ctx, p.path()); err != nil {
		return err
	}
	if err := ownFile(p.path()); err != nil {
		return err
	}
	if err := migrateSQLite(ctx, p.path()); err != nil {
		return err
	}
	if err := syncFile(p.DataDir); err != nil {
		return err
	}
	// A rollback journal keeps only the old pages, of which there are few; a
	// write-ahead log would keep all the new ones, and write each twice.
	query := url.Values{
		"_pragma":              {"busy_timeout(4000)", "journal_mode(DELETE)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-64000)"},
		"_time_integer_format": {"unix_micro"},
	}
	err := end.openSQLite(ctx, "file:"+escapePath(p.path())+"?"+query.Encode(), "BEGIN EXCLUSIVE; PRAGMA defer_foreign_keys = 1")
	if err != nil {
		return err
	}
	return end.postponeIndexes(ctx)
}

// postponeIndexes drops the indexes, to make them when the rows are there: an
// index that is made in order costs a fraction of one that is filled at random.
func (e *copyEnd) postponeIndexes(ctx context.Context) error {
	type index struct{ name, text string }
	indexes, err := collect(ctx, e.conn, func(r row) (index, error) {
		var i index
		err := r.Scan(&i.name, &i.text)
		return i, err
	}, `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid`)
	if err != nil {
		return err
	}
	for _, i := range indexes {
		if _, err := e.conn.ExecContext(ctx, "DROP INDEX "+quoted(i.name)); err != nil {
			return err
		}
	}
	e.finish = func(ctx context.Context) error {
		for _, i := range indexes {
			if _, err := e.conn.ExecContext(ctx, i.text); err != nil {
				return fmt.Errorf("make the index %s: %w", i.name, err)
			}
		}
		return nil
	}
	return nil
}

// claimSQLite refuses a database that is there and not empty, or what one left
// behind: SQLite would apply an old log to the new file. What it finds nothing of
// is removed again if the copy fails.
func (e *copyEnd) claimSQLite(ctx context.Context, path string) error {
	_, err := os.Lstat(path)
	if err == nil {
		probe := &copyEnd{engine: e.engine, name: e.name}
		err := probe.openSQLite(ctx, "file:"+escapePath(path)+"?_pragma=busy_timeout(4000)", "BEGIN")
		if err == nil {
			err = probe.refuseForeign(ctx)
		}
		return errors.Join(err, probe.close(ctx))
	}
	for _, suffix := range sqliteFiles() {
		if err := mustNotExist(path + suffix); err != nil {
			return fmt.Errorf("copy into an empty data directory: %w", err)
		}
	}
	e.closers = append(e.closers, func(committed bool) error {
		if committed {
			return nil
		}
		var failed error
		for _, suffix := range sqliteFiles() {
			if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
				failed = errors.Join(failed, err)
			}
		}
		return failed
	})
	return nil
}

func (e *copyEnd) lockDataDir(dir string) error {
	release, err := lockFile(filepath.Join(dir, dataDirLock), false)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("a server is using %s; stop it first", dir)
	}
	if err != nil {
		return err
	}
	e.closers = append(e.closers, inAnyCase(func() error { release(); return nil }))
	return nil
}

func (e *copyEnd) openSQLite(ctx context.Context, dsn, begin string) error {
	db, err := sql.Open(sqliteEngine.driver, dsn)
	if err != nil {
		return err
	}
	e.closers = append(e.closers, inAnyCase(db.Close))
	if e.conn, err = db.Conn(ctx); err == nil {
		_, err = e.conn.ExecContext(ctx, begin)
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", e.name, err)
	}
	return nil
}

// insertSQLite adds rows one by one with one prepared statement. That asks for
// nothing to wait for but the file, so that only the rows ask whether to go on.
func insertSQLite(ctx context.Context, conn *sql.Conn, t copyTable, next func() ([]any, error)) error {
	var columns, places []string
	for i, column := range t.columns {
		columns = append(columns, quoted(column.name))
		places = append(places, fmt.Sprintf("$%d", i+1))
	}
	stmt, err := conn.PrepareContext(ctx, "INSERT INTO "+quoted(t.name)+
		" ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(places, ", ")+")")
	if err != nil {
		return err
	}
	defer func() { _ = stmt.Close() }()
	for {
		row, err := next()
		if err = errors.Join(err, ctx.Err()); err != nil || row == nil {
			return err
		}
		if _, err := stmt.ExecContext(context.WithoutCancel(ctx), row...); err != nil {
			return err
		}
	}
}
