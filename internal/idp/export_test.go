package idp

import (
	"context"
	"log/slog"
	"time"
)

// WatchEvery is Watch with another first pause.
func (ps *Providers) WatchEvery(ctx context.Context, log *slog.Logger, pause time.Duration) {
	ps.watch(ctx, log, pause)
}
