package service

import (
	"context"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// AutofillParameters returns the values that the user last gave the parameters
// of a template, the newest first. Whether there is such a template is not for
// Usher to know.
func (s *Service) AutofillParameters(ctx context.Context, actor *account.Actor, ref account.UserRef, templateID uuid.UUID, malformed error) ([]account.Parameter, error) {
	var list []account.Parameter
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		user, err := s.personalTarget(ctx, tx, actor, ref, account.ActionReadPersonal)
		if err := orElse(err, malformed); err != nil {
			return err
		}
		list, err = tx.ListAutofillParameters(ctx, user.ID, templateID, account.MaxAutofillParameters)
		return err
	})
	return list, err
}

// RecordBuild remembers what a workspace of the user was built with, as far as
// it is worth offering again and no later build gave another value. It returns
// the build with the values that are now stored.
func (s *Service) RecordBuild(ctx context.Context, actor *account.Actor, ref account.UserRef, build account.Build, malformed error) (account.Build, []account.Parameter, error) {
	if build.Transition == "" {
		build.Transition = account.TransitionStart
	}
	if build.CreatedAt.IsZero() {
		build.CreatedAt = s.now()
	}
	build.CreatedAt = build.CreatedAt.UTC().Truncate(time.Microsecond) // as it is stored
	var stored []account.Parameter
	err := s.changeUnaudited(ctx, actor, func(ctx context.Context, tx *store.Tx, _ *entry) error {
		user, err := s.target(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		if err := actor.Authorize(account.ActionUpdate, actor.WorkspacesOf(user.ID)); err != nil {
			return err
		}
		if err := orElse(malformed, invalidFields(build.Check(s.now()))); err != nil {
			return err
		}
		stored, err = recordParameters(ctx, tx, user.ID, build)
		return err
	})
	return build, stored, err
}

func recordParameters(ctx context.Context, tx *store.Tx, userID uuid.UUID, build account.Build) ([]account.Parameter, error) {
	stored := []account.Parameter{}
	for _, p := range build.Lasting() {
		newest, err := tx.RecordParameter(ctx, userID, build, p)
		if err != nil {
			return nil, err
		}
		if newest {
			stored = append(stored, p)
		}
	}
	return stored, nil
}
