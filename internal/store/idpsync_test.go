package store_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// TestSyncSettings: what is stored is what comes back, replaced as a whole, and kept
// apart for each organization.
func TestSyncSettings(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		direct := s.Direct()
		if got, stored, err := direct.OrganizationSync(t.Context()); stored || err != nil || got.Field != "" || got.AssignDefault {
			t.Fatalf("before anything is stored: %+v, %t, %v", got, stored, err)
		}
		one, two := uuid.New(), uuid.New()
		for _, want := range []account.OrganizationSync{
			{Field: "https://example.com/claims/größe", Mapping: map[string][]uuid.UUID{"a=b,c": {one, two}, `"`: {}}, AssignDefault: true},
			{Field: "", Mapping: map[string][]uuid.UUID{}, AssignDefault: false},
		} {
			write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateOrganizationSync(ctx, want, instant) })
			got, stored, err := direct.OrganizationSync(t.Context())
			if diff := cmp.Diff(want, got); diff != "" || !stored || err != nil {
				t.Errorf("stored: %t, %v (-want +got):\n%s", stored, err, diff)
			}
		}
		roles := func(organization uuid.UUID) account.RoleSync {
			t.Helper()
			settings, err := direct.RoleSync(t.Context(), organization)
			if err != nil {
				t.Fatal(err)
			}
			return settings
		}
		want := account.RoleSync{Field: "groups", Mapping: map[string][]string{"leads": {"organization-admin", "custom"}}}
		for _, settings := range []account.RoleSync{{Field: "first", Mapping: map[string][]string{}}, want} {
			write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateRoleSync(ctx, one, settings, instant) })
		}
		if diff := cmp.Diff(want, roles(one)); diff != "" {
			t.Errorf("the roles of one (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(account.RoleSync{}, roles(two)); diff != "" {
			t.Errorf("the roles of two (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(account.RoleSync{}, roles(uuid.Nil)); diff != "" {
			t.Errorf("the settings of the deployment are taken for those of roles:\n%s", diff)
		}
	})
}

// TestRoleSyncsOfAUser are those of its organizations alone.
func TestRoleSyncsOfAUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		want := map[uuid.UUID]account.RoleSync{}
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i, name := range []string{"one", "two", "three", "four"} {
				o := account.Organization{ID: uuid.New(), Name: name, CreatedAt: instant, UpdatedAt: instant}
				if err := tx.InsertOrganization(ctx, o); err != nil {
					return err
				}
				settings := account.RoleSync{Field: name, Mapping: map[string][]string{name: {name}}}
				if i != 2 { // three has none
					if err := tx.UpdateRoleSync(ctx, o.ID, settings, instant); err != nil {
						return err
					}
				}
				if i == 0 { // one is not alice's
					continue
				}
				if i != 2 {
					want[o.ID] = settings
				}
				if err := tx.InsertMember(ctx, o.ID, alice.ID, instant); err != nil {
					return err
				}
			}
			return tx.UpdateOrganizationSync(ctx, account.OrganizationSync{Field: "groups"}, instant)
		})
		got, err := s.Direct().RoleSyncs(t.Context(), alice.ID)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if got, err := s.Direct().RoleSyncs(t.Context(), bob.ID); len(got) != 0 || err != nil {
			t.Errorf("bob has %v (%v)", got, err)
		}
	})
}
