package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// usedKeys adds users with a key each, and returns a use of each key.
func usedKeys(t *testing.T, s *store.Store, count int) (users []account.User, uses []store.KeyUse) {
	t.Helper()
	for i := range count {
		u := person(fmt.Sprintf("user-%d", i))
		k := key(fmt.Sprintf("us%08d", i), u.ID)
		insert(t, s, u)
		insertKeys(t, s, k)
		users = append(users, u)
		uses = append(uses, store.KeyUse{KeyID: k.ID, UserID: u.ID, IP: "::1", At: instant.Add(3 * time.Hour)})
	}
	return users, uses
}

func TestRecordUses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		users, uses := usedKeys(t, s, 3)
		later := uses[1]
		later.At, later.KeyID = later.At.Add(time.Minute), "gone"
		if err := s.RecordUses(t.Context(), []store.KeyUse{uses[2], later, uses[1]}); err != nil {
			t.Fatal(err)
		}
		for i, want := range []struct{ used, seen time.Time }{
			{account.NeverUsed(), users[0].LastSeenAt},
			{uses[1].At, later.At},
			{uses[2].At, uses[2].At},
		} {
			got, err := s.Direct().CredentialByKeyID(t.Context(), uses[i].KeyID)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Key.LastUsed.Equal(want.used) || !got.User.LastSeenAt.Equal(want.seen) {
				t.Errorf("key %d: last used %s, its user last seen %s; want %s, %s",
					i, got.Key.LastUsed, got.User.LastSeenAt, want.used, want.seen)
			}
		}
	})
}

// TestUsesWaitForNobodyWhoWaitsForThem: what all nodes write about the same keys
// at the same time locks rows in one order, users before their keys, as changes
// do. A batch that waits for its first row must hold no other.
func TestUsesWaitForNobodyWhoWaitsForThem(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	s := storetest.Open(t, cfg)
	_, uses := usedKeys(t, s, 20)
	db := raw(t, cfg)
	for _, table := range []string{"users", "api_keys"} {
		rand.Shuffle(len(uses), func(i, j int) { uses[i], uses[j] = uses[j], uses[i] })
		for i := range uses {
			uses[i].At = uses[i].At.Add(time.Hour)
		}
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		lockRows(t, tx, table, "ORDER BY id LIMIT 1 FOR UPDATE")
		recorded := make(chan error, 1)
		go func() { recorded <- s.RecordUses(t.Context(), uses) }()
		awaitBlocked(t, db)
		lockRows(t, tx, "api_keys", "FOR UPDATE NOWAIT")
		if table == "users" {
			lockRows(t, tx, "users", "FOR UPDATE NOWAIT")
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if err := <-recorded; err != nil {
			t.Error(err)
		}
	}
}

func lockRows(t *testing.T, tx *sql.Tx, table, how string) {
	t.Helper()
	if _, err := tx.ExecContext(t.Context(), `SELECT id FROM `+table+` `+how); err != nil {
		t.Errorf("%s: %v", table, err)
	}
}

// awaitBlocked waits until somebody in the database waits for a lock.
func awaitBlocked(t *testing.T, db *sql.DB) {
	t.Helper()
	for blocked, deadline := 0, time.Now().Add(store.Patience); blocked == 0; {
		err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&blocked)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("nobody waits (%v)", err)
		}
	}
}

// TestUsesDisturbNoChange: a change that read what a use of a key then writes is
// not made to begin again because of it, also where somebody else has read what
// the change writes.
func TestUsesDisturbNoChange(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, store.Config{DatabaseURL: storetest.MigratedPostgres(t)})
	users, uses := usedKeys(t, s, 3)
	used, changed, other := users[0].ID, users[1].ID, users[2].ID
	var ran [2]int
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		ran[0]++
		if _, err := tx.UserByID(ctx, changed); err != nil {
			return err
		}
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			ran[1]++
			if _, err := tx.UserByID(ctx, used); err != nil {
				return err
			}
			if ran[1] == 1 {
				if err := s.RecordUses(t.Context(), uses[:1]); err != nil {
					return err
				}
			}
			return tx.UpdatePasswordHash(ctx, changed, "new")
		})
		return tx.UpdatePasswordHash(ctx, other, "new")
	})
	if ran != [2]int{1, 1} {
		t.Errorf("the changes ran %v times, want once each", ran)
	}
}
