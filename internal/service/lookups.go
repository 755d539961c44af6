package service

import (
	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"usher/internal/account"
)

// maxLookups bounds the memory of the cache to about 20 MB.
const maxLookups = 20_000

// lookups remembers users who were asked for by name or id, as actors does those
// who ask, where there is but one node: another one may be asked before it has
// heard of a change that was answered, and whoever changed a user must find it
// changed. That nobody has a name is not remembered.
type lookups struct {
	*freshness
	alone   bool
	entries *otter.Cache[lookup, knownUser]
}

// lookup is what a user was asked for by: one of the two.
type lookup struct {
	id   uuid.UUID
	name string // folded
}

func lookupOf(ref account.UserRef) lookup { return lookup{ref.ID, account.Fold(ref.Name)} }

type knownUser struct {
	user  account.User
	stamp generationStamp
}

func newLookups(f *freshness, alone bool) *lookups {
	return &lookups{
		freshness: f, alone: alone,
		entries: otter.Must(&otter.Options[lookup, knownUser]{
			MaximumSize:      maxLookups,
			ExpiryCalculator: otter.ExpiryWriting[lookup, knownUser](actorLife),
		}),
	}
}

// get returns the user of a reference that names one, or ok is false.
func (c *lookups) get(ref account.UserRef) (user account.User, ok bool) {
	known, ok := c.entries.GetIfPresent(lookupOf(ref))
	return known.user, ok && c.holds(known.user.ID, known.stamp)
}

// loading begins a load. The function it returns remembers what was loaded, unless
// anything changed in the meantime.
func (c *lookups) loading(ref account.UserRef) (remember func(user account.User)) {
	read := c.reading()
	return func(user account.User) {
		if stamp, ok := read(user.ID); ok && c.alone {
			c.entries.Set(lookupOf(ref), knownUser{user, stamp})
		}
	}
}
