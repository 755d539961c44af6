package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// inspectPostgres looks at the database that a URL names.
func inspectPostgres(ctx context.Context, databaseURL string) (Inspection, error) {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return Inspection{}, errors.New("the database URL cannot be read") // the cause would repeat its password
	}
	db := stdlib.OpenDB(*config)
	defer func() { _ = db.Close() }()
	if err := checkPostgres(ctx, db); err != nil {
		return Inspection{}, err
	}
	found := Inspection{}
	var clock time.Time
	asked := time.Now()
	err = db.QueryRowContext(ctx, `SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1), clock_timestamp()`).Scan(&found.Engine, &clock)
	if err != nil {
		return Inspection{}, err
	}
	answered := time.Now()
	found.Ahead = clock.Sub(asked.Add(answered.Sub(asked) / 2))
	const table = `SELECT count(*) FROM pg_tables WHERE tablename = 'goose_db_version' AND schemaname = current_schema()`
	err = found.inspect(ctx, &Store{engine: &postgresEngine, readers: db}, goose.DialectPostgres, table)
	return found, err
}
