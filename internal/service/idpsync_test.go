package service_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// claims are what a provider says.
type claims = map[string]any

// groups are the claim that decides in these tests.
func groups(names ...string) claims {
	list := []any{}
	for _, name := range names {
		list = append(list, name)
	}
	return claims{"groups": list}
}

// eachSynced runs a test on both engines, in a world that syncs site roles.
func eachSynced(t *testing.T, test func(t *testing.T, w *world), options ...func(*service.Config)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db, append([]func(*service.Config){func(c *service.Config) {
			c.SiteRoleSync = account.SiteRoleSync{Field: "groups", Mapping: map[string][]string{
				"admins": {"owner"}, "watchers": {"auditor", "nothing"},
			}}
		}}, options...)...)
		w.begin(t)
		test(t, w)
	})
}

// comer is an active user who logs in through OpenID Connect.
func (w *world) comer(t testing.TB, name string, roles ...string) account.User {
	t.Helper()
	user := account.User{
		ID: uuid.New(), Username: name, Email: name + "@example.com", Status: account.StatusActive, LoginType: account.LoginOIDC,
		Roles: roles, OrganizationIDs: w.owner.User.OrganizationIDs, CreatedAt: w.clock.Now(), UpdatedAt: w.clock.Now(),
	}
	w.write(t, func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, user, "") })
	return user
}

func (w *world) write(t testing.TB, body store.Body) {
	t.Helper()
	if err := w.Store.Write(t.Context(), body); err != nil {
		t.Fatal(err)
	}
}

// organizationOf makes an organization without members.
func (w *world) organizationOf(t testing.TB, name string) account.Organization {
	t.Helper()
	o := account.Organization{ID: uuid.New(), Name: name, CreatedAt: w.clock.Now(), UpdatedAt: w.clock.Now()}
	w.write(t, func(ctx context.Context, tx *store.Tx) error { return tx.InsertOrganization(ctx, o) })
	return o
}

// arrives syncs a login that must succeed, and holds what is returned to what is
// stored. A second one changes nothing.
func (w *world) arrives(t testing.TB, id uuid.UUID, what claims) account.User {
	t.Helper()
	user, err := w.SyncLogin(t.Context(), id, what)
	if err != nil {
		t.Fatal(err)
	}
	before := len(w.entries(t, ""))
	again, err := w.SyncLogin(t.Context(), id, what)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(user, again); diff != "" {
		t.Errorf("the same login again (-first +second):\n%s", diff)
	}
	if entries := len(w.entries(t, "")); entries != before+1 { // that it happened
		t.Errorf("the same login again left %d entries", entries-before)
	}
	stored, err := w.Store.Direct().UserByID(t.Context(), id)
	if diff := cmp.Diff(stored, user); diff != "" || err != nil {
		t.Errorf("%v (-stored +returned):\n%s", err, diff)
	}
	return user
}

