package store_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

func TestListOrganizations(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		home, late, early, gone := defaultOrganization(t, s), organization(t, s, "zeta"), organization(t, s, "Alpha"), organization(t, s, "beta")
		gone.Deleted = true
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateOrganization(ctx, gone) })
		for name, c := range map[string]struct {
			reach account.Reach
			want  []account.Organization
		}{
			"all":  {account.Reach{All: true}, []account.Organization{home, early, late}},
			"some": {account.Reach{IDs: []uuid.UUID{late.ID, gone.ID, home.ID, uuid.New()}}, []account.Organization{home, late}},
			"none": {account.Reach{}, []account.Organization{}},
		} {
			got, err := s.Direct().ListOrganizations(t.Context(), c.reach)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%s (%v, -want +got):\n%s", name, err, diff)
			}
		}
	})
}

func TestUpdateOrganization(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		home, other := defaultOrganization(t, s), organization(t, s, "other")
		other.Name, other.DisplayName, other.Description, other.Icon = "Ämter", "The Other", "d", "/i.png"
		other.UpdatedAt = instant.AddDate(1, 0, 0)
		update := func(o account.Organization) error {
			return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.UpdateOrganization(ctx, o) })
		}
		wantKind(t, update(other), "")
		got, err := s.Direct().OrganizationByName(t.Context(), "äMTER")
		if diff := cmp.Diff(other, got); err != nil || diff != "" {
			t.Errorf("(%v, -want +got):\n%s", err, diff)
		}
		other.Name = "CODER"
		wantConflict(t, update(other), "name")
		wantKind(t, update(account.Organization{ID: uuid.New(), Name: "nobody"}), account.KindNotFound)
		if again := defaultOrganization(t, s); !cmp.Equal(again, home) {
			t.Errorf("another organization changed to %+v", again)
		}
		// Of a name that was deleted there can be a second.
		first, second := organization(t, s, "gone"), "gone"
		first.Deleted = true
		wantKind(t, update(first), "")
		again := organization(t, s, second)
		again.Deleted = true
		wantKind(t, update(again), "")
		names := []string{}
		list, err := s.Direct().ListOrganizations(t.Context(), account.Reach{All: true})
		for _, o := range list {
			names = append(names, o.Name)
		}
		if err != nil || !slices.Equal(names, []string{"coder", "Ämter"}) {
			t.Errorf("the organizations are %q (%v)", names, err)
		}
	})
}
