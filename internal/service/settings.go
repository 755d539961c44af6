package service

import (
	"context"

	"usher/internal/account"
	"usher/internal/store"
)

// changeUnaudited is a change that leaves no entry in the audit log, nor does a
// refusal of it: what users choose for themselves, and what other services tell
// of their use.
func (s *Service) changeUnaudited(ctx context.Context, actor *account.Actor, body changeBody) error {
	return s.change(ctx, actor, account.AuditEntry{}, func(ctx context.Context, tx *store.Tx, e *entry) error {
		e.unaudited = true
		return body(ctx, tx, e)
	})
}

// Appearance returns how a user interface looks to the user.
func (s *Service) Appearance(ctx context.Context, actor *account.Actor, ref account.UserRef) (account.Appearance, error) {
	var appearance account.Appearance
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		user, err := s.personalTarget(ctx, tx, actor, ref, account.ActionReadPersonal)
		if err != nil {
			return err
		}
		appearance, err = tx.Appearance(ctx, user.ID)
		return err
	})
	return appearance, err
}

// UpdateAppearance changes how a user interface looks to the user.
func (s *Service) UpdateAppearance(ctx context.Context, actor *account.Actor, ref account.UserRef, change account.Appearance, malformed error) (account.Appearance, error) {
	var appearance account.Appearance
	err := s.changeUnaudited(ctx, actor, func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, err := s.personalTarget(ctx, tx, actor, ref, account.ActionUpdatePersonal)
		if err != nil {
			return err
		}
		if err := orElse(malformed, invalidFields(change.Check())); err != nil {
			return err
		}
		if appearance, err = tx.Appearance(ctx, user.ID); err != nil {
			return err
		}
		appearance = appearance.After(change)
		if appearance.ThemePreference != user.ThemePreference {
			e.outdates(user.ID)
		}
		return tx.UpdateAppearance(ctx, user.ID, appearance)
	})
	return appearance, err
}

// Preferences returns how a user interface behaves for the user.
func (s *Service) Preferences(ctx context.Context, actor *account.Actor, ref account.UserRef) (account.Preferences, error) {
	var preferences account.Preferences
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		user, err := s.personalTarget(ctx, tx, actor, ref, account.ActionReadPersonal)
		if err != nil {
			return err
		}
		preferences, err = tx.Preferences(ctx, user.ID)
		return err
	})
	return preferences.InEffect(), err
}

// UpdatePreferences changes how a user interface behaves for the user.
func (s *Service) UpdatePreferences(ctx context.Context, actor *account.Actor, ref account.UserRef, change account.Preferences, malformed error) (account.Preferences, error) {
	var preferences account.Preferences
	err := s.changeUnaudited(ctx, actor, func(ctx context.Context, tx *store.Tx, _ *entry) error {
		user, err := s.personalTarget(ctx, tx, actor, ref, account.ActionUpdatePersonal)
		if err != nil {
			return err
		}
		if err := orElse(malformed, invalidFields(change.Check())); err != nil {
			return err
		}
		if preferences, err = tx.Preferences(ctx, user.ID); err != nil {
			return err
		}
		preferences = preferences.After(change)
		return tx.UpdatePreferences(ctx, user.ID, preferences)
	})
	return preferences.InEffect(), err
}

// personalTarget loads the user that ref names, if the actor may do this to what
// is personal about it: a user whom it may not read is not there, anything else
// is refused.
func (s *Service) personalTarget(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.UserRef, action account.Action) (account.User, error) {
	user, err := s.target(ctx, tx, actor, ref)
	if err != nil {
		return user, err
	}
	return user, actor.Authorize(action, user.Object())
}
