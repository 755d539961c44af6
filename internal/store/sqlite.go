package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLiteFile is the name of the database file in the data directory.
const SQLiteFile = "usher.db"

var sqliteEngine = engine{
	name:   "sqlite",
	driver: "sqlite",
	alone:  true,
	// A name, as $1 is here, is compared with all others of the statement.
	place:      func(int) string { return "?" },
	contains:   func(column, place string) string { return `instr(` + column + `, ` + place + `) > 0` },
	searchFrom: `user_search f CROSS JOIN users u ON u.number = f.rowid`,
	searched:   func(place string) string { return `f.user_search MATCH ` + place },
	searchFor:  func(part string) string { return `"` + strings.ReplaceAll(part, `"`, `""`) + `"` },
	findPart:   findPartOnSQLite,
	tidyLists:  packTexts,
	conflictOn: func(err error) (string, bool) {
		failure, ok := errors.AsType[*sqlite.Error](err)
		if !ok || (failure.Code() != sqlite3.SQLITE_CONSTRAINT_UNIQUE && failure.Code() != sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY) {
			return "", false
		}
		_, columns, _ := strings.Cut(failure.Error(), "UNIQUE constraint failed: ")
		columns, _, _ = strings.Cut(columns, " (")
		return columns, true
	},
	isDown: func(err error) bool {
		failure, ok := errors.AsType[*sqlite.Error](err)
		if !ok {
			return false
		}
		switch failure.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
			sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_READONLY:
			return true
		}
		return false
	},
}

// openSQLite opens the database file with a pool of readers and one writer.
func openSQLite(ctx context.Context, dataDir string) (*Store, error) {
	path := filepath.Join(dataDir, SQLiteFile)
	if err := ownFile(path); err != nil {
		return nil, err
	}
	if err := migrateSQLite(ctx, path); err != nil {
		return nil, err
	}
	writers, err := sql.Open(sqliteEngine.driver, sqliteDSN(path, "_txlock", "immediate"))
	if err != nil {
		return nil, err
	}
	writers.SetMaxOpenConns(1)
	readers, err := sql.Open(sqliteEngine.driver, sqliteDSN(path, "_pragma", "query_only(1)"))
	if err != nil {
		return nil, err
	}
	pool := max(4, runtime.GOMAXPROCS(0)*2)
	readers.SetMaxOpenConns(pool)
	readers.SetMaxIdleConns(pool)

	s := &Store{engine: &sqliteEngine, readers: readers, statements: newStatements(readers)}
	w, err := startSQLiteWriter(s, writers)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s.writer = w
	s.closers = []func() error{w.close, s.statements.close, readers.Close, writers.Close}
	return s, nil
}

// ownFile creates the database file for its owner alone, also in a directory
// that others may read. SQLite gives its other files the same mode.
func ownFile(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	return file.Close()
}

func sqliteDSN(path, key, value string) string {
	query := url.Values{
		"_pragma": {
			"busy_timeout(4000)", "journal_mode(WAL)", "synchronous(FULL)",
			"foreign_keys(1)", "cache_size(-16000)", "temp_store(MEMORY)",
			"secure_delete(1)", // what was erased is not to be found in the file
		},
		"_time_integer_format": {"unix_micro"},
	}
	query.Add(key, value)
	return "file:" + escapePath(path) + "?" + query.Encode()
}

