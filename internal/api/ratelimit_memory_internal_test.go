package api

import (
	"fmt"
	"testing"
)

// TestLimiterMemory: however many addresses ask, for however long, two windows
// of bounded size are all that is held, and a minute of silence empties them.
func TestLimiterMemory(t *testing.T) {
	t.Parallel()

	l := newRateLimiter()
	patient := bucket{subject: "patient", route: "r"}
	for minute := range 3 {
		for n := range maxBuckets + maxBuckets/2 {
			l.take(bucket{subject: fmt.Sprintf("%d.%d", minute, n), route: "r"}, 5, at(60*minute+1))
		}
		if len(l.current) > maxBuckets || len(l.previous) > maxBuckets {
			t.Fatalf("minute %d: %d and %d buckets", minute, len(l.current), len(l.previous))
		}
	}
	// Refusals take no room: they are not counted.
	full := len(l.current)
	for range 100 {
		l.take(bucket{subject: "greedy", route: "r"}, 0, at(125))
	}
	if len(l.current) != full {
		t.Errorf("%d buckets after %d", len(l.current), full)
	}
	if !l.take(patient, 1, at(300)).allowed || len(l.current) != 1 || len(l.previous) != 0 {
		t.Errorf("after minutes of silence there are %d and %d buckets", len(l.current), len(l.previous))
	}
}
