package store

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// TakeAISeat records that a user used AI, for the first time or again.
func (tx *Tx) TakeAISeat(ctx context.Context, userID uuid.UUID, event string, at time.Time) error {
	_, err := tx.exec(ctx, `
		INSERT INTO ai_seats (user_id, first_used_at, last_used_at, last_event) VALUES ($1, $2, $2, $3)
		ON CONFLICT (user_id) DO UPDATE SET last_used_at = excluded.last_used_at, last_event = excluded.last_event`,
		userID, micro(at), event)
	return err
}

// ReleaseAISeat forgets that a user used AI.
func (tx *Tx) ReleaseAISeat(ctx context.Context, userID uuid.UUID) error {
	_, err := tx.exec(ctx, `DELETE FROM ai_seats WHERE user_id = $1`, userID)
	return err
}
