package service

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"usher/internal/account"
)

func moment() time.Time { return time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC) }

// TestFailuresDouble: ten failures in a row are free, then each pause is twice
// the one before, up to a minute.
func TestFailuresDouble(t *testing.T) {
	t.Parallel()
	f, now := newLoginFailures("failed logins"), moment()
	source := loginSource{email: "ada@example.com", ip: "192.0.2.1"}
	for n := range freeFailures {
		if err := f.check(source, now); err != nil {
			t.Fatalf("failure %d: %v", n, err)
		}
		f.failed(source, now)
	}
	for _, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		pause := time.Duration(seconds) * time.Second
		refusal, ok := errors.AsType[*account.Error](f.check(source, now))
		if !ok || refusal.Kind != account.KindTooMany || refusal.RetryAfter != pause {
			t.Fatalf("%+v, want a pause of %s", refusal, pause)
		}
		if err := f.check(source, now.Add(pause-time.Microsecond)); err == nil {
			t.Errorf("a pause of %s is over too early", pause)
		}
		now = now.Add(pause)
		if err := f.check(source, now); err != nil {
			t.Errorf("after a pause of %s: %v", pause, err)
		}
		f.failed(source, now)
	}
	// Nobody else waits for it.
	for _, other := range []loginSource{{"bob@example.com", source.ip}, {source.email, "192.0.2.2"}} {
		if err := f.check(other, now); err != nil {
			t.Errorf("%+v: %v", other, err)
		}
	}
	f.succeeded(source)
	if err := f.check(source, now); err != nil {
		t.Errorf("after a success: %v", err)
	}
}

// TestFailuresAreForgotten: an hour after the last of them.
func TestFailuresAreForgotten(t *testing.T) {
	t.Parallel()
	f, source := newLoginFailures("failed logins"), loginSource{email: "ada@example.com", ip: "192.0.2.1"}
	for range freeFailures {
		f.failed(source, moment())
	}
	f.failed(source, moment().Add(forgetFailures+time.Microsecond))
	if err := f.check(source, moment().Add(forgetFailures+time.Microsecond)); err != nil {
		t.Errorf("the first failure after an hour: %v", err)
	}
}

// TestFailuresAreBounded: neither many addresses of one guesser nor many e-mail
// addresses fill the memory, and what is old goes first.
func TestFailuresAreBounded(t *testing.T) {
	t.Parallel()
	f, now := newLoginFailures("failed logins"), moment()
	for n := range maxFailures {
		f.failed(loginSource{email: fmt.Sprintf("old-%d@example.com", n), ip: "192.0.2.1"}, now)
	}
	now = now.Add(forgetFailures + time.Second)
	recent := loginSource{email: "recent@example.com", ip: "192.0.2.1"}
	for range freeFailures {
		f.failed(recent, now)
	}
	if len(f.rows) != 1 {
		t.Errorf("%d rows are left of %d that are old", len(f.rows)-1, maxFailures)
	}
	if err := f.check(recent, now); err == nil {
		t.Error("a recent row was lost to old ones")
	}
	for n := range 2 * maxFailures {
		f.failed(loginSource{email: "ada@example.com", ip: fmt.Sprint(n)}, now)
		if len(f.rows) > maxFailures {
			t.Fatalf("%d rows", len(f.rows))
		}
	}
}
