package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Crash ends the server without a farewell, by pg_ctl's immediate mode: whoever
// is connected is cut off, and what was not committed is gone. Then it starts it
// again, as pg_ctl restart does, and returns when it answers.
//
// What was committed survives only where the cluster was started with
// synchronous_commit=on.
func (c *Cluster) Crash(ctx context.Context) error {
	again := filepath.Join(c.directory, "again")
	if err := os.WriteFile(again, nil, 0o600); err != nil {
		return fmt.Errorf("tell the supervisor of PostgreSQL to start it again: %w", err)
	}
	command := exec.CommandContext(ctx, filepath.Join(c.programs, "pg_ctl"),
		"stop", "-D", filepath.Join(c.directory, "data"), "-m", "immediate", "--no-wait")
	command.Dir = c.directory
	command.Env = supervisorEnvironment(os.Environ())
	detach(command, c.runAs)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("crash PostgreSQL: %w\n%s", err, output)
	}
	ticker := time.NewTicker(readyInterval)
	defer ticker.Stop()
	for {
		if _, err := os.Stat(again); errors.Is(err, os.ErrNotExist) {
			return c.awaitReady(ctx) // of the new one: the old one has ended
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
