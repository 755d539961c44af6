package store_test

import (
	"fmt"
	"sync"
	"testing"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestCountsAreAddedUpByAnyNode: however many nodes add up while others write, no
// change is lost and none counts twice, and little is left to add.
func TestCountsAreAddedUpByAnyNode(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	nodes := []*store.Store{storetest.Open(t, cfg), storetest.Open(t, cfg)}
	const writers, each = 4, 60
	over := make(chan struct{})
	var adding, writing sync.WaitGroup
	for _, node := range nodes {
		adding.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if err := node.TidyLists(t.Context()); err != nil {
					t.Errorf("add up: %v", err)
					return
				}
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				u := person(fmt.Sprintf("user-%d-%d", w, i))
				insert(t, nodes[w%2], u)
				if i%3 == 0 {
					change(t, nodes[w%2], u.ID, func(u *account.User) { u.Status = account.StatusSuspended })
				}
			}
		})
	}
	writing.Wait()
	close(over)
	adding.Wait()
	want := func(status account.UserStatus, want int) {
		t.Helper()
		list := store.UserList{Readable: everyone(), Search: account.UserSearch{Statuses: []account.UserStatus{status}}}
		if got, err := nodes[0].Direct().CountUsers(t.Context(), list); err != nil || got != want {
			t.Errorf("%d users are %s (%v), want %d", got, status, err, want)
		}
	}
	want(account.StatusSuspended, writers*each/3)
	want(account.StatusActive, writers*each*2/3)
	if err := nodes[0].TidyLists(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(account.StatusActive, writers*each*2/3)
	if left := texts(t, raw(t, cfg), `SELECT count(*)::text FROM user_count_changes`); left[0] != "0" {
		t.Errorf("%s changes are left to add up", left[0])
	}
}

// TestManyCountsAreClearedAway: what an import leaves is not read for ever after.
func TestManyCountsAreClearedAway(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	s := storetest.Open(t, cfg)
	execute(t, cfg, `INSERT INTO user_count_changes SELECT n % 5, 'active', 'none', FALSE, 1 FROM generate_series(1, 20000) n`)
	if err := s.TidyLists(t.Context()); err != nil {
		t.Fatal(err)
	}
	if pages := texts(t, raw(t, cfg), `SELECT pg_relation_size('user_count_changes')::text`); pages[0] != "0" {
		t.Errorf("%s bytes are left of what was added up", pages[0])
	}
	if got, err := s.Direct().CountUsers(t.Context(), store.UserList{Readable: everyone()}); err != nil || got != 20000 {
		t.Errorf("the number is %d (%v)", got, err)
	}
}
