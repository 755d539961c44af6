package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Backup writes a consistent copy of the embedded database in dataDir to file,
// which must not exist, while a server may be using it. The copy is opened and
// checked before it gets its name.
func Backup(ctx context.Context, dataDir, file string) error {
	if err := mustNotExist(file); err != nil {
		return err
	}
	source := filepath.Join(dataDir, SQLiteFile)
	if _, err := os.Stat(source); err != nil {
		return fmt.Errorf("there is no database at %s", source)
	}
	db, err := sql.Open(sqliteEngine.driver, sqliteDSN(source, "_pragma", "query_only(0)"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	part, err := createPrivate(file + ".part")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(part) }()
	// VACUUM INTO reads one snapshot and takes no lock that a writer waits for.
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return publish(ctx, part, file)
}

// Restore puts a copy that Backup made into dataDir, which must not hold a
// database yet, nor what a removed one left behind: SQLite would apply an old log
// to the new file. The caller holds the lock of the directory.
func Restore(ctx context.Context, file, dataDir string) error {
	target := filepath.Join(dataDir, SQLiteFile)
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := mustNotExist(target + suffix); err != nil {
			return fmt.Errorf("restore into an empty data directory: %w", err)
		}
	}
	part, err := createPrivate(target + ".part")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(part) }()
	if err := copyFile(file, part); err != nil {
		return err
	}
	return publish(ctx, part, target)
}

func mustNotExist(file string) error {
	_, err := os.Lstat(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%s exists already", file)
	}
	return err
}

// createPrivate makes an empty file that only its owner can read.
func createPrivate(name string) (string, error) {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	return name, file.Close()
}

// publish checks a finished copy, makes sure that it is on the disk, and gives
// it its name.
func publish(ctx context.Context, part, name string) error {
	if err := checkCopy(ctx, part); err != nil {
		return err
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, name); err != nil {
		return err
	}
	return syncFile(filepath.Dir(name))
}

func syncFile(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// CheckBackup says why a file cannot be restored, if that is so.
func CheckBackup(ctx context.Context, file string) error {
	if mustNotExist(file+"-wal") != nil {
		return fmt.Errorf("%s has a write-ahead log beside it: it is a database in use, not a backup", file)
	}
	return checkCopy(ctx, file)
}

// checkCopy opens a copy and lets SQLite look at every page of it. That the file
// is as long as it says has to be asked as well: SQLite reads zeros for what a
// last page lacks.
func checkCopy(ctx context.Context, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file", file)
	}
	db, err := sql.Open(sqliteEngine.driver, "file:"+escapePath(file)+"?mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil {
		return fmt.Errorf("%s is no copy of a database: %w", file, err)
	}
	if verdict != "ok" {
		return fmt.Errorf("%s is damaged: %s", file, verdict)
	}
	var size int64
	if err := db.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").Scan(&size); err != nil {
		return err
	}
	if size != info.Size() {
		return fmt.Errorf("%s is damaged: it has %d bytes of %d", file, info.Size(), size)
	}
	var deployment string
	if err := db.QueryRowContext(ctx, "SELECT value FROM deployment WHERE key = $1", deploymentIDKey).Scan(&deployment); err != nil {
		return fmt.Errorf("%s is no database of Usher: %w", file, err)
	}
	return nil
}
