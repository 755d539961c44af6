package service

import (
	"math"
	"testing"
	"time"
)

func TestSince(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		moved time.Duration // of the clock, since then
		want  time.Duration
	}{
		{"forward", time.Hour, time.Hour},
		{"not at all", 0, 0},
		{"requests that overtake each other", -time.Second, -time.Second},
		{"set back", -time.Hour, math.MaxInt64},
	} {
		if got := since(moment(), moment().Add(test.moved)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
