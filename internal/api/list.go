package api

import (
	"bufio"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"strconv"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/service"
)

// query returns a parameter of the query, "" where it is absent.
func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

// page reads limit, offset and after_id; every bad one is reported at once.
func (c *call) page() (service.Page, error) {
	p := parameters{call: c}
	page := service.Page{
		Limit:   p.count("limit"),
		Offset:  p.count("offset"),
		AfterID: p.id("after_id"),
	}
	return page, p.failure()
}

// window reads the limit and offset of a list that has no cursor.
func (c *call) window() (service.Page, error) {
	p := parameters{call: c}
	page := service.Page{Limit: p.count("limit"), Offset: p.count("offset")}
	return page, p.failure()
}

// parameters reads the query of a list and collects what is wrong with it.
type parameters struct {
	call   *call
	faults []account.FieldError
}

func (p *parameters) single(name string) string {
	values := p.call.r.URL.Query()[name]
	if len(values) > 1 {
		p.fault(name, fmt.Sprintf("Query param %q was provided more than once", name))
		return ""
	}
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func (p *parameters) fault(name, detail string) {
	p.faults = append(p.faults, account.FieldError{Field: name, Detail: detail})
}

// count reads a whole number of 31 bits; absent and empty are 0.
func (p *parameters) count(name string) int {
	text := p.single(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt32 {
		p.fault(name, fmt.Sprintf("Query param %q must be a whole number from 0 to %d", name, math.MaxInt32))
		return 0
	}
	return int(n)
}

// id reads a UUID; absent and empty are the nil UUID.
func (p *parameters) id(name string) uuid.UUID {
	text := p.single(name)
	if text == "" {
		return uuid.Nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		p.fault(name, fmt.Sprintf("Query param %q must be a valid uuid", name))
	}
	return id
}

func (p *parameters) failure() error {
	if len(p.faults) == 0 {
		return nil
	}
	return account.Invalid("Query parameters have invalid values.", p.faults...)
}

// streamBuffer is how much of a list is held before it is sent, in bytes.
const streamBuffer = 64 << 10

// streamUsers writes a list of users.
func (c *call) streamUsers(listing service.UserListing) error {
	head := fmt.Sprintf(`{"count":%d,"users":[`, listing.Count)
	return stream(c, head, listing.Users, func(u account.User) any { return toUser(u) }, "]}\n")
}

// stream writes a list of any length with bounded memory, between a head and a
// tail that make it JSON. Once the first bytes are sent an error can no longer be
// told: the connection is cut, so that no client takes half a list for a whole
// one.
func stream[T any](c *call, head string, list iter.Seq2[T, error], toWire func(T) any, tail string) error {
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	out := bufio.NewWriterSize(c.w, streamBuffer)
	_, _ = out.WriteString(head)
	separator := ""
	for item, err := range list {
		if err != nil {
			return c.breakOff(err)
		}
		text, err := json.Marshal(c.dialect.encode(toWire(item)))
		if err != nil {
			return err
		}
		_, _ = out.WriteString(separator)
		if _, err := out.Write(text); err != nil {
			return err // the client left; there is nobody to read the rest for
		}
		separator = ","
	}
	_, _ = out.WriteString(tail)
	_ = out.Flush()
	return nil
}
