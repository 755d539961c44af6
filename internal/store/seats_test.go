package store_test

import (
	"context"
	"testing"
	"time"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

func TestAISeats(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		take := func(event string, at time.Time) {
			t.Helper()
			write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.TakeAISeat(ctx, alice.ID, event, at) })
		}
		release := func() {
			t.Helper()
			write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.ReleaseAISeat(ctx, alice.ID) })
		}
		want := func(taken bool) {
			t.Helper()
			if user(t, s, alice.ID).AISeatTaken != taken || user(t, s, bob.ID).AISeatTaken {
				t.Errorf("taken: %t by one and %t by the other", user(t, s, alice.ID).AISeatTaken, user(t, s, bob.ID).AISeatTaken)
			}
		}
		want(false)
		release() // of none
		take("aibridge", instant)
		want(true)
		take("task", instant.Add(time.Hour))
		want(true)

		// The first use stays, the last one is replaced.
		var first, last any
		var event string
		row := raw(t, cfg).QueryRowContext(t.Context(), `SELECT first_used_at, last_used_at, last_event FROM ai_seats`)
		if err := row.Scan(&first, &last, &event); err != nil {
			t.Fatal(err)
		}
		if !moment(first).Equal(instant) || !moment(last).Equal(instant.Add(time.Hour)) || event != "task" {
			t.Errorf("first used at %v, last at %v by %s", first, last, event)
		}

		release()
		want(false)
		take("task", instant)
		want(true)
	})
}

// moment is a time as either engine keeps it.
func moment(stored any) time.Time {
	if us, ok := stored.(int64); ok {
		return time.UnixMicro(us)
	}
	at, _ := stored.(time.Time)
	return at
}
