package cli

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"usher/sdk"
)

// rowReader reads the users of a file one by one, with the line that each is on
// and about how many bytes it has. A row that makes no sense is a badRow, after
// which there may be others; the end is io.EOF.
type rowReader interface {
	next() (user sdk.ImportUser, line, length int, err error)
}

// badRow says what is wrong with a row.
type badRow struct{ why string }

// Error implements error.
func (b *badRow) Error() string { return b.why }

func bad(format string, args ...any) error { return &badRow{why: fmt.Sprintf(format, args...)} }

// maxRowBytes bounds one row.
const maxRowBytes = 64 << 10

// noPasswords is why a file with passwords is refused as a whole.
const noPasswords = "there are passwords in this file, as they are typed: import their hashes as password_hash, or users without, who reset theirs"

// countingReader knows how much was read. It passes over a byte order mark.
type countingReader struct {
	from  io.Reader
	count atomic.Int64
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.count.Add(int64(n))
	return n, err
}

// withoutMark passes over the mark that some programs begin UTF-8 with.
func withoutMark(from io.Reader) *bufio.Reader {
	reader := bufio.NewReaderSize(from, maxRowBytes)
	if start, _ := reader.Peek(3); bytes.Equal(start, []byte("\xef\xbb\xbf")) {
		_, _ = reader.Discard(3) // they are there
	}
	return reader
}

// jsonRows are JSON objects, one on each line.
type jsonRows struct {
	in   *bufio.Reader
	line int
}

func newJSONRows(from io.Reader) *jsonRows { return &jsonRows{in: withoutMark(from)} }

func (j *jsonRows) next() (user sdk.ImportUser, line, length int, err error) {
	for {
		text, err := j.readLine()
		if err != nil {
			return user, j.line, 0, err
		}
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(&user)
		switch {
		case err != nil && strings.Contains(err.Error(), `unknown field "password"`):
			return user, j.line, 0, errors.New(noPasswords)
		case err != nil:
			return user, j.line, 0, bad("%s", strings.TrimPrefix(err.Error(), "json: "))
		case decoder.More():
			return user, j.line, 0, bad("there is more than one object on the line")
		}
		return user, j.line, len(text), nil
	}
}

// readLine returns the next line. One that is too long is passed over, as bad.
func (j *jsonRows) readLine() ([]byte, error) {
	text, err := j.in.ReadSlice('\n')
	j.line++
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = j.in.ReadSlice('\n')
		}
		return nil, bad("the line has more than %d bytes", maxRowBytes)
	}
	if errors.Is(err, io.EOF) && len(text) > 0 {
		err = nil
	}
	return text, err
}

// csvColumns are how the columns of a CSV file fill a user. Empty cells say
// nothing.
var csvColumns = map[string]func(*sdk.ImportUser, string) error{
	"username":        func(u *sdk.ImportUser, cell string) error { u.Username = cell; return nil },
	"email":           func(u *sdk.ImportUser, cell string) error { u.Email = cell; return nil },
	"name":            func(u *sdk.ImportUser, cell string) error { u.Name = cell; return nil },
	"password_hash":   func(u *sdk.ImportUser, cell string) error { u.PasswordHash = cell; return nil },
	"login_type":      func(u *sdk.ImportUser, cell string) error { u.LoginType = sdk.LoginType(cell); return nil },
	"status":          func(u *sdk.ImportUser, cell string) error { u.Status = sdk.UserStatus(cell); return nil },
	"roles":           func(u *sdk.ImportUser, cell string) error { u.Roles = strings.Fields(cell); return nil },
	"organizations":   func(u *sdk.ImportUser, cell string) error { u.Organizations = strings.Fields(cell); return nil },
	"avatar_url":      func(u *sdk.ImportUser, cell string) error { u.AvatarURL = cell; return nil },
	"service_account": readServiceAccount,
	"created_at":      readTime("created_at", func(u *sdk.ImportUser) *time.Time { return &u.CreatedAt }),
	"last_seen_at":    readTime("last_seen_at", func(u *sdk.ImportUser) *time.Time { return &u.LastSeenAt }),
}

func readServiceAccount(u *sdk.ImportUser, cell string) (err error) {
	if u.ServiceAccount, err = strconv.ParseBool(cell); err != nil {
		return bad("service_account must be true or false")
	}
	return nil
}

func readTime(name string, field func(*sdk.ImportUser) *time.Time) func(*sdk.ImportUser, string) error {
	return func(u *sdk.ImportUser, cell string) error {
		at, err := time.Parse(time.RFC3339, cell)
		if err != nil {
			return bad("%s must be a time of the form 2006-01-02T15:04:05Z", name)
		}
		*field(u) = at
		return nil
	}
}

// csvRows are the rows of a CSV file (RFC 4180).
type csvRows struct {
	in      *csv.Reader
	columns []func(*sdk.ImportUser, string) error
}

func newCSVRows(from io.Reader) (*csvRows, error) {
	in := csv.NewReader(withoutMark(from))
	in.ReuseRecord = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty; its first line must name the columns")
	}
	if err != nil {
		return nil, err
	}
	rows := &csvRows{in: in}
	names := []string{}
	for _, cell := range header {
		name := strings.ToLower(strings.TrimSpace(cell))
		read, known := csvColumns[name]
		switch {
		case name == "password":
			return nil, errors.New(noPasswords)
		case !known:
			return nil, fmt.Errorf("there is no column %q; see usher users import --help", cell)
		case slices.Contains(names, name):
			return nil, fmt.Errorf("the column %q is there twice", name)
		}
		names, rows.columns = append(names, name), append(rows.columns, read)
	}
	if !slices.Contains(names, "username") {
		return nil, errors.New("there is no column username")
	}
	return rows, nil
}

func (c *csvRows) next() (user sdk.ImportUser, line, length int, err error) {
	record, err := c.in.Read()
	if errors.Is(err, csv.ErrFieldCount) {
		line, _ = c.in.FieldPos(0)
		return user, line, 0, bad("there are %s and %s", count(len(record), "cell"), count(len(c.columns), "column"))
	}
	if err != nil {
		return user, errorLine(err), 0, err
	}
	line, _ = c.in.FieldPos(0)
	for i, cell := range record {
		if length += len(cell) + len(`"organizations":"",`); cell == "" {
			continue
		}
		if err := c.columns[i](&user, strings.Clone(cell)); err != nil {
			return user, line, length, err
		}
	}
	if length > maxRowBytes {
		return user, line, length, bad("the row has more than %d bytes", maxRowBytes)
	}
	return user, line, length, nil
}

// errorLine is where a file is no CSV, 0 where that is not known.
func errorLine(err error) int {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return parse.Line
	}
	return 0
}
