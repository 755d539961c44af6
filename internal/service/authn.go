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
	hash, now := key.Hash(), s.now()
	known := s.actors.get(key.ID)
	if known == nil || known.expired(now) {
		if err := s.refuseLegacy(ctx, key, now); err != nil {
			return nil, err
		}
		if known, err = s.loadActor(ctx, key, now, origin); err != nil {
			return nil, err
		}
	} else if !secret.EqualHash(hash[:], known.hash[:]) {
		return nil, invalidKey()
	}
	s.noteUse(known, origin, now)
	return known.actor.From(origin), nil
}

func invalidKey() error { return account.Unauthenticated(signedOut, "API key is invalid.") }

// loadActor reads from the database what a key may do.
func (s *Service) loadActor(ctx context.Context, key secret.PresentedKey, now time.Time, origin account.Origin) (*knownActor, error) {
	remember := s.actors.loading()
	c, err := s.Store.Direct().CredentialByKeyID(ctx, key.ID)
	if account.KindOf(err) == account.KindNotFound {
		return nil, invalidKey()
	}
	if err != nil {
		return nil, err
	}
	hash := key.Hash()
	if !secret.EqualHash(hash[:], c.SecretHash) {
		return nil, invalidKey()
	}
	actor := account.NewActor(c.User, c.Memberships, c.Key)
	if c.Key.Expired(now) {
		return nil, s.refuseExpired(ctx, actor.From(origin))
	}
	loginEnds, err := s.checkProviderSession(ctx, c, now)
	if err != nil {
		return nil, err
	}
	switch c.User.Status {
	case account.StatusSuspended:
		return nil, inactive(c.User.Status)
	case account.StatusDormant:
		woken, err := s.wake(ctx, actor.From(origin))
		if err != nil {
			return nil, err
		}
		actor = account.NewActor(woken, c.Memberships, c.Key)
	case account.StatusActive:
	}
	return remember(hash, actor, loginEnds), nil
}

// refuseExpired refuses a key whose time is over. A key that was replaced is
// still in use somewhere, which its owner will want to know.
func (s *Service) refuseExpired(ctx context.Context, actor *account.Actor) error {
	key := actor.Key
	refusal := account.Unauthenticated(signedOut, fmt.Sprintf("API key expired at %q.", key.ExpiresAt.Format(time.RFC3339)))
	if key.ReplacedBy != "" && s.replaced.first(key.ID) {
		e := keyEntry(account.AuditLogin, account.OutcomeOf(refusal))
		e.ResourceID, e.Target = key.UserID, key.ID
		e.Additional = map[string]string{"replaced_key": key.ID, "replaced_by": key.ReplacedBy}
		s.recordRefusal(ctx, actor, e, refusal)
	}
	return refusal
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
		if before.Deleted { // while its key was being looked at
			return invalidKey()
		}
		e.about(before)
		e.outdates(before.ID)
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
func (s *Service) noteUse(known *knownActor, origin account.Origin, now time.Time) {
	last, key := known.lastUsed.Load(), &known.actor.Key
	expires := time.UnixMicro(known.expiresAt.Load())
	slid := expires
	if !s.DisableSessionExpiryRefresh {
		slid = key.SlidExpiry(expires, now)
	}
	if now.UnixMicro()-last < usePrecision.Microseconds() && slid.Equal(expires) {
		return
	}
	if !known.lastUsed.CompareAndSwap(last, now.UnixMicro()) {
		return // another request of this moment is doing it
	}
	use := store.KeyUse{KeyID: key.ID, UserID: key.UserID, IP: origin.IP, At: now}
	if !slid.Equal(expires) {
		known.expiresAt.Store(slid.UnixMicro())
		use.ExpiresAt, use.SlidFrom = slid, expires
	}
	s.activity.note(use)
}

// isDamaged reports that a stored password hash cannot be read.
func isDamaged(err error) bool { return errors.Is(err, secret.ErrEncoding) }
