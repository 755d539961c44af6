package service

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

// GitSSHKey returns the SSH key of the user that ref names. The first time it
// makes the key: nobody is given one before somebody asks for it.
func (s *Service) GitSSHKey(ctx context.Context, actor *account.Actor, ref account.UserRef) (account.GitSSHKey, error) {
	var key store.GitSSHKey
	var exists bool
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		user, err := s.personalTarget(ctx, tx, actor, ref, account.ActionReadPersonal)
		if err != nil {
			return err
		}
		key, exists, err = gitSSHKey(ctx, tx, user.ID)
		return err
	})
	if err != nil || exists {
		return key.GitSSHKey, err
	}
	return s.createGitSSHKey(ctx, actor, ref)
}

// gitSSHKey loads the SSH key of a user, who may have none.
func gitSSHKey(ctx context.Context, tx *store.Tx, userID uuid.UUID) (key store.GitSSHKey, exists bool, err error) {
	key, err = tx.GitSSHKey(ctx, userID)
	if account.KindOf(err) == account.KindNotFound {
		return key, false, nil
	}
	return key, err == nil, err
}

// createGitSSHKey makes the first SSH key of a user. Of many who try at once one
// makes it, and all get the same.
func (s *Service) createGitSSHKey(ctx context.Context, actor *account.Actor, ref account.UserRef) (account.GitSSHKey, error) {
	pair, err := s.makeSSHKey(ctx)
	if err != nil {
		return account.GitSSHKey{}, err
	}
	var key account.GitSSHKey
	err = s.change(ctx, actor, gitSSHKeyEntry(account.AuditCreate), func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, err := s.personalTarget(ctx, tx, actor, ref, account.ActionReadPersonal)
		if err != nil {
			return err // a refused read leaves no entry
		}
		before, exists, err := gitSSHKey(ctx, tx, user.ID)
		key, e.unaudited = before.GitSSHKey, exists
		if err != nil || exists {
			return err
		}
		key, err = s.storeGitSSHKey(ctx, tx, e, account.GitSSHKey{UserID: user.ID}, pair)
		return err
	})
	return key, err
}

// RegenerateGitSSHKey gives the user a new SSH key in place of the one that
// there may be.
func (s *Service) RegenerateGitSSHKey(ctx context.Context, actor *account.Actor, ref account.UserRef) (account.GitSSHKey, error) {
	var pair secret.SSHKeyPair
	refusal := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := s.personalTarget(ctx, tx, actor, ref, account.ActionUpdatePersonal)
		return err
	})
	if refusal == nil { // otherwise nothing is made, and the change below records the refusal
		var err error
		if pair, err = s.makeSSHKey(ctx); err != nil {
			return account.GitSSHKey{}, err
		}
	}
	var key account.GitSSHKey
	err := s.change(ctx, actor, gitSSHKeyEntry(account.AuditWrite), func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, before, _, err := s.gitSSHKeyTarget(ctx, tx, actor, ref, e)
		if err != nil {
			return err
		}
		if err := orElse(actor.Authorize(account.ActionUpdatePersonal, user.Object()), refusal); err != nil {
			return err
		}
		before.UserID = user.ID
		key, err = s.storeGitSSHKey(ctx, tx, e, before.GitSSHKey, pair)
		return err
	})
	return key, err
}

// GitSSHPrivateKey returns the private half of the actor's own SSH key, which is
// made the first time. Each look at it is audited.
func (s *Service) GitSSHPrivateKey(ctx context.Context, actor *account.Actor, ref account.UserRef) (secret.Redacted, error) {
	exists := true
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		user, err := s.target(ctx, tx, actor, ref)
		if err != nil || actor.AuthorizePrivateKey(user.ID) != nil {
			return err // the change below records the refusal
		}
		_, exists, err = gitSSHKey(ctx, tx, user.ID)
		return err
	})
	if err != nil {
		return "", err
	}
	if !exists {
		if _, err := s.createGitSSHKey(ctx, actor, ref); err != nil {
			return "", err
		}
	}
	var private secret.Redacted
	err = s.change(ctx, actor, gitSSHKeyEntry(account.AuditOpen), func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, key, exists, err := s.gitSSHKeyTarget(ctx, tx, actor, ref, e)
		if err != nil {
			return err
		}
		if err := actor.AuthorizePrivateKey(user.ID); err != nil {
			return err
		}
		if !exists { // discarded since
			return account.NotFound()
		}
		if private, err = s.Sealer.Open(sshKeyPlace(user.ID), key.SealedPrivateKey); err != nil {
			return fmt.Errorf("the SSH key of user %s: %w", user.ID, err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return private, nil
}

// gitSSHKeyTarget loads the user that ref names with its SSH key, and names it
// to the entry.
func (s *Service) gitSSHKeyTarget(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.UserRef, e *entry) (account.User, store.GitSSHKey, bool, error) {
	user, err := s.target(ctx, tx, actor, ref)
	if err != nil {
		return user, store.GitSSHKey{}, false, err
	}
	key, exists, err := gitSSHKey(ctx, tx, user.ID)
	e.aboutGitSSHKey(user.ID, key.PublicKey)
	return user, key, exists, err
}

// storeGitSSHKey stores a key pair as the key of before's user and fills in the
// entry. When the first key was made stays as it is.
func (s *Service) storeGitSSHKey(ctx context.Context, tx *store.Tx, e *entry, before account.GitSSHKey, pair secret.SSHKeyPair) (account.GitSSHKey, error) {
	now := s.now()
	key := account.GitSSHKey{UserID: before.UserID, PublicKey: pair.Public, CreatedAt: before.CreatedAt, UpdatedAt: now}
	if before.PublicKey == "" {
		before, key.CreatedAt = account.GitSSHKey{}, now
	}
	sealed, err := s.seal(ctx, tx, sshKeyPlace(key.UserID), pair.Private)
	if err != nil {
		return key, err
	}
	e.aboutGitSSHKey(key.UserID, key.PublicKey)
	e.Diff = account.GitSSHKeyDiff(before, key)
	return key, tx.PutGitSSHKey(ctx, store.GitSSHKey{GitSSHKey: key, SealedPrivateKey: sealed})
}

// makeSSHKey makes a key pair, or says that too many others are being made.
func (s *Service) makeSSHKey(ctx context.Context) (secret.SSHKeyPair, error) {
	pair, err := s.SSHKeys.Make(ctx)
	if errors.Is(err, secret.ErrSSHKeysBusy) {
		return pair, account.Unavailable("Too many SSH keys are being made at the moment. Try again in a moment.").Because(err)
	}
	return pair, err
}

func gitSSHKeyEntry(action account.AuditAction) account.AuditEntry {
	return account.AuditEntry{Action: action, Resource: account.AuditGitSSHKey, Outcome: account.OutcomeOK}
}

// aboutGitSSHKey names the user whose SSH key an attempt is about, and the key.
func (e *entry) aboutGitSSHKey(userID uuid.UUID, publicKey string) {
	e.ResourceID, e.Target = userID, strings.TrimSpace(publicKey)
}
