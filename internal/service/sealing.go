package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

// The places of sealed values. A value opens nowhere but in its place.
const checkPlace = "deployment/encryption_check"

func sshKeyPlace(userID uuid.UUID) string { return "git_ssh_keys/" + userID.String() }

// checkText is what the check value says when it is opened.
const checkText = "usher"

// resealBatch bounds how many values one transaction of a rotation seals anew.
const resealBatch = 200

// seal seals a value for its place, inside the transaction that stores it: so it
// is sealed with the key of before a rotation, and found by it, or with the one
// of after.
func (s *Service) seal(ctx context.Context, tx *store.Tx, place string, value secret.Redacted) (string, error) {
	check, err := encryptionCheck(ctx, tx)
	if err != nil {
		return "", err
	}
	return s.Sealer.Seal(place, value, secret.SealedWith(check))
}

// encryptionCheck returns the check value, "" where the database has never held
// a key.
func encryptionCheck(ctx context.Context, tx *store.Tx) (string, error) {
	check, err := tx.EncryptionCheck(ctx)
	if account.KindOf(err) == account.KindNotFound {
		return "", nil
	}
	return check, err
}

// ClaimEncryption makes the key file of this node the deployment's, or finds out
// that it does not belong to it: then the error is an UnsealableError. Of many
// nodes that start at once on a new database one decides. It is no change that
// the audit log has.
func (s *Service) ClaimEncryption(ctx context.Context) error {
	return s.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		check, err := encryptionCheck(ctx, tx)
		if err != nil {
			return err
		}
		if check != "" {
			return OpensCheck(s.Sealer, check)
		}
		if check, err = s.Sealer.Seal(checkPlace, checkText, ""); err != nil {
			return err
		}
		return tx.PutEncryptionCheck(ctx, check)
	})
}

// OpensCheck reports whether keys open the check value of a deployment; where they
// do not, the error is an UnsealableError.
func OpensCheck(keys *secret.Sealer, check string) error {
	_, err := keys.Open(checkPlace, check)
	return unsealable(check, err)
}

// UnsealableError says that what the deployment has sealed cannot be opened with
// the keys of this node.
type UnsealableError struct {
	KeyID string // of the key that is needed
	cause error
}

// Error implements error.
func (e *UnsealableError) Error() string {
	return fmt.Sprintf("the database is sealed with the encryption key %q: %s", e.KeyID, e.cause)
}

// Unwrap returns the cause: secret.ErrSealed or a secret.UnknownSealingKeyError.
func (e *UnsealableError) Unwrap() error { return e.cause }

// unsealable makes an UnsealableError of an error that the keys are to blame for.
func unsealable(sealed string, err error) error {
	if !blamesKeys(err) {
		return err
	}
	return &UnsealableError{KeyID: secret.SealedWith(sealed), cause: err}
}

func blamesKeys(err error) bool {
	_, unknown := errors.AsType[*secret.UnknownSealingKeyError](err)
	return unknown || errors.Is(err, secret.ErrSealed)
}

// ReloadEncryptionKeys reads the key file again. Keys that do not open what the
// deployment has sealed leave the old ones in place.
func (s *Service) ReloadEncryptionKeys(ctx context.Context) error {
	check, err := encryptionCheck(ctx, s.Store.Direct())
	if err != nil {
		return err
	}
	return s.Sealer.Reload(func(ring secret.Keyring) error {
		_, err := ring.Open(checkPlace, check)
		return unsealable(check, err)
	})
}

// EncryptionRotation is what a rotation did.
type EncryptionRotation struct {
	KeyID      string   // of the key that everything is sealed with now
	Others     []string // the ids of the other keys in the file
	Resealed   int
	Discarded  int      // values that could not be opened, and are gone
	Unreadable int      // values that could not be opened, and are still there
	Missing    []string // the ids of the keys that sealed those
}

