package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

func TestInsertedUserIsReadBackWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		home, other := defaultOrganization(t, s), organization(t, s, "a-first")
		want := person("Zoë-1")
		want.Status, want.LoginType, want.GitHubUserID = account.StatusDormant, account.LoginGitHub, 1<<62
		want.Roles = []string{account.RoleUserAdmin, account.RoleAuditor, account.RoleOwner}
		want.OrganizationIDs = []uuid.UUID{other.ID, home.ID}
		insert(t, s, want, person("somebody-else"))

		want.Roles = []string{account.RoleAuditor, account.RoleOwner, account.RoleUserAdmin}
		want.OrganizationIDs = []uuid.UUID{home.ID, other.ID}
		tx := s.Direct()
		for name, read := range map[string]func() (account.User, error){
			"by id":           func() (account.User, error) { return tx.UserByID(t.Context(), want.ID) },
			"by name":         func() (account.User, error) { return tx.UserByName(t.Context(), "zOË-1") },
			"by decomposed":   func() (account.User, error) { return tx.UserByName(t.Context(), "Zoe\u0308-1") },
			"by email":        func() (account.User, error) { return tx.UserByEmail(t.Context(), "ZOË-1@EXAMPLE.com") },
			"by email, again": func() (account.User, error) { return tx.UserByEmail(t.Context(), want.Email) },
		} {
			got, err := read()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestInsertedServiceAccountIsReadBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		want := person("robot")
		want.IsServiceAccount, want.Email, want.LoginType = true, "", account.LoginNone
		want.Name, want.AvatarURL = "", ""
		second := person("robot-2")
		second.IsServiceAccount, second.Email = true, ""
		insert(t, s, want, second)
		if diff := cmp.Diff(want, user(t, s, want.ID)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		_, err := s.Direct().UserByEmail(t.Context(), "")
		wantKind(t, err, account.KindNotFound)
	})
}

func TestUsersThatAreNotThere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		insert(t, s, person("alice"))
		tx := s.Direct()
		for _, id := range []uuid.UUID{uuid.Nil, uuid.Max, uuid.New()} {
			_, err := tx.UserByID(t.Context(), id)
			wantKind(t, err, account.KindNotFound)
			_, err = tx.PasswordHash(t.Context(), id)
			wantKind(t, err, account.KindNotFound)
		}
		for _, name := range []string{"", "alic", "alice ", "alice@example.com", "a%", "alice\x00", "\xff", "'; --"} {
			_, err := tx.UserByName(t.Context(), name)
			wantKind(t, err, account.KindNotFound)
		}
		for _, email := range []string{"", "alice", "%@example.com", "alice@example.com\x00", "\xfe@example.com"} {
			_, err := tx.UserByEmail(t.Context(), email)
			wantKind(t, err, account.KindNotFound)
		}
		missing := person("missing")
		err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.UpdateUser(ctx, missing) })
		wantKind(t, err, account.KindNotFound)
		err = s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.UpdatePasswordHash(ctx, missing.ID, "hash")
		})
		wantKind(t, err, account.KindNotFound)
	})
}

func TestUpdatedUserIsReadBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		before, bystander := person("alice"), owner("bob")
		before.Roles = []string{account.RoleOwner, account.RoleAuditor}
		before.OrganizationIDs = []uuid.UUID{defaultOrganization(t, s).ID}
		insert(t, s, before, bystander)

		want := before
		want.Username, want.Name, want.Email, want.AvatarURL = "Alicia", "A. Licia", "a@example.org", ""
		want.Status, want.LoginType, want.GitHubUserID = account.StatusSuspended, account.LoginOIDC, 7
		want.Roles = []string{account.RoleTemplateAdmin}
		want.UpdatedAt = instant.AddDate(1, 0, 0)
		change(t, s, before.ID, func(u *account.User) { *u = want })
		if diff := cmp.Diff(want, user(t, s, before.ID)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff(bystander, user(t, s, bystander.ID)); diff != "" {
			t.Errorf("another user has changed (-want +got):\n%s", diff)
		}
		_, err := s.Direct().UserByName(t.Context(), "alice")
		wantKind(t, err, account.KindNotFound)

		change(t, s, before.ID, func(u *account.User) { u.Roles = nil })
		if roles := user(t, s, before.ID).Roles; roles == nil || len(roles) != 0 {
			t.Errorf("the roles are %#v, want an empty list", roles)
		}
	})
}

