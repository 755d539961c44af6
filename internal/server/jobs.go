package server

import (
	"context"
	"sync"
	"time"

	"usher/internal/service"
)

// runJobs runs each job now and then until ctx is done. The returned function
// waits for the runs under way.
func (c Config) runJobs(ctx context.Context, jobs []service.Job) (wait func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, job := range jobs {
		running.Go(func() { c.repeat(ctx, job) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

func (c Config) repeat(ctx context.Context, job service.Job) {
	ticker := time.NewTicker(job.Every)
	defer ticker.Stop()
	for {
		if err := job.Run(ctx); err != nil && ctx.Err() == nil {
			c.Log.Error("a job failed; it will be tried again", "job", job.Name, "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
