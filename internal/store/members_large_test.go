package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// TestMembersOfALargeOrganization holds lists of members to what can be seen of
// each user alone, in an organization that is gone through by name and in one
// whose members are put in order.
func TestMembersOfALargeOrganization(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		random := rand.New(rand.NewPCG(1, 2))
		home, small := defaultOrganization(t, s).ID, organization(t, s, "small").ID
		var users []account.User
		for n := range 4600 {
			u := randomUser(random, n)
			u.OrganizationIDs = []uuid.UUID{home}
			if n%50 == 0 {
				u.OrganizationIDs = append(u.OrganizationIDs, small)
			} else if n%20 == 1 {
				u.OrganizationIDs = []uuid.UUID{}
			}
			u.Deleted = n%30 == 2
			users = append(users, u)
		}
		insertMany(t, s, users)
		slices.SortFunc(users, func(a, b account.User) int {
			return strings.Compare(account.Fold(a.Username), account.Fold(b.Username))
		})
		for i := range 30 {
			organization := []uuid.UUID{home, small}[i%2]
			search := account.UserSearch{}
			if i > 3 {
				search = randomSearch(random)
			}
			wantMembers(t, s, random, organization, search, users)
		}
	})
}

func wantMembers(t *testing.T, s *store.Store, random *rand.Rand, organization uuid.UUID, search account.UserSearch, users []account.User) {
	t.Helper()
	var all []account.User
	for i := range users {
		if slices.Contains(users[i].OrganizationIDs, organization) && matches(search, users[i]) {
			all = append(all, users[i])
		}
	}
	page := randomPage(random, all)
	page.Of = 0
	list := store.MemberList{OrganizationID: organization, Users: store.UserList{Search: search, Readable: everyone()}}
	tx := s.Direct()
	count, err := tx.CountMembers(t.Context(), list)
	if err != nil || count != len(all) {
		t.Errorf("the number of %+v is %d (%v), want %d", search, count, err, len(all))
	}
	members, err := tx.ListMembers(t.Context(), list, page)
	got := []string{}
	for i := range members {
		got = append(got, members[i].User.Username)
		if members[i].OrganizationID != organization {
			t.Errorf("a member of %s is listed", members[i].OrganizationID)
		}
	}
	if diff := cmp.Diff(names(cut(all, page)), got); diff != "" || err != nil {
		t.Errorf("page %s of %+v: %v (-want +got):\n%s", fmt.Sprintf("%+v", page), search, err, diff)
	}
}
