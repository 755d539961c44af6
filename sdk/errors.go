package sdk

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Response is the body of every error, and of the few successes that have
// nothing but a message to say.
type Response struct {
	// Message is a sentence for people.
	Message string `json:"message"`
	// Detail adds what the message does not say. Often empty.
	Detail string `json:"detail,omitempty"`
	// Validations has one entry for each bad field of the request.
	Validations []ValidationError `json:"validations,omitempty"`
}

// ValidationError says what is wrong with one field of a request.
type ValidationError struct {
	// Field is the name in the JSON body or of the query parameter.
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error is an answer of the server that is not the expected one. Find it with
// errors.As. Requests that got no answer at all fail with the error of the
// HTTP client instead.
type Error struct {
	// StatusCode is the HTTP status.
	StatusCode int
	// Method and URL tell the request. The URL has neither query nor password.
	Method string
	URL    string
	// Message, Detail and Validations are the body, see [Response]. Where the
	// body is not the server's own, Message says so.
	Message     string
	Detail      string
	Validations []ValidationError
	// RequestID finds the request in the server's log, and may be empty.
	RequestID string
	// RetryAfter is how long to wait before another try; 0 where the server did
	// not say.
	RetryAfter time.Duration
	// ServerVersion is the server's version, see [BuildVersionHeader]. Empty means
	// that something between client and server gave the answer.
	ServerVersion string
}

// Error returns the message with its detail, and a line for each validation. It
// is meant for people; what a log needs besides is in [Error.LogValue].
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	if e.Message == "" {
		fmt.Fprintf(&b, "%s %s: the server answered %s without a message.", e.Method, e.URL, statusText(e.StatusCode))
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, " (%s)", e.Detail)
	}
	for _, v := range e.Validations {
		fmt.Fprintf(&b, "\n  %s: %s", v.Field, v.Detail)
	}
	return b.String()
}

// LogValue gives a structured log the request and the status as well.
func (e *Error) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("status", e.StatusCode),
		slog.String("method", e.Method),
		slog.String("url", e.URL),
		slog.String("message", e.Error()),
		slog.String("request_id", e.RequestID),
	)
}

// IsUnauthenticated reports whether the server asks for a login: the token is
// absent, wrong or expired, or the account is suspended.
func IsUnauthenticated(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

// IsForbidden reports whether the caller may see the object but not do this.
func IsForbidden(err error) bool { return hasStatus(err, http.StatusForbidden) }

// IsNotFound reports whether the object does not exist or is not the caller's to
// see; the server does not tell which.
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// IsConflict reports whether a name or e-mail is taken, or an object is in a
// state that does not allow the change.
func IsConflict(err error) bool { return hasStatus(err, http.StatusConflict) }

func hasStatus(err error, status int) bool {
	var answer *Error
	return errors.As(err, &answer) && answer.StatusCode == status
}

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}
