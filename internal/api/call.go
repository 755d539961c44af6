package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"usher/internal/account"
)

// maxBody bounds the body of a request, in bytes.
const maxBody = 1 << 20

// call is one request on its way through the API.
type call struct {
	api     *API
	w       *answer
	r       *http.Request
	context context.Context // see ctx
	route   route
	origin  account.Origin
	actor   *account.Actor // anonymous where nobody known is asking
	dialect Dialect
	started time.Time
	failure error // what the handler returned, for the log
}

// answer remembers what was answered, for the log and for the decision whether
// an error can still be.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// user is the {user} of the path.
func (c *call) user() account.UserRef { return account.ParseUserRef(c.r.PathValue("user")) }

// read decodes the body into v: one JSON value, unknown members ignored, and so
// is anything after it, as long as the whole is not too large. What is wrong with
// it is returned as an error for the service, which knows when to
// report it.
func (c *call) read(v any) error {
	text, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return bodyTooLarge()
	}
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(text)).Decode(v)
	}
	if err == nil {
		return nil
	}
	malformed := account.Invalid("Request body must be valid JSON.")
	malformed.Detail = err.Error()
	return malformed
}

// write answers with a status and v as JSON, in the client's dialect.
func (c *call) write(status int, v any) error {
	c.w.Header()["Content-Type"] = c.api.headers.json
	text, err := json.Marshal(c.dialect.encode(v))
	if err != nil {
		return err
	}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(append(text, '\n')) // the client is gone: nobody to tell
	return nil
}

func (c *call) ok(v any) error { return c.write(http.StatusOK, v) }

func (c *call) created(v any) error { return c.write(http.StatusCreated, v) }

func (c *call) noContent() error {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// text answers with a plain text or another document that is no JSON.
func (c *call) text(contentType, body string) error {
	c.w.Header().Set("Content-Type", contentType)
	_, _ = io.WriteString(c.w, body)
	return nil
}
