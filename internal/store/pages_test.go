package store_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// inOrder are usernames in the order of a list: bytewise, after folding. A
// locale would pass over the hyphens and put letters before digits.
func inOrder() []string {
	return []string{
		"0", "00", "01-a", "1", "10", "1a", "2", "A", "a-1", "A-b", "a-c", "A0", "a1", "aa", "AA-1", "ab", "Ab-c", "aC",
		"b", "B-1", "ba", "Z", "z-", "Zz", "zz-a", "strasse", "ä", "é", "Ω", "漢", "😀",
	}
}

func sorted(list []string) []string {
	return slices.SortedFunc(slices.Values(list), func(a, b string) int {
		return slices.Compare([]byte(account.Fold(a)), []byte(account.Fold(b)))
	})
}

// insertShuffled adds a user of each name, in any order, and returns the users
// in the order of the list.
func insertShuffled(t *testing.T, s *store.Store, names []string) []account.User {
	t.Helper()
	users := []account.User{}
	for _, name := range sorted(names) {
		users = append(users, person(name))
	}
	shuffled := slices.Clone(users)
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	insert(t, s, shuffled...)
	return users
}

func page(t *testing.T, s *store.Store, p store.UserPage) []string {
	t.Helper()
	users, err := s.Direct().ListUsers(t.Context(), store.UserList{Readable: everyone()}, p)
	if err != nil {
		t.Fatalf("page %+v: %v", p, err)
	}
	return names(users)
}

func TestListIsInBytewiseOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		insertShuffled(t, s, inOrder())
		if diff := cmp.Diff(sorted(inOrder()), page(t, s, store.UserPage{})); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// The tests' server sorts bytewise by itself; others have a locale.
