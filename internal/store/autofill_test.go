package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

func autofill(t *testing.T, s *store.Store, userID, templateID uuid.UUID, limit int) []account.Parameter {
	t.Helper()
	list, err := s.Direct().ListAutofillParameters(t.Context(), userID, templateID, limit)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// record stores one value and reports whether it was the newest.
func record(t *testing.T, s *store.Store, userID uuid.UUID, b account.Build, name, value string) (newest bool) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		var err error
		newest, err = tx.RecordParameter(ctx, userID, b, account.Parameter{Name: name, Value: value})
		return err
	})
	return newest
}

func TestAutofillOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice := person("alice")
		insert(t, s, alice)
		older := account.Build{TemplateID: uuid.New(), CreatedAt: instant}
		newer := account.Build{TemplateID: older.TemplateID, CreatedAt: instant.Add(time.Microsecond)}
		for _, name := range []string{"z", "é", "A-b", "a", "a-b", "A", "ab", "_"} {
			record(t, s, alice.ID, older, name, "old "+name)
		}
		record(t, s, alice.ID, newer, "y", "new")
		record(t, s, alice.ID, newer, "b", "new")
		want := []account.Parameter{{Name: "b", Value: "new"}, {Name: "y", Value: "new"}}
		for _, name := range []string{"A", "A-b", "_", "a", "a-b", "ab", "z", "é"} { // bytewise
			want = append(want, account.Parameter{Name: name, Value: "old " + name})
		}
		if diff := cmp.Diff(want, autofill(t, s, alice.ID, older.TemplateID, 100)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff(want[:3], autofill(t, s, alice.ID, older.TemplateID, 3)); diff != "" {
			t.Errorf("the first 3 (-want +got):\n%s", diff)
		}
	})
}

func TestAutofillKeepsTheNewest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		template, other := uuid.New(), uuid.New()
		at := func(d time.Duration) account.Build {
			return account.Build{TemplateID: template, WorkspaceID: uuid.New(), CreatedAt: instant.Add(d)}
		}
		for _, step := range []struct {
			after  time.Duration
			value  string
			newest bool
			want   string
		}{
			{0, "1", true, "1"},
			{-time.Microsecond, "0", false, "1"},
			{time.Microsecond, "2\n", true, "2\n"},
			{time.Microsecond, "3", true, "3"}, // of two builds of one moment, that which was told of later
			{0, "1", false, "3"},
		} {
			if newest := record(t, s, alice.ID, at(step.after), "n", step.value); newest != step.newest {
				t.Errorf("%q: newest: got %t", step.value, newest)
			}
			if diff := cmp.Diff([]account.Parameter{{Name: "n", Value: step.want}}, autofill(t, s, alice.ID, template, 100)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", step.value, diff)
			}
		}
		record(t, s, alice.ID, account.Build{TemplateID: other, CreatedAt: instant}, "n", "another template")
		record(t, s, bob.ID, at(0), "n", "another user")
		if diff := cmp.Diff([]account.Parameter{{Name: "n", Value: "3"}}, autofill(t, s, alice.ID, template, 100)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if none := autofill(t, s, bob.ID, other, 100); none == nil || len(none) > 0 {
			t.Errorf("of a template that was not used: %v", none)
		}
	})
}
