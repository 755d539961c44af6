package store

import (
	"context"
	"strconv"
)

// readTextsOfPostgres lets the server read the table of texts, with as many of its
// processes as it likes. Names it returns only of those who are few.
func readTextsOfPostgres(ctx context.Context, tx *Tx, part, after string, keep int) (count int, names []string, err error) {
	if !hasLetters(part) { // or an index would have found those who are few
		found, err := many(ctx, tx.once(), value[string],
			`SELECT split_part(text, E'\n', 1) FROM user_texts WHERE strpos(text, $1) > 0 LIMIT `+strconv.Itoa(few+1), part)
		if err != nil {
			return 0, nil, err
		}
		if len(found) <= few {
			first := newFirstNames(after, keep)
			for _, name := range found {
				first.add([]byte(name))
			}
			return len(found), first.list(), nil
		}
	}
	count, err = one(ctx, tx.once(), value[int], `SELECT count(*) FROM user_texts WHERE strpos(text, $1) > 0`, part)
	return count, nil, err
}
