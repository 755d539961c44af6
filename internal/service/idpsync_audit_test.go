package service_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/service"
	"usher/internal/store"
)

// TestAuditOfSyncs: each membership and each set of roles that a login changes is an
// entry of its own, marked as automatic; the login is another.
func TestAuditOfSyncs(t *testing.T) {
	t.Parallel()
	eachSynced(t, func(t *testing.T, w *world) {
		one := w.organizationOf(t, "one")
		w.syncsOrganizations(t, account.OrganizationSync{Field: "groups", Mapping: map[string][]uuid.UUID{"admins": {one.ID}}})
		roles := account.RoleSync{Field: "groups", Mapping: map[string][]string{"admins": {"organization-admin"}}}
		if _, err := w.UpdateRoleSync(t.Context(), w.owner, account.OrganizationRef{ID: one.ID}, roles, nil); err != nil {
			t.Fatal(err)
		}
		ann := w.comer(t, "ann")
		if _, err := w.SyncLogin(t.Context(), ann.ID, groups("admins")); err != nil {
			t.Fatal(err)
		}
		type line struct {
			Resource     account.AuditResource
			Action       account.AuditAction
			Outcome      account.Outcome
			Organization uuid.UUID
			Diff         account.Diff
		}
		home := w.owner.User.OrganizationIDs[0]
		empty := []any{}
		want := []line{
			{account.AuditOrganizationMember, account.AuditCreate, account.OutcomeOK, one.ID, account.Diff{
				"user_id": {Old: "", New: ann.ID.String()}, "organization_id": {Old: "", New: one.ID.String()}, "username": {Old: "", New: "ann"},
			}},
			{account.AuditOrganizationMember, account.AuditDelete, account.OutcomeNoContent, home, account.Diff{
				"user_id": {Old: ann.ID.String(), New: ""}, "organization_id": {Old: home.String(), New: ""}, "username": {Old: "ann", New: ""},
			}},
			{account.AuditUser, account.AuditWrite, account.OutcomeOK, uuid.Nil, account.Diff{
				"rbac_roles": {Old: empty, New: []any{"owner"}},
			}},
			{account.AuditOrganizationMember, account.AuditWrite, account.OutcomeOK, one.ID, account.Diff{
				"roles": {Old: empty, New: []any{"organization-admin"}},
			}},
		}
		var got []line
		for _, e := range w.entries(t, "resource_id:"+ann.ID.String()) {
			if e.Action == account.AuditLogin {
				continue
			}
			got = append(got, line{e.Resource, e.Action, e.Outcome, e.OrganizationID, e.Diff})
			if e.ActorID != ann.ID || e.Target != "ann" || !cmp.Equal(e.Additional, account.AutomaticFields("idp_sync")) {
				t.Errorf("%+v", e.AuditEntry)
			}
		}
		order := func(a, b line) int {
			return strings.Compare(string(a.Resource+"/")+string(a.Action), string(b.Resource+"/")+string(b.Action))
		}
		slices.SortFunc(got, order) // all are of one moment
		slices.SortFunc(want, order)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the entries (-want +got):\n%s", diff)
		}
	})
}

// TestSyncOfANewUser is part of the one entry that says that it registered.
func TestSyncOfANewUser(t *testing.T) {
	t.Parallel()
	eachSynced(t, func(t *testing.T, w *world) {
		one := w.organizationOf(t, "one")
		w.syncsOrganizations(t, account.OrganizationSync{Field: "groups", Mapping: map[string][]uuid.UUID{"admins": {one.ID}}})
		ann := account.User{
			ID: uuid.New(), Username: "ann", Email: "ann@example.com", Status: account.StatusActive, LoginType: account.LoginOIDC,
			OrganizationIDs: w.owner.User.OrganizationIDs, CreatedAt: w.clock.Now(), UpdatedAt: w.clock.Now(),
		}
		made, err := w.SyncNewUser(t.Context(), ann, groups("admins", "watchers"))
		if err != nil {
			t.Fatal(err)
		}
		stored, err := w.Store.Direct().UserByID(t.Context(), ann.ID)
		if err != nil || !slices.Equal(stored.Roles, []string{"auditor", "owner"}) || !slices.Equal(stored.OrganizationIDs, []uuid.UUID{one.ID}) {
			t.Errorf("%+v (%v)", stored, err)
		}
		if !slices.Equal(made.Roles, stored.Roles) || !slices.Equal(made.OrganizationIDs, stored.OrganizationIDs) {
			t.Errorf("returned is %+v", made)
		}
		if entries := w.entries(t, "resource_id:"+ann.ID.String()); len(entries) != 1 || entries[0].Action != account.AuditRegister {
			t.Errorf("%+v", entries)
		}
	})
}

