package service

import (
	"context"
	"fmt"
	"time"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

const (
	// DefaultOverlap is how long a rotated key lives on when nobody says.
	DefaultOverlap = time.Hour
	// MaxOverlap bounds it.
	MaxOverlap = 7 * 24 * time.Hour
)

// Rotation is a token that took another one's place.
type Rotation struct {
	Secret   secret.Key
	Key      account.APIKey
	Previous account.APIKey
}

// RotateKey makes a token with the same scopes, allow list and lifetime as the
// one with that id, whose name it takes. The old one lives on for the overlap,
// so that whoever uses it can be changed over, but never past its own end.
func (s *Service) RotateKey(ctx context.Context, actor *account.Actor, ref account.UserRef, id string, overlap time.Duration, malformed error) (Rotation, error) {
	var rotation Rotation
	_, err := minting(func() (secret.Key, error) {
		err := s.change(ctx, actor, keyEntry(account.AuditWrite, account.OutcomeCreated), func(ctx context.Context, tx *store.Tx, e *entry) error {
			found, err := s.rotatable(ctx, tx, actor, ref, id)
			e.aboutKey(found)
			if err != nil {
				return err
			}
			if err := orElse(malformed, checkOverlap(overlap)); err != nil {
				return err
			}
			if rotation, err = s.rotated(actor, found, overlap); err != nil {
				return err
			}
			e.outdates(found.Owner.ID)
			e.Diff = account.KeyDiff(found.Key, rotation.Key)
			e.Additional = map[string]string{"replaced_key": id, "replaced_by": rotation.Key.ID}
			if err := tx.UpdateKey(ctx, rotation.Previous); err != nil { // frees the name
				return err
			}
			return tx.InsertKey(ctx, rotation.Key, rotation.Secret.Hash(), actor.Origin.IP)
		})
		return rotation.Secret, err
	})
	return rotation, err
}

func checkOverlap(overlap time.Duration) error {
	var v validation
	if overlap < 0 || overlap > MaxOverlap {
		v.check("overlap", fmt.Errorf("must be from 0 to %s, in nanoseconds", MaxOverlap))
	}
	return v.failure()
}

// rotatable loads a key that may be rotated: by whoever may update it, and by
// the key itself, whatever its scopes. It is returned with a refusal too, once
// it may be known.
func (s *Service) rotatable(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.UserRef, id string) (store.OwnedKey, error) {
	if actor.Key.ID != id {
		found, err := s.key(ctx, tx, actor, ref, id, account.ActionRead)
		if err != nil {
			return found, err
		}
		if err := s.authorizeKey(ctx, tx, actor, account.ActionUpdate, found.Owner); err != nil {
			return found, err
		}
		if err := actor.AuthorizeMint(found.Key.Scopes, found.Key.AllowList); err != nil {
			return found, err
		}
		return found, s.checkRotatable(found.Key)
	}
	if _, err := s.target(ctx, tx, actor, ref); err != nil {
		return store.OwnedKey{}, err
	}
	found, err := tx.KeyByID(ctx, id)
	if err != nil {
		return found, err
	}
	return found, s.checkRotatable(found.Key)
}

func (s *Service) checkRotatable(key account.APIKey) error {
	switch {
	case key.LoginType != account.LoginToken:
		return account.Invalid("A session cannot be rotated: sign in again instead.")
	case key.ReplacedBy != "":
		return account.Conflict("This token has been rotated already.")
	case key.Expired(s.now()):
		return account.Conflict("This token has expired: create a new one.")
	}
	return nil
}

// rotated builds both halves of a rotation. A key that rotates itself gains no
// time by it.
func (s *Service) rotated(actor *account.Actor, found store.OwnedKey, overlap time.Duration) (Rotation, error) {
	old := found.Key
	minted, key, err := s.buildKey(keySpec{
		owner: found.Owner, loginType: old.LoginType, name: old.Name,
		lifetime: old.Lifetime, scopes: old.Scopes, allowList: old.AllowList,
	})
	if err != nil {
		return Rotation{}, err
	}
	if actor.Key.ID == old.ID {
		key.ExpiresAt = old.ExpiresAt
	}
	end := key.CreatedAt.Add(overlap).Truncate(time.Microsecond)
	if old.ExpiresAt.Before(end) {
		end = old.ExpiresAt
	}
	old.Name, old.ReplacedBy, old.ExpiresAt = "", key.ID, end
	return Rotation{Secret: minted, Key: key, Previous: old}, nil
}
