package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"

	"usher/internal/account"
)

// Inspection is what there is to know about a database without changing it.
type Inspection struct {
	Engine string // with its version, such as "PostgreSQL 15.18"
	// Schema is the version of the schema, 0 for an empty database, and Known the
	// newest that this program knows.
	Schema, Known int64
	// Ahead is by how much the database's clock is ahead of this machine's; 0 for
	// the embedded database, which has none.
	Ahead time.Duration
	// EncryptionCheck is the value by which a node knows its key file, "" where
	// nothing was ever sealed.
	EncryptionCheck string
}

// ErrNoDatabase says that there is no file of an embedded database yet.
var ErrNoDatabase = errors.New("there is no database file yet")

// Inspect looks at a database, and neither creates nor migrates it.
func Inspect(ctx context.Context, cfg Config) (Inspection, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*Patience)
	defer cancel()
	if cfg.DatabaseURL == "" {
		return inspectSQLite(ctx, cfg.DataDir)
	}
	return inspectPostgres(ctx, cfg.DatabaseURL)
}

// inspect reads what both engines tell alike.
func (i *Inspection) inspect(ctx context.Context, s *Store, dialect goose.Dialect, table string) error {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, s.readers, timeline{FS: steps, engine: s.engine.name})
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	i.Known = sources[len(sources)-1].Version
	var migrated int
	if err := s.readers.QueryRowContext(ctx, table).Scan(&migrated); err != nil || migrated == 0 {
		return err
	}
	err = s.readers.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&i.Schema)
	if err != nil {
		return fmt.Errorf("read the version of the schema: %w", err)
	}
	if i.Schema == 0 {
		return nil
	}
	i.EncryptionCheck, err = s.Direct().EncryptionCheck(ctx)
	if account.KindOf(err) == account.KindNotFound {
		err = nil
	}
	return err
}
