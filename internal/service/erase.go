package service

import (
	"context"

	"usher/internal/account"
	"usher/internal/store"
)

// EraseUser overwrites the personal data of a deleted user everywhere. Its rows,
// those of the audit log too, stay under its id. Doing it again leaves no other
// entry.
func (s *Service) EraseUser(ctx context.Context, actor *account.Actor, ref account.UserRef) error {
	template := wroteUser()
	template.Outcome = account.OutcomeNoContent
	return s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, err := s.targetOrDeleted(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		e.about(user)
		if err := actor.Authorize(account.ActionDelete, user.Object()); err != nil {
			return err
		}
		if !user.Deleted {
			return account.Conflict("Only a deleted user can be erased: delete the user first.")
		}
		alias := user.ErasedName()
		e.unaudited = user.IsErased() // and is once more, for what may have come after
		e.Target = alias
		e.Additional = map[string]string{"erased": "true"}
		e.outdates(user.ID)
		return tx.EraseUser(ctx, user.ID, alias)
	})
}
