package service

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"usher/internal/store"
)

// generations is how many counters all users share; two users of one counter only
// lose each other's cached answers now and then.
const generations = 4096

// freshness tells whether what was read of a user still holds. Every change of a
// user counts up the user's generation before it is answered, and what was read in
// an earlier generation is no longer looked at.
type freshness struct {
	seed maphash.Seed
	// trusted is until when changes by other processes are heard of in time,
	// counted from born; afterwards nothing is remembered and nothing is used.
	trusted atomic.Int64
	born    time.Time
	// changes counts all changes, so that a load during which any happened is
	// not remembered.
	changes    atomic.Uint64
	everyone   atomic.Uint64
	generation [generations]atomic.Uint64
}

type generationStamp struct{ everyone, user uint64 }

func newFreshness() *freshness { return &freshness{seed: maphash.MakeSeed(), born: time.Now()} }

// watcher is how the store tells of changes.
func (f *freshness) watcher() store.Watcher {
	return store.Watcher{
		Changed: f.forget,
		Trust:   func(until time.Time) { f.trusted.Store(int64(until.Sub(f.born))) },
	}
}

// canTrust asks the clock that nobody sets, and asks it each time: a process that
// was held up must not use what it knew before.
func (f *freshness) canTrust() bool { return int64(time.Since(f.born)) < f.trusted.Load() }

// forget makes everything that is known of the users stale; nil means of all.
func (f *freshness) forget(users []uuid.UUID) {
	f.changes.Add(1)
	if users == nil {
		f.everyone.Add(1)
	}
	for _, id := range users {
		f.slot(id).Add(1)
	}
}

func (f *freshness) slot(id uuid.UUID) *atomic.Uint64 {
	return &f.generation[maphash.Bytes(f.seed, id[:])%generations]
}

func (f *freshness) stamp(id uuid.UUID) generationStamp {
	return generationStamp{everyone: f.everyone.Load(), user: f.slot(id).Load()}
}

// holds reports whether what was read of the user when it had this stamp can be
// used.
func (f *freshness) holds(id uuid.UUID, stamp generationStamp) bool {
	return f.canTrust() && stamp == f.stamp(id)
}

// reading begins to read of a user. What was read may be remembered with the stamp
// that the returned function gives, if it says so: not when anything has changed in
// the meantime.
func (f *freshness) reading() func(id uuid.UUID) (stamp generationStamp, ok bool) {
	before := f.changes.Load()
	return func(id uuid.UUID) (generationStamp, bool) {
		// The stamp is taken before the comparison: a change that comes after both is
		// one that the stamp does not have.
		stamp := f.stamp(id)
		return stamp, f.canTrust() && f.changes.Load() == before
	}
}