// RotateEncryption seals everything with the first key of the file, in batches,
// beside running nodes. It can be interrupted at any time and started again. What
// cannot be opened is counted, or thrown away if discard says so: an SSH key is
// made anew when it is asked for the next time.
func (s *Service) RotateEncryption(ctx context.Context, discard bool) (EncryptionRotation, error) {
	r := EncryptionRotation{}
	for {
		ring := s.Sealer.Keyring()
		r.KeyID, r.Unreadable, r.Missing = ring.Current(), 0, nil
		r.Others = slices.DeleteFunc(ring.IDs(), func(id string) bool { return id == r.KeyID })
		if err := s.adoptEncryptionKey(ctx, ring, discard); err != nil {
			return r, err
		}
		if err := s.resealAll(ctx, ring, discard, &r); err != nil {
			return r, err
		}
		// A node whose key file is newer than what this process had read may have
		// sealed with a key that only it knew.
		others, err := s.Store.Direct().CountSealedOtherwise(ctx, secret.SealedPrefix(r.KeyID))
		if err != nil {
			return r, err
		}
		if others <= r.Unreadable {
			return r, s.recordRotation(ctx, r)
		}
	}
}

// adoptEncryptionKey makes the first key of the ring the one that the deployment
// seals with. It comes first, so that from then on no node seals with another.
func (s *Service) adoptEncryptionKey(ctx context.Context, ring secret.Keyring, discard bool) error {
	return s.change(ctx, account.Anonymous(account.Origin{}), encryptionKeyEntry(), func(ctx context.Context, tx *store.Tx, e *entry) error {
		check, err := encryptionCheck(ctx, tx)
		if err != nil {
			return err
		}
		if check != "" {
			_, err = s.Sealer.Open(checkPlace, check)
			if err != nil && !(discard && blamesKeys(err)) {
				return unsealable(check, err)
			}
		}
		before := secret.SealedWith(check)
		if e.unaudited = check != "" && err == nil && before == ring.Current(); e.unaudited {
			return nil
		}
		sealed, err := ring.Seal(checkPlace, checkText)
		if err != nil {
			return err
		}
		e.Diff = account.EncryptionKeyDiff(before, ring.Current())
		if err := e.aboutEncryptionKey(ctx, tx, ring.Current()); err != nil {
			return err
		}
		return tx.PutEncryptionCheck(ctx, sealed)
	})
}

// sealedValue is one value that is sealed at rest.
type sealedValue struct {
	id     uuid.UUID // what it is walked by
	place  string
	sealed string
	// put stores the same value, sealed anew, and discard forgets it for good.
	put     func(ctx context.Context, tx *store.Tx, sealed string) error
	discard func(ctx context.Context, tx *store.Tx, e *entry) error
}

// sealedValues lists values of one kind that come after the id, as many as fit
// into a batch.
type sealedValues func(ctx context.Context, tx *store.Tx, after uuid.UUID) ([]sealedValue, error)

// sealedKinds is everything that is sealed at rest, but the check value.
func sealedKinds() []sealedValues { return []sealedValues{sealedSSHKeys, sealedRefreshTokens} }

func sealedSSHKeys(ctx context.Context, tx *store.Tx, after uuid.UUID) ([]sealedValue, error) {
	keys, err := tx.ListGitSSHKeys(ctx, after, resealBatch)
	values := make([]sealedValue, len(keys))
	for i, key := range keys {
		values[i] = sealedValue{
			id: key.UserID, place: sshKeyPlace(key.UserID), sealed: key.SealedPrivateKey,
			put: func(ctx context.Context, tx *store.Tx, sealed string) error {
				return tx.ResealGitSSHKey(ctx, key.UserID, sealed)
			},
			discard: func(ctx context.Context, tx *store.Tx, e *entry) error {
				gone := entry{AuditEntry: gitSSHKeyEntry(account.AuditDelete)}
				gone.aboutGitSSHKey(key.UserID, key.PublicKey)
				gone.Diff, gone.Additional = account.GitSSHKeyDiff(key.GitSSHKey, account.GitSSHKey{}), account.AutomaticFields("offline")
				e.also = append(e.also, gone.AuditEntry)
				return tx.DeleteGitSSHKey(ctx, key.UserID)
			},
		}
	}
	return values, err
}

