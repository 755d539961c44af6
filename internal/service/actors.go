package service

import (
	"crypto/sha256"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"usher/internal/account"
)

const (
	// maxActors bounds the memory of the cache.
	maxActors = 100_000
	// actorLife bounds how old the last-seen time of a cached user can be where
	// another node stored a newer one.
	actorLife = usePrecision
)

// actors remembers who presents which key, so that most requests need no look
// at the database. An entry is good for as long as nothing that it was made of
// has changed.
type actors struct {
	*freshness
	entries *otter.Cache[string, *knownActor]
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

func newActors(f *freshness) *actors {
	return &actors{
		freshness: f,
		entries: otter.Must(&otter.Options[string, *knownActor]{
			MaximumSize:      maxActors,
			ExpiryCalculator: otter.ExpiryWriting[string, *knownActor](actorLife),
		}),
	}
}

// get returns what is known of a key, or nil.
func (c *actors) get(keyID string) *knownActor {
	known, ok := c.entries.GetIfPresent(keyID)
	if !ok || !c.holds(known.actor.User.ID, known.stamp) {
		return nil
	}
	return known
}

// loading begins a load. The function it returns remembers what was loaded,
// unless anything changed in the meantime.
func (c *actors) loading() (remember func(hash [sha256.Size]byte, actor *account.Actor, loginEnds time.Time) *knownActor) {
	read := c.reading()
	return func(hash [sha256.Size]byte, actor *account.Actor, loginEnds time.Time) *knownActor {
		stamp, ok := read(actor.User.ID)
		known := &knownActor{hash: hash, actor: actor, stamp: stamp, loginEnds: loginEnds}
		known.lastUsed.Store(actor.Key.LastUsed.UnixMicro())
		known.expiresAt.Store(actor.Key.ExpiresAt.UnixMicro())
		if ok {
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
