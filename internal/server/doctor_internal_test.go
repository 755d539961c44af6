package server

import (
	"testing"
	"time"
)

func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	for ahead, want := range map[time.Duration]Verdict{
		0: Fine, 4 * time.Second: Fine, -4 * time.Second: Fine, 6 * time.Second: Warning, -6 * time.Second: Warning,
		time.Minute: Problem, -time.Hour: Problem,
	} {
		e := &examination{}
		e.clock(ahead)
		if got := e.findings[0]; got.Verdict != want {
			t.Errorf("%s: %+v, want %s", ahead, got, want)
		}
	}
}
