package idp

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// firstPause and longestPause are how long a provider that does not answer is
	// left alone: the first time, and at most.
	firstPause   = 3 * time.Second
	longestPause = time.Minute
)

// Watch asks each provider that has to be asked before people can be sent to it,
// again and again until it has answered, and returns when all have or ctx is
// done. The log hears once that one cannot be reached and once that it can.
func (ps *Providers) Watch(ctx context.Context, log *slog.Logger) { ps.watch(ctx, log, firstPause) }

func (ps *Providers) watch(ctx context.Context, log *slog.Logger, pause time.Duration) {
	var watched sync.WaitGroup
	for _, provider := range ps.All() {
		watched.Go(func() { provider.watch(ctx, log, pause) })
	}
	watched.Wait()
}

func (p *Provider) watch(ctx context.Context, log *slog.Logger, pause time.Duration) {
	told := false
	for {
		err := p.Ready(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && told:
			log.Info("the identity provider can be reached now", "provider", p.Name)
			return
		case err == nil:
			return
		case !told:
			log.Warn("the identity provider cannot be reached: nobody can log in with it; it will be asked again",
				"provider", p.Name, "error", err)
			told = true
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, longestPause)
	}
}
