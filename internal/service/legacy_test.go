package service_test

import (
	"context"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestKeysOfTheOldForm: they are looked up only while there are any, so that
// whoever makes them up costs the database nothing.
func TestKeysOfTheOldForm(t *testing.T) {
	t.Parallel()
	const old, other = secret.Redacted("abcDEF0123-abcdefghijklmnopqrstuv"), secret.Redacted("zzzDEF0123-abcdefghijklmnopqrstuv")
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		storetest.Each(t, func(t *testing.T, db store.Config) {
			w := open(t, db)
			w.begin(t)
			w.token(t, w.user(t, "ada"), service.NewToken{}) // one of ours is none of them
			w.refused(t, old)
			w.cutOff(t, db)
			for range 10 {
				w.refused(t, old)
				w.refused(t, other)
			}
			w.clock.advance(time.Minute)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := w.Authenticate(ctx, old, account.Origin{})
			wantKind(t, err, account.KindUnavailable)
		})
	})
	for name, key := range map[string]secret.Redacted{"before ours": old, "after ours": other} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db store.Config) {
				w := open(t, db)
				w.begin(t)
				ada := w.user(t, "ada")
				w.refused(t, key)
				_, half, _ := strings.Cut(key.Reveal(), "-")
				hash := sha256.Sum256([]byte(half))
				now := w.clock.Now()
				err := w.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					return tx.InsertKey(ctx, account.APIKey{
						ID: keyID(key), UserID: ada.ID, LoginType: account.LoginToken, Scopes: []string{account.ScopeAll},
						AllowList: account.AllowEverything(), Lifetime: day, ExpiresAt: now.Add(day), LastUsed: account.NeverUsed(), CreatedAt: now, UpdatedAt: now,
					}, hash[:], "")
				})
				wantKind(t, err, "")
				w.clock.advance(time.Minute)
				if actor := w.use(t, key); actor.User.ID != ada.ID {
					t.Errorf("it is %s's", actor.User.ID)
				}
				w.refused(t, key[:32]+"x")
				w.refused(t, "0000000000"+key[10:])
			})
		})
	}
}