func TestListIsInBytewiseOrderInEveryLocale(t *testing.T) {
	t.Parallel()
	url := localizedPostgres(t)
	s := storetest.Open(t, store.Config{DatabaseURL: url})
	users := insertShuffled(t, s, inOrder())
	if diff := cmp.Diff(sorted(inOrder()), page(t, s, store.UserPage{})); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
	middle := len(users) / 2
	if diff := cmp.Diff(names(users[middle+1:]), page(t, s, store.UserPage{AfterID: users[middle].ID})); diff != "" {
		t.Errorf("the second half (-want +got):\n%s", diff)
	}

	home := defaultOrganization(t, s)
	ids := []uuid.UUID{home.ID}
	for _, name := range []string{"a-c", "ab"} {
		ids = append(ids, organization(t, s, name).ID)
	}
	joined := person("joined")
	joined.OrganizationIDs = []uuid.UUID{ids[2], ids[1], ids[0]}
	joined.Roles = []string{"b-a", "ab", "a-c", "B"}
	insert(t, s, joined)
	got := user(t, s, joined.ID)
	if diff := cmp.Diff(ids, got.OrganizationIDs); diff != "" {
		t.Errorf("the organizations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"B", "a-c", "ab", "b-a"}, got.Roles); diff != "" {
		t.Errorf("the roles (-want +got):\n%s", diff)
	}
}

// localizedPostgres returns the URL of an empty database whose texts sort as a
// person would. Before 15, PostgreSQL has no such database without a locale of the
// system, which few have installed: there it is one that sorts bytewise.
func localizedPostgres(t *testing.T) string {
	t.Helper()
	empty := storetest.EmptyPostgres(t)
	conn, err := pgx.Connect(t.Context(), empty)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	var version int
	if err := conn.QueryRow(t.Context(), `SELECT current_setting('server_version_num')::int`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	if version < 150000 {
		return empty
	}
	name := "usher_localized_" + uuid.NewString()
	create := `CREATE DATABASE "` + name + `" TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'`
	if _, err := conn.Exec(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		conn, err := pgx.Connect(ctx, empty)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(ctx) }()
		if _, err := conn.Exec(ctx, `DROP DATABASE "`+name+`" WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	})
	return otherDatabase(t, empty, name)
}

func TestPagesAfterAUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		users := insertShuffled(t, s, []string{"A-1", "a-2", "B", "c", "d", "E"})
		change(t, s, users[1].ID, func(u *account.User) { u.Status = account.StatusSuspended })
		deleteUser(t, s, users[3].ID)
		all := []string{"A-1", "a-2", "B", "d", "E"}
		for name, c := range map[string]struct {
			after store.UserPage
			want  []string
		}{
			"nobody":            {store.UserPage{}, all},
			"the first":         {store.UserPage{AfterID: users[0].ID}, all[1:]},
			"a suspended one":   {store.UserPage{AfterID: users[1].ID}, all[2:]},
			"a deleted one":     {store.UserPage{AfterID: users[3].ID}, all[3:]},
			"the last":          {store.UserPage{AfterID: users[5].ID}, []string{}},
			"an unknown one":    {store.UserPage{AfterID: uuid.New()}, []string{}},
			"a name":            {store.UserPage{AfterName: "A-2"}, all[2:]},
			"a name between":    {store.UserPage{AfterName: "bb"}, all[3:]},
			"a name before all": {store.UserPage{AfterName: "0"}, all},
			"a name after all":  {store.UserPage{AfterName: "z"}, []string{}},
			"not text":          {store.UserPage{AfterName: "b\x00\xff"}, all[3:]},
			"both":              {store.UserPage{AfterID: users[0].ID, AfterName: "b"}, all[3:]},
		} {
			if diff := cmp.Diff(c.want, page(t, s, c.after)); diff != "" {
				t.Errorf("after %s (-want +got):\n%s", name, diff)
			}
			c.after.Limit, c.after.Offset = 2, 1
			part := c.want[min(1, len(c.want)):min(3, len(c.want))]
			if diff := cmp.Diff(part, page(t, s, c.after)); diff != "" {
				t.Errorf("two after %s, but for one (-want +got):\n%s", name, diff)
			}
		}
	})
}

// A cursor whose name somebody else has taken since goes on behind that name.
func TestPageAfterADeletedUserWhoseNameLivesOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		gone := person("b")
		insert(t, s, gone, person("a"), person("c"))
		deleteUser(t, s, gone.ID)
		insert(t, s, person("B"))
		if diff := cmp.Diff([]string{"c"}, page(t, s, store.UserPage{AfterID: gone.ID})); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestPagesByLimitAndOffset(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		all := names(insertShuffled(t, s, inOrder()))
		for _, limit := range []int{0, 1, 3, 7, len(all) - 1, len(all), len(all) + 1, 1 << 30} {
			for _, offset := range []int{0, 1, 2, 10, len(all) - 1, len(all), len(all) + 1, 1 << 30} {
				want := all[min(offset, len(all)):]
				if limit > 0 {
					want = want[:min(limit, len(want))]
				}
				got := page(t, s, store.UserPage{Limit: limit, Offset: offset})
				if diff := cmp.Diff(want, got, cmp.Transformer("nonNil", func(l []string) []string { return append([]string{}, l...) })); diff != "" {
					t.Errorf("limit %d, offset %d (-want +got):\n%s", limit, offset, diff)
				}
			}
		}
	})
}

// Walking a list page by page, by either cursor, meets everybody once, also
// those beside whom somebody is deleted on the way.
func TestWalkingTheList(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		all := insertShuffled(t, s, inOrder())
		list := store.UserList{Readable: everyone()}
		for _, size := range []int{1, 3, 5, 10, 1000} {
			byID, byName := store.UserPage{Limit: size}, store.UserPage{Limit: size}
			var met, metByName []string
			for {
				users, err := s.Direct().ListUsers(t.Context(), list, byID)
				if err != nil {
					t.Fatal(err)
				}
				again := page(t, s, byName)
				met, metByName = append(met, names(users)...), append(metByName, again...)
				if len(users) < size {
					break
				}
				byID.AfterID, byName.AfterName = users[size-1].ID, again[size-1]
			}
			if diff := cmp.Diff(names(all), met); diff != "" {
				t.Errorf("%d at a time by id (-want +got):\n%s", size, diff)
			}
			if diff := cmp.Diff(names(all), metByName); diff != "" {
				t.Errorf("%d at a time by name (-want +got):\n%s", size, diff)
			}
		}
	})
}
