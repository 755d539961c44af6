package store_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

func insertEntries(t *testing.T, s *store.Store, entries ...account.AuditEntry) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, e := range entries {
			if err := tx.InsertAuditEntry(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// entries lists everything that matches, and checks the count.
func entries(t *testing.T, s *store.Store, list store.AuditList) []account.AuditRecord {
	t.Helper()
	records, err := s.Direct().ListAuditEntries(t.Context(), list, 1000, 0)
	if err != nil {
		t.Fatal(err)
	}
	if count, err := s.Direct().CountAuditEntries(t.Context(), list); err != nil || count != len(records) {
		t.Errorf("%d entries are counted (%v), and %d listed", count, err, len(records))
	}
	return records
}

func TestAuditEntryIsReadBackWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		home := defaultOrganization(t, s)
		alice, bob := person("alice"), person("bob")
		alice.Roles, alice.OrganizationIDs = []string{account.RoleOwner}, []uuid.UUID{home.ID}
		insert(t, s, alice, bob)
		want := account.AuditRecord{
			AuditEntry: account.AuditEntry{
				ID: uuid.New(), Time: instant, RequestID: uuid.New(), ActorID: alice.ID, OrganizationID: home.ID,
				IP: "2001:db8::1", UserAgent: `curl/8 "quoted" \ ü`, Resource: account.AuditUser, ResourceID: bob.ID,
				Target: "Bob", Action: account.AuditWrite, Outcome: account.OutcomeOf(account.Forbidden("")),
				Diff: account.Diff{
					"username":        {Old: "Bob", New: "bob\x00 <&>"},
					"rbac_roles":      {Old: []any{"owner"}, New: nil},
					"deleted":         {Old: false, New: true},
					"hashed_password": {Old: "", New: "", Secret: true},
				},
				Additional: map[string]string{"a": "b", "": "ü"},
			},
			Actor: &alice, Organization: &home,
		}
		insertEntries(t, s, want.AuditEntry)
		if diff := cmp.Diff([]account.AuditRecord{want}, entries(t, s, store.AuditList{Readable: everyone()})); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestAuditEntryOfTheServerItself(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		entry := account.AuditEntry{ID: uuid.New(), Time: instant, Resource: account.AuditUser, ResourceID: uuid.New()}
		insertEntries(t, s, entry)
		entry.Diff, entry.Additional = account.Diff{}, map[string]string{}
		want := []account.AuditRecord{{AuditEntry: entry}}
		if diff := cmp.Diff(want, entries(t, s, store.AuditList{Readable: everyone()})); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// An entry is written whatever a client sends along: it commits with the change
// that it is about, and that must not fail.
func TestAuditEntryOfWhatIsNotText(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		insertEntries(t, s, account.AuditEntry{
			ID: uuid.New(), Time: instant, UserAgent: "curl\xff\x00", Target: "a\x00b", IP: "\xfe",
			Diff:       account.Diff{"name": {Old: "\xff", New: "\x00"}},
			Additional: map[string]string{"\xff": "\x00"},
		})
		got := entries(t, s, store.AuditList{Readable: everyone()})[0]
		if got.UserAgent != "curl\uFFFD\uFFFD" || got.Target != "a\uFFFDb" || got.IP != "\uFFFD" {
			t.Errorf("read back are %q, %q and %q", got.UserAgent, got.Target, got.IP)
		}
	})
}

func TestAuditEntriesOutliveWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		team := organization(t, s, "team")
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		about := func(resource account.AuditResource, id, actor uuid.UUID, after time.Duration) account.AuditEntry {
			return account.AuditEntry{
				ID: uuid.New(), Time: instant.Add(after), ActorID: actor, OrganizationID: team.ID, Resource: resource, ResourceID: id,
			}
		}
		insertEntries(t, s,
			about(account.AuditUser, bob.ID, alice.ID, 5),
			about(account.AuditUser, alice.ID, bob.ID, -time.Second),
			about(account.AuditOrganization, team.ID, alice.ID, -2*time.Second),
			about(account.AuditAPIKey, bob.ID, alice.ID, -3*time.Second), // the id of another kind of thing
			about(account.AuditUser, uuid.New(), uuid.New(), -4*time.Second))
		check := func(actors []string, deleted []bool, organization bool) {
			t.Helper()
			for i, r := range entries(t, s, store.AuditList{Readable: everyone()}) {
				actor := ""
				if r.Actor != nil {
					actor = r.Actor.Username
				}
				if actor != actors[i] || r.ResourceDeleted != deleted[i] || r.Organization == nil || r.Organization.Deleted != organization {
					t.Errorf("entry %d: actor %q, deleted %v, organization %+v; want %q, %v", i, actor, r.ResourceDeleted, r.Organization, actors[i], deleted[i])
				}
			}
		}
		actors := []string{"alice", "bob", "alice", "alice", ""}
		check(actors, []bool{false, false, false, false, false}, false)
		deleteUser(t, s, bob.ID)
		check(actors, []bool{true, false, false, false, false}, false)
		execute(t, cfg, `UPDATE organizations SET deleted = TRUE WHERE id = $1`, team.ID.String())
		check(actors, []bool{true, false, true, false, false}, true)
	})
}

