package store

import "context"

// readTextsOfPostgres lets the server read the table of texts, with as many of its
// processes as it likes. Names it returns only of those who are few.
func readTextsOfPostgres(ctx context.Context, tx *Tx, part, after string, keep int) (count int, names []string, err error) {
	const having = ` FROM user_texts WHERE text LIKE $1 ESCAPE '\'`
	pattern := tx.store.engine.searchFor(part)
	count, err = one(ctx, tx.once(), value[int], `SELECT count(*)`+having, pattern)
	if err != nil || count > few || keep == 0 {
		return count, nil, err
	}
	found, err := many(ctx, tx.once(), value[string], `SELECT split_part(text, E'\n', 1)`+having, pattern)
	first := newFirstNames(after, keep)
	for _, name := range found {
		first.add([]byte(name))
	}
	return count, first.list(), err
}

// isCommonOnPostgres asks some users whether a part is one that many have. The
// server would look up all of them in its index before it returns the first, and
// cannot tell beforehand.
func isCommonOnPostgres(ctx context.Context, tx *Tx, part string) (bool, error) {
	return one(ctx, tx, value[bool], `
		SELECT count(*) FILTER (WHERE t.text LIKE $1 ESCAPE '\') * 5 > count(*)
		  FROM (SELECT text FROM user_texts LIMIT 2000) t`, tx.store.engine.searchFor(part))
}
