package service

import (
	"context"
	"sync"
	"time"

	"usher/internal/secret"
)

// legacyPrecision is how late it may be noticed that an import has brought keys
// of the old form.
const legacyPrecision = time.Minute

// legacyKeys remembers whether there are keys of the old form. They have no
// checksum, so that anything could be one: while there are none, nothing that
// looks like one is worth a look at the database.
type legacyKeys struct {
	mu   sync.Mutex
	seen time.Time
	some bool
}

// refuseLegacy refuses a key of the old form where there are no such keys.
func (s *Service) refuseLegacy(ctx context.Context, key secret.PresentedKey, now time.Time) error {
	if !key.Legacy() {
		return nil
	}
	some, known := s.legacy.known(now)
	if !known {
		var err error
		if some, err = s.Store.Direct().HasLegacyKeys(ctx, secret.KeyPrefix); err != nil {
			return err
		}
		s.legacy.remember(some, now)
	}
	if !some {
		return invalidKey()
	}
	return nil
}

func (l *legacyKeys) known(now time.Time) (some, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.some, since(l.seen, now) < legacyPrecision
}

func (l *legacyKeys) remember(some bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen, l.some = now, some
}
