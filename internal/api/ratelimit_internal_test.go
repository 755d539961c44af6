package api

import (
	"testing"
	"time"

	"usher/internal/account"
)

func at(second int) time.Time {
	return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(second) * time.Second)
}

// TestLimiterSlides: after the turn of the minute what was spent comes back by
// and by, not at once.
func TestLimiterSlides(t *testing.T) {
	t.Parallel()

	l := newRateLimiter()
	b := bucket{subject: "a", route: "r"}
	take := func(second, want int) {
		t.Helper()
		allowed := 0
		for l.take(b, 10, at(second)).allowed {
			allowed++
		}
		if allowed != want {
			t.Errorf("at %d s: %d allowed, want %d", second, allowed, want)
		}
	}
	take(5, 10)
	take(59, 0)
	take(60, 0)   // all of the ten are within a minute
	take(90, 5)   // half of them still are
	take(119, 5)  // of the ten hardly one; of the five all
	take(600, 10) // long after
}

func TestLimiterState(t *testing.T) {
	t.Parallel()

	l := newRateLimiter()
	b := bucket{subject: "a", route: "r"}
	for i, want := range []int{1, 0} {
		if state := l.take(b, 2, at(20)); !state.allowed || state.remaining != want || !state.reset.Equal(at(60)) {
			t.Errorf("request %d: %+v", i, state)
		}
	}
	if state := l.take(b, 2, at(20)); state.allowed || state.remaining != 0 {
		t.Errorf("the third: %+v", state)
	}
	for _, other := range []bucket{{subject: "b", route: "r"}, {subject: "a", route: "s"}} {
		if !l.take(other, 2, at(20)).allowed {
			t.Errorf("%+v is full", other)
		}
	}
}

// TestLimiterIsBounded: an attacker with very many addresses fills no memory.
func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()

	l := newRateLimiter()
	for i := range maxBuckets + 1000 {
		l.take(bucket{subject: string(rune(i)) + "-", route: "r"}, 1, at(0))
	}
	if n := len(l.current); n > maxBuckets {
		t.Errorf("%d buckets are held, want at most %d", n, maxBuckets)
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()

	for ip, want := range map[string]string{
		"192.0.2.1":                 "192.0.2.1",
		"2001:db8:1:2:3:4:5:6":      "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::":       "2001:db8:1:2::/64",
		"2001:db8:1:3::":            "2001:db8:1:3::/64",
		"":                          "",
		"::1":                       "::/64",
		"2001:db8:ffff:ffff:f::abc": "2001:db8:ffff:ffff::/64",
	} {
		c := call{origin: account.Origin{IP: ip}}
		c.actor = account.Anonymous(c.origin)
		if got := c.subject(); got != want {
			t.Errorf("%q counts as %q, want %q", ip, got, want)
		}
	}
}
