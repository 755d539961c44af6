package service

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

// ResetPassword sets the password of a user on behalf of whoever can reach the
// database, and ends all of the user's sessions and tokens.
func (s *Service) ResetPassword(ctx context.Context, username string, password secret.Redacted) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	hash, err := s.hash(ctx, password.Reveal())
	if err != nil {
		return err
	}
	e := wroteUser()
	e.Additional = account.AutomaticFields("offline")
	return s.change(ctx, account.Anonymous(account.Origin{}), e, func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, err := tx.UserByName(ctx, username)
		if account.KindOf(err) == account.KindNotFound {
			return account.Invalid(fmt.Sprintf("There is no user named %q.", username))
		}
		if err != nil {
			return err
		}
		e.about(user)
		e.outdates(user.ID)
		if user.LoginType != account.LoginPassword {
			return account.Invalid(fmt.Sprintf("%s is of login type %q and has no password.", user.Username, user.LoginType))
		}
		e.Diff = account.UserDiff(user, user, true)
		return s.storePassword(ctx, tx, user, hash, e.Diff)
	})
}

// CreateAdmin makes an owner on behalf of whoever can reach the database, also
// where there are users already.
func (s *Service) CreateAdmin(ctx context.Context, n NewUser) (account.User, error) {
	n.LoginType, n.Status, n.Roles = account.LoginPassword, account.StatusActive, []string{account.RoleOwner}
	if err := n.validate(); err != nil {
		return account.User{}, err
	}
	if err := checkPassword(n.Password); err != nil {
		return account.User{}, err
	}
	hash, err := s.hash(ctx, n.Password.Reveal())
	if err != nil {
		return account.User{}, err
	}
	template := createdUser()
	template.Additional = account.AutomaticFields("offline")
	var created account.User
	err = s.change(ctx, account.Anonymous(account.Origin{}), template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		organization, err := tx.DefaultOrganization(ctx)
		if err != nil {
			return err
		}
		created = s.build(n, []uuid.UUID{organization.ID})
		if err := tx.InsertUser(ctx, created, hash); err != nil {
			return wordConflict(err, "User already exists.")
		}
		e.about(created)
		e.Diff = account.UserDiff(account.User{}, created, true)
		return nil
	})
	return created, err
}
