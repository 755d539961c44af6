package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

// signedOut is the message of nearly every refused credential; clients match on
// it.
const signedOut = "You are signed out or your session has expired. Please sign in again to continue."

// NoCredential is the refusal of a request that presents none.
func NoCredential() error {
	return account.Unauthenticated(signedOut, `Cookie "coder_session_token" or query parameter must be provided.`)
}

// Authenticate finds out who presents the key, and by what right. The detail of
// a refusal never says whether the key exists.
func (s *Service) Authenticate(ctx context.Context, presented secret.Redacted, origin account.Origin) (*account.Actor, error) {
	key, err := secret.ParseKey(presented.Reveal())
	if err != nil {
		return nil, account.Unauthenticated(signedOut, fmt.Sprintf("API key is invalid: %s.", err)).Because(err)
	}
	credential, err := s.Store.Direct().CredentialByKeyID(ctx, key.ID)
	if account.KindOf(err) == account.KindNotFound {
		return nil, account.Unauthenticated(signedOut, "API key is invalid.")
	}
	if err != nil {
		return nil, err
	}
	hash := key.Hash()
	if !secret.EqualHash(hash[:], credential.SecretHash) {
		return nil, account.Unauthenticated(signedOut, "API key is invalid.")
	}
	return s.admitCredential(ctx, credential, origin)
}

// admitCredential decides whether a proven key may be used now, and notes that
// it was.
func (s *Service) admitCredential(ctx context.Context, c store.Credential, origin account.Origin) (*account.Actor, error) {
	now := s.now()
	if c.Key.Expired(now) {
		return nil, account.Unauthenticated(signedOut,
			fmt.Sprintf("API key expired at %q.", c.Key.ExpiresAt.Format(time.RFC3339)))
	}
	actor := account.NewActor(c.User, c.Memberships, c.Key).From(origin)
	switch c.User.Status {
	case account.StatusSuspended:
		return nil, inactive(c.User.Status)
	case account.StatusDormant:
		woken, err := s.wake(ctx, actor)
		if err != nil {
			return nil, err
		}
		actor = account.NewActor(woken, c.Memberships, c.Key).From(origin)
	case account.StatusActive:
	}
	s.noteUse(actor, now)
	return actor, nil
}

func inactive(status account.UserStatus) error {
	return account.Unauthenticated(fmt.Sprintf(
		"User is not active (status = %q). Contact an admin to reactivate your account.", status), "")
}

// wake turns a dormant user active because it was seen.
func (s *Service) wake(ctx context.Context, actor *account.Actor) (account.User, error) {
	e := wroteUser()
	e.Additional = account.AutomaticFields("dormancy")
	var user account.User
	err := s.change(ctx, actor, e, func(ctx context.Context, tx *store.Tx, e *entry) error {
		before, err := tx.UserByID(ctx, actor.User.ID)
		if err != nil {
			return err
		}
		e.about(before)
		user = before
		e.unaudited = before.Status != account.StatusDormant // another request was first
		if e.unaudited {
			return nil
		}
		user, e.Diff, err = s.awaken(ctx, tx, before)
		return err
	})
	if err == nil && user.Status == account.StatusSuspended {
		err = inactive(user.Status)
	}
	return user, err
}

// awaken stores that a dormant user was seen and is active.
func (s *Service) awaken(ctx context.Context, tx *store.Tx, before account.User) (account.User, account.Diff, error) {
	user := before
	user.Status, user.UpdatedAt, user.LastSeenAt = account.StatusActive, s.now(), s.now()
	if err := tx.UpdateUser(ctx, user); err != nil {
		return user, nil, err
	}
	return user, account.UserDiff(before, user, false), tx.UpdateLastSeen(ctx, user.ID, user.LastSeenAt)
}

// noteUse remembers that the key was used, to be stored in a moment. Uses of
// the same minute are not worth a write.
func (s *Service) noteUse(actor *account.Actor, now time.Time) {
	key := &actor.Key
	slid := key.SlidExpiry(now)
	if now.Sub(key.LastUsed) < usePrecision && slid.Equal(key.ExpiresAt) {
		return
	}
	use := store.KeyUse{KeyID: key.ID, UserID: key.UserID, IP: actor.Origin.IP, At: now}
	if !slid.Equal(key.ExpiresAt) {
		use.ExpiresAt = slid
	}
	s.activity.note(use)
}

// isDamaged reports that a stored password hash cannot be read.
func isDamaged(err error) bool { return errors.Is(err, secret.ErrEncoding) }
