package store

import (
	"context"

	"golang.org/x/sync/semaphore"
)

const (
	// lostOften is how many attempts a transaction must have lost to others until
	// it is to run without them.
	lostOften = 4
	// courtesy is how long a transaction waits for another's turn. It is no lock:
	// one that is stuck, on a connection that has fallen silent, must not take the
	// others with it.
	courtesy = Patience / 4
)

// turns lets a transaction that lost to others again and again run while those of
// this node wait. Of transactions that conflict one always gets through, but not
// each in time: the short ones, and the new ones, get in the way of a long one for
// as long as there are any.
type turns struct{ places *semaphore.Weighted }

// allPlaces is more than there are transactions at the same time.
const allPlaces = 1 << 20

func newTurns() turns { return turns{places: semaphore.NewWeighted(allPlaces)} }

// take waits for a turn, alone after so many lost attempts, or until courtesy
// ends. The returned function ends the turn.
func (t turns) take(ctx context.Context, lost int) (done func()) {
	places := int64(1)
	if lost >= lostOften {
		places = allPlaces
	}
	if t.places.TryAcquire(places) {
		return func() { t.places.Release(places) }
	}
	ctx, cancel := context.WithTimeout(ctx, courtesy)
	defer cancel()
	if t.places.Acquire(ctx, places) != nil {
		return func() {}
	}
	return func() { t.places.Release(places) }
}