// What has a method of its own is not changed along with the rest, for it may
// have changed since the user was read.
func TestUpdateUserLeavesTheRest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		before := person("alice")
		before.OrganizationIDs = []uuid.UUID{defaultOrganization(t, s).ID}
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, before, "a hash") })
		change(t, s, before.ID, func(u *account.User) {
			u.OrganizationIDs = nil
			u.LastSeenAt, u.CreatedAt = time.Time{}, time.Time{}
			u.IsServiceAccount = true
		})
		if diff := cmp.Diff(before, user(t, s, before.ID)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if hash, err := s.Direct().PasswordHash(t.Context(), before.ID); err != nil || hash != "a hash" {
			t.Errorf("the password's hash is %q (%v)", hash, err)
		}
	})
}

func TestPasswordHash(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		hash := func(id uuid.UUID) string {
			got, err := s.Direct().PasswordHash(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := hash(alice.ID); got != "" {
			t.Errorf("a user without a password has the hash %q", got)
		}
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.UpdatePasswordHash(ctx, alice.ID, "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA")
		})
		if got := hash(alice.ID); got != "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA" {
			t.Errorf("the hash is %q", got)
		}
		if got := hash(bob.ID); got != "" {
			t.Errorf("another user has the hash %q", got)
		}
	})
}

func TestDeletedUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		want := person("alice")
		want.Roles = []string{account.RoleAuditor, account.RoleOwner}
		want.OrganizationIDs = []uuid.UUID{defaultOrganization(t, s).ID}
		insert(t, s, want)
		deleteUser(t, s, want.ID)

		want.Deleted, want.OrganizationIDs = true, []uuid.UUID{}
		if diff := cmp.Diff(want, user(t, s, want.ID)); diff != "" {
			t.Errorf("by id (-want +got):\n%s", diff)
		}
		_, err := s.Direct().UserByName(t.Context(), "alice")
		wantKind(t, err, account.KindNotFound)
		_, err = s.Direct().UserByEmail(t.Context(), "alice@example.com")
		wantKind(t, err, account.KindNotFound)
	})
}

func TestHasUsers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		want := func(want bool) {
			t.Helper()
			if got, err := s.Direct().HasUsers(t.Context()); err != nil || got != want {
				t.Fatalf("HasUsers = %v (%v), want %v", got, err, want)
			}
		}
		want(false)
		alice := person("alice")
		insert(t, s, alice)
		want(true)
		deleteUser(t, s, alice.ID)
		want(false)
	})
}

func TestCountUsableOwners(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		active, dormant, suspended := owner("active"), owner("dormant"), owner("suspended")
		dormant.Status, suspended.Status = account.StatusDormant, account.StatusSuspended
		robot, gone, member := owner("robot"), owner("gone"), person("member")
		robot.IsServiceAccount, gone.Deleted = true, true
		member.Roles = []string{account.RoleUserAdmin, account.RoleMember}
		insert(t, s, active, dormant, suspended, robot, gone, member)
		if got, err := s.Direct().CountUsableOwners(t.Context()); err != nil || got != 2 {
			t.Fatalf("there are %d usable owners (%v), want the active and the dormant one", got, err)
		}
	})
}

func TestLastSeenNeverMovesBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		alice.LastSeenAt = time.Time{}
		insert(t, s, alice, bob)
		see := func(at time.Time, wantSeen, wantUpdated time.Time) {
			t.Helper()
			write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateLastSeen(ctx, alice.ID, at) })
			got := user(t, s, alice.ID)
			if !got.LastSeenAt.Equal(wantSeen) || !got.UpdatedAt.Equal(wantUpdated) {
				t.Errorf("seen at %v: last seen %v and updated %v, want %v and %v", at, got.LastSeenAt, got.UpdatedAt, wantSeen, wantUpdated)
			}
		}
		early, late := instant.Add(time.Minute), instant.Add(24*time.Hour)
		see(early, early, alice.UpdatedAt) // a change came in between
		see(late, late, late)
		see(early, late, late)
		see(late.Add(time.Microsecond), late.Add(time.Microsecond), late.Add(time.Microsecond))

		if diff := cmp.Diff(bob, user(t, s, bob.ID)); diff != "" {
			t.Errorf("another user has changed (-want +got):\n%s", diff)
		}
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateLastSeen(ctx, uuid.New(), late) })

		// A use that is stored late does not touch who was deleted since.
		bob.Deleted, bob.OrganizationIDs = true, nil
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.UpdateUser(ctx, bob); err != nil {
				return err
			}
			return tx.UpdateLastSeen(ctx, bob.ID, late)
		})
		if got := user(t, s, bob.ID); !got.LastSeenAt.Equal(bob.LastSeenAt) || !got.UpdatedAt.Equal(bob.UpdatedAt) {
			t.Errorf("a deleted user was seen at %s", got.LastSeenAt)
		}
	})
}
