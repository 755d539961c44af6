package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

func TestCallerWhoGaveUpBeforeIsNotServed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		ran := false
		body := func(ctx context.Context, tx *store.Tx) error {
			ran = true
			return tx.InsertUser(ctx, person("alice"), "")
		}
		for range 2000 {
			if err := s.Write(gone, body); !errors.Is(err, context.Canceled) {
				t.Fatalf("the error is %v", err)
			}
			wantKind(t, s.Write(late, body), account.KindUnavailable)
		}
		if ran {
			t.Error("a body has run for somebody who had gone before")
		}
		if err := s.Read(gone, body); !errors.Is(err, context.Canceled) {
			t.Errorf("a read gives %v", err)
		}
		if _, err := s.Direct().HasUsers(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("a single statement gives %v", err)
		}
		if ran {
			t.Error("a read has run for somebody who had gone before")
		}
	})
}

// On the embedded engine writers queue up for the one that is at work. Whoever
// leaves the queue leaves at once, and what he wanted never happens.
func TestCallerWhoLeavesTheQueue(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLite(t))
	begun, release, first := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		first <- s.Write(t.Context(), func(context.Context, *store.Tx) error {
			close(begun)
			<-release
			return nil
		})
	}()
	<-begun
	var ran atomic.Int32
	const leavers = 100
	var queueing sync.WaitGroup
	queueing.Add(leavers)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan []error, 1)
	go func() {
		left <- atOnce(leavers, func(int) error {
			queueing.Done()
			return s.Write(ctx, func(context.Context, *store.Tx) error {
				ran.Add(1)
				return nil
			})
		})
	}()
	stays := make(chan error, 1)
	go func() {
		stays <- s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertUser(ctx, person("patient"), "")
		})
	}()
	queueing.Wait()
	leave()
	for _, err := range <-left { // the first one is still at work
		if !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
	}
	close(release)
	if err := errors.Join(<-first, <-stays); err != nil {
		t.Error(err)
	}
	write(t, s, func(context.Context, *store.Tx) error { return nil })
	if n := ran.Load(); n != 0 {
		t.Errorf("%d bodies have run for callers who had left", n)
	}
	if _, err := s.Direct().UserByName(t.Context(), "patient"); err != nil {
		t.Errorf("who stayed was not served: %v", err)
	}
}

// Once a body is under way, the answer tells what became of it.
func TestCallerWhoLeavesInTheMiddle(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice := person("alice")
		ctx, leave := context.WithCancel(t.Context())
		err := s.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			err := tx.InsertUser(ctx, alice, "")
			leave()
			return err
		})
		_, missing := s.Direct().UserByID(t.Context(), alice.ID)
		if (err == nil) != (missing == nil) {
			t.Errorf("the write says %v, and its user %v", err, missing)
		}
		// The store has not been harmed.
		insert(t, s, person("bob"))
	})
}

// A body that takes too long fails, and harms nobody after it. The embedded
// engine has a limit of its own, because others wait for the same commit.
func TestBodyThatTakesTooLong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice := person("alice")
		hurried, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		err := s.Write(hurried, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.InsertUser(ctx, alice, ""); err != nil {
				return err
			}
			<-ctx.Done()
			_, err := tx.HasUsers(ctx)
			return err
		})
		wantKind(t, err, account.KindUnavailable)
		_, err = s.Direct().UserByID(t.Context(), alice.ID)
		wantKind(t, err, account.KindNotFound)
		insert(t, s, alice)
	})
}
