package service

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

const (
	// DefaultPasscodeValidity is how long a one-time passcode can be used.
	DefaultPasscodeValidity = 20 * time.Minute
	// passcodePause is how long an answer takes that must not tell whether an
	// address is known. What only has to be done for a known one goes on behind it,
	// and is long done by then where the database is well.
	passcodePause = 300 * time.Millisecond
	// behindTime bounds what goes on behind an answer.
	behindTime = 30 * time.Second
)

func badPasscode() error {
	return account.Invalid("Incorrect email or one-time passcode.")
}

// RequestPasscode sends a new passcode to the person with this address, and
// makes an earlier one worthless. Nobody learns from the answer, nor from the
// time that it takes, whether there is such a person: whatever goes wrong once
// one was found is for the log. People who sign in elsewhere get nothing.
func (s *Service) RequestPasscode(ctx context.Context, actor *account.Actor, email string, malformed error) error {
	if s.DisablePasswordAuth {
		return passwordAuthDisabled()
	}
	var v validation
	v.check("email", account.CheckEmail(email))
	if err := orElse(malformed, v.failure()); err != nil {
		return err
	}
	source := loginSource{email: account.Fold(email), ip: actor.Origin.IP}
	if err := s.requests.check(source, s.now()); err != nil {
		return err
	}
	s.requests.failed(source, s.now()) // each one counts: a mailbox is not to be flooded
	over := time.NewTimer(passcodePause)
	defer over.Stop()
	user, _, err := s.loginUser(ctx, email)
	if err != nil {
		return err
	}
	if user.ID != uuid.Nil {
		s.behind(ctx, func(ctx context.Context) { s.issuePasscode(ctx, actor, user.ID) })
	}
	await(ctx, over)
	return nil
}

// await returns when the time is over, or nobody waits any more.
func await(ctx context.Context, over *time.Timer) {
	select {
	case <-over.C:
	case <-ctx.Done():
	}
}

// behind does work that the answer does not wait for, and Close does.
func (s *Service) behind(ctx context.Context, work func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(store.WithPatience(context.WithoutCancel(ctx)), behindTime)
	s.background.Go(func() {
		defer cancel()
		work(ctx)
	})
}

// issuePasscode stores a new passcode and hands it to the mail.
func (s *Service) issuePasscode(ctx context.Context, actor *account.Actor, userID uuid.UUID) {
	passcode, err := secret.MintPasscode()
	var user account.User
	if err == nil {
		user, err = s.storePasscode(ctx, actor, userID, passcode)
	}
	if err != nil {
		s.Log.ErrorContext(ctx, "a one-time passcode could not be made",
			"user_id", userID, "error", err, "request_id", actor.Origin.RequestID)
		return
	}
	if hasPassword(user) {
		s.sendPasscode(user, passcode)
	}
}

// storePasscode stores the hash. For somebody who signs in elsewhere it only
// records that somebody asked.
func (s *Service) storePasscode(ctx context.Context, actor *account.Actor, userID uuid.UUID, passcode secret.Passcode) (account.User, error) {
	var user account.User
	template := account.AuditEntry{
		Action: account.AuditRequestPasswordReset, Resource: account.AuditUser, Outcome: account.OutcomeNoContent,
	}
	err := s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) (err error) {
		if user, err = tx.UserByID(ctx, userID); err != nil {
			return err
		}
		e.about(user)
		e.by(actor, user)
		if !hasPassword(user) {
			e.Additional = map[string]string{"ignored": "login_type"}
			return nil
		}
		previous, err := passwordReset(ctx, tx, user.ID)
		if err != nil {
			return err
		}
		now := s.now()
		reset := store.PasswordReset{
			UserID: user.ID, CodeHash: passcode.Hash(), ExpiresAt: now.Add(s.PasscodeValidity), CreatedAt: now,
		}
		e.Diff = account.Diff{}
		e.Diff.AddPasscode(previous.ExpiresAt, reset.ExpiresAt)
		return tx.PutPasswordReset(ctx, reset)
	})
	return user, err
}

// hasPassword reports whether a passcode is of any use to the user. A suspended
// one may have a new password, and stays out.
func hasPassword(user account.User) bool {
	return user.LoginType == account.LoginPassword && !user.Deleted && !user.IsServiceAccount && user.Email != ""
}

// by says who made an attempt for which no credential is needed: who presented
// one all the same, or else the user whom it is about.
func (e *entry) by(actor *account.Actor, user account.User) {
	if actor.IsAnonymous() {
		e.ActorID = user.ID
	}
}

// passwordReset returns what was sent to a user last; the zero value is nothing.
func passwordReset(ctx context.Context, tx *store.Tx, userID uuid.UUID) (store.PasswordReset, error) {
	reset, err := tx.PasswordReset(ctx, userID)
	if account.KindOf(err) == account.KindNotFound {
		return store.PasswordReset{}, nil
	}
	return reset, err
}

// dropPasscode makes a passcode worthless that was sent to the user, if there is
// one, and adds that to the diff.
func dropPasscode(ctx context.Context, tx *store.Tx, userID uuid.UUID, diff account.Diff) error {
	reset, err := passwordReset(ctx, tx, userID)
	if err != nil || reset.UserID == uuid.Nil {
		return err
	}
	diff.AddPasscode(reset.ExpiresAt, time.Time{})
	return tx.DeletePasswordReset(ctx, userID)
}

