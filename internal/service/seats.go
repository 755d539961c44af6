package service

import (
	"context"

	"usher/internal/account"
	"usher/internal/store"
)

// RecordAISeat records that the user used AI, which takes a seat.
func (s *Service) RecordAISeat(ctx context.Context, actor *account.Actor, ref account.UserRef, event string, malformed error) error {
	return s.changeUnaudited(ctx, actor, func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, err := s.seatTarget(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		var v validation
		v.check("event", account.CheckAIEvent(event))
		if err := orElse(malformed, v.failure()); err != nil {
			return err
		}
		if !user.AISeatTaken { // each further use changes nothing that anybody remembers
			e.outdates(user.ID)
		}
		return tx.TakeAISeat(ctx, user.ID, event, s.now())
	})
}

// ReleaseAISeat takes the user's seat away, if it has one.
func (s *Service) ReleaseAISeat(ctx context.Context, actor *account.Actor, ref account.UserRef) error {
	return s.changeUnaudited(ctx, actor, func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, err := s.seatTarget(ctx, tx, actor, ref)
		if err != nil || !user.AISeatTaken {
			return err
		}
		e.outdates(user.ID)
		return tx.ReleaseAISeat(ctx, user.ID)
	})
}

func (s *Service) seatTarget(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.UserRef) (account.User, error) {
	user, err := s.target(ctx, tx, actor, ref)
	if err != nil {
		return user, err
	}
	return user, actor.AuthorizeAISeat(user.ID)
}
