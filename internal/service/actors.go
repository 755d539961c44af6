package service

import (
	"crypto/sha256"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"usher/internal/account"
	"usher/internal/store"
)

const (
	// maxActors bounds the memory of the cache.
	maxActors = 100_000
	// actorLife bounds how old the last-seen time of a cached user can be where
	// another node stored a newer one.
	actorLife = usePrecision
	// generations is how many counters all users share; two users of one counter
	// only lose each other's cached actors now and then.
	generations = 4096
)

// actors remembers who presents which key, so that most requests need no look
// at the database. An entry is good for as long as nothing that it was made of
// has changed: every change of a user counts up the user's generation before it
// is answered, and an entry of an earlier generation is no longer looked at.
type actors struct {
	entries *otter.Cache[string, *knownActor]
	seed    maphash.Seed
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

// knownActor is a proven key with the actor that presents it.
type knownActor struct {
	hash  [sha256.Size]byte // of the secret half
	actor *account.Actor
	stamp generationStamp
	// lastUsed and expiresAt, in microseconds since 1970, run ahead of what is
	// stored by as much as is still held in memory.
	lastUsed, expiresAt atomic.Int64
	// loginEnds is when the login at the provider ends from which the session
	// comes; zero for never.
	loginEnds time.Time
}

type generationStamp struct{ everyone, user uint64 }

func newActors() *actors {
	return &actors{
		seed: maphash.MakeSeed(),
		born: time.Now(),
		entries: otter.Must(&otter.Options[string, *knownActor]{
			MaximumSize:      maxActors,
			ExpiryCalculator: otter.ExpiryWriting[string, *knownActor](actorLife),
		}),
	}
}

// watcher is how the store tells of changes.
func (c *actors) watcher() store.Watcher {
	return store.Watcher{
		Changed: c.forget,
		Trust:   func(until time.Time) { c.trusted.Store(int64(until.Sub(c.born))) },
	}
}

// canTrust asks the clock that nobody sets, and asks it each time: a process that
// was held up must not use what it knew before.
func (c *actors) canTrust() bool { return int64(time.Since(c.born)) < c.trusted.Load() }

// forget makes everything that is known of the users stale; nil means of all.
func (c *actors) forget(users []uuid.UUID) {
	c.changes.Add(1)
	if users == nil {
		c.everyone.Add(1)
	}
	for _, id := range users {
		c.slot(id).Add(1)
	}
}

func (c *actors) slot(id uuid.UUID) *atomic.Uint64 {
	return &c.generation[maphash.Bytes(c.seed, id[:])%generations]
}

func (c *actors) stamp(id uuid.UUID) generationStamp {
	return generationStamp{everyone: c.everyone.Load(), user: c.slot(id).Load()}
}

// get returns what is known of a key, or nil.
func (c *actors) get(keyID string) *knownActor {
	if !c.canTrust() {
		return nil
	}
	known, ok := c.entries.GetIfPresent(keyID)
	if !ok || known.stamp != c.stamp(known.actor.User.ID) {
		return nil
	}
	return known
}

// loading begins a load. The function it returns remembers what was loaded,
// unless anything changed in the meantime.
func (c *actors) loading() (remember func(hash [sha256.Size]byte, actor *account.Actor, loginEnds time.Time) *knownActor) {
	before := c.changes.Load()
	return func(hash [sha256.Size]byte, actor *account.Actor, loginEnds time.Time) *knownActor {
		known := &knownActor{hash: hash, actor: actor, stamp: c.stamp(actor.User.ID), loginEnds: loginEnds}
		known.lastUsed.Store(actor.Key.LastUsed.UnixMicro())
		known.expiresAt.Store(actor.Key.ExpiresAt.UnixMicro())
		// The stamp is taken before the comparison: a change that comes after
		// both is one that the stamp does not have.
		if c.canTrust() && c.changes.Load() == before {
			c.entries.Set(actor.Key.ID, known)
		}
		return known
	}
}

// expired reports whether the time of the key, or of the login behind it, was
// over, as far as this node knows: another one may have moved it.
func (k *knownActor) expired(now time.Time) bool {
	return k.expiresAt.Load() < now.UnixMicro() || !k.loginEnds.IsZero() && !k.loginEnds.After(now)
}
