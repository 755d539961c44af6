package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// statements keeps prepared statements by their text, for an engine on which
// preparing costs more than running. It keeps every text it is given: only
// texts that are the same each time may be given to it.
type statements struct {
	on       preparer
	mu       sync.RWMutex
	prepared map[string]*sql.Stmt
}

// preparer is the pool of readers, or the connection of the writer.
type preparer interface {
	PrepareContext(ctx context.Context, text string) (*sql.Stmt, error)
}

func newStatements(on preparer) *statements {
	return &statements{on: on, prepared: map[string]*sql.Stmt{}}
}

// lookup returns the statement if it has been prepared.
func (c *statements) lookup(text string) *sql.Stmt {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.prepared[text]
}

// prepare returns the statement, preparing it if nobody has.
func (c *statements) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	stmt, err := c.on.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.prepared[text]; other != nil {
		return other, stmt.Close()
	}
	c.prepared[text] = stmt
	return stmt, nil
}

// prepareAll prepares texts for the next time they are needed.
func (c *statements) prepareAll(ctx context.Context, texts []string) error {
	for _, text := range texts {
		if c.lookup(text) != nil {
			continue
		}
		if _, err := c.prepare(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

func (c *statements) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	for _, stmt := range c.prepared {
		err = errors.Join(err, stmt.Close())
	}
	return err
}
