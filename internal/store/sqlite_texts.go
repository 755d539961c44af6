package store

import (
	"context"
	"strings"
)

// userEnd ends a user in the texts of many; its name ends with a line. See the
// view user_blocks.
const userEnd = "\x1e"

// findPartOnSQLite asks the index of every three letters, and where more than a few
// have the part reads blocks of many users and looks into them by itself: a row of
// a table costs SQLite as much as the texts of twenty users.
func findPartOnSQLite(ctx context.Context, tx *Tx, part, after string, keep int) (count int, names []string, err error) {
	if keep > 0 && hasLetters(part) {
		found, err := many(ctx, tx, value[string], `
			SELECT u.username_key FROM user_search f CROSS JOIN users u ON u.number = f.rowid
			 WHERE f.user_search MATCH $1 LIMIT $2`, tx.store.engine.searchFor(part), rare+1)
		if err != nil {
			return 0, nil, err
		}
		if len(found) <= rare {
			return len(found), firstOf(found, after, keep), nil
		}
	}
	first := newFirstNames(after, keep)
	part = storableText(part)
	counts, err := many(ctx, tx, func(r row) (int, error) {
		text, err := value[string](r)
		return addMatches(first, text, part), err
	}, `SELECT text FROM user_blocks`)
	for _, n := range counts {
		count += n
	}
	return count, first.list(), err
}

// addMatches adds the users of the text who have the part, and returns how many
// they are.
func addMatches(first *firstNames, text, part string) (count int) {
	for {
		at := strings.Index(text, part)
		if at < 0 {
			return count
		}
		begin := strings.LastIndex(text[:at], userEnd) + 1
		name, _, _ := strings.Cut(text[begin:], "\n")
		first.add(name)
		count++
		_, text, _ = strings.Cut(text[at:], userEnd)
	}
}

// packedAtOnce is how many blocks are packed before others may write, which takes
// some milliseconds.
const packedAtOnce = 16

// packTexts packs the texts of users that changed, and leaves to the next time what
// becomes loose in the meantime.
func packTexts(ctx context.Context, s *Store) error {
	loose, err := one(ctx, s.Direct(), value[int], `SELECT count(*) FROM user_texts WHERE text IS NULL`)
	if err != nil {
		return err
	}
	for ; loose > 0; loose -= packedAtOnce {
		err := s.WriteEach(ctx, func(ctx context.Context, tx *Tx) error {
			_, err := tx.exec(ctx, `
				UPDATE user_texts SET text = (SELECT b.text FROM user_blocks b WHERE b.block = user_texts.block)
				 WHERE block IN (SELECT block FROM user_texts WHERE text IS NULL LIMIT $1)`, packedAtOnce)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
