package service

import (
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	// replacedQuiet is how long further uses of a replaced key go unrecorded
	// after one that was: a forgotten program would fill the log otherwise.
	replacedQuiet = time.Minute
	// maxReplaced bounds the memory.
	maxReplaced = 10_000
)

// replacedUses remembers which replaced keys were just recorded as used.
type replacedUses struct {
	recent *otter.Cache[string, struct{}]
}

func newReplacedUses() *replacedUses {
	return &replacedUses{recent: otter.Must(&otter.Options[string, struct{}]{
		MaximumSize:      maxReplaced,
		ExpiryCalculator: otter.ExpiryCreating[string, struct{}](replacedQuiet),
	})}
}

// first reports whether this use is the first one for a while.
func (r *replacedUses) first(keyID string) bool {
	_, absent := r.recent.SetIfAbsent(keyID, struct{}{})
	return absent
}
