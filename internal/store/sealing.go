package store

import "context"

const encryptionCheckKey = "encryption_check"

// EncryptionCheck returns the value that was sealed to tell whether a node has
// the right key; not_found where the database has never held a key.
func (tx *Tx) EncryptionCheck(ctx context.Context) (string, error) {
	return one(ctx, tx, value[string], `SELECT value FROM deployment WHERE key = $1`, encryptionCheckKey)
}

// PutEncryptionCheck stores it.
func (tx *Tx) PutEncryptionCheck(ctx context.Context, sealed string) error {
	_, err := tx.exec(ctx, `
		INSERT INTO deployment (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
		encryptionCheckKey, sealed)
	return err
}

// CountSealedOtherwise returns how many values are sealed by another key than
// the one whose sealed values begin with the prefix.
func (tx *Tx) CountSealedOtherwise(ctx context.Context, prefix string) (int, error) {
	return one(ctx, tx, value[int], `
		SELECT (SELECT count(*) FROM git_ssh_keys g WHERE substr(g.sealed_private_key, 1, $1) <> $2)
		     + (SELECT count(*) FROM identities i
		         WHERE i.sealed_refresh_token <> '' AND substr(i.sealed_refresh_token, 1, $1) <> $2)`,
		len(prefix), prefix)
}
