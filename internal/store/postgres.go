package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// oldestPostgres is the oldest server that is supported, as server_version_num.
const oldestPostgres = 130000

const (
	// connectionRest is how long a connection may be idle, and connectionLife how
	// old it may become: behind a name that moves to another server, connections
	// must move too.
	connectionRest = 5 * time.Minute
	connectionLife = 30 * time.Minute
	// pingPatience is how long an idle connection may take to show that it lives.
	pingPatience = time.Second
)

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
	isDown:     postgresIsDown,
	place:      func(n int) string { return fmt.Sprintf("$%d", n) },
	contains:   func(column, place string) string { return `strpos(` + column + `, ` + place + `) > 0` },
	searchFrom: `user_texts f JOIN users u ON u.id = f.user_id`,
	searched:   func(place string) string { return `f.text LIKE ` + place + ` ESCAPE '\'` },
	searchFor:  func(part string) string { return "%" + literal(part) + "%" },
	findPart:   findPartOnPostgres,
	tidyLists:  addUpCounts,
	// The server keeps a plan of what is prepared that it made for no arguments in
	// particular, whether a part of a name is rare or everybody's.
	anew:   []any{pgx.QueryExecModeCacheDescribe},
	notify: "SELECT pg_notify($1, $2)",
}

func openPostgres(ctx context.Context, cfg Config) (*Store, error) {
	way, err := newPostgresWay(cfg.DatabaseURL, cmp.Or(cfg.StatementTimeout, Patience))
	if err != nil {
		return nil, err
	}
	if err := preparePostgres(ctx, way.untimed()); err != nil {
		return nil, err
	}
	db := way.pool(cmp.Or(cfg.MaxConnections, DefaultMaxConnections) - notifying)
	s := &Store{engine: &postgresEngine, readers: db, closers: []func() error{db.Close}}
	s.writer = &postgresWriter{store: s, db: db, way: way, turns: newTurns()}
	return s, nil
}

// pool opens the connections that everybody shares, at most so many.
func (w postgresWay) pool(connections int) *sql.DB {
	db := stdlib.OpenDB(*w.config, stdlib.OptionAfterConnect(w.begin),
		stdlib.OptionShouldPing(pingRested), stdlib.OptionResetSession(refuseClosed))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(connectionRest)
	db.SetConnMaxLifetime(connectionLife)
	return db
}

// pingRested closes a connection that has been idle for a while and does not
// answer soon: whoever wanted it takes another, instead of waiting for it with
// all its patience. It reports that nobody needs to ask it again.
func pingRested(ctx context.Context, p stdlib.ShouldPingParams) bool {
	if p.IdleDuration < time.Second {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, pingPatience)
	defer cancel()
	if p.Conn.Ping(ctx) != nil {
		_ = p.Conn.Close(ctx)
	}
	return false
}

func refuseClosed(_ context.Context, conn *pgx.Conn) error {
	if conn.IsClosed() {
		return driver.ErrBadConn
	}
	return nil
}

// preparePostgres looks whether the server will do, and brings the schema up to
// date.
func preparePostgres(ctx context.Context, way postgresWay) error {
	db := stdlib.OpenDB(*way.config, stdlib.OptionAfterConnect(way.begin))
	err := checkPostgres(ctx, db)
	if err == nil {
		err = migratePostgres(ctx, db)
	}
	return errors.Join(err, db.Close())
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

// postgresWriter runs bodies as transactions, serializable ones where they ask
// for it, from the start again where the server finds that two of them got in
// each other's way.
type postgresWriter struct {
	store *Store
	db    *sql.DB
	way   postgresWay
	turns turns
}

// longestPause bounds the pause before a transaction is run again.
const longestPause = 100 * time.Millisecond

// write runs the body again for as long as its context allows; a number of attempts
// would give up on the busiest moment instead. Of transactions that conflict one
// always gets through, and one that lost too often gets its turn alone.
func (w *postgresWriter) write(ctx context.Context, isolation sql.IsolationLevel, body Body) error {
	lost := 0
	for pause := time.Millisecond; ; pause = min(2*pause, longestPause) {
		done := w.turns.take(ctx, lost)
		err := w.attempt(ctx, isolation, body)
		done()
		if !isSerializationFailure(err) {
			return err
		}
		lost++
		select {
		case <-time.After(rand.N(pause)):
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

func (w *postgresWriter) attempt(ctx context.Context, isolation sql.IsolationLevel, body Body) error {
	sqlTx, err := w.db.BeginTx(ctx, &sql.TxOptions{Isolation: isolation})
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

// postgresIsDown reports that the server could not be reached, went away, has no
// room, or takes no writes, as one that is being replaced: the classes 08, 53 and
// 57 of SQLSTATE, the two codes below, and everything beneath SQL.
func postgresIsDown(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true // whatever the server said: it let nobody in
	}
	if failure, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch failure.Code {
		case "25006", // read_only_sql_transaction
			"25P03": // idle_in_transaction_session_timeout
			return true
		}
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
