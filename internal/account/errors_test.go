package account_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"usher/internal/account"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	cases := []struct {
		err  error
		want account.Kind
	}{
		{nil, ""},
		{errors.New("disk on fire"), account.KindInternal},
		{account.Invalid("No."), account.KindInvalid},
		{account.ValidationFailed(), account.KindInvalid},
		{account.NotFound(), account.KindNotFound},
		{account.Forbidden("because"), account.KindForbidden},
		{account.Conflict("Taken."), account.KindConflict},
		{account.Unauthenticated("Who?", ""), account.KindUnauthenticated},
		{account.TooMany("Slow down.", time.Second), account.KindTooMany},
		{account.Unavailable("Busy."), account.KindUnavailable},
		{fmt.Errorf("saving: %w", account.NotFound()), account.KindNotFound},
		{errors.Join(errors.New("first"), account.Conflict("Taken.")), account.KindConflict},
	}
	for _, c := range cases {
		if got := account.KindOf(c.err); got != c.want {
			t.Errorf("KindOf(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}

// TestFixedWords: these messages are matched by clients (auth.md, section 17).
func TestFixedWords(t *testing.T) {
	t.Parallel()
	fields := []account.FieldError{{Field: "name", Detail: "is too long"}}
	cases := []struct {
		got  *account.Error
		want account.Error
	}{
		{account.NotFound(), account.Error{Kind: account.KindNotFound, Message: "Resource not found or you do not have access to this resource"}},
		{account.Forbidden("why"), account.Error{Kind: account.KindForbidden, Message: "Forbidden.", Detail: "why"}},
		{account.ValidationFailed(fields...), account.Error{Kind: account.KindInvalid, Message: "Validation failed.", Fields: fields}},
		{account.Unavailable("Busy."), account.Error{Kind: account.KindUnavailable, Message: "Busy.", RetryAfter: time.Second}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, *c.got, cmpopts.IgnoreUnexported(account.Error{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.want.Kind, diff)
		}
	}
}

func TestErrorsAreCopied(t *testing.T) {
	t.Parallel()
	cause := errors.New("UNIQUE constraint failed")
	plain := account.Conflict("The name is taken.", account.FieldError{Field: "username", Detail: "is taken"})
	caused, worded := plain.Because(cause), plain.Worded("The address is taken.")

	if errors.Is(plain, cause) || plain.Message != "The name is taken." {
		t.Errorf("the error that was copied has changed: %v", plain)
	}
	if !errors.Is(caused, cause) || caused.Message != plain.Message || caused.Kind != plain.Kind {
		t.Errorf("Because lost something: %v", caused)
	}
	if worded.Message != "The address is taken." || worded.Kind != plain.Kind || len(worded.Fields) != 1 {
		t.Errorf("Worded lost something: %v", worded)
	}
	for _, part := range []string{"The name is taken.", "username", "is taken", cause.Error()} {
		if !strings.Contains(caused.Error(), part) {
			t.Errorf("the text for the log, %q, leaves out %q", caused, part)
		}
	}
	if strings.Contains(caused.Message+caused.Detail, cause.Error()) {
		t.Error("the caller is told the cause")
	}
}