// TestSyncIsFeltAtOnce: a session that is open has the new rights with its next
// request.
func TestSyncIsFeltAtOnce(t *testing.T) {
	t.Parallel()
	eachSynced(t, func(t *testing.T, w *world) {
		ann := w.comer(t, "ann")
		key := w.token(t, ann, service.NewToken{})
		may := func() bool {
			return w.use(t, key).Can(account.ActionDelete, account.Object{Type: account.ResourceUser})
		}
		for _, groups := range []claims{groups("admins"), groups()} {
			before := may()
			if _, err := w.SyncLogin(t.Context(), ann.ID, groups); err != nil {
				t.Fatal(err)
			}
			if may() == before {
				t.Errorf("%v: the open session may do what it could before", groups)
			}
		}
	})
}

// TestSyncKeepsTheLastOwner, says so in the log, and takes the role when there is
// another one.
func TestSyncKeepsTheLastOwner(t *testing.T) {
	t.Parallel()
	log := &syncLog{}
	eachSynced(t, func(t *testing.T, w *world) {
		ann := w.comer(t, "ann", "owner", "template-admin")
		retire(t, w, w.owner.User)
		if got := w.arrives(t, ann.ID, groups("watchers")).Roles; !slices.Equal(got, []string{"auditor", "owner"}) {
			t.Errorf("the last owner has the roles %q", got)
		}
		if text := log.String(); !strings.Contains(text, "last owner") || !strings.Contains(text, ann.ID.String()) {
			t.Errorf("the log says %q", text)
		}
		w.comer(t, "ben", "owner")
		if got := w.arrives(t, ann.ID, groups("watchers")).Roles; !slices.Equal(got, []string{"auditor"}) {
			t.Errorf("one of two owners has the roles %q", got)
		}
	}, func(c *service.Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
}

// retire takes all roles from a user, past every rule.
func retire(t *testing.T, w *world, u account.User) {
	t.Helper()
	u.Roles = nil
	w.write(t, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateUser(ctx, u) })
}

// TestLastOwnersLogInAtOnce: of owners whom the provider would all demote at the same
// moment one stays.
func TestLastOwnersLogInAtOnce(t *testing.T) {
	t.Parallel()
	eachSynced(t, func(t *testing.T, w *world) {
		ann, ben := w.comer(t, "ann", "owner"), w.comer(t, "ben", "owner")
		retire(t, w, w.owner.User)
		for round := range 8 {
			var logins sync.WaitGroup
			errs := make([]error, 2)
			for i, u := range []account.User{ann, ben} {
				logins.Go(func() { errs[i] = retried(t, w, u.ID, groups()) })
			}
			logins.Wait()
			owners, err := w.Store.Direct().CountUsableOwners(t.Context())
			if err := errors.Join(errors.Join(errs...), err); err != nil || owners != 1 {
				t.Fatalf("round %d: %d owners are left (%v)", round, owners, err)
			}
			for _, u := range []account.User{ann, ben} {
				if err := retried(t, w, u.ID, groups("admins")); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// retried is a login that is tried again while the database is too busy.
func retried(t *testing.T, w *world, id uuid.UUID, what claims) error {
	t.Helper()
	return untilFree(func() error {
		_, err := w.SyncLogin(t.Context(), id, what)
		return err
	})
}

// TestOneUserLogsInAtOnce: logins of one user at the same moment do not get in each
// other's way.
func TestOneUserLogsInAtOnce(t *testing.T) {
	t.Parallel()
	eachSynced(t, func(t *testing.T, w *world) {
		one, two := w.organizationOf(t, "one"), w.organizationOf(t, "two")
		w.syncsOrganizations(t, account.OrganizationSync{Field: "groups", Mapping: map[string][]uuid.UUID{"1": {one.ID}, "2": {two.ID}}})
		ann := w.comer(t, "ann")
		const most = 6
		errs := make([]error, most)
		var logins sync.WaitGroup
		for i := range most {
			logins.Go(func() { errs[i] = retried(t, w, ann.ID, groups("1", "2", "watchers")) })
		}
		logins.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"one": "", "two": ""}, w.places(t, ann.ID)); diff != "" {
			t.Errorf("the organizations (-want +got):\n%s", diff)
		}
		changes := 0
		for _, e := range w.entries(t, "resource_id:"+ann.ID.String()) {
			if e.Action != account.AuditLogin {
				changes++
			}
		}
		if changes != 4 { // in, in, out, and the roles
			t.Errorf("%d changes are recorded", changes)
		}
	})
}