// PasscodeReset is a new password, and the passcode that allows it.
type PasscodeReset struct {
	Email    string
	Password secret.Redacted
	Passcode secret.Redacted
}

func (r *PasscodeReset) validate() error {
	var v validation
	v.check("email", account.CheckEmail(r.Email))
	if r.Password == "" {
		v.check("password", fmt.Errorf("must not be empty"))
	}
	if r.Passcode == "" {
		v.check("one_time_passcode", fmt.Errorf("must not be empty"))
	}
	return v.failure()
}

// forgetful is the person who has lost the password; the zero value is nobody.
type forgetful struct {
	user   account.User
	stored string // the hash of the old password
	reset  store.PasswordReset
}

// ResetPasswordByPasscode sets a new password for who has the passcode, which is
// worth nothing after that, and ends all of the user's sessions and tokens. A
// wrong passcode, one that has expired, and an unknown address get the same
// answer after the same time. The order of its checks is the contract's (auth.md,
// section 6.3).
func (s *Service) ResetPasswordByPasscode(ctx context.Context, actor *account.Actor, r PasscodeReset, malformed error) error {
	if s.DisablePasswordAuth {
		return passwordAuthDisabled()
	}
	if err := orElse(malformed, r.validate()); err != nil {
		return err
	}
	source := loginSource{email: account.Fold(r.Email), ip: actor.Origin.IP}
	if err := s.guesses.check(source, s.now()); err != nil {
		return err
	}
	if err := checkPassword(r.Password); err != nil {
		s.behind(ctx, func(ctx context.Context) { s.recordWeakReset(ctx, actor, r.Email, err) })
		return err
	}
	over := time.NewTimer(passcodePause)
	defer over.Stop()
	who, err := s.forgetful(ctx, r.Email)
	if err != nil {
		return err
	}
	template := resetEntry(actor, who.user)
	hash, err := s.checkReset(ctx, who, r, source)
	if err != nil {
		s.behind(ctx, func(ctx context.Context) { s.recordRefusal(ctx, actor, template, err) })
		await(ctx, over)
		return err
	}
	if err := s.useUpPasscode(ctx, actor, template, who, hash); err != nil {
		return err
	}
	s.guesses.succeeded(source)
	s.failures.succeeded(source)
	return nil
}

func resetEntry(actor *account.Actor, user account.User) account.AuditEntry {
	e := entry{AuditEntry: wroteUser()}
	e.Outcome = account.OutcomeNoContent
	e.about(user)
	e.by(actor, user)
	return e.AuditEntry
}

// recordWeakReset finds out whether somebody has the address, which the refusal
// of a weak password does not wait for.
func (s *Service) recordWeakReset(ctx context.Context, actor *account.Actor, email string, refusal error) {
	if who, err := s.forgetful(ctx, email); err == nil {
		s.recordRefusal(ctx, actor, resetEntry(actor, who.user), refusal)
	}
}

// forgetful reads what is known of the person with this address.
func (s *Service) forgetful(ctx context.Context, email string) (who forgetful, err error) {
	err = s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if who.user, err = tx.UserByEmail(ctx, email); err != nil {
			return err
		}
		if who.stored, err = tx.PasswordHash(ctx, who.user.ID); err != nil {
			return err
		}
		who.reset, err = passwordReset(ctx, tx, who.user.ID)
		return err
	})
	if account.KindOf(err) == account.KindNotFound {
		return forgetful{}, nil
	}
	return who, err
}

// checkReset decides about the passcode, and then whether the password is a new
// one, and returns its hash.
func (s *Service) checkReset(ctx context.Context, who forgetful, r PasscodeReset, source loginSource) (hash string, err error) {
	right := secret.EqualHash(who.reset.CodeHash, secret.HashPasscode(r.Passcode))
	if !right || !hasPassword(who.user) || !s.now().Before(who.reset.ExpiresAt) {
		s.guesses.failed(source, s.now())
		return "", badPasscode()
	}
	same, err := s.verify(ctx, who.stored, r.Password.Reveal())
	if err != nil && !isDamaged(err) { // a hash that cannot be read is about to be replaced
		return "", err
	}
	if same.OK {
		return "", account.Invalid("New password cannot match old password.")
	}
	return s.hash(ctx, r.Password.Reveal())
}

// useUpPasscode stores the new password, unless the passcode was used, replaced
// or dropped while it was being hashed.
func (s *Service) useUpPasscode(ctx context.Context, actor *account.Actor, template account.AuditEntry, who forgetful, hash string) error {
	return s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, err := tx.UserByID(ctx, who.user.ID)
		if err != nil {
			return err
		}
		reset, err := passwordReset(ctx, tx, user.ID)
		if err != nil {
			return err
		}
		if !hasPassword(user) || !secret.EqualHash(reset.CodeHash, who.reset.CodeHash) {
			return badPasscode()
		}
		e.outdates(user.ID)
		e.Diff = account.UserDiff(user, user, true)
		return s.storePassword(ctx, tx, user, hash, e.Diff)
	})
}

// PurgePasscodes removes passcodes that have expired.
func (s *Service) PurgePasscodes(ctx context.Context) error {
	return s.purge(ctx, func(ctx context.Context, tx *store.Tx) (int64, error) {
		return tx.PurgePasswordResets(ctx, s.now(), purgeBatch)
	})
}
