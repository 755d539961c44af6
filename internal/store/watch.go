package store

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Watcher is told of changes that make something stale that was read before.
// Its functions are called from one goroutine and must not block.
type Watcher struct {
	// Changed names the users whose rows, keys, roles or memberships changed;
	// nil means that anything may have.
	Changed func(users []uuid.UUID)
	// Trust says until when what was read before can be relied on, unless Changed
	// says otherwise first. It is counted from the moment up to which the changes
	// of other processes are known, not from now: a process that was held up, or
	// hears late, trusts nothing for longer because of it. The zero time means that
	// nothing can be relied on.
	Trust func(until time.Time)
}

// Watch begins to tell w of changes, until the store is closed. It returns when
// they are heard, or with an error when they never will be.
func (s *Store) Watch(ctx context.Context, w Watcher) error {
	return s.writer.watch(ctx, w)
}

const (
	changesChannel = "usher_changes"
	// maxNamed bounds a notification, whose payload may have 8000 bytes.
	maxNamed = 100
)

// NotifyChanged tells the other processes, at the commit, that what they know
// of these users is stale. An engine that has no other way to learn of a change
// than to look for it does nothing here.
func (tx *Tx) NotifyChanged(ctx context.Context, users []uuid.UUID) error {
	if tx.store.engine.notify == "" || len(users) == 0 {
		return nil
	}
	payload := ""
	if len(users) <= maxNamed {
		names := make([]string, len(users))
		for i, id := range users {
			names[i] = id.String()
		}
		payload = strings.Join(names, " ")
	}
	_, err := tx.exec(ctx, tx.store.engine.notify, changesChannel, payload)
	return err
}

// namedUsers reads the payload of a notification; nil means all.
func namedUsers(payload string) []uuid.UUID {
	var users []uuid.UUID
	for name := range strings.FieldsSeq(payload) {
		id, err := uuid.Parse(name)
		if err != nil {
			return nil
		}
		users = append(users, id)
	}
	return users
}
