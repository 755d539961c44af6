package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every secret shows in place of itself.
const redacted = "[redacted]"

// masked gives the struct that embeds it the printing methods of a secret. Its
// methods have value receivers, so values and pointers print alike.
type masked struct{}

// String returns "[redacted]".
func (masked) String() string { return redacted }

// GoString returns "[redacted]".
func (masked) GoString() string { return redacted }

// Format writes "[redacted]" for every verb and flag.
func (masked) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]"; encoding/json and encoding/xml use it.
func (masked) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]" to log/slog.
func (masked) LogValue() slog.Value { return slog.StringValue(redacted) }

// Redacted is a secret string, such as a password on its way from a request to
// the Hasher. It prints as "[redacted]" through fmt, log/slog and every encoder
// that honours encoding.TextMarshaler; decoding from JSON fills it as a string.
//
// Two ways of printing bypass the methods of any string type: the verbs %p and
// %w, which go vet refuses for it, and printing a struct that holds it in an
// unexported field. Hold it in an exported field, or do not print its holder.
type Redacted string

// Reveal returns the secret itself.
func (r Redacted) Reveal() string { return string(r) }

// String returns "[redacted]".
func (Redacted) String() string { return redacted }

// GoString returns "[redacted]".
func (Redacted) GoString() string { return redacted }

// Format writes "[redacted]" for every verb and flag.
func (Redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]"; encoding/json and encoding/xml use it.
func (Redacted) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]" to log/slog.
func (Redacted) LogValue() slog.Value { return slog.StringValue(redacted) }
