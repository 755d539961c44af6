package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// readBatch is how many rows one query of a copy returns.
const readBatch = 2000

// rowReader reads a table in the order of its primary key, which is the same on
// both engines, and sums up what it read.
type rowReader struct {
	end   *copyEnd
	table copyTable
	step  func()

	first, later string // the query of the first batch, and of those after it
	rows         *sql.Rows
	inBatch      int
	key          []any // of the last row

	cells, places []any
	count         int64
	hash          hash.Hash
	buffer        []byte
}

func newRowReader(end *copyEnd, t copyTable, step func()) *rowReader {
	r := &rowReader{
		end: end, table: t, step: step, hash: sha256.New(),
		cells: make([]any, len(t.columns)), places: make([]any, len(t.columns)), key: make([]any, len(t.key)),
	}
	r.first, r.later = t.queries(end.engine)
	for i := range r.cells {
		r.places[i] = &r.cells[i]
	}
	// The names are part of the sum: two columns that were swapped differ.
	r.buffer = appendCell(r.buffer, t.name)
	for _, column := range t.columns {
		r.buffer = appendCell(r.buffer, column.name)
	}
	r.hash.Write(r.buffer)
	return r
}

// queries returns the query of the first batch of rows and that of a later one,
// whose arguments are the primary key of the row before.
func (t copyTable) queries(e *copyEngine) (first, later string) {
	var columns, keys, places []string
	for _, column := range t.columns {
		columns = append(columns, quoted(column.name))
	}
	for i, column := range t.key {
		key := quoted(column.name)
		if column.kind == kindText {
			key += e.bytewise
		}
		keys = append(keys, key)
		places = append(places, fmt.Sprintf("$%d", i+1))
	}
	key := strings.Join(keys, ", ")
	begin := "SELECT " + strings.Join(columns, ", ") + " FROM " + quoted(t.name)
	end := fmt.Sprintf(" ORDER BY %s LIMIT %d", key, readBatch)
	return begin + end, begin + " WHERE (" + key + ") > (" + strings.Join(places, ", ") + ")" + end
}

// next returns the values of the next row, in the order of the columns, or nil
// after the last. They are good until the next call.
func (r *rowReader) next(ctx context.Context) ([]any, error) {
	if r.rows == nil {
		if err := r.query(ctx); err != nil {
			return nil, err
		}
	}
	for !r.rows.Next() {
		if err := errors.Join(r.rows.Err(), r.rows.Close()); err != nil {
			return nil, err
		}
		if r.inBatch < readBatch {
			return nil, nil //nolint:nilnil // nil is the end
		}
		if err := r.query(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.rows.Scan(r.places...); err != nil {
		return nil, err
	}
	r.inBatch++
	r.count++
	if err := r.understand(); err != nil {
		return nil, err
	}
	r.step()
	return r.cells, nil
}

func (r *rowReader) query(ctx context.Context) error {
	text, after := r.first, []any(nil)
	if r.count > 0 {
		text, after = r.later, r.key
	}
	rows, err := r.end.conn.QueryContext(ctx, text, after...) //nolint:rowserrcheck // next asks for it
	r.rows, r.inBatch = rows, 0
	return err
}

// understand turns a row into what both engines have of it, and adds it to the
// sum.
func (r *rowReader) understand() error {
	r.buffer = r.buffer[:0]
	for i, column := range r.table.columns {
		cell, err := canonical(column.kind, r.cells[i])
		if err != nil {
			return fmt.Errorf("the column %s of the row with %s: %w", column.name, r.describeKey(), err)
		}
		r.cells[i] = cell
		r.buffer = appendCell(r.buffer, cell)
	}
	r.hash.Write(r.buffer)
	for i, key := range r.table.key {
		r.key[i] = r.cell(key.name)
	}
	return nil
}

// describeKey tells a person which row it is.
func (r *rowReader) describeKey() string {
	var parts []string
	for _, key := range r.table.key {
		parts = append(parts, fmt.Sprintf("%s %q", key.name, fmt.Sprint(r.cell(key.name))))
	}
	return strings.Join(parts, ", ")
}

func (r *rowReader) cell(name string) any {
	for i, column := range r.table.columns {
		if column.name == name {
			return r.cells[i]
		}
	}
	return nil
}

func (r *rowReader) sum() CopiedTable {
	return CopiedTable{Name: r.table.name, Rows: r.count, SHA256: hex.EncodeToString(r.hash.Sum(nil))}
}

func (r *rowReader) close() {
	if r.rows != nil {
		_ = r.rows.Close()
	}
}

// readAll reads a whole table.
func (e *copyEnd) readAll(ctx context.Context, t copyTable, step func()) (CopiedTable, error) {
	reader := newRowReader(e, t, step)
	defer reader.close()
	for {
		row, err := reader.next(ctx)
		if err != nil || row == nil {
			return reader.sum(), err
		}
	}
}

func byTable(a, b CopiedTable) int { return cmp.Compare(a.Name, b.Name) }

// canonical returns what an engine gave for a value of that kind as the one type
// that the kind has here: string, uuid.UUID, time.Time, bool, int64, []byte, or
// nil for NULL.
func canonical(kind columnKind, cell any) (any, error) {
	if cell == nil {
		return nil, nil //nolint:nilnil // NULL
	}
	switch kind {
	case kindText:
		if text, ok := cell.(string); ok {
			return text, checkText(text)
		}
	case kindUUID:
		if text, ok := cell.(string); ok {
			return canonicalUUID(text)
		}
	case kindTime:
		var at time.Time
		err := timestamp{&at}.Scan(cell)
		return at, err
	case kindBoolean:
		switch v := cell.(type) {
		case bool:
			return v, nil
		case int64:
			if v == 0 || v == 1 {
				return v == 1, nil
			}
		}
	case kindInteger:
		if number, ok := cell.(int64); ok {
			return number, nil
		}
	case kindBytes:
		if bytes, ok := cell.([]byte); ok {
			return append([]byte{}, bytes...), nil // never nil, which would be NULL
		}
	}
	return nil, fmt.Errorf("it should be %s and is %T", kind, cell)
}

// checkText refuses what not both engines can keep. The store never writes it:
// see storable.
func checkText(text string) error {
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return errors.New("the text is not UTF-8, or has a NUL in it, which not every database can keep; correct it first")
	}
	return nil
}

// canonicalUUID refuses another spelling, which would be at another place in the
// order of the rows.
func canonicalUUID(text string) (any, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return nil, fmt.Errorf("%q is not a UUID in its usual spelling", text)
	}
	return id, nil
}

// appendCell appends a value in a form that no other value has, the same for
// both engines.
func appendCell(to []byte, cell any) []byte {
	switch v := cell.(type) {
	case string:
		to = binary.AppendUvarint(append(to, 't'), uint64(len(v)))
		return append(to, v...)
	case []byte:
		to = binary.AppendUvarint(append(to, 'b'), uint64(len(v)))
		return append(to, v...)
	case uuid.UUID:
		return append(append(to, 'u'), v[:]...)
	case time.Time:
		return binary.BigEndian.AppendUint64(append(to, 'm'), uint64(v.UnixMicro()))
	case int64:
		return binary.BigEndian.AppendUint64(append(to, 'i'), uint64(v))
	case bool:
		if v {
			return append(to, '1')
		}
		return append(to, '0')
	}
	return append(to, 'n')
}
