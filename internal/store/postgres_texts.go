package store

import "context"

// readTextsOfPostgres lets the server read the table of texts, with as many of its
// processes as it likes. Names it returns only of those who are few.
func readTextsOfPostgres(ctx context.Context, tx *Tx, part, after string, keep int) (count int, names []string, err error) {
	count, err = one(ctx, tx.once(), value[int], `SELECT count(*) FROM user_texts WHERE strpos(text, $1) > 0`, part)
	if err != nil || count > few || keep == 0 {
		return count, nil, err
	}
	found, err := many(ctx, tx.once(), value[string],
		`SELECT split_part(text, E'\n', 1) FROM user_texts WHERE strpos(text, $1) > 0`, part)
	first := newFirstNames(after, keep)
	for _, name := range found {
		first.add([]byte(name))
	}
	return count, first.list(), err
}
