package service_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestPurgeAudit: entries are kept for the retention, to the microsecond, and
// whatever they are about.
func TestPurgeAudit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db, func(c *service.Config) { c.AuditRetention = 30 * day })
		w.begin(t)
		first := w.clock.Now() // of the entries so far
		old := len(w.entries(t, ""))
		w.clock.advance(10 * day)
		ada := w.user(t, "ada")
		kept := []string{"create ada"}
		targets := func() []string {
			list := []string{}
			for _, e := range w.entries(t, "") {
				list = append(list, fmt.Sprintf("%s %s", e.Action, e.Target))
			}
			return list
		}
		w.clock.advance(first.Add(30 * day).Sub(w.clock.Now()))
		wantKind(t, w.PurgeAudit(t.Context()), "")
		if got := w.entries(t, ""); len(got) != old+1 {
			t.Fatalf("%d entries are left at the end of the retention, want all %d", len(got), old+1)
		}
		w.clock.advance(time.Microsecond)
		for range 2 { // the second finds nothing
			wantKind(t, w.PurgeAudit(t.Context()), "")
			if got := targets(); !slices.Equal(got, kept) {
				t.Errorf("left are %q, want %q", got, kept)
			}
		}
		if _, err := w.User(t.Context(), w.owner, byID(ada)); err != nil {
			t.Errorf("a user is gone with its entries: %v", err)
		}
		w.clock.advance(100 * day)
		wantKind(t, w.PurgeAudit(t.Context()), "")
		if got := targets(); len(got) > 0 {
			t.Errorf("left are %q, want none", got)
		}
	})
}

// TestPurgeAuditOfMany: one run removes more than one transaction does.
func TestPurgeAuditOfMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *service.Config) { c.AuditRetention = day })
	const perTransaction, count = 200, 1000
	for range count / perTransaction {
		err := w.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for range perTransaction {
				err := tx.InsertAuditEntry(ctx, account.AuditEntry{
					ID: uuid.New(), Time: w.clock.Now().Add(-2 * day), Action: account.AuditWrite,
					Resource: account.AuditUser, ResourceID: uuid.New(), Outcome: account.OutcomeOK,
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, w.PurgeAudit(t.Context()), "")
	if left := w.entries(t, ""); len(left) != 2 { // the first user and its login
		t.Errorf("%d entries are left, want 2", len(left))
	}
}
