package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// oldestPostgres is the oldest server that is supported, as server_version_num.
const oldestPostgres = 130000

// postgresPool bounds the connections of one node.
const postgresPool = 32

var postgresEngine = engine{
	name:     "postgres",
	driver:   "pgx",
	readOnly: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	conflictOn: func(err error) (string, bool) {
		failure, ok := errors.AsType[*pgconn.PgError](err)
		if !ok || failure.Code != "23505" { // unique_violation
			return "", false
		}
		return failure.ConstraintName, true
	},
	isDown: postgresIsDown,
	notify: "SELECT pg_notify($1, $2)",
}

// CheckDatabaseURL says what is wrong with a database URL, without connecting.
// The error never repeats the URL, which may hold a password.
func CheckDatabaseURL(databaseURL string) error {
	parsed, err := url.Parse(databaseURL)
	if err != nil || (parsed.Scheme != "postgres" && parsed.Scheme != "postgresql") {
		return errors.New("must be a URL that begins with postgres://")
	}
	return nil
}

func openPostgres(ctx context.Context, databaseURL string) (*Store, error) {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return nil, errors.New("the database URL cannot be read") // the cause would repeat its password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = Patience
	}
	config.RuntimeParams["application_name"] = "usher"
	config.RuntimeParams["timezone"] = "UTC"
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(postgresPool)
	db.SetMaxIdleConns(postgresPool)
	db.SetConnMaxIdleTime(5 * time.Minute)

	s := &Store{engine: &postgresEngine, readers: db, closers: []func() error{db.Close}}
	s.writer = &postgresWriter{store: s, db: db, config: config}
	if err := checkPostgres(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := migratePostgres(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func checkPostgres(ctx context.Context, db *sql.DB) error {
	var version int
	err := db.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	if version < oldestPostgres {
		return fmt.Errorf("PostgreSQL 13 or newer is needed, this is %d", version/10000)
	}
	return nil
}

// postgresWriter runs bodies as serializable transactions, from the start again
// where the server finds that two of them got in each other's way.
type postgresWriter struct {
	store  *Store
	db     *sql.DB
	config *pgx.ConnConfig
}

// longestPause bounds the pause before a transaction is run again.
const longestPause = 100 * time.Millisecond

// write runs the body again for as long as its context allows. Of transactions
// that conflict one always gets through, so that each comes to its turn; a
// number of attempts would give up on the busiest moment instead.
func (w *postgresWriter) write(ctx context.Context, body Body) error {
	for pause := time.Millisecond; ; pause = min(2*pause, longestPause) {
		err := w.attempt(ctx, body)
		if !isSerializationFailure(err) {
			return err
		}
		select {
		case <-time.After(rand.N(pause)):
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

func (w *postgresWriter) attempt(ctx context.Context, body Body) error {
	sqlTx, err := w.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return err
	}
	if err := guarded(ctx, body, &Tx{store: w.store, on: sqlTx, sqlTx: sqlTx}); err != nil {
		_ = sqlTx.Rollback()
		return err
	}
	return sqlTx.Commit()
}

// isSerializationFailure reports serialization_failure and deadlock_detected.
func isSerializationFailure(err error) bool {
	failure, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (failure.Code == "40001" || failure.Code == "40P01")
}

// postgresIsDown reports that the server could not be reached, went away, or
// has no room: the classes 08, 53 and 57 of SQLSTATE, and everything below it.
func postgresIsDown(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true // whatever the server said: it let nobody in
	}
	if failure, ok := errors.AsType[*pgconn.PgError](err); ok {
		class := failure.Code[:2]
		return class == "08" || class == "53" || class == "57" || isSerializationFailure(err)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, sql.ErrConnDone) ||
		strings.Contains(err.Error(), "conn closed")
}
