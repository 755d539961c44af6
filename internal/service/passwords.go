package service

import (
	"context"
	"fmt"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

// PasswordChange is a new password, and the old one where it is needed.
type PasswordChange struct {
	Old secret.Redacted
	New secret.Redacted
}

// UpdatePassword sets a user's password and ends all of the user's sessions and
// tokens, the presented one too. The order of its checks is the contract's
// (users.md, section 5.11).
func (s *Service) UpdatePassword(ctx context.Context, actor *account.Actor, ref account.UserRef, p PasswordChange, malformed error) error {
	var user account.User
	var stored string
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if user, err = s.passwordTarget(ctx, tx, actor, ref); err != nil {
			return err
		}
		if err := orElse(malformed, p.check(actor, user)); err != nil {
			return err
		}
		stored, err = tx.PasswordHash(ctx, user.ID)
		return err
	})
	hash := ""
	if err == nil {
		hash, err = s.replacePassword(ctx, stored, p)
	}
	e := wroteUser()
	e.Outcome = account.OutcomeNoContent
	if err != nil {
		e.ResourceID, e.Target = user.ID, user.Username
		s.recordRefusal(ctx, actor, e, err)
		return err
	}
	return s.change(ctx, actor, e, func(ctx context.Context, tx *store.Tx, e *entry) error {
		// Everything is looked at again: it may have changed while the password
		// was being hashed.
		user, err := s.passwordTarget(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		e.about(user)
		e.outdates(user.ID)
		if err := p.check(actor, user); err != nil {
			return err
		}
		current, err := tx.PasswordHash(ctx, user.ID)
		if err != nil {
			return err
		}
		if current != stored {
			return account.Conflict("The password was changed by somebody else at the same moment.")
		}
		e.Diff = account.UserDiff(user, user, true)
		return s.storePassword(ctx, tx, user, hash, e.Diff)
	})
}

// storePassword stores a new hash, ends every session, and makes a passcode for
// another password worthless.
func (s *Service) storePassword(ctx context.Context, tx *store.Tx, user account.User, hash string, diff account.Diff) error {
	if err := dropPasscode(ctx, tx, user.ID, diff); err != nil {
		return err
	}
	if err := tx.UpdatePasswordHash(ctx, user.ID, hash); err != nil {
		return err
	}
	user.UpdatedAt = s.now()
	if err := tx.UpdateUser(ctx, user); err != nil {
		return err
	}
	return tx.DeleteUserKeys(ctx, user.ID)
}

// passwordTarget returns the user even with a refusal, once it is known, so that
// the refusal can be recorded.
func (s *Service) passwordTarget(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.UserRef) (account.User, error) {
	user, err := s.target(ctx, tx, actor, ref)
	if err != nil {
		return account.User{}, err
	}
	if !actor.Can(account.ActionUpdatePersonal, user.Object()) {
		return user, account.NotFound()
	}
	if user.HasRole(account.RoleOwner) && !actor.Is(user.ID) && !actor.IsOwner() {
		return user, account.Invalid("Only owners can change the password of an owner.")
	}
	return user, nil
}

// check applies the rules that need neither hash.
func (p *PasswordChange) check(actor *account.Actor, user account.User) error {
	if p.New == "" {
		return account.ValidationFailed(account.FieldError{Field: "password", Detail: "must not be empty"})
	}
	if user.LoginType != account.LoginPassword {
		return account.Invalid(fmt.Sprintf("Users of login type %q have no password to change.", user.LoginType))
	}
	if actor.Is(user.ID) && p.Old == "" {
		return account.Invalid("Old password is required.")
	}
	return checkPassword(p.New)
}

// replacePassword checks the old password, if it was given, and that the new one
// differs, and returns the new hash.
func (s *Service) replacePassword(ctx context.Context, stored string, p PasswordChange) (string, error) {
	if p.Old != "" {
		verdict, err := s.verify(ctx, stored, p.Old.Reveal())
		if err != nil {
			return "", err
		}
		if !verdict.OK {
			return "", account.Invalid("Old password is incorrect.",
				account.FieldError{Field: "old_password", Detail: "Old password is incorrect."})
		}
	}
	same, err := s.verify(ctx, stored, p.New.Reveal())
	if err != nil {
		return "", err
	}
	if same.OK {
		return "", account.Invalid("New password cannot match old password.")
	}
	return s.hash(ctx, p.New.Reveal())
}