// places are the roles of a user by the names of its organizations.
func (w *world) places(t testing.TB, id uuid.UUID) map[string]string {
	t.Helper()
	memberships, err := w.Store.Direct().Memberships(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{}
	for _, m := range memberships {
		o, err := w.Store.Direct().OrganizationByID(t.Context(), m.OrganizationID)
		if err != nil {
			t.Fatal(err)
		}
		places[o.Name] = strings.Join(m.Roles, " ")
	}
	return places
}

func (w *world) syncsOrganizations(t testing.TB, settings account.OrganizationSync) {
	t.Helper()
	if _, err := w.UpdateOrganizationSync(t.Context(), w.owner, settings, nil); err != nil {
		t.Fatal(err)
	}
}

func TestSyncOfOrganizations(t *testing.T) {
	t.Parallel()
	eachSynced(t, func(t *testing.T, w *world) {
		one, two, gone := w.organizationOf(t, "one"), w.organizationOf(t, "two"), w.organizationOf(t, "gone")
		settings := account.OrganizationSync{Field: "orgs", AssignDefault: true, Mapping: map[string][]uuid.UUID{
			"one": {one.ID}, "both": {two.ID, one.ID}, "gone": {gone.ID, two.ID},
		}}
		w.syncsOrganizations(t, settings)
		if err := w.DeleteOrganization(t.Context(), w.owner, account.OrganizationRef{ID: gone.ID}); err != nil {
			t.Fatal(err)
		}
		ann := w.comer(t, "ann")
		for _, row := range []struct {
			claim         any
			assignDefault bool
			want          string
		}{
			{"one", true, "coder one"},
			{[]any{"both", "else"}, true, "coder one two"},
			{[]any{"gone"}, true, "coder two"}, // what was deleted is passed over
			{nil, true, "coder"},
			{[]any{"one"}, false, "one"},
			{"", false, ""}, // nowhere, as the settings have it
			{[]any{"both"}, false, "one two"},
			{"coder", false, ""}, // names of organizations are not mapped
		} {
			settings.AssignDefault = row.assignDefault
			w.syncsOrganizations(t, settings)
			user := w.arrives(t, ann.ID, claims{"orgs": row.claim})
			got := strings.Join(slices.Sorted(maps.Keys(w.places(t, ann.ID))), " ")
			if got != row.want || len(user.OrganizationIDs) != len(strings.Fields(row.want)) {
				t.Errorf("%v: %q, and %d ids, want %q", row.claim, got, len(user.OrganizationIDs), row.want)
			}
		}
		before := w.places(t, ann.ID)
		for _, claim := range []any{"one,both", 7, []any{"one", 7}} {
			_, err := w.SyncLogin(t.Context(), ann.ID, claims{"orgs": claim, "groups": "admins"})
			wantKind(t, err, account.KindInternal)
			if text := asError(err).Message; !strings.Contains(text, "organizations") || !strings.Contains(text, `"orgs"`) || asError(err).Title != "" {
				t.Errorf("%v: %+v", claim, asError(err))
			}
		}
		if diff := cmp.Diff(before, w.places(t, ann.ID)); diff != "" {
			t.Errorf("a login that failed changed something:\n%s", diff)
		}
	})
}

// TestSyncOfOrganizationsFromTheStart: what the server was told holds until something
// is stored, also that nothing is to be synced.
func TestSyncOfOrganizationsFromTheStart(t *testing.T) {
	t.Parallel()
	one := uuid.New()
	told := func(c *service.Config) {
		c.OrganizationSync = account.OrganizationSync{Field: "orgs", Mapping: map[string][]uuid.UUID{"one": {one}}}
	}
	eachSynced(t, func(t *testing.T, w *world) {
		w.write(t, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertOrganization(ctx, account.Organization{ID: one, Name: "one", CreatedAt: w.clock.Now(), UpdatedAt: w.clock.Now()})
		})
		ann := w.comer(t, "ann")
		w.arrives(t, ann.ID, claims{"orgs": "one"})
		if diff := cmp.Diff(map[string]string{"one": ""}, w.places(t, ann.ID)); diff != "" {
			t.Errorf("as the server was told:\n%s", diff)
		}
		got, err := w.OrganizationSyncSettings(t.Context(), w.owner)
		if diff := cmp.Diff(w.cfg.OrganizationSync, got); diff != "" || err != nil {
			t.Errorf("the settings in force: %v\n%s", err, diff)
		}
		if _, err := w.UpdateOrganizationSyncConfig(t.Context(), w.owner, "", true, nil); err != nil {
			t.Fatal(err)
		}
		w.arrives(t, ann.ID, claims{"orgs": ""})
		if diff := cmp.Diff(map[string]string{"one": ""}, w.places(t, ann.ID)); diff != "" {
			t.Errorf("when it is turned off:\n%s", diff)
		}
	}, told)
}

func TestSyncOfSiteRoles(t *testing.T) {
	t.Parallel()
	eachSynced(t, func(t *testing.T, w *world) {
		ann := w.comer(t, "ann", "template-admin")
		for _, row := range []struct {
			claim any
			want  string
		}{
			{nil, ""},
			{"admins", "owner"},
			{[]any{"watchers", "user-admin", "random"}, "auditor user-admin"},
			{[]any{"user-admin", "watchers"}, "auditor user-admin"},
			{"random", ""},
		} {
			if got := strings.Join(w.arrives(t, ann.ID, claims{"groups": row.claim}).Roles, " "); got != row.want {
				t.Errorf("%v: %q, want %q", row.claim, got, row.want)
			}
		}
		_, err := w.SyncLogin(t.Context(), ann.ID, claims{"groups": 7})
		wantKind(t, err, account.KindInternal)
		if text := asError(err).Message; !strings.Contains(text, "roles") || asError(err).Title != "" {
			t.Errorf("%q", text)
		}
	})
}

