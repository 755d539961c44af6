package service

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

// keySpec is what an API key is to be like.
type keySpec struct {
	owner     account.User
	loginType account.LoginType
	name      string
	lifetime  time.Duration
	scopes    []string          // none: all
	allowList account.AllowList // none: everything
	identity  uuid.UUID         // that opened the session, if one did
}

// buildKey makes the key and its stored half, never used so far.
func (s *Service) buildKey(spec keySpec) (secret.Key, account.APIKey, error) {
	minted, err := secret.MintKey()
	if err != nil {
		return secret.Key{}, account.APIKey{}, err
	}
	now := s.now()
	lifetime := spec.lifetime
	if lifetime == 0 {
		lifetime = account.DefaultKeyLifetime
	}
	if len(spec.scopes) == 0 {
		spec.scopes = []string{account.ScopeAll}
	}
	if len(spec.allowList) == 0 {
		spec.allowList = account.AllowEverything()
	}
	return minted, account.APIKey{
		ID:        minted.ID,
		UserID:    spec.owner.ID,
		LoginType: spec.loginType,
		Name:      spec.name,
		Scopes:    spec.scopes,
		AllowList: spec.allowList,
		Lifetime:  lifetime,
		ExpiresAt: now.Add(lifetime).Truncate(time.Microsecond),
		LastUsed:  account.NeverUsed(),
		CreatedAt: now,
		UpdatedAt: now,

		IdentityID: spec.identity,
	}, nil
}

// keyEntry is the entry of something that happened to a key. It is about the
// key's user, as the log has always had it.
func keyEntry(action account.AuditAction, outcome account.Outcome) account.AuditEntry {
	return account.AuditEntry{Action: action, Resource: account.AuditAPIKey, Outcome: outcome}
}

// aboutKeyOf names the user whose key an attempt is about.
func (e *entry) aboutKeyOf(u account.User, keyName string) {
	e.ResourceID, e.Target = u.ID, keyName
}

// mintAttempts is how often an id that is taken is replaced by another; one in
// 62^7 is.
const mintAttempts = 5

// minting runs a change that stores a new key, again with another key while the
// id is taken.
func minting(change func() (secret.Key, error)) (secret.Key, error) {
	for attempt := 1; ; attempt++ {
		key, err := change()
		if attempt == mintAttempts || !conflictsOn(err, "id") {
			return key, err
		}
	}
}

// CreateSessionKey makes a key that a command line can keep, for the user that
// ref names. It is no browser session: signing out of one does not end it.
func (s *Service) CreateSessionKey(ctx context.Context, actor *account.Actor, ref account.UserRef) (secret.Key, error) {
	return minting(func() (secret.Key, error) {
		var minted secret.Key
		err := s.change(ctx, actor, keyEntry(account.AuditCreate, account.OutcomeCreated), func(ctx context.Context, tx *store.Tx, e *entry) error {
			owner, err := s.target(ctx, tx, actor, ref)
			if err != nil {
				return err
			}
			e.aboutKeyOf(owner, "")
			spec := keySpec{
				owner: owner, loginType: account.LoginPassword, lifetime: s.DefaultTokenLifetime,
				scopes: []string{account.ScopeAll}, allowList: account.AllowEverything(),
			}
			if err := s.authorizeMint(ctx, tx, actor, owner, spec); err != nil {
				return err
			}
			var key account.APIKey
			if minted, key, err = s.buildKey(spec); err != nil {
				return err
			}
			e.Diff = account.KeyDiff(account.APIKey{}, key)
			return tx.InsertKey(ctx, key, minted.Hash(), actor.Origin.IP)
		})
		return minted, err
	})
}

// authorizeKey asks whether the actor may do this to keys of the owner: by a
// permission, or as an administrator of people to the keys of a service account
// that is no mightier than what it could make itself.
func (s *Service) authorizeKey(ctx context.Context, tx *store.Tx, actor *account.Actor, action account.Action, owner account.User) error {
	refusal := actor.Authorize(action, account.Object{Type: account.ResourceAPIKey, Owner: owner.ID})
	if refusal == nil || !actor.MayManageKeysOf(action, owner, nil) {
		return refusal // the memberships could only take away from that
	}
	memberships, err := tx.Memberships(ctx, owner.ID)
	if err != nil {
		return err
	}
	if actor.MayManageKeysOf(action, owner, memberships) {
		return nil
	}
	return refusal
}

// conflictsOn reports whether err says that the field is taken.
func conflictsOn(err error, field string) bool {
	conflict, ok := errors.AsType[*account.Error](err)
	return ok && conflict.Kind == account.KindConflict &&
		slices.ContainsFunc(conflict.Fields, func(f account.FieldError) bool { return f.Field == field })
}

// wordConflict gives a conflict that an index found the words of the contract.
func wordConflict(err error, message string) error {
	conflict, ok := errors.AsType[*account.Error](err)
	if !ok || conflict.Kind != account.KindConflict {
		return err
	}
	return conflict.Worded(message)
}
