package service

import (
	"context"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// entry is an audit entry in the making. A body names its target as soon as it
// knows it, so that a refusal can be recorded too.
type entry struct {
	account.AuditEntry
	// unaudited marks an attempt that changed nothing and is not worth a line.
	unaudited bool
	// also are entries of consequences, such as waking a dormant user.
	also []account.AuditEntry
	// outdated are the users about whom something that was read before is no
	// longer true: their own row, their keys, roles or memberships.
	outdated []uuid.UUID
	// warnings are for the log once the change is done: what is not done needs none.
	warnings []warning
}

// warning is a line of the log.
type warning struct {
	message string
	args    []any // as slog has them
}

// warn tells the operator of something that the change came upon.
func (e *entry) warn(message string, args ...any) {
	e.warnings = append(e.warnings, warning{message: message, args: args})
}

// outdates says that what was read of the user before is no longer true.
func (e *entry) outdates(id uuid.UUID) { e.outdated = append(e.outdated, id) }

// about names the user that an attempt is about.
func (e *entry) about(u account.User) {
	e.ResourceID, e.Target = u.ID, u.Username
}

// changeBody is the inside of a change. It has no effect outside its
// transaction, because it may be run again.
type changeBody func(ctx context.Context, tx *store.Tx, e *entry) error

// change is the one door to the database: it runs body in a transaction and
// writes the audit entry with it. What it makes stale is forgotten on every node
// before it returns. A refused attempt on a known target becomes an entry of its
// own.
func (s *Service) change(ctx context.Context, actor *account.Actor, template account.AuditEntry, body changeBody) error {
	var e *entry
	err := s.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		e = &entry{AuditEntry: template}
		if err := body(ctx, tx, e); err != nil {
			return err
		}
		if err := s.record(ctx, tx, actor, e); err != nil {
			return err
		}
		return tx.NotifyChanged(ctx, e.outdated)
	})
	if e != nil && len(e.outdated) > 0 {
		s.fresh.forget(e.outdated) // also after an error: a commit may have happened all the same
	}
	if err != nil && e != nil {
		s.recordRefusal(ctx, actor, e.AuditEntry, err)
	}
	if err == nil {
		for _, w := range e.warnings {
			s.Log.WarnContext(ctx, w.message, w.args...)
		}
	}
	return err
}

func (s *Service) record(ctx context.Context, tx *store.Tx, actor *account.Actor, e *entry) error {
	entries := e.also
	if !e.unaudited {
		entries = append(entries, e.AuditEntry)
	}
	for i := range entries {
		entries[i] = s.stamp(actor, entries[i])
	}
	if len(entries) == 1 {
		return tx.InsertAuditEntry(ctx, entries[0])
	}
	return tx.InsertAuditEntries(ctx, entries)
}

// stamp fills in who, when and from where.
func (s *Service) stamp(actor *account.Actor, e account.AuditEntry) account.AuditEntry {
	e.ID, e.Time = sortedID(), s.now()
	if e.ActorID == uuid.Nil {
		e.ActorID = actor.User.ID
	}
	e.RequestID, e.IP, e.UserAgent = actor.Origin.RequestID, actor.Origin.IP, actor.Origin.UserAgent
	return e
}

// recordRefusal writes the entry of an attempt that was refused. It has no diff:
// nothing changed. Attempts on nothing known, and those that failed by our own
// fault, leave no entry. That the entry cannot be written is for the log: the
// refusal stands.
func (s *Service) recordRefusal(ctx context.Context, actor *account.Actor, e account.AuditEntry, refusal error) {
	kind := account.KindOf(refusal)
	if e.ResourceID == uuid.Nil || kind == account.KindInternal || kind == account.KindUnavailable {
		return
	}
	e.Diff, e.Outcome = nil, account.OutcomeOf(refusal)
	err := s.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertAuditEntry(ctx, s.stamp(actor, e))
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "an audit entry could not be written", "error", err, "request_id", actor.Origin.RequestID)
	}
}

// wroteUser is the entry of a change to a user.
func wroteUser() account.AuditEntry {
	return account.AuditEntry{Action: account.AuditWrite, Resource: account.AuditUser, Outcome: account.OutcomeOK}
}

// target loads the user that a reference names, if the actor may read it. The
// actor's own "me" needs no permission. Deleted users are found by id only, and
// only where the caller asks for them.
func (s *Service) target(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.UserRef) (account.User, error) {
	user, err := s.targetOrDeleted(ctx, tx, actor, ref)
	if err == nil && user.Deleted {
		return account.User{}, account.NotFound()
	}
	return user, err
}

func (s *Service) targetOrDeleted(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.UserRef) (account.User, error) {
	user, err := s.findUser(ctx, tx, actor, ref)
	if err == nil && !ref.Me && !actor.Can(account.ActionRead, user.Object()) {
		return account.User{}, account.NotFound()
	}
	return user, err
}

// findUser loads the user that a reference names, whoever asks.
func (s *Service) findUser(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.UserRef) (account.User, error) {
	switch {
	case ref.Me:
		return tx.UserByID(ctx, actor.User.ID)
	case ref.ID != uuid.Nil:
		return tx.UserByID(ctx, ref.ID)
	case account.CheckUsername(ref.Name) != nil: // nobody can have this name
		return account.User{}, account.NotFound()
	}
	return tx.UserByName(ctx, ref.Name)
}

// changeUser is a change to one user: it loads the target, lets edit check and
// alter it, stores it, and records the difference.
func (s *Service) changeUser(ctx context.Context, actor *account.Actor, ref account.UserRef, edit func(ctx context.Context, tx *store.Tx, u *account.User) error) (account.User, error) {
	var after account.User
	err := s.change(ctx, actor, wroteUser(), func(ctx context.Context, tx *store.Tx, e *entry) error {
		before, err := s.target(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		e.about(before)
		e.outdates(before.ID)
		after = before
		if err := edit(ctx, tx, &after); err != nil {
			return err
		}
		after.UpdatedAt = s.now()
		e.Diff = account.UserDiff(before, after, false)
		if before.Email != after.Email { // the passcode went to the old address
			if err := dropPasscode(ctx, tx, after.ID, e.Diff); err != nil {
				return err
			}
		}
		return tx.UpdateUser(ctx, after)
	})
	return after, err
}
