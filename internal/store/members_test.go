package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// allMembers is the list of all members of an organization.
func allMembers(organization account.Organization) store.MemberList {
	return store.MemberList{OrganizationID: organization.ID, Users: store.UserList{Readable: account.Reach{All: true}}}
}

// setRoles replaces the roles of a member.
func setRoles(t testing.TB, s *store.Store, organization, user uuid.UUID, roles ...string) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.UpdateMemberRoles(ctx, organization, user, roles, instant.Add(time.Minute))
	})
}

func listMembers(t testing.TB, s *store.Store, list store.MemberList, page store.UserPage) []string {
	t.Helper()
	members, err := s.Direct().ListMembers(t.Context(), list, page)
	if err != nil || members == nil {
		t.Fatalf("list members: %#v (%v)", members, err)
	}
	names := []string{}
	for _, m := range members {
		names = append(names, m.User.Username)
	}
	return names
}

func TestMember(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		home, other := defaultOrganization(t, s), organization(t, s, "other")
		alice, bob := person("Alice"), person("bob")
		alice.OrganizationIDs = []uuid.UUID{home.ID, other.ID}
		alice.Roles = []string{"auditor"}
		insert(t, s, alice, bob)
		setRoles(t, s, other.ID, alice.ID, "organization-auditor", "nothing")

		got, err := s.Direct().Member(t.Context(), other.ID, alice.ID)
		want := account.Member{
			OrganizationID: other.ID, User: user(t, s, alice.ID), Roles: []string{"nothing", "organization-auditor"},
			CreatedAt: instant, UpdatedAt: instant.Add(time.Minute),
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("the member (%v, -want +got):\n%s", err, diff)
		}
		list, err := s.Direct().ListMembers(t.Context(), allMembers(other), store.UserPage{})
		if diff := cmp.Diff([]account.Member{want}, list); err != nil || diff != "" {
			t.Errorf("the list (%v, -want +got):\n%s", err, diff)
		}
		plain, err := s.Direct().Member(t.Context(), home.ID, alice.ID)
		if err != nil || plain.Roles == nil || len(plain.Roles) != 0 || !plain.UpdatedAt.Equal(instant) {
			t.Errorf("where it has no role it is %+v (%v)", plain, err)
		}
		for _, c := range [][2]uuid.UUID{{home.ID, bob.ID}, {uuid.New(), alice.ID}, {uuid.Nil, uuid.Nil}} {
			_, err := s.Direct().Member(t.Context(), c[0], c[1])
			wantKind(t, err, account.KindNotFound)
		}
		deleteUser(t, s, alice.ID)
		_, err = s.Direct().Member(t.Context(), other.ID, alice.ID)
		wantKind(t, err, account.KindNotFound)
	})
}

// TestListMembers: the order and the pages are those of users, within one
// organization.
func TestListMembers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		other := organization(t, s, "other")
		var people []account.User
		for i, name := range []string{"delta", "Bravo", "alpha", "Charlie", "echo", "bravo-2"} {
			u := person(name)
			u.OrganizationIDs, u.GitHubUserID = []uuid.UUID{other.ID}, int64(i)
			people = append(people, u)
		}
		stranger := person("bravo-1")
		insert(t, s, append(people, stranger)...)
		deleteUser(t, s, people[4].ID)
		all := []string{"alpha", "Bravo", "bravo-2", "Charlie", "delta"}
		for name, c := range map[string]struct {
			page store.UserPage
			want []string
		}{
			"all":                   {store.UserPage{}, all},
			"the first two":         {store.UserPage{Limit: 2}, all[:2]},
			"but the first":         {store.UserPage{Offset: 1}, all[1:]},
			"in the middle":         {store.UserPage{Limit: 2, Offset: 2}, all[2:4]},
			"past the end":          {store.UserPage{Offset: 5}, []string{}},
			"after one":             {store.UserPage{AfterID: people[1].ID, Limit: 2}, all[2:4]},
			"after one by name":     {store.UserPage{AfterName: "BRAVO-2"}, all[3:]},
			"after a deleted one":   {store.UserPage{AfterID: people[4].ID}, []string{}},
			"after somebody else":   {store.UserPage{AfterID: stranger.ID}, all[2:]},
			"after one and skipped": {store.UserPage{AfterID: people[2].ID, Offset: 3}, all[4:]},
			"after nobody":          {store.UserPage{AfterID: uuid.New()}, []string{}},
		} {
			if got := listMembers(t, s, allMembers(other), c.page); !slices.Equal(got, c.want) {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
		for name, c := range map[string]struct {
			users store.UserList
			want  []string
		}{
			"some":            {store.UserList{Readable: account.Reach{IDs: []uuid.UUID{people[0].ID, stranger.ID}}}, all[4:]},
			"none":            {store.UserList{}, []string{}},
			"by GitHub":       {store.UserList{Readable: account.Reach{All: true}, Search: account.UserSearch{GitHubUserID: 3}}, all[3:4]},
			"by part of name": {store.UserList{Readable: account.Reach{All: true}, Search: account.UserSearch{Search: "bravo"}}, all[1:3]},
		} {
			list := store.MemberList{OrganizationID: other.ID, Users: c.users}
			count, err := s.Direct().CountMembers(t.Context(), list)
			if got := listMembers(t, s, list, store.UserPage{}); !slices.Equal(got, c.want) || count != len(c.want) || err != nil {
				t.Errorf("%s: %q, count %d (%v), want %q", name, got, count, err, c.want)
			}
		}
		if count, err := s.Direct().CountMembers(t.Context(), allMembers(organization(t, s, "empty"))); count != 0 || err != nil {
			t.Errorf("an empty organization has %d members (%v)", count, err)
		}
	})
}

