package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

func TestOrganizationLookups(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		want := account.Organization{
			ID: uuid.New(), Name: "Straße", DisplayName: "A Street", Description: "It's\nlong", Icon: "/emojis/1.png",
			CreatedAt: instant, UpdatedAt: instant.Add(time.Second),
		}
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertOrganization(ctx, want) })
		got, err := s.Direct().OrganizationByID(t.Context(), want.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("by id (%v, -want +got):\n%s", err, diff)
		}
		got, err = s.Direct().OrganizationByName(t.Context(), "STRASSE")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("by name (%v, -want +got):\n%s", err, diff)
		}
		for _, name := range []string{"", "default", "stra%", "strasse\x00", "\xff", want.ID.String()} {
			_, err := s.Direct().OrganizationByName(t.Context(), name)
			wantKind(t, err, account.KindNotFound)
		}
		_, err = s.Direct().OrganizationByID(t.Context(), uuid.Nil)
		wantKind(t, err, account.KindNotFound)

		execute(t, cfg, `UPDATE organizations SET deleted = TRUE WHERE id = $1`, want.ID.String())
		_, err = s.Direct().OrganizationByID(t.Context(), want.ID)
		wantKind(t, err, account.KindNotFound)
		_, err = s.Direct().OrganizationByName(t.Context(), "straße")
		wantKind(t, err, account.KindNotFound)
		organization(t, s, "strasse") // the name is free again
	})
}

func TestMemberships(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		home := defaultOrganization(t, s)
		late, early, closed := organization(t, s, "z"), organization(t, s, "B"), organization(t, s, "a")
		alice, bob := person("alice"), person("bob")
		alice.OrganizationIDs = []uuid.UUID{closed.ID, late.ID, early.ID, home.ID}
		bob.OrganizationIDs = []uuid.UUID{early.ID}
		insert(t, s, alice, bob)
		execute(t, cfg, `UPDATE organizations SET deleted = TRUE WHERE id = $1`, closed.ID.String())
		execute(t, cfg, `INSERT INTO organization_member_roles (user_id, organization_id, role)
			VALUES ($1, $2, 'b'), ($1, $2, 'B'), ($1, $2, 'a-c'), ($1, $2, 'ab'), ($3, $2, 'bobs'), ($1, $4, 'admin')`,
			alice.ID.String(), early.ID.String(), bob.ID.String(), closed.ID.String())

		got, err := s.Direct().Memberships(t.Context(), alice.ID)
		want := []account.Membership{
			{OrganizationID: home.ID, Roles: []string{}},
			{OrganizationID: early.ID, Roles: []string{"B", "a-c", "ab", "b"}},
			{OrganizationID: late.ID, Roles: []string{}},
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("the memberships (%v, -want +got):\n%s", err, diff)
		}
		organizations, err := s.Direct().UserOrganizations(t.Context(), alice.ID)
		if diff := cmp.Diff([]account.Organization{home, early, late}, organizations); err != nil || diff != "" {
			t.Errorf("the organizations (%v, -want +got):\n%s", err, diff)
		}
		if ids := user(t, s, alice.ID).OrganizationIDs; !cmp.Equal(ids, []uuid.UUID{home.ID, early.ID, late.ID}) {
			t.Errorf("the user's own organizations are %v", ids)
		}
		for _, nobody := range []uuid.UUID{uuid.Nil, uuid.New()} {
			memberships, err := s.Direct().Memberships(t.Context(), nobody)
			if err != nil || memberships == nil || len(memberships) != 0 {
				t.Errorf("nobody's memberships are %#v (%v), want an empty list", memberships, err)
			}
			organizations, err := s.Direct().UserOrganizations(t.Context(), nobody)
			if err != nil || organizations == nil || len(organizations) != 0 {
				t.Errorf("nobody's organizations are %#v (%v), want an empty list", organizations, err)
			}
		}
	})
}

func TestInsertMember(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		home, alice := defaultOrganization(t, s), person("alice")
		insert(t, s, alice)
		join := func(organizationID, userID uuid.UUID) error {
			return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertMember(ctx, organizationID, userID, instant)
			})
		}
		wantKind(t, join(home.ID, alice.ID), "")
		if ids := user(t, s, alice.ID).OrganizationIDs; !cmp.Equal(ids, []uuid.UUID{home.ID}) {
			t.Errorf("the organizations are %v", ids)
		}
		wantConflict(t, join(home.ID, alice.ID), "user_id")
		if join(uuid.New(), alice.ID) == nil || join(home.ID, uuid.New()) == nil {
			t.Error("a membership of nobody or nowhere was stored")
		}
	})
}

func TestNewDatabaseHasItsDefaults(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		got := defaultOrganization(t, s)
		want := account.Organization{
			ID: got.ID, Name: "coder", DisplayName: "Coder", Description: "Builtin default organization.",
			IsDefault: true, CreatedAt: got.CreatedAt, UpdatedAt: got.CreatedAt,
		}
		if diff := cmp.Diff(want, got); diff != "" || got.ID == uuid.Nil || got.CreatedAt.IsZero() {
			t.Errorf("the default organization (-want +got):\n%s", diff)
		}
		if id, err := s.Direct().DeploymentID(t.Context()); err != nil || id == uuid.Nil {
			t.Errorf("the deployment's id is %v (%v)", id, err)
		}
	})
}
