package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// crowd is a set of users that differ in every field that a search knows.
func crowd() []account.User {
	ann := person("ann")
	ann.Name, ann.Email = "Ann Example", "ann@gmail.com"
	ann.Roles = []string{account.RoleOwner, account.RoleAuditor}
	ann.CreatedAt, ann.LastSeenAt = instant.AddDate(0, 0, 1), instant.AddDate(0, 1, 0)

	bob := person("Bob-2")
	bob.Name, bob.Email = "Robert ÄÖÜ", "robert_b@corp.example"
	bob.Status, bob.LoginType, bob.GitHubUserID = account.StatusDormant, account.LoginGitHub, 42
	bob.CreatedAt, bob.LastSeenAt = instant.AddDate(0, 0, 2), time.Time{}

	cat := person("cat")
	cat.Name, cat.Email = `100% \ back_slash`, "c%t@corp.example"
	cat.Status, cat.LoginType = account.StatusSuspended, account.LoginOIDC
	cat.Roles = []string{account.RoleTemplateAdmin}
	cat.CreatedAt, cat.LastSeenAt = instant.AddDate(0, 0, 3), instant.AddDate(0, 3, 0)

	robot := person("robot")
	robot.Name, robot.Email = "", ""
	robot.IsServiceAccount, robot.LoginType = true, account.LoginNone
	robot.Roles = []string{account.RoleAuditor}
	robot.CreatedAt, robot.LastSeenAt = instant.AddDate(0, 0, 4), instant.AddDate(0, 4, 0)

	gone := ann
	gone.ID, gone.Username, gone.Email, gone.Deleted = uuid.New(), "ann-gone", "gone@gmail.com", true
	return []account.User{ann, bob, cat, robot, gone}
}

func everyone() account.Reach { return account.Reach{All: true} }

// names returns the usernames of a list.
func names(users []account.User) []string {
	list := []string{}
	for i := range users {
		list = append(list, users[i].Username)
	}
	return list
}