func TestUpdateMemberRoles(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		one, two := organization(t, s, "one"), organization(t, s, "two")
		alice := person("alice")
		alice.OrganizationIDs = []uuid.UUID{one.ID, two.ID}
		insert(t, s, alice)
		roles := func(o account.Organization) []string {
			t.Helper()
			m, err := s.Direct().Member(t.Context(), o.ID, alice.ID)
			if err != nil {
				t.Fatal(err)
			}
			return m.Roles
		}
		setRoles(t, s, one.ID, alice.ID, "b", "a")
		setRoles(t, s, two.ID, alice.ID, "c")
		setRoles(t, s, one.ID, alice.ID, "b", "d")
		if !slices.Equal(roles(one), []string{"b", "d"}) || !slices.Equal(roles(two), []string{"c"}) {
			t.Errorf("the roles are %q and %q", roles(one), roles(two))
		}
		update := func(organization, user uuid.UUID, roles ...string) error {
			return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return tx.UpdateMemberRoles(ctx, organization, user, roles, instant)
			})
		}
		wantKind(t, update(one.ID, uuid.New(), "a"), account.KindNotFound)
		wantKind(t, update(uuid.New(), alice.ID, "a"), account.KindNotFound)
		if update(one.ID, alice.ID, "x", "x") == nil {
			t.Error("a role was given twice")
		}
		if !slices.Equal(roles(one), []string{"b", "d"}) {
			t.Errorf("a refused change left %q", roles(one))
		}
		setRoles(t, s, one.ID, alice.ID)
		if len(roles(one)) != 0 || !slices.Equal(roles(two), []string{"c"}) {
			t.Errorf("the roles are %q and %q", roles(one), roles(two))
		}
	})
}

func TestDeleteMember(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		one, two := organization(t, s, "one"), organization(t, s, "two")
		alice := person("alice")
		alice.OrganizationIDs = []uuid.UUID{one.ID, two.ID}
		insert(t, s, alice)
		setRoles(t, s, one.ID, alice.ID, "a")
		setRoles(t, s, two.ID, alice.ID, "a")
		remove := func() error {
			return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.DeleteMember(ctx, one.ID, alice.ID) })
		}
		wantKind(t, remove(), "")
		wantKind(t, remove(), account.KindNotFound)
		memberships, err := s.Direct().Memberships(t.Context(), alice.ID)
		want := []account.Membership{{OrganizationID: two.ID, Roles: []string{"a"}}}
		if diff := cmp.Diff(want, memberships); err != nil || diff != "" {
			t.Errorf("what is left (%v, -want +got):\n%s", err, diff)
		}
		// The roles went too: who comes back has none.
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertMember(ctx, one.ID, alice.ID, instant) })
		if m, err := s.Direct().Member(t.Context(), one.ID, alice.ID); err != nil || len(m.Roles) != 0 {
			t.Errorf("it came back with %q (%v)", m.Roles, err)
		}
	})
}

func TestMemberIDs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		one, two := organization(t, s, "one"), organization(t, s, "two")
		alice, bob, gone := person("alice"), person("bob"), person("gone")
		alice.OrganizationIDs = []uuid.UUID{one.ID, two.ID}
		bob.OrganizationIDs, gone.OrganizationIDs = []uuid.UUID{one.ID}, []uuid.UUID{one.ID}
		insert(t, s, alice, bob, gone)
		setRoles(t, s, one.ID, alice.ID, "a", "b")
		setRoles(t, s, two.ID, alice.ID, "c")
		setRoles(t, s, one.ID, gone.ID, "b")
		deleteUser(t, s, gone.ID)
		for _, c := range []struct {
			organization uuid.UUID
			role         string
			want         []uuid.UUID
		}{
			{one.ID, "", []uuid.UUID{alice.ID, bob.ID, gone.ID}},
			{two.ID, "", []uuid.UUID{alice.ID}},
			{one.ID, "a", []uuid.UUID{alice.ID}},
			{one.ID, "b", []uuid.UUID{alice.ID, gone.ID}},
			{one.ID, "c", nil},
			{two.ID, "c", []uuid.UUID{alice.ID}},
			{uuid.New(), "", nil},
		} {
			got, err := s.Direct().MemberIDs(t.Context(), c.organization, c.role)
			bytewise := cmpopts.SortSlices(func(a, b uuid.UUID) bool { return a.String() < b.String() })
			if diff := cmp.Diff(c.want, got, bytewise, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("%q (%v, -want +got):\n%s", c.role, err, diff)
			}
		}
	})
}
