package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Place is where a database is. One of its fields is set; PlaceToRead and
// PlaceToFill make it of what a person says.
type Place struct {
	DatabaseURL string
	DataDir     string
	File        string // a backup, which can only be copied from
}

// Copy is the copying of everything that one database holds into an empty one,
// between any two engines. It neither changes nor upgrades what it reads, and
// the target has either everything, compared with the source, or nothing.
//
// Tables and columns are those of the schemas, on both sides: there is no list
// of them that could fall behind the migrations.
type Copy struct {
	From, To Place
	// Progress is told how far the copy is, now and then; it may be nil.
	Progress func(CopyProgress)
}

// CopyProgress says how far a copy is. Each row is two steps: it is written,
// and later read back.
type CopyProgress struct {
	Table       string
	Rows        int64 // of the table
	Checking    bool  // rows are being read back
	Done, Total int64 // steps
}

// CopyReport says what was copied.
type CopyReport struct {
	From, To string // where it was and is, in words and without a password
	Tables   []CopiedTable
	// EncryptionCheck is what Tx.EncryptionCheck returns; "" for none.
	EncryptionCheck string
}

// CopiedTable is a table of the target, as it was read back.
type CopiedTable struct {
	Name   string
	Rows   int64
	SHA256 string // over all values in the order of the primary key, in hex
}

// copyEnd is one of the two databases of a copy: one connection, on which one
// transaction is open.
type copyEnd struct {
	engine    *copyEngine
	name      string // for people, without a password
	conn      *sql.Conn
	finish    func(ctx context.Context) error // after the last row was written; may be nil
	committed bool
	closers   []func(committed bool) error // are called from the last to the first
}

// copyEngine is what differs between the engines when a database is copied, as
// data.
type copyEngine struct {
	// columns lists every column of every table: table, column, type, place in the
	// primary key or 0, and whether the database makes its values.
	columns string
	// references lists which table refers to which other one.
	references string
	kinds      map[string]columnKind
	// bytewise follows a column of text that is to be compared by its bytes.
	bytewise string
	// lock keeps others from writing to a table until the transaction ends.
	lock string
	// statistics tells the planner of an engine that asks for it what a table holds.
	statistics string
	// servers counts those that are connected; nil where a lock keeps them out.
	servers func(ctx context.Context, conn *sql.Conn) (int, error)
	// same reports whether two connections are to one database.
	same func(ctx context.Context, one, other *sql.Conn) (bool, error)
	// insert adds the rows that next returns, until it returns nil.
	insert func(ctx context.Context, conn *sql.Conn, t copyTable, next func() ([]any, error)) error
}

// Run copies. An error after which the target may not be as it was says so.
func (c Copy) Run(ctx context.Context) (report CopyReport, err error) {
	if c.From.is(c.To) {
		return CopyReport{}, errSameDatabase
	}
	source, err := c.From.connect(ctx, false)
	if err != nil {
		return CopyReport{}, err
	}
	defer func() { err = errors.Join(err, source.close(ctx)) }()
	tables, err := source.tables(ctx)
	if err != nil {
		return CopyReport{}, err
	}
	target, err := c.To.connect(ctx, true)
	if err != nil {
		return CopyReport{}, err
	}
	defer func() { err = errors.Join(err, target.close(ctx)) }()
	run := &copyRun{source: source, target: target, tables: tables, progress: c.Progress}
	if err := run.prepare(ctx); err != nil {
		return CopyReport{}, err
	}
	report, err = run.fill(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err() // whatever an engine makes of it
		}
		return CopyReport{}, fmt.Errorf("%w\nNothing of the copy is kept: %s is as empty as it was", err, target.name)
	}
	return report, target.commit(ctx)
}

var (
	errSameDatabase = errors.New("both places are the same database")
	errCopyIsOpen   = errors.New("it is not known whether the copy was completed; the target has either everything or nothing")
)

// copyRun is a copy under way.
type copyRun struct {
	source, target *copyEnd
	tables         []copyTable // in the order in which they are written
	rows           map[string]int64
	progress       func(CopyProgress)
	at             CopyProgress
}

// prepare refuses what must not be copied, or not there, and takes the target
// for this copy alone.
func (r *copyRun) prepare(ctx context.Context) error {
	if r.source.engine == r.target.engine && r.source.engine.same != nil {
		same, err := r.source.engine.same(ctx, r.source.conn, r.target.conn)
		if err != nil {
			return err
		}
		if same {
			return errSameDatabase
		}
	}
	theirs, err := r.target.tables(ctx)
	if err != nil {
		return err
	}
	if err := compareTables(r.tables, theirs); err != nil {
		return err
	}
	references, err := r.target.references(ctx)
	if err != nil {
		return err
	}
	if r.tables, err = inOrderOf(r.tables, references); err != nil {
		return err
	}
	if err := r.refuseServers(ctx, r.source, r.target); err != nil {
		return err
	}
	return r.target.take(ctx, r.tables)
}

// refuseServers refuses to copy while servers are connected: what they answer
// from now on would not be in the copy.
func (r *copyRun) refuseServers(ctx context.Context, ends ...*copyEnd) error {
	for _, end := range ends {
		if end.engine.servers == nil {
			continue
		}
		connections, err := end.awaitServers(ctx)
		if err != nil {
			return err
		}
		if connections > 0 {
			return fmt.Errorf("servers or commands of Usher are using %s (connections: %d); stop all of them first", end.name, connections)
		}
	}
	return nil
}

