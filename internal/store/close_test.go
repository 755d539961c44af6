package store_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

func open(t *testing.T, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCloseWaitsForTheWriteUnderWay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := open(t, cfg)
		alice := person("alice")
		var inserted atomic.Bool
		begun, release, written := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			written <- s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				close(begun)
				<-release
				err := tx.InsertUser(ctx, alice, "")
				inserted.Store(true)
				return err
			})
		}()
		<-begun
		closed := make(chan error, 2)
		for range 2 {
			go func() { closed <- s.Close() }()
		}
		if err := <-closed; err != nil { // the other one has begun to close it
			t.Errorf("close: %v", err)
		}
		close(release)
		if err := <-closed; err != nil || !inserted.Load() {
			t.Errorf("close: %v; has the write under way ended: %v", err, inserted.Load())
		}
		if err := <-written; err != nil {
			t.Errorf("the write under way: %v", err)
		}
		user(t, storetest.Open(t, cfg), alice.ID)
	})
}

// Writers, readers and two who close it, all at once: each write has happened or
// is refused as unavailable.
func TestCloseWhileEverybodyIsBusy(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := open(t, cfg)
		var running sync.WaitGroup
		var acknowledged sync.Map
		halfway := make(chan struct{})
		for i := range 16 {
			running.Go(func() {
				for n := 0; ; n++ {
					if i == 0 && n == 20 {
						close(halfway)
					}
					u := person(fmt.Sprintf("user-%d-%d", i, n))
					err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, u, "") })
					if err == nil {
						acknowledged.Store(u.ID, true)
						continue
					}
					wantServedOrUnavailable(t, "write", err)
					return
				}
			})
			running.Go(func() {
				for {
					for _, r := range reads(s) {
						if err := r.call(t.Context()); err != nil {
							wantServedOrUnavailable(t, r.name, err)
							return
						}
					}
				}
			})
		}
		<-halfway
		for range 2 {
			running.Go(func() {
				if err := s.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		}
		running.Wait()

		s = storetest.Open(t, cfg)
		users, err := s.Direct().ListUsers(t.Context(), store.UserList{Readable: everyone()}, store.UserPage{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range users {
			if _, known := acknowledged.LoadAndDelete(users[i].ID); !known {
				t.Errorf("%q is there, and was refused", users[i].Username)
			}
		}
		acknowledged.Range(func(id, _ any) bool {
			t.Errorf("%v was acknowledged, and is not there", id)
			return true
		})
	})
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := open(t, cfg)
		for _, r := range reads(s) {
			wantKind(t, r.call(t.Context()), "")
		}
		wantKind(t, s.Ping(t.Context()), "")
		for range 2 {
			wantKind(t, s.Close(), "")
		}
		start := time.Now()
		for _, use := range append(reads(s), writes(s)...) {
			wantKind(t, use.call(t.Context()), account.KindUnavailable)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v to find out", took)
		}
		wantKind(t, s.Ping(t.Context()), account.KindUnavailable)
	})
}
