package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"usher/internal/account"
	"usher/internal/store"
)

// modelUsers is many times what a list may have to be gathered whatever it is about.
const modelUsers = 2500

// randomUser differs from others in everything that lists ask for. Half of their
// addresses share a domain, and few days are those on which they were last seen.
func randomUser(random *rand.Rand, n int) account.User {
	first := []string{"anna", "Johanna", "ann", "BOB", "per", "zoë", "Strauß", "漢字"}[random.IntN(8)]
	u := person(fmt.Sprintf("%s-%d", first, n))
	u.Email = fmt.Sprintf("%s.%d@%s", first, n, []string{"example.com", "corp.example", "a%b_c.org"}[random.IntN(3)])
	u.Name = strings.ToUpper(first) + " Example"
	u.Status = account.UserStatuses()[random.IntN(3)]
	u.LoginType = []account.LoginType{account.LoginPassword, account.LoginGitHub, account.LoginOIDC, account.LoginNone}[random.IntN(4)]
	if u.IsServiceAccount = random.IntN(10) == 0; u.IsServiceAccount {
		u.Email = ""
	}
	if u.LoginType == account.LoginGitHub {
		u.GitHubUserID = int64(1 + random.IntN(50))
	}
	u.Roles = randomRoles(random)
	u.CreatedAt = instant.Add(time.Duration(random.IntN(1000)) * time.Hour)
	u.LastSeenAt = randomTime(random)
	return u
}

func randomRoles(random *rand.Rand) []string {
	roles := []string{}
	for _, role := range []string{account.RoleAuditor, account.RoleOwner, account.RoleTemplateAdmin, account.RoleUserAdmin} {
		if random.IntN(12) == 0 {
			roles = append(roles, role)
		}
	}
	return roles
}

// randomTime is never, at the beginning of a day, or at any time of some days.
func randomTime(random *rand.Rand) time.Time {
	day := instant.Truncate(24*time.Hour).AddDate(0, 0, random.IntN(5))
	switch random.IntN(5) {
	case 0:
		return time.Time{}
	case 1:
		return day
	}
	return day.Add(time.Duration(random.Int64N(int64(24 * time.Hour)))).Truncate(time.Microsecond)
}

// alter changes a user as life does.
func alter(t *testing.T, s *store.Store, random *rand.Rand, u *account.User) {
	t.Helper()
	switch random.IntN(6) {
	case 0:
		u.Deleted = true
	case 1:
		u.Status = account.UserStatuses()[random.IntN(3)]
	case 2:
		u.Roles = randomRoles(random)
	case 3:
		u.Username += "x"
		u.Email = strings.Replace(u.Email, "@", "y@", 1)
	case 4:
		u.LoginType = account.LoginNone
	case 5:
		seen := randomTime(random)
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateLastSeen(ctx, u.ID, seen) })
		if seen.After(u.LastSeenAt) {
			u.LastSeenAt = seen
		}
		return
	}
	altered := *u
	write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateUser(ctx, altered) })
}

// randomSearch asks for up to three things.
func randomSearch(random *rand.Rand) account.UserSearch {
	search := account.UserSearch{}
	for range random.IntN(4) {
		switch random.IntN(10) {
		case 0, 1:
			search.Search = []string{"ann", "anna", "johanna", "an", "-1", "1@", "example.com", "%b_", "strauss-", "漢字-", "zoë-2", "nobody", "a\nb", "77", "\xab", "e\x1ea"}[random.IntN(16)]
		case 2:
			search.Name = []string{"anna", "example", "straus"}[random.IntN(3)]
		case 3, 4:
			search.Statuses = account.UserStatuses()[random.IntN(3):]
		case 5:
			search.LoginTypes = []account.LoginType{account.LoginGitHub, account.LoginToken, account.LoginOIDC}[random.IntN(3):]
		case 6:
			is := random.IntN(3) == 0
			search.ServiceAccount = &is
		case 7:
			search.Roles = []string{account.RoleAuditor, "no such", account.RoleOwner}[random.IntN(3):]
		case 8:
			search.LastSeenBefore = randomTime(random)
			if random.IntN(2) == 0 {
				search.LastSeenAfter = randomTime(random)
			}
		case 9:
			if random.IntN(2) == 0 {
				search.GitHubUserID = int64(1 + random.IntN(50))
			} else {
				search.CreatedAfter = instant.Add(time.Duration(random.IntN(1000)) * time.Hour)
			}
		}
	}
	return search
}