// partingTime is how long a connection may be seen that was just closed.
const partingTime = 2 * time.Second

// awaitServers counts the servers that are connected, once those that were just
// stopped are gone.
func (e *copyEnd) awaitServers(ctx context.Context) (connections int, err error) {
	for begin := time.Now(); ; {
		connections, err = e.engine.servers(ctx, e.conn)
		if err != nil || connections == 0 || time.Since(begin) > partingTime {
			return connections, err
		}
		select {
		case <-time.After(partingTime / 20):
		case <-ctx.Done():
			return connections, ctx.Err()
		}
	}
}

// fill copies every table and reads it back.
func (r *copyRun) fill(ctx context.Context) (CopyReport, error) {
	report := CopyReport{From: r.source.name, To: r.target.name}
	if err := r.count(ctx); err != nil {
		return report, err
	}
	written := map[string]CopiedTable{}
	for _, t := range r.tables {
		copied, err := r.copyTable(ctx, t)
		if err != nil {
			return report, fmt.Errorf("copy %s: %w", t.name, err)
		}
		written[t.name] = copied
	}
	if r.target.finish != nil {
		if err := r.target.finish(ctx); err != nil {
			return report, err
		}
	}
	r.at.Checking = true
	for _, t := range r.tables {
		found, err := r.target.readAll(ctx, t, r.stepping(t))
		if err == nil {
			err = agree(written[t.name], found)
		}
		if err != nil {
			return report, fmt.Errorf("check %s: %w", t.name, err)
		}
		report.Tables = append(report.Tables, found)
	}
	slices.SortFunc(report.Tables, byTable)
	checks, err := collect(ctx, r.target.conn, value[string], `SELECT value FROM deployment WHERE key = $1`, encryptionCheckKey)
	if err != nil {
		return report, err
	}
	if len(checks) > 0 {
		report.EncryptionCheck = checks[0]
	}
	return report, r.refuseServers(ctx, r.source) // none has started meanwhile
}

// count asks how many rows there are, for the progress and to see that each of
// them is read.
func (r *copyRun) count(ctx context.Context) error {
	r.rows = map[string]int64{}
	for _, t := range r.tables {
		list, err := collect(ctx, r.source.conn, value[int64], `SELECT count(*) FROM `+quoted(t.name))
		if err != nil {
			return fmt.Errorf("count %s: %w", t.name, err)
		}
		r.rows[t.name] = list[0]
		r.at.Total += 2 * list[0]
	}
	return nil
}

func (r *copyRun) copyTable(ctx context.Context, t copyTable) (CopiedTable, error) {
	reader := newRowReader(r.source, t, r.stepping(t))
	defer reader.close()
	err := r.target.engine.insert(ctx, r.target.conn, t, func() ([]any, error) { return reader.next(ctx) })
	if err != nil {
		return CopiedTable{}, err
	}
	copied := reader.sum()
	if copied.Rows != r.rows[t.name] {
		return copied, fmt.Errorf("%s has %d rows, of which %d could be read", r.source.name, r.rows[t.name], copied.Rows)
	}
	if r.target.engine.statistics != "" {
		_, err = r.target.conn.ExecContext(ctx, fmt.Sprintf(r.target.engine.statistics, quoted(t.name)))
	}
	return copied, err
}

// progressEvery is how many rows pass between two words about the progress.
const progressEvery = 500

// stepping returns what is called after each row of a table, and reports its
// beginning.
func (r *copyRun) stepping(t copyTable) func() {
	if r.progress == nil {
		return func() {}
	}
	r.at.Table, r.at.Rows = t.name, r.rows[t.name]
	r.progress(r.at)
	return func() {
		r.at.Done++
		if r.at.Done%progressEvery == 0 || r.at.Done == r.at.Total {
			r.progress(r.at)
		}
	}
}

// agree compares what was written with what was read back.
func agree(written, found CopiedTable) error {
	if written.Rows != found.Rows {
		return fmt.Errorf("%d rows were written and %d are there", written.Rows, found.Rows)
	}
	if written.SHA256 != found.SHA256 {
		return fmt.Errorf("what is there differs from what was written: its SHA-256 is %s, not %s", found.SHA256, written.SHA256)
	}
	return nil
}

func (e *copyEnd) commit(ctx context.Context) error {
	// It cannot be taken back once it is under way, only reported wrongly.
	if _, err := e.conn.ExecContext(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return fmt.Errorf("%w: %w", errCopyIsOpen, err)
	}
	e.committed = true
	return nil
}

// close ends the transaction, if it is still open, and closes everything.
func (e *copyEnd) close(ctx context.Context) error {
	var err error
	if e.conn != nil {
		if !e.committed {
			// Where it fails there is no connection any more, and so no transaction.
			_, _ = e.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
		_ = e.conn.Close()
	}
	for _, closer := range slices.Backward(e.closers) {
		err = errors.Join(err, closer(e.committed))
	}
	return err
}

// inAnyCase is a closer that does not care how the copy ended.
func inAnyCase(closer func() error) func(bool) error {
	return func(bool) error { return closer() }
}
