package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
)

// columnKind is what a column holds, whatever an engine calls it.
type columnKind string

// The kinds of columns that can be copied.
const (
	kindText    columnKind = "text"
	kindUUID    columnKind = "uuid"
	kindTime    columnKind = "time"
	kindBoolean columnKind = "boolean"
	kindInteger columnKind = "integer"
	kindBytes   columnKind = "bytes"
)

// versionTable is where the migrations keep how far they are.
const versionTable = "goose_db_version"

// copyTable is a table that is copied: all but versionTable.
type copyTable struct {
	name    string
	columns []copyColumn // by name
	key     []copyColumn // the primary key, in its order
}

type copyColumn struct {
	name string
	kind columnKind
}

// foundColumn is a column as an engine describes it.
type foundColumn struct {
	table, name, kind string
	place             int  // in the primary key, from 1; 0 is outside
	made              bool // by the database itself
}

func scanFoundColumn(r row) (foundColumn, error) {
	var c foundColumn
	err := r.Scan(&c.table, &c.name, &c.kind, &c.place, &c.made)
	return c, err
}

// tables returns the tables of the database by name. It refuses a schema that
// is not the newest, and what it would not copy in full.
func (e *copyEnd) tables(ctx context.Context) ([]copyTable, error) {
	found, err := collect(ctx, e.conn, scanFoundColumn, e.engine.columns)
	if err != nil {
		return nil, fmt.Errorf("read the schema of %s: %w", e.name, err)
	}
	if err := e.refuseOtherVersion(ctx, found); err != nil {
		return nil, err
	}
	byName := map[string][]foundColumn{}
	for _, column := range found {
		byName[column.table] = append(byName[column.table], column)
	}
	delete(byName, versionTable)
	var tables []copyTable
	for name, columns := range byName {
		table, err := e.engine.table(name, columns)
		if err != nil {
			return nil, err
		}
		tables = append(tables, table)
	}
	slices.SortFunc(tables, func(a, b copyTable) int { return cmp.Compare(a.name, b.name) })
	return tables, nil
}

// table understands a table, or says what about it cannot be copied.
func (e *copyEngine) table(name string, columns []foundColumn) (copyTable, error) {
	t := copyTable{name: name}
	key := map[int]copyColumn{}
	for _, found := range columns {
		kind, known := e.kinds[found.kind]
		if !known || found.made {
			return t, fmt.Errorf("the column %s.%s cannot be copied: nothing is known of the type %q, or the database makes its values",
				name, found.name, found.kind)
		}
		column := copyColumn{name: found.name, kind: kind}
		t.columns = append(t.columns, column)
		if found.place > 0 {
			key[found.place] = column
		}
	}
	if len(key) == 0 {
		return t, fmt.Errorf("the table %s cannot be copied: it has no primary key", name)
	}
	slices.SortFunc(t.columns, func(a, b copyColumn) int { return cmp.Compare(a.name, b.name) })
	for place := range len(key) {
		t.key = append(t.key, key[place+1])
	}
	return t, nil
}

// refuseOtherVersion refuses a database whose schema is not the one that this
// program makes.
func (e *copyEnd) refuseOtherVersion(ctx context.Context, columns []foundColumn) error {
	if !slices.ContainsFunc(columns, func(c foundColumn) bool { return c.table == versionTable }) {
		return fmt.Errorf("%s is no database of Usher", e.name)
	}
	list, err := collect(ctx, e.conn, value[int64], `SELECT coalesce(max(version_id), 0) FROM `+versionTable+` WHERE is_applied`)
	if err != nil {
		return err
	}
	newest, err := newestSchema()
	switch has := list[0]; {
	case err != nil:
		return err
	case has > newest:
		return fmt.Errorf("%s has schema %d, made by a newer Usher; this one knows schemas up to %d", e.name, has, newest)
	case has < newest:
		return fmt.Errorf("%s has schema %d, of an older Usher, and this one makes schema %d; start a server of this version on it once, which upgrades it", e.name, has, newest)
	}
	return nil
}

// newestSchema is the version that the migrations lead to.
func newestSchema() (int64, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		return 0, errors.Join(err, errors.New("there are no migrations")) // a broken build
	}
	return goose.NumericComponent(slices.Max(names))
}

