package store

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// KeyUse is what using a key changed.
type KeyUse struct {
	KeyID     string
	UserID    uuid.UUID
	IP        string
	At        time.Time
	ExpiresAt time.Time // zero: unchanged
	SlidFrom  time.Time // what ExpiresAt takes the place of
}

// RecordKeyUse stores when a key was last used and its slid expiry. Neither
// ever moves back, and a key that is gone stays gone. The expiry slides only
// from what it was when the key was used: one that was ended in the meantime
// must not come back to life.
func (tx *Tx) RecordKeyUse(ctx context.Context, use KeyUse) error {
	_, err := tx.exec(ctx,
		`UPDATE api_keys SET last_used = $2, ip = $3 WHERE id = $1 AND last_used < $2`, use.KeyID, micro(use.At), use.IP)
	if err != nil || use.ExpiresAt.IsZero() {
		return err
	}
	_, err = tx.exec(ctx,
		`UPDATE api_keys SET expires_at = $2 WHERE id = $1 AND expires_at = $3 AND expires_at < $2 AND expires_at >= $4`,
		use.KeyID, micro(use.ExpiresAt), micro(use.SlidFrom), micro(use.At))
	return err
}

// RecordUses stores uses of keys, and with them when their users were last seen.
// All nodes write about the same keys at the same time, so that rows are locked
// in one order, users before their keys as changes do: two batches then wait for
// each other only one way, and a change for neither longer than they take.
func (s *Store) RecordUses(ctx context.Context, uses []KeyUse) error {
	keys := slices.SortedFunc(slices.Values(uses), func(a, b KeyUse) int { return cmp.Compare(a.KeyID, b.KeyID) })
	users := lastSeen(uses)
	return s.WriteEach(ctx, func(ctx context.Context, tx *Tx) error {
		for _, seen := range users {
			if err := tx.UpdateLastSeen(ctx, seen.UserID, seen.At); err != nil {
				return err
			}
		}
		for _, use := range keys {
			if err := tx.RecordKeyUse(ctx, use); err != nil {
				return err
			}
		}
		return nil
	})
}

// lastSeen is the last use by each user, in the order of the users' ids.
func lastSeen(uses []KeyUse) []KeyUse {
	sorted := slices.SortedFunc(slices.Values(uses), func(a, b KeyUse) int {
		return cmp.Or(bytes.Compare(a.UserID[:], b.UserID[:]), b.At.Compare(a.At))
	})
	return slices.CompactFunc(sorted, func(a, b KeyUse) bool { return a.UserID == b.UserID })
}
