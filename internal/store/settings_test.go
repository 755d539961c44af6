package store_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

func appearance(t *testing.T, s *store.Store, id uuid.UUID) account.Appearance {
	t.Helper()
	a, err := s.Direct().Appearance(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func preferences(t *testing.T, s *store.Store, id uuid.UUID) account.Preferences {
	t.Helper()
	p, err := s.Direct().Preferences(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Appearance and preferences are kept apart from each other, and those of one
// user from those of another.
func TestSettings(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		want := func(a account.Appearance, p account.Preferences) {
			t.Helper()
			if diff := cmp.Diff(a, appearance(t, s, alice.ID)); diff != "" {
				t.Errorf("appearance (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(p, preferences(t, s, alice.ID)); diff != "" {
				t.Errorf("preferences (-want +got):\n%s", diff)
			}
			if appearance(t, s, bob.ID) != (account.Appearance{}) || preferences(t, s, bob.ID) != (account.Preferences{}) {
				t.Error("another user has settings, too")
			}
		}
		look := func(a account.Appearance) {
			t.Helper()
			write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateAppearance(ctx, alice.ID, a) })
		}
		behave := func(p account.Preferences) {
			t.Helper()
			write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdatePreferences(ctx, alice.ID, p) })
		}
		a := account.Appearance{ThemePreference: "thème", TerminalFont: "fira-code", ThemeMode: "sync", ThemeLight: "light", ThemeDark: "dark"}
		yes, no := true, false
		p := account.Preferences{
			TaskNotificationAlertDismissed: &yes, ThinkingDisplayMode: "preview", ShellToolDisplayMode: "auto",
			CodeDiffDisplayMode: "always_collapsed", AgentChatSendShortcut: "enter",
		}
		want(account.Appearance{}, account.Preferences{})
		behave(p)
		want(account.Appearance{}, p)
		look(a)
		want(a, p)
		p.TaskNotificationAlertDismissed, p.ThinkingDisplayMode = &no, ""
		behave(p)
		want(a, p)
		behave(account.Preferences{})
		look(account.Appearance{})
		want(account.Appearance{}, account.Preferences{})
	})
}

// What everyone is told of a user's settings and seat comes with the user,
// however it is read.
func TestUserCarriesThemeAndSeat(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.UpdatePreferences(ctx, bob.ID, account.Preferences{ThinkingDisplayMode: "auto"}); err != nil {
				return err
			}
			if err := tx.TakeAISeat(ctx, alice.ID, "task", instant); err != nil {
				return err
			}
			if err := tx.InsertKey(ctx, key("ushalice00", alice.ID), []byte("hash"), ""); err != nil {
				return err
			}
			return tx.UpdateAppearance(ctx, alice.ID, account.Appearance{ThemePreference: "dark"})
		})
		alice.ThemePreference, alice.AISeatTaken = "dark", true
		if diff := cmp.Diff([]account.User{alice, bob}, list(t, s)); diff != "" {
			t.Errorf("in the list (-want +got):\n%s", diff)
		}
		credential, err := s.Direct().CredentialByKeyID(t.Context(), "ushalice00")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(alice, credential.User); diff != "" {
			t.Errorf("with its key (-want +got):\n%s", diff)
		}
		change(t, s, alice.ID, func(u *account.User) { u.ThemePreference, u.AISeatTaken = "", false })
		if diff := cmp.Diff(alice, user(t, s, alice.ID)); diff != "" {
			t.Errorf("after a change to the user alone (-want +got):\n%s", diff)
		}
	})
}

func list(t *testing.T, s *store.Store) []account.User {
	t.Helper()
	users, err := s.Direct().ListUsers(t.Context(), store.UserList{Readable: everyone()}, store.UserPage{})
	if err != nil {
		t.Fatal(err)
	}
	return users
}