func TestSearchUsers(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	type search = account.UserSearch
	cases := map[string]struct {
		search search
		want   []string
	}{
		"nothing": {search{}, []string{"ann", "Bob-2", "cat", "robot"}},

		"part of a username":        {search{Search: "o"}, []string{"ann", "Bob-2", "cat", "robot"}}, // and of addresses
		"part of a username only":   {search{Search: "ob"}, []string{"Bob-2", "robot"}},
		"hyphen":                    {search{Search: "b-2"}, []string{"Bob-2"}},
		"part of an address":        {search{Search: "gmail"}, []string{"ann"}},
		"whole address":             {search{Search: "robert_b@corp.example"}, []string{"Bob-2"}},
		"no real names":             {search{Search: "robert ä"}, []string{}},
		"percent":                   {search{Search: "%"}, []string{"cat"}},
		"percent inside":            {search{Search: "c%t"}, []string{"cat"}},
		"percent is no wildcard":    {search{Search: "a%n"}, []string{}},
		"underscore":                {search{Search: "_"}, []string{"Bob-2"}},
		"underscore is no wildcard": {search{Search: "a_n"}, []string{}},
		"backslash":                 {search{Search: `\`}, []string{}},
		"escape":                    {search{Search: `\%`}, []string{}},
		"quote":                     {search{Search: `'`}, []string{}},
		"not text":                  {search{Search: "\xff\x00"}, []string{}},

		"real name":             {search{Name: "example"}, []string{"ann"}},
		"umlauts":               {search{Name: account.Fold("äÖü")}, []string{"Bob-2"}},
		"no usernames":          {search{Name: "cat"}, []string{}},
		"backslash in a name":   {search{Name: `\`}, []string{"cat"}},
		"percent in a name":     {search{Name: `0% \ b`}, []string{"cat"}},
		"underscore in a name":  {search{Name: `k_s`}, []string{"cat"}},
		"no wildcard in a name": {search{Name: `a_n`}, []string{}},

		"active":        {search{Statuses: []account.UserStatus{"active"}}, []string{"ann", "robot"}},
		"two statuses":  {search{Statuses: []account.UserStatus{"dormant", "suspended"}}, []string{"Bob-2", "cat"}},
		"no such login": {search{LoginTypes: []account.LoginType{"token"}}, []string{}},
		"two logins":    {search{LoginTypes: []account.LoginType{"none", "github", "none"}}, []string{"Bob-2", "robot"}},
		"owner":         {search{Roles: []string{"owner"}}, []string{"ann"}},
		"two roles":     {search{Roles: []string{"auditor", "template-admin", "owner"}}, []string{"ann", "cat", "robot"}},
		"unknown role":  {search{Roles: []string{"emperor"}}, []string{}},
		"people":        {search{ServiceAccount: &no}, []string{"ann", "Bob-2", "cat"}},
		"robots":        {search{ServiceAccount: &yes}, []string{"robot"}},
		"GitHub":        {search{GitHubUserID: 42}, []string{"Bob-2"}},
		"other GitHub":  {search{GitHubUserID: -42}, []string{}},

		"seen since":          {search{LastSeenAfter: instant.AddDate(0, 3, 0)}, []string{"cat", "robot"}},
		"seen just after":     {search{LastSeenAfter: instant.AddDate(0, 3, 0).Add(time.Microsecond)}, []string{"robot"}},
		"seen until":          {search{LastSeenBefore: instant.AddDate(0, 1, 0)}, []string{"ann", "Bob-2"}},
		"seen just before":    {search{LastSeenBefore: instant.AddDate(0, 1, 0).Add(-time.Microsecond)}, []string{"Bob-2"}},
		"created since":       {search{CreatedAfter: instant.AddDate(0, 0, 4)}, []string{"robot"}},
		"created just after":  {search{CreatedAfter: instant.AddDate(0, 0, 4).Add(time.Microsecond)}, []string{}},
		"created until":       {search{CreatedBefore: instant.AddDate(0, 0, 2)}, []string{"ann", "Bob-2"}},
		"created just before": {search{CreatedBefore: instant.AddDate(0, 0, 2).Add(-time.Microsecond)}, []string{"ann"}},
		"an interval":         {search{CreatedAfter: instant.AddDate(0, 0, 2), CreatedBefore: instant.AddDate(0, 0, 3)}, []string{"Bob-2", "cat"}},
		"an empty interval":   {search{CreatedAfter: instant.AddDate(0, 0, 3), CreatedBefore: instant.AddDate(0, 0, 2)}, []string{}},
		"all time":            {search{CreatedAfter: time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), CreatedBefore: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}, []string{"ann", "Bob-2", "cat", "robot"}},

		"all must hold": {search{Search: "o", Statuses: []account.UserStatus{"active"}, Roles: []string{"auditor"}}, []string{"ann", "robot"}},
		"everything at once": {search{
			Search: "corp.", Name: "robert", Statuses: []account.UserStatus{"active", "dormant"},
			LoginTypes: []account.LoginType{"github"}, ServiceAccount: &no, GitHubUserID: 42,
			LastSeenBefore: instant, CreatedAfter: instant, CreatedBefore: instant.AddDate(1, 0, 0),
		}, []string{"Bob-2"}},
		"one does not hold": {search{Search: "corp.", Name: "robert", Roles: []string{"owner"}}, []string{}},
	}
	each(t, func(t *testing.T, s *store.Store) {
		insert(t, s, crowd()...)
		for name, c := range cases {
			wantList(t, s, name, store.UserList{Search: c.search, Readable: everyone()}, c.want)
		}
	})
}

// wantList checks a whole list and its count.
func wantList(t *testing.T, s *store.Store, name string, list store.UserList, want []string) {
	t.Helper()
	users, err := s.Direct().ListUsers(t.Context(), list, store.UserPage{})
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if diff := cmp.Diff(want, names(users)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
	if count, err := s.Direct().CountUsers(t.Context(), list); err != nil || count != len(want) {
		t.Errorf("%s: the count is %d (%v), want %d", name, count, err, len(want))
	}
}

func TestListHasWhatTheCallerMayRead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		users := crowd()
		insert(t, s, users...)
		ann, cat, robot, gone := users[0].ID, users[2].ID, users[3].ID, users[4].ID
		active := account.UserSearch{Statuses: []account.UserStatus{account.StatusActive}}
		many := []uuid.UUID{robot, robot, ann}
		for range account.MaxAllowListEntries {
			many = append(many, uuid.New())
		}
		for name, c := range map[string]struct {
			search account.UserSearch
			reach  account.Reach
			want   []string
		}{
			"all":                 {active, account.Reach{All: true, IDs: []uuid.UUID{cat}}, []string{"ann", "robot"}},
			"none":                {account.UserSearch{}, account.Reach{}, []string{}},
			"no ids":              {account.UserSearch{}, account.Reach{IDs: []uuid.UUID{}}, []string{}},
			"one":                 {account.UserSearch{}, account.Reach{IDs: []uuid.UUID{cat}}, []string{"cat"}},
			"one that is deleted": {account.UserSearch{}, account.Reach{IDs: []uuid.UUID{gone}}, []string{}},
			"one that is nobody":  {account.UserSearch{}, account.Reach{IDs: []uuid.UUID{uuid.Nil}}, []string{}},
			"many":                {account.UserSearch{}, account.Reach{IDs: many}, []string{"ann", "robot"}},
			"and the search":      {active, account.Reach{IDs: []uuid.UUID{cat, robot}}, []string{"robot"}},
		} {
			wantList(t, s, name, store.UserList{Search: c.search, Readable: c.reach}, c.want)
		}
	})
}

func TestListedUsersAreWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		home, other := defaultOrganization(t, s), organization(t, s, "a-first")
		want := crowd()[:4]
		want[0].OrganizationIDs = []uuid.UUID{home.ID, other.ID}
		want[0].Roles = []string{account.RoleAuditor, account.RoleOwner}
		want[3].OrganizationIDs = []uuid.UUID{other.ID}
		insert(t, s, want...)
		got, err := s.Direct().ListUsers(t.Context(), store.UserList{Readable: everyone()}, store.UserPage{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
