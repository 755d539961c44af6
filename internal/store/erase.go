package store

import (
	"context"

	"github.com/google/uuid"

	"usher/internal/account"
)

// EraseUser overwrites what is personal in a deleted user's row, and removes
// what other rows keep of it. The row itself stays, under its id.
func (tx *Tx) EraseUser(ctx context.Context, id uuid.UUID, alias string) error {
	err := tx.update(ctx, `
		UPDATE users SET username = $2, username_key = $3, name = '', name_key = '', email = '', email_key = '',
			avatar_url = '', github_user_id = 0, password_hash = ''
		WHERE id = $1`, id, alias, account.Fold(alias))
	if err != nil {
		return err
	}
	for _, text := range []string{
		`DELETE FROM git_ssh_keys WHERE user_id = $1`,
		`DELETE FROM user_settings WHERE user_id = $1`,
		`DELETE FROM ai_seats WHERE user_id = $1`,
		`DELETE FROM autofill_parameters WHERE user_id = $1`,
		`DELETE FROM api_keys WHERE user_id = $1`,
		`DELETE FROM identities WHERE user_id = $1`,
		`DELETE FROM password_resets WHERE user_id = $1`,
		`UPDATE audit_log SET ip = '', user_agent = '' WHERE actor_id = $1`,
	} {
		if _, err := tx.exec(ctx, text, id); err != nil {
			return err
		}
	}
	return tx.eraseAuditEntries(ctx, id, alias)
}

// personalEntry is what an entry about a user says of it.
type personalEntry struct {
	id     uuid.UUID
	target string
	diff   account.Diff
}

func scanPersonalEntry(r row) (personalEntry, error) {
	var e personalEntry
	err := r.Scan(&e.id, &e.target, document[account.Diff]{&e.diff})
	return e, err
}

// eraseAuditEntries gives the entries about a user, its memberships and its keys
// the alias for a target, and takes the person out of their diffs. Names of
// tokens are the user's own words, and a public key is known to others as its
// owner's.
func (tx *Tx) eraseAuditEntries(ctx context.Context, id uuid.UUID, alias string) error {
	entries, err := many(ctx, tx, scanPersonalEntry, `
		SELECT a.id, a.target, a.diff FROM audit_log a
		 WHERE a.resource_id = $1 AND (a.target <> '' OR a.diff <> '{}')`, id)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.target != "" {
			entry.target = alias
		}
		entry.diff.Erase()
		_, err := tx.exec(ctx, `UPDATE audit_log SET target = $2, target_key = $3, diff = $4 WHERE id = $1`,
			entry.id, entry.target, account.Fold(entry.target), encode(entry.diff))
		if err != nil {
			return err
		}
	}
	return nil
}
