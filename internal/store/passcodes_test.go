package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// sent is a passcode whose hash is 32 times the same byte.
func sent(userID uuid.UUID, hash byte, expires time.Time) store.PasswordReset {
	p := store.PasswordReset{UserID: userID, CodeHash: make([]byte, 32), ExpiresAt: expires, CreatedAt: instant}
	for i := range p.CodeHash {
		p.CodeHash[i] = hash
	}
	return p
}

func putPasswordResets(t *testing.T, s *store.Store, list ...store.PasswordReset) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, p := range list {
			if err := tx.PutPasswordReset(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// wantPasswordReset reads what is kept of a user; the zero value is nothing.
func wantPasswordReset(t *testing.T, s *store.Store, userID uuid.UUID, want store.PasswordReset) {
	t.Helper()
	got, err := s.Direct().PasswordReset(t.Context(), userID)
	if want.UserID == uuid.Nil {
		wantKind(t, err, account.KindNotFound)
		return
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestPasswordResets(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		wantPasswordReset(t, s, alice.ID, store.PasswordReset{})
		first, other := sent(alice.ID, 0x00, instant.Add(time.Minute)), sent(bob.ID, 0xff, instant.Add(time.Hour))
		putPasswordResets(t, s, first, other)
		wantPasswordReset(t, s, alice.ID, first)

		// A second one takes the place of the first.
		second := sent(alice.ID, 0x80, instant.Add(-time.Minute))
		second.CreatedAt = instant.Add(time.Second)
		putPasswordResets(t, s, second)
		wantPasswordReset(t, s, alice.ID, second)

		for range 2 { // also where there is none any more
			write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeletePasswordReset(ctx, alice.ID) })
			wantPasswordReset(t, s, alice.ID, store.PasswordReset{})
		}
		wantPasswordReset(t, s, bob.ID, other)
		err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.PutPasswordReset(ctx, sent(uuid.New(), 1, instant))
		})
		if err == nil {
			t.Error("a passcode of nobody is kept")
		}
	})
}

// TestPurgePasswordResets: the longest expired first, and not more than was said.
func TestPurgePasswordResets(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		users := []account.User{person("a"), person("b"), person("c"), person("d")}
		insert(t, s, users...)
		list := make([]store.PasswordReset, len(users))
		for i, offset := range []time.Duration{-time.Minute, -time.Hour, -time.Microsecond, 0} {
			list[i] = sent(users[i].ID, byte(i), instant.Add(offset))
		}
		putPasswordResets(t, s, list...)
		purge := func(limit int, removed int64) {
			t.Helper()
			write(t, s, func(ctx context.Context, tx *store.Tx) error {
				got, err := tx.PurgePasswordResets(ctx, instant, limit)
				if got != removed {
					t.Errorf("%d were removed, want %d", got, removed)
				}
				return err
			})
		}
		purge(1, 1)
		wantPasswordReset(t, s, users[1].ID, store.PasswordReset{})
		wantPasswordReset(t, s, users[0].ID, list[0])
		purge(10, 2)
		wantPasswordReset(t, s, users[3].ID, list[3])
		purge(10, 0)
	})
}

// TestErasedUserHasNoPasscode: and others keep theirs.
func TestErasedUserHasNoPasscode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		kept := sent(bob.ID, 2, instant)
		putPasswordResets(t, s, sent(alice.ID, 1, instant), kept)
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.EraseUser(ctx, alice.ID, "erased-1") })
		wantPasswordReset(t, s, alice.ID, store.PasswordReset{})
		wantPasswordReset(t, s, bob.ID, kept)
	})
}
