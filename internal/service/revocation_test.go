package service_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestLookupsThatRace: a key that was being looked up while its user was
// suspended is not remembered as it was before. Each turn makes every key
// unknown again, so that the lookups are under way all the time.
func TestLookupsThatRace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		const (
			enough = 150
			limit  = 3 * time.Second // on a machine that is too busy for so many
		)
		w := open(t, db)
		w.begin(t)
		ada := w.user(t, "ada")
		keys := []secret.Redacted{}
		for range 30 {
			keys = append(keys, w.token(t, ada, service.NewToken{}))
		}
		turns := 0
		for begin := time.Now(); turns < enough && time.Since(begin) < limit; turns++ {
			_, err := w.ActivateUser(t.Context(), w.owner, byID(ada))
			wantKind(t, err, "")
			var over atomic.Bool
			var readers sync.WaitGroup
			for reader := range 2 {
				mine := slices.Clone(keys)
				if reader == 1 {
					slices.Reverse(mine)
				}
				readers.Go(func() {
					for _, key := range mine {
						if _, err := w.Authenticate(t.Context(), key, account.Origin{}); over.Load() && err != nil {
							return
						}
					}
				})
			}
			_, err = w.SuspendUser(t.Context(), w.owner, byID(ada))
			over.Store(true)
			wantKind(t, err, "")
			readers.Wait()
			for _, key := range keys {
				w.refused(t, key)
			}
		}
		t.Logf("%d turns", turns)
	})
}
