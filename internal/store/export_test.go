package store

import "context"

// LowerBounds makes the lists of tests of both kinds, with few users and with many.
func LowerBounds() { few, rare, mostKept = 300, 300, 100 }

// Digest is what SchemaDigest does with the migrations.
var Digest = digest

// ConflictFields are the fields of the wire by the index that guards them.
var ConflictFields = conflictFields

// Setting returns a setting of a session of the pool.
func (s *Store) Setting(ctx context.Context, name string) (string, error) {
	return one(ctx, s.Direct(), value[string], `SELECT current_setting($1)`, name)
}

// Execute runs a statement of which there is no method.
func (tx *Tx) Execute(ctx context.Context, text string) error {
	_, err := tx.exec(ctx, text)
	return err
}