func TestSearchAuditEntries(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		home, team := defaultOrganization(t, s), organization(t, s, "team")
		alice, gone, robot := person("Alice"), person("gone"), person("robot")
		robot.IsServiceAccount, robot.Email = true, ""
		insert(t, s, alice, gone, robot)
		deleteUser(t, s, gone.ID)
		request, resource := uuid.New(), uuid.New()
		all := []account.AuditEntry{
			{ActorID: alice.ID, OrganizationID: home.ID, Resource: account.AuditUser, Action: account.AuditCreate, Target: "STRASSE", RequestID: request},
			{ActorID: gone.ID, OrganizationID: team.ID, Resource: account.AuditUser, Action: account.AuditDelete, Target: "a%c", ResourceID: resource},
			{ActorID: robot.ID, Resource: account.AuditAPIKey, Action: account.AuditLogin, Target: "abc", RequestID: request},
			{Resource: account.AuditOrganization, Action: account.AuditWrite, ResourceID: resource},
		}
		for i := range all { // one a day, the newest first
			all[i].ID, all[i].Time = uuid.New(), instant.AddDate(0, 0, -i)
		}
		insertEntries(t, s, all[2], all[0], all[3], all[1])
		everything := everyone()
		for name, c := range map[string]struct {
			list store.AuditList
			want []int
		}{
			"nothing":             {store.AuditList{Readable: everything}, []int{0, 1, 2, 3}},
			"resource type":       {store.AuditList{Readable: everything, Search: account.AuditSearch{ResourceType: account.AuditUser}}, []int{0, 1}},
			"action":              {store.AuditList{Readable: everything, Search: account.AuditSearch{Action: account.AuditLogin}}, []int{2}},
			"target, folded":      {store.AuditList{Readable: everything, Search: account.AuditSearch{Target: account.Fold("straße")}}, []int{0}},
			"target, whole":       {store.AuditList{Readable: everything, Search: account.AuditSearch{Target: "ab"}}, []int{}},
			"target, literal":     {store.AuditList{Readable: everything, Search: account.AuditSearch{Target: "a%c"}}, []int{1}},
			"resource id":         {store.AuditList{Readable: everything, Search: account.AuditSearch{ResourceID: resource}}, []int{1, 3}},
			"request id":          {store.AuditList{Readable: everything, Search: account.AuditSearch{RequestID: request}}, []int{0, 2}},
			"username":            {store.AuditList{Readable: everything, Search: account.AuditSearch{Username: "alice"}}, []int{0}},
			"part of a username":  {store.AuditList{Readable: everything, Search: account.AuditSearch{Username: "alic"}}, []int{}},
			"deleted username":    {store.AuditList{Readable: everything, Search: account.AuditSearch{Username: "gone"}}, []int{1}},
			"me":                  {store.AuditList{Readable: everything, Search: account.AuditSearch{Username: "me"}, ActorID: robot.ID}, []int{2}},
			"e-mail":              {store.AuditList{Readable: everything, Search: account.AuditSearch{Email: "alice@example.com"}}, []int{0}},
			"deleted e-mail":      {store.AuditList{Readable: everything, Search: account.AuditSearch{Email: "gone@example.com"}}, []int{1}},
			"somebody's, not his": {store.AuditList{Readable: everything, Search: account.AuditSearch{Username: "alice", Email: "gone@example.com"}}, []int{}},
			"from":                {store.AuditList{Readable: everything, Search: account.AuditSearch{From: all[1].Time}}, []int{0, 1}},
			"just after":          {store.AuditList{Readable: everything, Search: account.AuditSearch{From: all[1].Time.Add(time.Microsecond)}}, []int{0}},
			"until":               {store.AuditList{Readable: everything, Search: account.AuditSearch{Until: all[1].Time}}, []int{2, 3}},
			"just until":          {store.AuditList{Readable: everything, Search: account.AuditSearch{Until: all[1].Time.Add(time.Microsecond)}}, []int{1, 2, 3}},
			"organization":        {store.AuditList{Readable: everything, OrganizationID: team.ID}, []int{1}},
			"never matches":       {store.AuditList{Readable: everything, Search: account.AuditSearch{MatchesNothing: true}}, []int{}},
			"all must hold": {store.AuditList{Readable: everything, Search: account.AuditSearch{
				ResourceType: account.AuditUser, Action: account.AuditDelete, ResourceID: resource, Username: "gone",
				From: all[1].Time, Until: all[0].Time, Target: "a%c", Email: "gone@example.com",
			}, OrganizationID: team.ID}, []int{1}},
			"readable nowhere":  {store.AuditList{}, []int{}},
			"readable in one":   {store.AuditList{Readable: account.Reach{IDs: []uuid.UUID{team.ID, uuid.New()}}}, []int{1}},
			"readable and not":  {store.AuditList{Readable: account.Reach{IDs: []uuid.UUID{team.ID}}, OrganizationID: home.ID}, []int{}},
			"no organization's": {store.AuditList{Readable: account.Reach{IDs: []uuid.UUID{uuid.New()}}}, []int{}},
		} {
			got, want := []uuid.UUID{}, []uuid.UUID{}
			for _, r := range entries(t, s, c.list) {
				got = append(got, r.ID)
			}
			for _, i := range c.want {
				want = append(want, all[i].ID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

// Entries of one moment have an order too, or pages would repeat some of them.
func TestAuditEntriesArePagedNewestFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice := person("alice")
		insert(t, s, alice)
		var list []account.AuditEntry
		for i := range 25 {
			id := uuid.UUID{byte(i * 10), 1}
			list = append(list, account.AuditEntry{ID: id, Time: instant.Add(time.Duration(i/5) * time.Microsecond), ActorID: alice.ID})
		}
		shuffled := slices.Clone(list)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		insertEntries(t, s, shuffled...)
		for _, limit := range []int{1, 4, 25, 100} {
			var got []uuid.UUID
			for offset := 0; ; offset += limit {
				records, err := s.Direct().ListAuditEntries(t.Context(), store.AuditList{Readable: everyone()}, limit, offset)
				if err != nil {
					t.Fatal(err)
				}
				if len(records) == 0 {
					break
				}
				for _, r := range records {
					got = append(got, r.ID)
					if r.Actor == nil || r.Actor.ID != alice.ID {
						t.Errorf("entry %v has the actor %v", r.ID, r.Actor)
					}
				}
			}
			for i := range got {
				if want := list[len(list)-1-i].ID; len(got) != len(list) || got[i] != want {
					t.Fatalf("%d at a time: entry %d of %d is %v, want %v", limit, i, len(got), got[i], want)
				}
			}
		}
	})
}
