package store

import (
	"context"
	"strconv"
)

// findPartOnPostgres asks the table of texts, which the server reads as a whole or
// by its index. Names it returns only of those who are few.
func findPartOnPostgres(ctx context.Context, tx *Tx, part, after string, keep int) (count int, names []string, err error) {
	const having = ` FROM user_texts WHERE text LIKE $1 ESCAPE '\'`
	pattern := tx.store.engine.searchFor(part)
	if keep > 0 {
		found, err := many(ctx, tx.planned(), value[string],
			`SELECT split_part(text, E'\n', 1)`+having+` LIMIT `+strconv.Itoa(rare+1), pattern)
		if err != nil {
			return 0, nil, err
		}
		if len(found) <= rare {
			return len(found), firstOf(found, after, keep), nil
		}
	}
	count, err = one(ctx, tx.planned(), value[int], `SELECT count(*)`+having, pattern)
	return count, nil, err
}
