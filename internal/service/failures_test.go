package service

import (
	"errors"
	"testing"
	"time"

	"usher/internal/account"
)

// TestPausesAreHonest: whoever waits as long as it is told is let in. The pause
// is told in whole seconds, so it is rounded up.
func TestPausesAreHonest(t *testing.T) {
	t.Parallel()

	begin := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	f, source := newLoginFailures("failed logins"), loginSource{email: "ada@example.com", ip: "192.0.2.1"}
	for range freeFailures + 4 { // a pause of eight seconds
		f.failed(source, begin)
	}
	for elapsed := time.Duration(0); elapsed < 8*time.Second; elapsed += 100 * time.Millisecond {
		now := begin.Add(elapsed)
		refusal, ok := errors.AsType[*account.Error](f.check(source, now))
		if !ok {
			t.Fatalf("after %s nobody has to wait", elapsed)
		}
		if refusal.RetryAfter%time.Second != 0 || refusal.RetryAfter <= 0 {
			t.Errorf("after %s it is told %s", elapsed, refusal.RetryAfter)
		}
		if err := f.check(source, now.Add(refusal.RetryAfter)); err != nil {
			t.Errorf("after %s it is told %s, and then again to wait: %v", elapsed, refusal.RetryAfter, err)
		}
	}
}
