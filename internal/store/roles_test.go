package store_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// customRole is a role that allows and denies something.
func customRole(t testing.TB, o account.Organization, name string, list ...account.NamedPermission) store.CustomRole {
	t.Helper()
	role, faults := account.CustomRole(o.ID, name, "Name of "+name, list)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return store.CustomRole{ID: uuid.New(), Role: role}
}

func insertRoles(t testing.TB, s *store.Store, roles ...store.CustomRole) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, r := range roles {
			if err := tx.InsertCustomRole(ctx, r, instant); err != nil {
				return err
			}
		}
		return nil
	})
}

func reading(resource string) account.NamedPermission {
	return account.NamedPermission{Resource: resource, Action: "read"}
}

func TestCustomRoles(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		one, two := organization(t, s, "one"), organization(t, s, "two")
		late := customRole(t, one, "Zebra", reading("audit_log"), account.NamedPermission{Negate: true, Resource: "workspace", Action: "*"})
		early, elsewhere := customRole(t, one, "ant"), customRole(t, two, "ANT", reading("template"))
		insertRoles(t, s, late, early, elsewhere)

		got, err := s.Direct().CustomRoles(t.Context(), one.ID)
		if diff := cmp.Diff([]store.CustomRole{early, late}, got); err != nil || diff != "" {
			t.Errorf("the roles (%v, -want +got):\n%s", err, diff)
		}
		for _, name := range []string{"Zebra", "zebra", "ZEBRA"} {
			role, err := s.Direct().CustomRole(t.Context(), one.ID, name)
			if diff := cmp.Diff(late, role); err != nil || diff != "" {
				t.Errorf("%s (%v, -want +got):\n%s", name, err, diff)
			}
		}
		_, err = s.Direct().CustomRole(t.Context(), two.ID, "zebra")
		wantKind(t, err, account.KindNotFound)
		if none, err := s.Direct().CustomRoles(t.Context(), uuid.New()); err != nil || none == nil || len(none) != 0 {
			t.Errorf("no roles are %#v (%v)", none, err)
		}
		err = s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertCustomRole(ctx, customRole(t, one, "Ant"), instant)
		})
		wantConflict(t, err, "name")
		if s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertCustomRole(ctx, customRole(t, account.Organization{ID: uuid.New()}, "lost"), instant)
		}) == nil {
			t.Error("a role of no organization was stored")
		}

		after := late
		after.Role = customRole(t, one, "Zebra", reading("file")).Role
		after.Role.DisplayName = ""
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateCustomRole(ctx, after, instant) })
		if role, err := s.Direct().CustomRole(t.Context(), one.ID, "zebra"); err != nil || !cmp.Equal(role, after) {
			t.Errorf("after the change (%v, -want +got):\n%s", err, cmp.Diff(after, role))
		}
		err = s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.UpdateCustomRole(ctx, customRole(t, one, "nobody"), instant)
		})
		wantKind(t, err, account.KindNotFound)
	})
}

// TestCustomRolesOfMembers: what the roles of members mean comes with them, and
// goes with the role.
func TestCustomRolesOfMembers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		one, two := organization(t, s, "one"), organization(t, s, "two")
		alice, bob := person("alice"), person("bob")
		alice.OrganizationIDs = []uuid.UUID{one.ID, two.ID}
		bob.OrganizationIDs = []uuid.UUID{one.ID}
		insert(t, s, alice, bob)
		first, second := customRole(t, one, "Same", reading("template")), customRole(t, one, "other", reading("file"))
		elsewhere := customRole(t, two, "Same", reading("audit_log"))
		insertRoles(t, s, first, second, elsewhere)
		setRoles(t, s, one.ID, alice.ID, "Same", "gone", "organization-admin", "other")
		setRoles(t, s, two.ID, alice.ID, "Same")
		setRoles(t, s, one.ID, bob.ID, "other")

		check := func(name string, want []account.Membership) {
			t.Helper()
			got, err := s.Direct().Memberships(t.Context(), alice.ID)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s (%v, -want +got):\n%s", name, err, diff)
			}
		}
		check("the memberships", []account.Membership{
			{OrganizationID: one.ID, Roles: []string{"Same", "gone", "organization-admin", "other"}, CustomRoles: []account.Role{first.Role, second.Role}},
			{OrganizationID: two.ID, Roles: []string{"Same"}, CustomRoles: []account.Role{elsewhere.Role}},
		})
		list, err := s.Direct().ListMembers(t.Context(), allMembers(one), store.UserPage{})
		if err != nil || len(list) != 2 || !cmp.Equal(list[0].CustomRoles, []account.Role{first.Role, second.Role}) ||
			!cmp.Equal(list[1].CustomRoles, []account.Role{second.Role}) {
			t.Errorf("the members are %+v (%v)", list, err)
		}
		if m, err := s.Direct().Member(t.Context(), two.ID, alice.ID); err != nil || m.Role("Same").DisplayName != "Name of Same" || m.Role("gone").DisplayName != "" {
			t.Errorf("the member is %+v (%v)", m, err)
		}
		remove := func() error {
			return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.DeleteCustomRole(ctx, first) })
		}
		wantKind(t, remove(), "")
		wantKind(t, remove(), account.KindNotFound)
		check("without the role", []account.Membership{
			{OrganizationID: one.ID, Roles: []string{"gone", "organization-admin", "other"}, CustomRoles: []account.Role{second.Role}},
			{OrganizationID: two.ID, Roles: []string{"Same"}, CustomRoles: []account.Role{elsewhere.Role}},
		})
	})
}

// TestUnknownPermissionsAreLeftOut: a row that another version wrote may name
// what this one does not know.
func TestUnknownPermissionsAreLeftOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		home := defaultOrganization(t, s)
		role := customRole(t, home, "role", reading("template"))
		insertRoles(t, s, role)
		execute(t, cfg, `UPDATE custom_roles SET permissions =
			'[{"resource_type":"spaceship","action":"fly"},{"resource_type":"template","action":"read","since":2030}]'`)
		got, err := s.Direct().CustomRole(t.Context(), home.ID, "role")
		if diff := cmp.Diff(role, got); err != nil || diff != "" {
			t.Errorf("(%v, -want +got):\n%s", err, diff)
		}
	})
}