// matches is what a list is to have, said as simply as can be.
func matches(s account.UserSearch, u account.User) bool {
	has := func(text, part string) bool {
		return utf8.ValidString(part) && strings.Contains(account.Fold(text), part)
	}
	return !u.Deleted &&
		(s.Search == "" || has(u.Username, s.Search) || has(u.Email, s.Search)) &&
		(s.Name == "" || has(u.Name, s.Name)) &&
		(len(s.Statuses) == 0 || slices.Contains(s.Statuses, u.Status)) &&
		(len(s.LoginTypes) == 0 || slices.Contains(s.LoginTypes, u.LoginType)) &&
		(s.ServiceAccount == nil || *s.ServiceAccount == u.IsServiceAccount) &&
		(len(s.Roles) == 0 || slices.ContainsFunc(u.Roles, func(role string) bool { return slices.Contains(s.Roles, role) })) &&
		(s.GitHubUserID == 0 || s.GitHubUserID == u.GitHubUserID) &&
		(s.LastSeenBefore.IsZero() || !u.LastSeenAt.After(s.LastSeenBefore)) &&
		(s.LastSeenAfter.IsZero() || !u.LastSeenAt.Before(s.LastSeenAfter)) &&
		(s.CreatedAfter.IsZero() || !u.CreatedAt.Before(s.CreatedAfter))
}

// randomPage is any page of a list of so many.
func randomPage(random *rand.Rand, list []account.User) store.UserPage {
	page := store.UserPage{Of: len(list) * random.IntN(2), Limit: random.IntN(3) * 10, Offset: random.IntN(2) * random.IntN(len(list)+20)}
	if page.Limit == 0 && len(list) > 300 { // reading many takes the race detector seconds
		page.Limit = 30
	}
	if len(list) > 0 && random.IntN(3) == 0 {
		page.AfterID = list[random.IntN(len(list))].ID
	}
	return page
}

// cut is that page of a list that is known.
func cut(list []account.User, page store.UserPage) []account.User {
	if page.AfterID != (store.UserPage{}).AfterID {
		at := slices.IndexFunc(list, func(u account.User) bool { return u.ID == page.AfterID })
		list = list[at+1:]
	}
	list = list[min(page.Offset, len(list)):]
	if page.Limit > 0 {
		list = list[:min(page.Limit, len(list))]
	}
	return list
}

// TestListsAndTheirNumbers holds lists and numbers of users to what can be seen of
// each user alone, after many changes. Whether a list is gathered or walked, from
// which end, and whether it is counted or added up, must not be seen in it.
func TestListsAndTheirNumbers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		var users []account.User
		for n := range modelUsers {
			users = append(users, randomUser(random, n))
		}
		insertMany(t, s, users)
		for round := range 4 {
			for range 40 {
				if u := &users[random.IntN(len(users))]; !u.Deleted {
					alter(t, s, random, u)
				}
			}
			slices.SortFunc(users, func(a, b account.User) int {
				return strings.Compare(account.Fold(a.Username), account.Fold(b.Username))
			})
			if round%2 == 1 {
				if err := s.TidyLists(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for range 60 {
				wantRandomList(t, s, random, users)
			}
		}
	})
}

// insertMany adds users in transactions that take little time each.
func insertMany(t *testing.T, s *store.Store, users []account.User) {
	t.Helper()
	for some := range slices.Chunk(users, 200) {
		var added []store.NewUser
		for i := range some {
			added = append(added, store.NewUser{User: some[i]})
		}
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertUsers(ctx, added) })
	}
}

func wantRandomList(t *testing.T, s *store.Store, random *rand.Rand, users []account.User) {
	t.Helper()
	list := store.UserList{Search: randomSearch(random), Readable: everyone()}
	var all []account.User
	for i := range users {
		if matches(list.Search, users[i]) {
			all = append(all, users[i])
		}
	}
	page := randomPage(random, all)
	err := s.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if count, err := tx.CountUsers(ctx, list); err != nil || count != len(all) {
			t.Errorf("the number of %+v is %d (%v), want %d", list.Search, count, err, len(all))
		}
		if page.Of > 0 {
			count, got, err := tx.PageOfUsers(ctx, list, page)
			if diff := cmp.Diff(names(cut(all, page)), names(got)); diff != "" || count != len(all) {
				t.Errorf("page %+v of %+v, and the number %d, want %d (-want +got):\n%s", page, list.Search, count, len(all), diff)
			}
			return err
		}
		got, err := tx.ListUsers(ctx, list, page)
		if diff := cmp.Diff(names(cut(all, page)), names(got)); diff != "" {
			t.Errorf("page %+v of %+v (-want +got):\n%s", page, list.Search, diff)
		}
		return err
	})
	if err != nil {
		t.Errorf("page %+v of %+v: %v", page, list.Search, err)
	}
}
