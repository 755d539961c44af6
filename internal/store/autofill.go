package store

import (
	"context"

	"github.com/google/uuid"

	"usher/internal/account"
)

func scanParameter(r row) (account.Parameter, error) {
	var p account.Parameter
	err := r.Scan(&p.Name, &p.Value)
	return p, err
}

// ListAutofillParameters returns the values that a user gave the parameters of a
// template, those of the newest build first and then by name, at most so many.
func (tx *Tx) ListAutofillParameters(ctx context.Context, userID, templateID uuid.UUID, limit int) ([]account.Parameter, error) {
	return many(ctx, tx, scanParameter, `
		SELECT p.name, p.value FROM autofill_parameters p
		 WHERE p.user_id = $1 AND p.template_id = $2
		 ORDER BY p.built_at DESC, p.name LIMIT $3`, userID, templateID, limit)
}

// RecordParameter stores a value that a build of the user was given, unless that
// of a later build is there. It reports whether it did.
func (tx *Tx) RecordParameter(ctx context.Context, userID uuid.UUID, b account.Build, p account.Parameter) (bool, error) {
	changed, err := tx.exec(ctx, `
		INSERT INTO autofill_parameters (user_id, template_id, name, value, workspace_id, built_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id, template_id, name) DO UPDATE SET
			value = excluded.value, workspace_id = excluded.workspace_id, built_at = excluded.built_at
			WHERE autofill_parameters.built_at <= excluded.built_at`,
		userID, b.TemplateID, p.Name, p.Value, b.WorkspaceID, micro(b.CreatedAt))
	return changed > 0, err
}
