package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Tx is a view of the database: a transaction, or single statements (see
// Store.Direct). All queries are its methods.
type Tx struct {
	store      *Store
	on         querier
	sqlTx      *sql.Tx     // set where on is a transaction of database/sql
	statements *statements // nil where statements are run as they are
	unprepared []string    // texts that were worth preparing and were not
	alone      bool        // each statement runs, and has a deadline, for itself
	anew       bool        // texts are planned for the arguments that they have this time
}

// querier is what a statement runs on: the pool, a transaction, or the one
// connection of SQLite's writer.
type querier interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
}

// row is what a scan function reads from.
type row interface{ Scan(dest ...any) error }

// once returns the same view for texts that are built anew each time and so are
// not worth preparing.
func (tx *Tx) once() *Tx {
	view := *tx
	view.statements = nil
	return &view
}

// planned returns the same view for texts whose best plan depends on their
// arguments, which is worth making it each time: half a millisecond.
func (tx *Tx) planned() *Tx {
	view := tx.once()
	view.anew = true
	return view
}

// prepared returns the text as a statement of this view, or nil where it is to
// be run as it is.
func (tx *Tx) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if tx.statements == nil {
		return nil, nil //nolint:nilnil // nil means "run the text as it is"
	}
	stmt := tx.statements.lookup(text)
	if tx.sqlTx == nil {
		if stmt != nil {
			return stmt, nil
		}
		return tx.statements.prepare(ctx, text)
	}
	// Preparing takes a connection of the pool, and this transaction holds one:
	// a pool full of such transactions would wait for itself. It is done when
	// the transaction is over.
	if stmt == nil {
		tx.unprepared = append(tx.unprepared, text)
		return nil, nil //nolint:nilnil // as above
	}
	return tx.sqlTx.StmtContext(ctx, stmt), nil
}

// guarded runs a body and turns a panic in it into an error, so that one
// caller's bug neither ends the writer nor leaves a transaction open.
func guarded(ctx context.Context, body Body, tx *Tx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			stack := make([]byte, 8<<10)
			err = fmt.Errorf("panic in a transaction: %v\n%s", r, stack[:runtime.Stack(stack, false)])
		}
	}()
	return body(ctx, tx)
}

// deadline is the transaction's, or one of its own for a statement that runs
// alone.
func (tx *Tx) deadline(ctx context.Context) (bounded context.Context, done func()) {
	if !tx.alone {
		return ctx, func() {}
	}
	return patiently(ctx)
}

// storable puts U+FFFD in place of what PostgreSQL cannot keep in a text or
// compare with one, NUL and bytes that are not UTF-8, on both engines alike. The
// rules refuse such text where people choose it; this is for what clients send
// unasked, such as a User-Agent or a name that is looked up.
func storable(args []any) []any {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = storableText(text)
		}
	}
	return args
}

func storableText(text string) string {
	if utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// query runs a text that returns rows.
func (tx *Tx) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	args = storable(args)
	stmt, err := tx.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	if stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	if tx.anew {
		args = slices.Concat(tx.store.engine.anew, args)
	}
	return tx.on.QueryContext(ctx, text, args...)
}

// exec runs a text that changes rows and returns how many it changed.
func (tx *Tx) exec(ctx context.Context, text string, args ...any) (int64, error) {
	args = storable(args)
	stmt, err := tx.prepared(ctx, text)
	if err != nil {
		return 0, tx.store.translate(ctx, err)
	}
	var result sql.Result
	if stmt != nil {
		result, err = stmt.ExecContext(ctx, args...)
	} else {
		result, err = tx.on.ExecContext(ctx, text, args...)
	}
	if err != nil {
		return 0, tx.store.translate(ctx, err)
	}
	return result.RowsAffected()
}

// update runs a text that must change exactly one row; not_found otherwise.
func (tx *Tx) update(ctx context.Context, text string, args ...any) error {
	changed, err := tx.exec(ctx, text, args...)
	if err == nil && changed == 0 {
		err = tx.store.translate(ctx, sql.ErrNoRows)
	}
	return err
}

