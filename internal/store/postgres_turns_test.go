package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestWriteThatLosesGetsItsTurn: of two that write the same again and again the
// long one would lose each time to the short ones.
func TestWriteThatLosesGetsItsTurn(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, store.Config{DatabaseURL: storetest.MigratedPostgres(t)})
	alice := person("alice")
	insert(t, s, alice)
	over, stopped, committed := make(chan struct{}), make(chan struct{}), make(chan struct{}, 1)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-over:
				return
			default:
			}
			change(t, s, alice.ID, func(u *account.User) { u.GitHubUserID += 100 })
			select {
			case committed <- struct{}{}:
			default:
			}
		}
	}()
	ran := 0
	err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		ran++
		u, err := tx.UserByID(ctx, alice.ID)
		if err != nil {
			return err
		}
		for range 2 { // of which one was committed after this transaction began
			select {
			case <-committed:
			case <-time.After(100 * time.Millisecond): // nobody is at it
			}
		}
		u.GitHubUserID++
		return tx.UpdateUser(ctx, u)
	})
	close(over)
	<-stopped
	if err != nil || ran != 5 {
		t.Errorf("the long one ran %d times (%v), want 5", ran, err)
	}
	if got := user(t, s, alice.ID).GitHubUserID; got%100 != 1 {
		t.Errorf("the field is %d: the long one left it out", got)
	}
}

// TestTurnIsNoLock: a transaction that has its turn and is stuck does not take the
// others with it.
func TestTurnIsNoLock(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	s, other := storetest.Open(t, cfg), storetest.Open(t, cfg)
	alice, bob := person("alice"), person("bob")
	insert(t, s, alice, bob)
	ran := 0
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		ran++
		if _, err := tx.PasswordHash(ctx, alice.ID); err != nil {
			return err
		}
		if ran <= 4 {
			rehash(t, other, alice.ID, "theirs")
		} else { // alone, and not over before the next one is
			begin := time.Now()
			rehash(t, s, bob.ID, "his")
			if took := time.Since(begin); took > store.Patience*3/4 {
				t.Errorf("the next one waited for %s", took)
			}
		}
		return tx.UpdatePasswordHash(ctx, alice.ID, "ours")
	})
	if ran != 5 {
		t.Errorf("it ran %d times, want 5", ran)
	}
}

func rehash(t *testing.T, s *store.Store, id uuid.UUID, hash string) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdatePasswordHash(ctx, id, hash) })
}
