package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/internal/account"
	"usher/internal/store"
)

// tokens inserts tokens of two users, and a session, and returns all in the
// order of their making.
func tokens(t *testing.T, s *store.Store) (alice, bob account.User, list []account.APIKey) {
	t.Helper()
	alice, bob = person("alice"), person("bob")
	insert(t, s, alice, bob)
	for i, c := range []struct {
		id, name string
		owner    account.User
		expires  time.Duration
	}{
		{"t3", "third", bob, time.Hour},
		{"t2", "second", alice, 2 * time.Hour},
		{"t1", "first", alice, 3 * time.Hour},
		{"t0", "", alice, 4 * time.Hour},
	} {
		k := key(c.id, c.owner.ID)
		k.LoginType, k.Name = account.LoginToken, c.name
		k.CreatedAt, k.ExpiresAt = instant.Add(time.Duration(i)*time.Second), instant.Add(c.expires)
		list = append(list, k)
	}
	insertKeys(t, s, append([]account.APIKey{key("session", alice.ID)}, list...)...)
	return alice, bob, list
}

func TestTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob, all := tokens(t, s)
		for name, c := range map[string]struct {
			list store.TokenList
			want []string
		}{
			"of one":          {store.TokenList{UserID: alice.ID}, []string{"t2", "t1", "t0"}},
			"of the other":    {store.TokenList{UserID: bob.ID}, []string{"t3"}},
			"of nobody":       {store.TokenList{}, []string{}},
			"everyone's":      {store.TokenList{UserID: bob.ID, Everyones: true}, []string{"t3", "t2", "t1", "t0"}},
			"still valid":     {store.TokenList{Everyones: true, ValidAt: instant.Add(2*time.Hour - time.Microsecond)}, []string{"t2", "t1", "t0"}},
			"just expired":    {store.TokenList{Everyones: true, ValidAt: instant.Add(2 * time.Hour)}, []string{"t1", "t0"}},
			"all are expired": {store.TokenList{Everyones: true, ValidAt: instant.AddDate(1, 0, 0)}, []string{}},
		} {
			got, err := s.Direct().ListTokens(t.Context(), c.list)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			ids := []string{}
			for _, k := range got {
				ids = append(ids, k.Key.ID)
			}
			if diff := cmp.Diff(c.want, ids); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		got, err := s.Direct().ListTokens(t.Context(), store.TokenList{UserID: bob.ID})
		if diff := cmp.Diff([]store.OwnedKey{{Key: all[0], Owner: bob}}, got); err != nil || diff != "" {
			t.Errorf("a whole token (%v, -want +got):\n%s", err, diff)
		}

		deleteUser(t, s, bob.ID)
		got, err = s.Direct().ListTokens(t.Context(), store.TokenList{Everyones: true})
		if err != nil || len(got) != 3 {
			t.Errorf("with a user deleted there are %d tokens (%v), want the other's 3", len(got), err)
		}
		_, err = s.Direct().KeyByID(t.Context(), "t3")
		wantKind(t, err, account.KindNotFound)
	})
}

func TestOneKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob, all := tokens(t, s)
		got, err := s.Direct().KeyByID(t.Context(), "t2")
		if diff := cmp.Diff(store.OwnedKey{Key: all[1], Owner: alice}, got); err != nil || diff != "" {
			t.Errorf("by id (%v, -want +got):\n%s", err, diff)
		}
		named, err := s.Direct().TokenByName(t.Context(), alice.ID, "second")
		if diff := cmp.Diff(all[1], named); err != nil || diff != "" {
			t.Errorf("by name (%v, -want +got):\n%s", err, diff)
		}
		for _, id := range []string{"", "t", "T2", "t_", "t2\x00"} {
			_, err := s.Direct().KeyByID(t.Context(), id)
			wantKind(t, err, account.KindNotFound)
		}
		for _, name := range []string{"", "Second", "second ", "%", "third", "second\x00"} {
			_, err := s.Direct().TokenByName(t.Context(), alice.ID, name)
			wantKind(t, err, account.KindNotFound)
		}
		_, err = s.Direct().TokenByName(t.Context(), bob.ID, "second")
		wantKind(t, err, account.KindNotFound)
	})
}

func TestUpdateKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		_, _, all := tokens(t, s)
		update := func(k account.APIKey) error {
			return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.UpdateKey(ctx, k) })
		}
		want := all[1]
		want.Name, want.ExpiresAt, want.ReplacedBy = "renamed", instant.AddDate(1, 0, 0), "t1"
		wantKind(t, update(want), "")
		got, err := s.Direct().KeyByID(t.Context(), want.ID)
		if diff := cmp.Diff(want, got.Key); err != nil || diff != "" {
			t.Errorf("%v, -want +got:\n%s", err, diff)
		}
		taken := want
		taken.Name = "first"
		wantConflict(t, update(taken), "name")
		missing := want
		missing.ID = "missing"
		wantKind(t, update(missing), account.KindNotFound)
	})
}

func TestPurgeKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		_, _, all := tokens(t, s) // they expire one hour after another
		for _, c := range []struct {
			before  time.Duration
			limit   int
			removed int64
			left    string
		}{
			{time.Hour, 10, 0, "t3 t2 t1 t0"},
			{time.Hour + time.Microsecond, 10, 1, "t2 t1 t0"},
			{24 * time.Hour, 1, 1, "t1 t0"},
			{24 * time.Hour, 10, 2, ""},
			{24 * time.Hour, 10, 0, ""},
		} {
			write(t, s, func(ctx context.Context, tx *store.Tx) error {
				removed, err := tx.PurgeKeys(ctx, instant.Add(c.before), c.limit)
				if removed != c.removed {
					t.Errorf("before %v, at most %d: %d removed, want %d", c.before, c.limit, removed, c.removed)
				}
				return err
			})
			if left := keyIDs(t, s, all...); left != c.left {
				t.Errorf("before %v, at most %d: left are %s, want %s", c.before, c.limit, left, c.left)
			}
		}
		if left := keyIDs(t, s, account.APIKey{ID: "session"}); left == "" {
			t.Error("a session that expires at the given time is gone")
		}
	})
}
