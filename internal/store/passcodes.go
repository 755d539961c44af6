package store

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// PasswordReset is a passcode that was sent to a user, as it is kept.
type PasswordReset struct {
	UserID    uuid.UUID
	CodeHash  []byte // SHA-256
	ExpiresAt time.Time
	CreatedAt time.Time
}

func scanPasswordReset(r row) (PasswordReset, error) {
	var p PasswordReset
	err := r.Scan(&p.UserID, &p.CodeHash, timestamp{&p.ExpiresAt}, timestamp{&p.CreatedAt})
	return p, err
}

// PasswordReset returns what was sent to a user last, expired or not; not_found
// where nothing was, or it was used.
func (tx *Tx) PasswordReset(ctx context.Context, userID uuid.UUID) (PasswordReset, error) {
	return one(ctx, tx, scanPasswordReset,
		`SELECT p.user_id, p.code_hash, p.expires_at, p.created_at FROM password_resets p WHERE p.user_id = $1`, userID)
}

// PutPasswordReset stores what is sent to a user, in place of what was before.
func (tx *Tx) PutPasswordReset(ctx context.Context, p PasswordReset) error {
	_, err := tx.exec(ctx, `
		INSERT INTO password_resets (user_id, code_hash, expires_at, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id) DO UPDATE SET code_hash = excluded.code_hash,
			expires_at = excluded.expires_at, created_at = excluded.created_at`,
		p.UserID, p.CodeHash, micro(p.ExpiresAt), micro(p.CreatedAt))
	return err
}

// DeletePasswordReset forgets what was sent to a user, if anything was.
func (tx *Tx) DeletePasswordReset(ctx context.Context, userID uuid.UUID) error {
	_, err := tx.exec(ctx, `DELETE FROM password_resets WHERE user_id = $1`, userID)
	return err
}

// PurgePasswordResets removes what expired before the given time, at most so
// many, and returns how many it removed.
func (tx *Tx) PurgePasswordResets(ctx context.Context, expiredBefore time.Time, limit int) (int64, error) {
	return tx.exec(ctx, `DELETE FROM password_resets WHERE user_id IN (
		SELECT p.user_id FROM password_resets p WHERE p.expires_at < $1 ORDER BY p.expires_at LIMIT $2)`, micro(expiredBefore), limit)
}