func TestSyncOfOrganizationRoles(t *testing.T) {
	t.Parallel()
	log := &syncLog{}
	eachSynced(t, func(t *testing.T, w *world) {
		one, two := w.organizationOf(t, "one"), w.organizationOf(t, "two")
		at := account.OrganizationRef{ID: one.ID}
		if _, err := w.CreateRole(t.Context(), w.owner, at, service.NewRole{Name: "Helper"}, nil); err != nil {
			t.Fatal(err)
		}
		settings := account.RoleSync{Field: "orgroles", Mapping: map[string][]string{"leads": {"organization-admin", "helper"}}}
		if _, err := w.UpdateRoleSync(t.Context(), w.owner, at, settings, nil); err != nil {
			t.Fatal(err)
		}
		ann := w.comer(t, "ann")
		w.write(t, func(ctx context.Context, tx *store.Tx) error {
			for _, o := range []account.Organization{one, two} {
				if err := tx.InsertMember(ctx, o.ID, ann.ID, w.clock.Now()); err != nil {
					return err
				}
			}
			return tx.UpdateMemberRoles(ctx, two.ID, ann.ID, []string{"organization-auditor"}, w.clock.Now())
		})
		for _, row := range []struct {
			claim any
			want  string
		}{
			{"leads", "Helper organization-admin"},
			{[]any{"organization-auditor", "HELPER", "owner", "random"}, "Helper organization-auditor"},
			{"a,b", "Helper organization-auditor"}, // it cannot be read: nothing is changed
			{7, "Helper organization-auditor"},
			{nil, ""},
		} {
			w.arrives(t, ann.ID, claims{"orgroles": row.claim})
			want := map[string]string{"coder": "", "one": row.want, "two": "organization-auditor"}
			if diff := cmp.Diff(want, w.places(t, ann.ID)); diff != "" {
				t.Errorf("%v (-want +got):\n%s", row.claim, diff)
			}
		}
		if !strings.Contains(log.String(), "cannot be synced") {
			t.Error("the log does not say which claim could not be read")
		}
	}, func(c *service.Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
}

// syncLog is a log that several goroutines write to.
type syncLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *syncLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *syncLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestMappingsAreEditedAtOnce: of lines that are added at the same moment none is
// lost.
func TestMappingsAreEditedAtOnce(t *testing.T) {
	t.Parallel()
	eachSynced(t, func(t *testing.T, w *world) {
		const most = 6
		home := w.owner.User.OrganizationIDs[0]
		errs := make([]error, 2*most)
		var edits sync.WaitGroup
		for i := range most {
			given := string(rune('a' + i))
			edits.Go(func() {
				edit := account.MappingEdit[string]{Add: []account.MappingPair[string]{{Given: given, Gets: "organization-admin"}}}
				errs[2*i] = untilFree(func() error {
					_, err := w.EditRoleSyncMapping(t.Context(), w.owner, account.OrganizationRef{ID: home}, edit, nil)
					return err
				})
			})
			edits.Go(func() {
				edit := account.MappingEdit[uuid.UUID]{Add: []account.MappingPair[uuid.UUID]{{Given: given, Gets: home}}}
				errs[2*i+1] = untilFree(func() error {
					_, err := w.EditOrganizationSyncMapping(t.Context(), w.owner, edit, nil)
					return err
				})
			})
		}
		edits.Wait()
		organizations, err := w.OrganizationSyncSettings(t.Context(), w.owner)
		roles, err2 := w.RoleSyncSettings(t.Context(), w.owner, account.OrganizationRef{ID: home})
		if err := errors.Join(errors.Join(errs...), err, err2); err != nil || len(organizations.Mapping) != most || len(roles.Mapping) != most {
			t.Errorf("%v and %v are left (%v)", organizations.Mapping, roles.Mapping, err)
		}
	})
}

// untilFree tries again while the database is too busy, as a client would.
func untilFree(attempt func() error) error {
	for {
		if err := attempt(); account.KindOf(err) != account.KindUnavailable {
			return err
		}
	}
}

// TestWhomTheSyncLeavesAlone: an account of another login type that only linked the
// identity.
func TestWhomTheSyncLeavesAlone(t *testing.T) {
	t.Parallel()
	eachSynced(t, func(t *testing.T, w *world) {
		w.syncsOrganizations(t, account.OrganizationSync{Field: "orgs"})
		user := w.user(t, "ann", "auditor")
		after := w.arrives(t, user.ID, groups("admins"))
		if diff := cmp.Diff(user, after); diff != "" {
			t.Errorf("a user with a password was changed:\n%s", diff)
		}
	})
}
