package service

import (
	"context"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// SyncLogin is what a login through the default provider does with its claims: the
// sync, in a change that records the login.
func (s *Service) SyncLogin(ctx context.Context, id uuid.UUID, claims map[string]any) (account.User, error) {
	var user account.User
	err := s.change(ctx, account.Anonymous(account.Origin{}), keyEntry(account.AuditLogin, account.OutcomeCreated),
		func(ctx context.Context, tx *store.Tx, e *entry) (err error) {
			if user, err = tx.UserByID(ctx, id); err != nil {
				return err
			}
			e.ResourceID, e.ActorID = id, id
			user, err = s.syncLogin(ctx, tx, user, claims, e)
			return err
		})
	return user, err
}

// SyncNewUser is the same of a login that makes its user.
func (s *Service) SyncNewUser(ctx context.Context, user account.User, claims map[string]any) (account.User, error) {
	var made account.User
	err := s.change(ctx, account.Anonymous(account.Origin{}), keyEntry(account.AuditRegister, account.OutcomeCreated),
		func(ctx context.Context, tx *store.Tx, e *entry) (err error) {
			if err := tx.InsertUser(ctx, user, ""); err != nil {
				return err
			}
			e.ResourceID, e.ActorID = user.ID, user.ID
			made, err = s.syncNewUser(ctx, tx, user, claims, e)
			return err
		})
	return made, err
}
