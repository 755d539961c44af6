package store

import (
	"context"
	"sync/atomic"
	"time"
)

// Patience is how long a read or a write waits for the database, its pool or
// its queue, before it gives up with an unavailable error.
const Patience = 4 * time.Second

// patienceKey finds in a context what is left of the patience of whoever asks, an
// *atomic.Int64 of nanoseconds.
type patienceKey struct{}

// WithPatience returns a context whose reads and writes wait for Patience
// altogether, not each: a caller who asks a slow database several times is to hear
// of it no later than one who asks once. It begins anew where the context had one.
func WithPatience(ctx context.Context) context.Context {
	left := &atomic.Int64{}
	left.Store(int64(Patience))
	return context.WithValue(ctx, patienceKey{}, left)
}

// patiently bounds one read or write. The returned function ends it.
func patiently(ctx context.Context) (bounded context.Context, done func()) {
	left, shared := ctx.Value(patienceKey{}).(*atomic.Int64)
	if !shared {
		return context.WithTimeout(ctx, Patience)
	}
	begin := time.Now()
	bounded, cancel := context.WithTimeout(ctx, time.Duration(left.Load()))
	return bounded, func() {
		cancel()
		left.Add(-int64(time.Since(begin)))
	}
}
