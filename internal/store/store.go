package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"usher/internal/account"
)

// Config says where the data is.
type Config struct {
	// DatabaseURL is a postgres:// URL; empty means the embedded SQLite database
	// in DataDir.
	DatabaseURL string
	// DataDir holds the SQLite file. It must exist.
	DataDir string
	// MaxConnections bounds the connections to PostgreSQL, at least
	// FewestConnections; 0 means DefaultMaxConnections. While the schema is brought
	// up to date there are two.
	MaxConnections int
	// StatementTimeout is how long PostgreSQL works on one statement, and how long
	// it keeps a transaction open in which nothing happens, until it gives up by
	// itself, for a node that can no longer say so; 0 means Patience.
	StatementTimeout time.Duration
}

// Store is the database of a deployment.
type Store struct {
	engine  *engine
	readers *sql.DB
	writer  writer
	closers []func() error

	statements *statements // of the readers; nil where preparing gains nothing

	// Each write holds writing for reading, and Close for writing, so that it
	// waits for the writes under way.
	writing sync.RWMutex
	closed  atomic.Bool
}

// engine is what differs between the two databases, as data.
type engine struct {
	name       string
	driver     string
	readOnly   *sql.TxOptions
	conflictOn func(err error) (index string, ok bool)
	isDown     func(err error) bool
	alone      bool   // one node at a time can have it
	anew       []any  // go before the arguments of a text that is to be planned for them
	notify     string // tells other processes at the commit; "" where they look for themselves

	place    func(n int) string                // stands for the nth argument, where there are many, in their order
	contains func(column, place string) string // that a text has this part

	// How an index finds part of a username or of an address, at least three letters:
	// tables of which one is the users u, a condition with a placeholder, and its
	// argument.
	searchFrom string
	searched   func(place string) string
	searchFor  func(part string) string

	// findPart counts all who have part of a username or of an address, and returns at
	// most keep of their names after one, the first in the order of the list; nil
	// where it does not collect so many.
	findPart func(ctx context.Context, tx *Tx, part, after string, keep int) (count int, names []string, err error)

	tidyLists func(ctx context.Context, s *Store) error // see Store.TidyLists
}

// writer runs bodies that change something, each in a transaction of its own
// or as if it were.
type writer interface {
	write(ctx context.Context, isolation sql.IsolationLevel, body Body) error
	watch(ctx context.Context, w Watcher) error
}

// Body is the inside of a transaction. It has no effect outside it, because it
// may be run again from the start.
type Body func(ctx context.Context, tx *Tx) error

// Open opens the database, creating the SQLite file if it is not there, and
// brings the schema up to date.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := s.Write(ctx, createDefaults); err != nil {
		return nil, errors.Join(fmt.Errorf("create the default organization: %w", err), s.Close())
	}
	return s, nil
}

func connect(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.DatabaseURL == "" {
		return openSQLite(ctx, cfg.DataDir)
	}
	return openPostgres(ctx, cfg)
}

// Close waits for the writes under way and closes the database. What is asked
// of it from then on is refused as unavailable; closing it again does nothing.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	var err error
	for _, closer := range s.closers {
		err = errors.Join(err, closer())
	}
	return err
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	ctx, done := patiently(ctx)
	defer done()
	var one int
	return s.translate(ctx, s.readers.QueryRowContext(ctx, "SELECT 1").Scan(&one))
}

// Read runs body on one snapshot of the database. A panic in it becomes an
// error, as in Write.
func (s *Store) Read(ctx context.Context, body Body) error {
	ctx, done := patiently(ctx)
	defer done()
	sqlTx, err := s.readers.BeginTx(ctx, s.engine.readOnly)
	if err != nil {
		return s.translate(ctx, err)
	}
	tx := &Tx{store: s, on: sqlTx, sqlTx: sqlTx, statements: s.statements}
	err = guarded(ctx, body, tx)
	_ = sqlTx.Rollback()
	if err != nil {
		return err
	}
	return s.translate(ctx, s.statements.prepareAll(ctx, tx.unprepared))
}

// IsAlone reports whether no other node works on this database, as another process
// on the same machine may do for a moment.
func (s *Store) IsAlone() bool { return s.engine.alone }