func escapePath(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// sqliteWriter is the one goroutine that changes the file. It takes what is
// waiting as one batch, runs each body in a savepoint, commits once, which is
// what costs, and answers after the commit.
type sqliteWriter struct {
	store      *Store
	conn       *sql.Conn
	statements *statements
	queue      chan *job
	watchers   chan Watcher
	stop       chan struct{}
	done       chan struct{}
}

// pollInterval is how often the writer looks for changes of other processes,
// such as an offline command.
const pollInterval = 100 * time.Millisecond

// maxBatch bounds how much work one failed commit can undo.
const maxBatch = 64

// job is a body that waits for its turn. Whoever sends on claim first decides:
// the writer that it runs, or its caller that it never will.
type job struct {
	body  Body
	claim chan struct{}
	done  chan error
	err   error
}

// claimed takes the job, and reports whether nobody had taken it before.
func (j *job) claimed() bool {
	select {
	case j.claim <- struct{}{}:
		return true
	default:
		return false
	}
}

func startSQLiteWriter(s *Store, writers *sql.DB) (*sqliteWriter, error) {
	conn, err := writers.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(context.Background(), fmt.Sprintf("PRAGMA busy_timeout = %d", impatience)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w := &sqliteWriter{
		store: s, conn: conn, statements: newStatements(conn),
		queue: make(chan *job, 1024), watchers: make(chan Watcher), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w, nil
}

// write implements writer. There is one writer, so that every transaction is as
// isolated as it gets.
func (w *sqliteWriter) write(ctx context.Context, _ sql.IsolationLevel, body Body) error {
	j := &job{body: body, claim: make(chan struct{}, 1), done: make(chan error, 1)}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
	}
	if j.claimed() { // not begun yet, and now it never will
		return ctx.Err()
	}
	return <-j.done // under way: only its end tells whether it happened
}

func (w *sqliteWriter) run() {
	defer close(w.done)
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var watcher Watcher
	version := int64(-1)
	for {
		select {
		case first := <-w.queue:
			w.commit(first)
		case watcher = <-w.watchers:
			version = w.look(watcher, version)
			watcher.Trust(time.Now().Add(always))
		case <-ticker.C:
			version = w.look(watcher, version)
		case <-w.stop:
			return
		}
	}
}

// always is longer than any process lives.
const always = 100 * 365 * 24 * time.Hour

// watch implements writer. It returns when the watcher has been told that it can
// trust what it is told, which happens once: no connection can be lost here.
func (w *sqliteWriter) watch(ctx context.Context, watcher Watcher) error {
	heard := make(chan struct{})
	answered := Watcher{Changed: watcher.Changed, Trust: func(until time.Time) { watcher.Trust(until); close(heard) }}
	select {
	case w.watchers <- answered:
		<-heard
		return nil
	case <-w.stop:
		return sql.ErrConnDone
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look asks whether another connection than the writer's has changed the file;
// there is none in this process.
func (w *sqliteWriter) look(watcher Watcher, seen int64) int64 {
	if watcher.Changed == nil {
		return seen
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	var version int64
	if err := w.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
		watcher.Changed(nil) // not knowing, nothing can be relied on
		return -1
	}
	if version != seen {
		watcher.Changed(nil)
	}
	return version
}

// batch claims what waits, up to its limit. Whose caller gave up is left out.
func (w *sqliteWriter) batch(next *job) []*job {
	var batch []*job
	for {
		if next.claimed() {
			batch = append(batch, next)
		}
		if len(batch) == maxBatch {
			return batch
		}
		select {
		case next = <-w.queue:
		default:
			return batch
		}
	}
}

// commit runs what waits as one batch in one transaction. Its deadline is its
// own: the first caller that leaves must not undo the work of the others. Nothing
// is claimed before the file is locked for writing, so that callers can leave
// while another process keeps it locked.
func (w *sqliteWriter) commit(first *job) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := w.begin(ctx); err != nil {
		if first.claimed() {
			first.done <- err
		}
		return
	}
	batch := w.batch(first)
	err := w.transaction(ctx, batch)
	for _, j := range batch {
		if j.err == nil {
			j.err = err
		}
		j.done <- j.err
	}
}

// impatience is how long SQLite itself waits for the lock of the file, in
// milliseconds. It asks ever less often, and another process that is always at it,
// as a busy server is for an offline command, would hardly ever be caught between
// two of its transactions.
const impatience = 5

// begin locks the file for writing, asking again every few milliseconds while
// another process has it.
func (w *sqliteWriter) begin(ctx context.Context) error {
	for {
		err := w.exec(ctx, "BEGIN IMMEDIATE")
		if failure, ok := errors.AsType[*sqlite.Error](err); !ok || failure.Code()&0xff != sqlite3.SQLITE_BUSY || ctx.Err() != nil {
			return err
		}
	}
}

// transaction runs the bodies and commits. The commit itself has no deadline: it
// cannot be taken back once it is under way, only reported wrongly.
func (w *sqliteWriter) transaction(ctx context.Context, batch []*job) error {
	for _, j := range batch {
		if err := w.savepoint(ctx, j); err != nil {
			return errors.Join(err, w.rollback())
		}
	}
	if err := w.exec(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return errors.Join(err, w.rollback())
	}
	return nil
}

// savepoint runs one body. The error of the body is the job's own; the error
// that is returned is one of the transaction.
func (w *sqliteWriter) savepoint(ctx context.Context, j *job) error {
	if err := w.exec(ctx, "SAVEPOINT body"); err != nil {
		return err
	}
	tx := &Tx{store: w.store, on: w.conn, statements: w.statements}
	j.err = guarded(ctx, j.body, tx)
	if j.err == nil {
		return w.exec(ctx, "RELEASE body")
	}
	return errors.Join(w.exec(ctx, "ROLLBACK TO body"), w.exec(ctx, "RELEASE body"))
}

// rollback ends a transaction that failed, whatever became of its context.
func (w *sqliteWriter) rollback() error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	err := w.exec(ctx, "ROLLBACK")
	if err != nil && strings.Contains(err.Error(), "no transaction is active") {
		return nil // SQLite had rolled back by itself
	}
	return err
}

func (w *sqliteWriter) exec(ctx context.Context, text string) error {
	stmt := w.statements.lookup(text)
	if stmt == nil {
		var err error
		if stmt, err = w.statements.prepare(ctx, text); err != nil {
			return err
		}
	}
	_, err := stmt.ExecContext(ctx)
	return err
}

// close lets the batch under way end and refuses what comes after.
func (w *sqliteWriter) close() error {
	close(w.stop)
	<-w.done
	return errors.Join(w.statements.close(), w.conn.Close())
}
