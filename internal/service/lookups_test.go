package service_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/internal/account"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestKnownUsersNeedNoDatabase: who was asked for a moment ago is answered from
// memory, by each name that found them, but not who can change elsewhere.
func TestKnownUsersNeedNoDatabase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db)
		w.begin(t)
		ada := w.user(t, "ada")
		refs := []account.UserRef{byID(ada), {Name: "ada"}, {Name: "ADA"}}
		for _, ref := range refs {
			if _, err := w.User(t.Context(), w.owner, ref); err != nil {
				t.Fatal(err)
			}
		}
		w.cutOff(t, db)
		for _, ref := range refs {
			user, err := w.User(t.Context(), w.owner, ref)
			if db.DatabaseURL != "" {
				wantKind(t, err, account.KindUnavailable)
				return
			}
			if err != nil || user.ID != ada.ID {
				t.Errorf("the user %+v is %s (%v)", ref, user.ID, err)
			}
		}
		_, err := w.User(t.Context(), w.owner, account.UserRef{Name: "nobody"})
		wantKind(t, err, account.KindUnavailable)
	})
}

// TestLookupsFollowChanges: whoever changed a user finds it changed, although it is
// asked for all the time.
func TestLookupsFollowChanges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db)
		w.begin(t)
		ada := w.user(t, "ada")
		stop := make(chan struct{})
		var readers sync.WaitGroup
		defer readers.Wait()
		defer close(stop)
		for _, ref := range []account.UserRef{byID(ada), {Name: "ada"}} {
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						_, _ = w.User(t.Context(), w.owner, ref) // what it finds is looked at below
					}
				}
			})
		}
		for range 5 {
			for _, change := range w.changesOf(ada) {
				if err := change.do(t.Context()); err != nil {
					t.Fatalf("%s: %v", change.name, err)
				}
				w.wantLookup(t, change.name, ada)
			}
		}
	})
}

// wantLookup holds what a user is asked for by to what the database has.
func (w *world) wantLookup(t *testing.T, when string, u account.User) {
	t.Helper()
	want, err := w.Store.Direct().UserByID(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range []account.UserRef{byID(u), {Name: want.Username}} {
		got, err := w.User(t.Context(), w.owner, ref)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("after %s, %+v finds (-database +answer, %v):\n%s", when, ref, err, diff)
		}
	}
	other := account.UserRef{Name: "ada"}
	if want.Username == other.Name {
		other.Name = "eve"
	}
	_, err = w.User(t.Context(), w.owner, other)
	wantKind(t, err, account.KindNotFound)
}

type namedChange struct {
	name string
	do   func(ctx context.Context) error
}

// changesOf changes all that an answer about a user tells, and ends where it began.
func (w *world) changesOf(u account.User) []namedChange {
	ref, organization := byID(u), account.OrganizationRef{Default: true}
	rename := func(name string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := w.UpdateProfile(ctx, w.owner, ref, service.Profile{Username: name, Name: "The " + name}, nil)
			return err
		}
	}
	roles := func(roles ...string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := w.UpdateRoles(ctx, w.owner, ref, roles, nil)
			return err
		}
	}
	theme := func(theme string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := w.UpdateAppearance(ctx, w.owner, ref, account.Appearance{ThemePreference: theme, TerminalFont: "fira-code"}, nil)
			return err
		}
	}
	return []namedChange{
		{"a new name", rename("eve")},
		{"a role", roles(account.RoleAuditor)},
		{"a suspension", func(ctx context.Context) error { _, err := w.SuspendUser(ctx, w.owner, ref); return err }},
		{"an activation", func(ctx context.Context) error { _, err := w.ActivateUser(ctx, w.owner, ref); return err }},
		{"no role", roles()},
		{"a seat", func(ctx context.Context) error { return w.RecordAISeat(ctx, w.owner, ref, "task", nil) }},
		{"no seat", func(ctx context.Context) error { return w.ReleaseAISeat(ctx, w.owner, ref) }},
		{"a theme", theme("dark")},
		{"another theme", theme("light")},
		{"no organization", func(ctx context.Context) error { return w.RemoveMember(ctx, w.owner, organization, ref) }},
		{"an organization", func(ctx context.Context) error { _, err := w.AddMember(ctx, w.owner, organization, ref); return err }},
		{"an address", func(ctx context.Context) error {
			_, err := w.UpdateEmail(ctx, w.owner, ref, "new@example.com", nil)
			return err
		}},
		{"its old address", func(ctx context.Context) error { _, err := w.UpdateEmail(ctx, w.owner, ref, u.Email, nil); return err }},
		{"its old name", rename("ada")},
	}
}