// TidyLists puts together what changes of users left apart, where that would make
// each list slower than the one before. Nobody needs to wait for it.
func (s *Store) TidyLists(ctx context.Context) error { return s.engine.tidyLists(ctx, s) }

// Direct returns a Tx that runs each statement on its own, for a use case that
// reads one thing.
func (s *Store) Direct() *Tx {
	return &Tx{store: s, on: s.readers, statements: s.statements, alone: true}
}

// Write runs body in a transaction that sees no other one half done, and
// commits it if body returns nil. Invariants that body read hold at the commit.
func (s *Store) Write(ctx context.Context, body Body) error {
	return s.write(ctx, sql.LevelSerializable, body)
}

// WriteEach runs body in a transaction as Write does, but promises nothing about
// what it read: each of its statements must be right by itself, whatever was
// committed before it. In return nobody who read what it writes is run again for it.
func (s *Store) WriteEach(ctx context.Context, body Body) error {
	return s.write(ctx, sql.LevelReadCommitted, body)
}

func (s *Store) write(ctx context.Context, isolation sql.IsolationLevel, body Body) error {
	ctx, done := patiently(ctx)
	defer done()
	if err := ctx.Err(); err != nil {
		return s.translate(ctx, err)
	}
	s.writing.RLock()
	defer s.writing.RUnlock()
	if s.closed.Load() {
		return s.translate(ctx, sql.ErrConnDone)
	}
	return s.translate(ctx, s.writer.write(ctx, isolation, body))
}

// translate turns a driver's error into one that the rooms above understand.
// Errors that are already account's pass unchanged.
func (s *Store) translate(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, done := errors.AsType[*account.Error](err); done {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return account.NotFound().Because(err)
	}
	if index, ok := s.engine.conflictOn(err); ok {
		field := conflictFields[index]
		return account.Conflict("Already exists.",
			account.FieldError{Field: field, Detail: "This value is already in use and should be unique."}).Because(err)
	}
	timedOut := errors.Is(err, context.DeadlineExceeded) || ctx.Err() == context.DeadlineExceeded
	if timedOut || isClosed(err) || s.engine.isDown(err) {
		return account.Unavailable("The database cannot be reached or is overloaded. Try again in a moment.").Because(err)
	}
	return err
}

// isClosed reports that the database, or what belonged to it, was closed before
// it was used. Only one of these errors of database/sql has a name.
func isClosed(err error) bool {
	text := err.Error()
	return errors.Is(err, sql.ErrConnDone) || strings.HasPrefix(text, "sql: ") && strings.HasSuffix(text, " is closed")
}

// conflictFields names the field of the wire that each unique index guards, by
// PostgreSQL's name of the index and by SQLite's.
var conflictFields = map[string]string{
	"users_pkey":                          "id",
	"users.id":                            "id",
	"users_username":                      "username",
	"users.username_key":                  "username",
	"users_email":                         "email",
	"users.email_key":                     "email",
	"user_roles_pkey":                     "roles",
	"user_roles.user_id, user_roles.role": "roles",
	"organizations_pkey":                  "id",
	"organizations.id":                    "id",
	"organizations_default":               "is_default",
	"organizations.is_default":            "is_default",
	"organizations_name":                  "name",
	"organizations.name_key":              "name",
	"custom_roles_pkey":                   "id",
	"custom_roles.id":                     "id",
	"custom_roles_name":                   "name",
	"custom_roles.organization_id, custom_roles.name_key": "name",
	"api_keys_name":                   "name",
	"api_keys.user_id, api_keys.name": "name",
	"api_keys_pkey":                   "id",
	"api_keys.id":                     "id",
	"git_ssh_keys_pkey":               "user_id",
	"git_ssh_keys.user_id":            "user_id",
	"identities_pkey":                 "identity",
	"identities.id":                   "identity",
	"identities_subject":              "identity",
	"identities.provider, identities.issuer, identities.subject": "identity",
	"audit_log_pkey":            "id",
	"audit_log.id":              "id",
	"organization_members_pkey": "user_id",
	"organization_members.user_id, organization_members.organization_id":                                           "user_id",
	"organization_member_roles_pkey":                                                                               "roles",
	"organization_member_roles.user_id, organization_member_roles.organization_id, organization_member_roles.role": "roles",
}
