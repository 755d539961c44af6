package account

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what went wrong in a way that every room understands. Only the api
// room turns a kind into an HTTP status.
type Kind string

// The kinds of errors. An error without a kind is internal.
const (
	KindInvalid         Kind = "invalid"         // the request makes no sense as it stands
	KindUnauthenticated Kind = "unauthenticated" // nobody, or nobody known, is asking
	KindForbidden       Kind = "forbidden"       // the caller may see it but not do this
	KindNotFound        Kind = "not_found"       // absent, or not for the caller to know
	KindConflict        Kind = "conflict"        // taken, or in the way of something
	KindPrecondition    Kind = "precondition"    // the caller may do this, but not by this means
	KindTooMany         Kind = "too_many"        // too often; try again after RetryAfter
	KindUnavailable     Kind = "unavailable"     // overloaded or cut off; try again
	KindInternal        Kind = "internal"        // our fault; the cause is in the log
)

// FieldError is what is wrong with one field of a request. Field is the name
// on the wire: of a JSON member or of a query parameter.
type FieldError struct {
	Field  string
	Detail string
}

// Error is the one error type. Message is a sentence for the caller, Detail an
// optional second one; neither ever carries a secret or an internal cause,
// which goes to the log by way of Unwrap.
type Error struct {
	Kind Kind
	// Title heads the page that tells the refusal to somebody at a browser, and
	// Message is its text. It is empty where programs ask.
	Title   string
	Message string
	Detail  string
	Fields  []FieldError
	// RetryAfter is how long the caller should wait; zero means unsaid.
	RetryAfter time.Duration

	cause error
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Message
	if e.Detail != "" {
		text += " " + e.Detail
	}
	for _, f := range e.Fields {
		text += fmt.Sprintf(" (%s: %s)", f.Field, f.Detail)
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the cause, which is for the log alone.
func (e *Error) Unwrap() error { return e.cause }

// Because returns a copy of the error with its cause.
func (e *Error) Because(cause error) *Error {
	copied := *e
	copied.cause = cause
	return &copied
}

// KindOf returns the kind of an error: "" for nil, internal for any error that
// is not an *Error.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindInternal
}

// Invalid refuses a request as a whole.
func Invalid(message string, fields ...FieldError) *Error {
	return &Error{Kind: KindInvalid, Message: message, Fields: fields}
}

// ValidationFailed refuses a request because of its fields, one entry for each.
func ValidationFailed(fields ...FieldError) *Error {
	return &Error{Kind: KindInvalid, Message: "Validation failed.", Fields: fields}
}

// NotFound is the one answer for an object that is absent or not for the
// caller to know about: the two must not be told apart.
func NotFound() *Error {
	return &Error{
		Kind:    KindNotFound,
		Message: "Resource not found or you do not have access to this resource",
	}
}

// Forbidden refuses an action on an object that the caller may read; detail
// says what was missing.
func Forbidden(detail string) *Error {
	return &Error{Kind: KindForbidden, Message: "Forbidden.", Detail: detail}
}

// Conflict refuses a change because something is in its way.
func Conflict(message string, fields ...FieldError) *Error {
	return &Error{Kind: KindConflict, Message: message, Fields: fields}
}

// Unauthenticated refuses a request whose credential does not hold.
func Unauthenticated(message, detail string) *Error {
	return &Error{Kind: KindUnauthenticated, Message: message, Detail: detail}
}

// TooMany asks the caller to slow down.
func TooMany(message string, retryAfter time.Duration) *Error {
	return &Error{Kind: KindTooMany, Message: message, RetryAfter: retryAfter}
}

// Unavailable says that the service cannot answer now and why the caller
// should come back in a second.
func Unavailable(message string) *Error {
	return &Error{Kind: KindUnavailable, Message: message, RetryAfter: time.Second}
}

// Worded returns a copy of the error with another message.
func (e *Error) Worded(message string) *Error {
	copied := *e
	copied.Message = message
	return &copied
}