// one returns the first row of a query, or a not_found error.
func one[T any](ctx context.Context, tx *Tx, scan func(row) (T, error), text string, args ...any) (T, error) {
	list, err := many(ctx, tx, scan, text, args...)
	if err == nil && len(list) == 0 {
		err = tx.store.translate(ctx, sql.ErrNoRows)
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return list[0], nil
}

// many returns all rows of a query; never nil without an error.
func many[T any](ctx context.Context, tx *Tx, scan func(row) (T, error), text string, args ...any) ([]T, error) {
	ctx, done := tx.deadline(ctx)
	defer done()
	rows, err := tx.query(ctx, text, args...)
	if err != nil {
		return nil, tx.store.translate(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	list := []T{}
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read a row: %w", tx.store.translate(ctx, err))
		}
		list = append(list, item)
	}
	return list, tx.store.translate(ctx, rows.Err())
}

// value scans a row of one column.
func value[T any](r row) (T, error) {
	var v T
	err := r.Scan(&v)
	return v, err
}

// timestamp scans what either engine keeps a time as: a time, or microseconds.
// What an outer join did not find is the zero time.
type timestamp struct{ to *time.Time }

// Scan implements sql.Scanner.
func (t timestamp) Scan(src any) error {
	switch v := src.(type) {
	case time.Time:
		*t.to = v.UTC()
	case int64:
		*t.to = time.UnixMicro(v).UTC()
	case nil:
		*t.to = time.Time{}
	default:
		return fmt.Errorf("cannot read a time from %T", src)
	}
	return nil
}

// micro cuts a time to what both engines keep.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// words scans a list that an aggregate joined with spaces.
type words struct{ to *[]string }

// Scan implements sql.Scanner.
func (w words) Scan(src any) error {
	var text sql.NullString
	if err := text.Scan(src); err != nil {
		return err
	}
	*w.to = strings.Fields(text.String)
	return nil
}

// ids scans a list of UUIDs that an aggregate joined with spaces.
type ids struct{ to *[]uuid.UUID }

// Scan implements sql.Scanner.
func (w ids) Scan(src any) error {
	var list []string
	if err := (words{&list}).Scan(src); err != nil {
		return err
	}
	*w.to = make([]uuid.UUID, len(list))
	for i, text := range list {
		id, err := uuid.Parse(text)
		if err != nil {
			return err
		}
		(*w.to)[i] = id
	}
	return nil
}

// document scans and stores a value as JSON text.
type document[T any] struct{ of *T }

// Scan implements sql.Scanner.
func (d document[T]) Scan(src any) error {
	var text sql.NullString
	if err := text.Scan(src); err != nil {
		return err
	}
	return json.Unmarshal([]byte(text.String), d.of)
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("a value of the store is not JSON: %v", err)) // a bug: the types are ours
	}
	return string(text)
}

// clauses builds the conditions of a list: texts with $n placeholders, and
// their arguments.
type clauses struct {
	conditions []string
	args       []any
	leading    lead // which of a list's conditions an index is to answer
}

// bind adds an argument and returns its placeholder.
func (c *clauses) bind(arg any) string {
	c.args = append(c.args, arg)
	return fmt.Sprintf("$%d", len(c.args))
}

// where adds a condition that must hold as well.
func (c *clauses) where(condition string) { c.conditions = append(c.conditions, condition) }

// in adds the condition that column is one of the values; none match no row.
func in[T any](c *clauses, column string, list []T) {
	if len(list) == 0 {
		c.where("1 = 0")
		return
	}
	places := make([]string, len(list))
	for i, v := range list {
		places[i] = c.bind(v)
	}
	c.where(column + " IN (" + strings.Join(places, ", ") + ")")
}

func (c *clauses) String() string {
	if len(c.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.conditions, " AND ")
}

// literal escapes a text for use inside LIKE … ESCAPE '\'.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}