// sealedRefreshTokens renew logins at providers. Without its token a session ends
// when the provider's word for it does: its user logs in again.
func sealedRefreshTokens(ctx context.Context, tx *store.Tx, after uuid.UUID) ([]sealedValue, error) {
	tokens, err := tx.ListRefreshTokens(ctx, after, resealBatch)
	values := make([]sealedValue, len(tokens))
	for i, token := range tokens {
		put := func(ctx context.Context, tx *store.Tx, sealed string) error {
			return tx.ResealRefreshToken(ctx, token.IdentityID, sealed)
		}
		values[i] = sealedValue{
			id: token.IdentityID, place: refreshTokenPlace(token.IdentityID), sealed: token.Sealed, put: put,
			discard: func(ctx context.Context, tx *store.Tx, _ *entry) error { return put(ctx, tx, "") },
		}
	}
	return values, err
}

func (s *Service) resealAll(ctx context.Context, ring secret.Keyring, discard bool, r *EncryptionRotation) error {
	for _, kind := range sealedKinds() {
		after := uuid.Nil
		for {
			last, batch, err := s.reseal(ctx, ring, kind, after, discard)
			if err != nil {
				return err
			}
			r.add(batch)
			if last == uuid.Nil {
				break
			}
			after = last
		}
	}
	return nil
}

// add counts what one batch did.
func (r *EncryptionRotation) add(batch EncryptionRotation) {
	r.Resealed += batch.Resealed
	r.Discarded += batch.Discarded
	r.Unreadable += batch.Unreadable
	for _, id := range batch.Missing {
		if !slices.Contains(r.Missing, id) {
			r.Missing = append(r.Missing, id)
		}
	}
}

// reseal seals the values of one kind after the given id anew, as many as fit
// into a batch, and returns the last id; the nil UUID says that this was the end.
func (s *Service) reseal(ctx context.Context, ring secret.Keyring, kind sealedValues, after uuid.UUID, discard bool) (last uuid.UUID, batch EncryptionRotation, err error) {
	err = s.change(ctx, account.Anonymous(account.Origin{}), account.AuditEntry{}, func(ctx context.Context, tx *store.Tx, e *entry) error {
		e.unaudited = true // as a whole: what is discarded has entries of its own
		last, batch = uuid.Nil, EncryptionRotation{}
		values, err := kind(ctx, tx, after)
		if err != nil {
			return err
		}
		for _, value := range values {
			if err := s.resealValue(ctx, tx, e, ring, value, discard, &batch); err != nil {
				return err
			}
		}
		if len(values) == resealBatch {
			last = values[len(values)-1].id
		}
		return nil
	})
	return last, batch, err
}

func (s *Service) resealValue(ctx context.Context, tx *store.Tx, e *entry, ring secret.Keyring, value sealedValue, discard bool, batch *EncryptionRotation) error {
	opened, err := s.Sealer.Open(value.place, value.sealed)
	switch {
	case err == nil && secret.SealedWith(value.sealed) == ring.Current():
		return nil
	case err == nil:
		sealed, err := ring.Seal(value.place, opened)
		if err != nil {
			return err
		}
		batch.Resealed++
		return value.put(ctx, tx, sealed)
	case !blamesKeys(err):
		return err
	case !discard:
		batch.Unreadable++
		batch.Missing = append(batch.Missing, secret.SealedWith(value.sealed))
		return nil
	}
	batch.Discarded++
	return value.discard(ctx, tx, e)
}

// recordRotation writes into the audit log what a rotation did, if anything.
func (s *Service) recordRotation(ctx context.Context, r EncryptionRotation) error {
	if r.Resealed+r.Discarded == 0 {
		return nil
	}
	template := encryptionKeyEntry()
	template.Additional["resealed"], template.Additional["discarded"] = strconv.Itoa(r.Resealed), strconv.Itoa(r.Discarded)
	return s.change(ctx, account.Anonymous(account.Origin{}), template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		return e.aboutEncryptionKey(ctx, tx, r.KeyID)
	})
}

func encryptionKeyEntry() account.AuditEntry {
	return account.AuditEntry{
		Action: account.AuditWrite, Resource: account.AuditEncryptionKey, Outcome: account.OutcomeOK,
		Additional: account.AutomaticFields("offline"),
	}
}

// aboutEncryptionKey names the key that a rotation is about. It belongs to the
// deployment.
func (e *entry) aboutEncryptionKey(ctx context.Context, tx *store.Tx, keyID string) error {
	deployment, err := tx.DeploymentID(ctx)
	e.ResourceID, e.Target = deployment, keyID
	return err
}