// refuseForeign refuses a target that the migrations must not touch: one that
// holds tables already which are not the newest schema.
func (e *copyEnd) refuseForeign(ctx context.Context) error {
	found, err := collect(ctx, e.conn, scanFoundColumn, e.engine.columns)
	if err != nil || len(found) == 0 {
		return err
	}
	return e.refuseOtherVersion(ctx, found)
}

// compareTables says in what the two schemas differ.
func compareTables(source, target []copyTable) error {
	described := func(tables []copyTable) map[string]bool {
		lines := map[string]bool{}
		for _, t := range tables {
			for _, c := range t.columns {
				lines[fmt.Sprintf("%s.%s (%s)", t.name, c.name, c.kind)] = true
			}
			lines[fmt.Sprintf("%s (primary key %v)", t.name, t.key)] = true
		}
		return lines
	}
	ours, theirs := described(source), described(target)
	var differences []string
	for line := range ours {
		if !theirs[line] {
			differences = append(differences, "only the source has "+line)
		}
	}
	for line := range theirs {
		if !ours[line] {
			differences = append(differences, "only the target has "+line)
		}
	}
	if len(differences) == 0 {
		return nil
	}
	slices.Sort(differences)
	return errors.New("the schemas differ:\n" + strings.Join(differences, "\n"))
}

// reference is a table that refers to another.
type reference struct{ from, to string }

func (e *copyEnd) references(ctx context.Context) ([]reference, error) {
	return collect(ctx, e.conn, func(r row) (reference, error) {
		var f reference
		err := r.Scan(&f.from, &f.to)
		return f, err
	}, e.engine.references)
}

// inOrderOf sorts tables so that each comes after those that it refers to.
func inOrderOf(tables []copyTable, references []reference) ([]copyTable, error) {
	waiting, done := slices.Clone(tables), map[string]bool{}
	var order []copyTable
	for len(waiting) > 0 {
		next := slices.IndexFunc(waiting, func(t copyTable) bool {
			return !slices.ContainsFunc(references, func(f reference) bool {
				return f.from == t.name && f.to != t.name && !done[f.to]
			})
		})
		if next < 0 {
			return nil, fmt.Errorf("the table %s cannot be copied: it and others refer to each other", waiting[0].name)
		}
		order = append(order, waiting[next])
		done[waiting[next].name] = true
		waiting = slices.Delete(waiting, next, next+1)
	}
	return order, nil
}

// made by an empty database for itself: see createDefaults and the claim of the
// key file. Everything else is data.
var freshRows = map[string]string{
	"deployment":    "key IN ('" + deploymentIDKey + "', '" + encryptionCheckKey + "')",
	"organizations": "is_default",
}

// take keeps others from writing to the target, refuses it unless it is empty,
// and removes what an empty database has.
func (e *copyEnd) take(ctx context.Context, tables []copyTable) error {
	for _, t := range tables {
		if e.engine.lock == "" {
			break
		}
		if _, err := e.conn.ExecContext(ctx, fmt.Sprintf(e.engine.lock, quoted(t.name))); err != nil {
			return fmt.Errorf("%s is in use: lock %s: %w", e.name, t.name, err)
		}
	}
	for _, t := range tables {
		query := `SELECT 1 FROM ` + quoted(t.name)
		if fresh := freshRows[t.name]; fresh != "" {
			query += ` WHERE NOT (` + fresh + `)`
		}
		rows, err := collect(ctx, e.conn, value[int], query+` LIMIT 1`)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			return fmt.Errorf("%s is not empty: there are rows in %s; copy into a database that nobody has used", e.name, t.name)
		}
	}
	for table := range freshRows {
		if _, err := e.conn.ExecContext(ctx, `DELETE FROM `+quoted(table)); err != nil {
			return err
		}
	}
	return nil
}

// collect returns the rows of a query on one connection; never nil without an
// error.
func collect[T any](ctx context.Context, conn *sql.Conn, scan func(row) (T, error), text string, args ...any) ([]T, error) {
	rows, err := conn.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	list := []T{}
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, rows.Err()
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
