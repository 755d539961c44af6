package service

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

const (
	// usePrecision is how exact the last-used times are.
	usePrecision = time.Minute
	// flushDelay is how long uses are collected before they are written.
	flushDelay = 500 * time.Millisecond
	// flushBatch bounds one transaction of uses.
	flushBatch = 200
)

// activity collects when keys were used and writes it in batches, off the path
// of the requests. What it holds is lost in a crash, and only that.
type activity struct {
	store  *store.Store
	log    *slog.Logger
	forget func(users []uuid.UUID) // told of the users whose last-seen time was stored

	mu      sync.Mutex
	pending map[string]store.KeyUse

	wake chan struct{}
	stop chan struct{}
	done chan struct{}
}

func startActivity(s *store.Store, log *slog.Logger, forget func([]uuid.UUID)) *activity {
	a := &activity{
		store: s, log: log, forget: forget, pending: map[string]store.KeyUse{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go a.run()
	return a
}

// note remembers a use; of two uses of one key the later stays.
func (a *activity) note(use store.KeyUse) {
	a.mu.Lock()
	earlier, pending := a.pending[use.KeyID]
	if !pending || earlier.At.Before(use.At) {
		if use.ExpiresAt.IsZero() {
			use.ExpiresAt, use.SlidFrom = earlier.ExpiresAt, earlier.SlidFrom
		}
		a.pending[use.KeyID] = use
	}
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *activity) run() {
	defer close(a.done)
	for {
		select {
		case <-a.wake:
		case <-a.stop:
			a.flush()
			return
		}
		select {
		case <-time.After(flushDelay):
		case <-a.stop:
		}
		a.flush()
	}
}

// flush writes everything that is pending. What cannot be written is dropped:
// the next use of the key is written again. Once the database is found to be away
// nothing more is tried, because each try would take all its patience.
func (a *activity) flush() {
	a.mu.Lock()
	uses := make([]store.KeyUse, 0, len(a.pending))
	for _, use := range a.pending {
		uses = append(uses, use)
	}
	clear(a.pending)
	a.mu.Unlock()
	var err error
	for batch := range slices.Chunk(uses, flushBatch) {
		if account.KindOf(err) != account.KindUnavailable {
			err = a.store.RecordUses(context.Background(), batch)
		}
		if err != nil {
			a.log.Warn("the last use of some API keys could not be stored", "keys", len(batch), "error", err)
		}
		users := make([]uuid.UUID, len(batch))
		for i, use := range batch {
			users[i] = use.UserID
		}
		a.forget(users)
	}
}

func (a *activity) close() {
	close(a.stop)
	<-a.done
}
