package store

import (
	"context"

	"github.com/google/uuid"

	"usher/internal/account"
)

// GitSSHKey is a user's SSH key as it is kept.
type GitSSHKey struct {
	account.GitSSHKey
	SealedPrivateKey string
}

const gitSSHKeyColumns = `g.user_id, g.public_key, g.sealed_private_key, g.created_at, g.updated_at`

func scanGitSSHKey(r row) (GitSSHKey, error) {
	var k GitSSHKey
	err := r.Scan(&k.UserID, &k.PublicKey, &k.SealedPrivateKey, timestamp{&k.CreatedAt}, timestamp{&k.UpdatedAt})
	return k, err
}

// GitSSHKey returns the SSH key of a user, deleted or not; not_found where none
// was made.
func (tx *Tx) GitSSHKey(ctx context.Context, userID uuid.UUID) (GitSSHKey, error) {
	return one(ctx, tx, scanGitSSHKey, `SELECT `+gitSSHKeyColumns+` FROM git_ssh_keys g WHERE g.user_id = $1`, userID)
}

// PutGitSSHKey stores the SSH key of a user, in place of the one that there may
// be.
func (tx *Tx) PutGitSSHKey(ctx context.Context, k GitSSHKey) error {
	_, err := tx.exec(ctx, `
		INSERT INTO git_ssh_keys (user_id, public_key, sealed_private_key, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (user_id) DO UPDATE SET public_key = excluded.public_key,
			sealed_private_key = excluded.sealed_private_key, created_at = excluded.created_at, updated_at = excluded.updated_at`,
		k.UserID, k.PublicKey, k.SealedPrivateKey, micro(k.CreatedAt), micro(k.UpdatedAt))
	return err
}

// ListGitSSHKeys returns the SSH keys of the users, deleted ones too, whose ids
// come after the given one, in the order of the ids.
func (tx *Tx) ListGitSSHKeys(ctx context.Context, after uuid.UUID, limit int) ([]GitSSHKey, error) {
	return many(ctx, tx, scanGitSSHKey,
		`SELECT `+gitSSHKeyColumns+` FROM git_ssh_keys g WHERE g.user_id > $1 ORDER BY g.user_id LIMIT $2`, after, limit)
}

// ResealGitSSHKey stores the same private half, sealed anew.
func (tx *Tx) ResealGitSSHKey(ctx context.Context, userID uuid.UUID, sealed string) error {
	return tx.update(ctx, `UPDATE git_ssh_keys SET sealed_private_key = $2 WHERE user_id = $1`, userID, sealed)
}

// DeleteGitSSHKey forgets the SSH key of a user.
func (tx *Tx) DeleteGitSSHKey(ctx context.Context, userID uuid.UUID) error {
	return tx.update(ctx, `DELETE FROM git_ssh_keys WHERE user_id = $1`, userID)
}
