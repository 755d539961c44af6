package service

import (
	"math"
	"time"
)

// clockStep is by how much a clock must have been set back for it to be noticed;
// less is what requests that overtake each other may differ by.
const clockStep = time.Minute

// now returns the time in the precision that is stored, so that an answer and
// what is read back later agree.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// since is how long ago something was that this process noted. A moment that lies
// ahead was noted before the clock was set back, nobody knows when: it counts as
// long ago, so that nobody waits for the clock to come there again.
func since(then, now time.Time) time.Duration {
	ago := now.Sub(then)
	if ago < -clockStep {
		return math.MaxInt64
	}
	return ago
}
