package store

import "context"

// sumsLock is the number of the lock of those who add up what is counted, "usums"
// in ASCII.
const sumsLock = 0x7573756d73

// manyChanges are too many to leave what was of them lying about.
const manyChanges = 2000

// addUpCounts adds up what changed the numbers of users since the last time:
// without it each count would have more to add up than the one before.
func addUpCounts(ctx context.Context, s *Store) error {
	tx := s.Direct()
	changes, err := one(ctx, tx, value[int], `SELECT count(*) FROM user_count_changes`)
	if err != nil || changes == 0 {
		return err
	}
	if err := s.Write(ctx, moveChanges); err != nil || changes < manyChanges {
		return err
	}
	_, err = tx.exec(ctx, `VACUUM user_count_changes`) // what was removed would be read until the server comes to it
	return err
}

// moveChanges moves what changed the numbers of users into the numbers themselves.
// Where another node is at it there is nothing to do.
func moveChanges(ctx context.Context, tx *Tx) error {
	alone, err := one(ctx, tx, value[bool], `SELECT pg_try_advisory_xact_lock($1)`, int64(sumsLock))
	if err != nil || !alone {
		return err
	}
	_, err = tx.exec(ctx, `
		WITH moved AS (DELETE FROM user_count_changes RETURNING *),
		     days AS (
		       INSERT INTO user_day_sums AS s (day, status, login_type, is_service_account, users)
		       SELECT day, status, login_type, is_service_account, sum(users) FROM moved GROUP BY 1, 2, 3, 4 HAVING sum(users) <> 0
		       ON CONFLICT (day, status, login_type, is_service_account) DO UPDATE SET users = s.users + excluded.users)
		INSERT INTO user_sums AS s (status, login_type, is_service_account, users)
		SELECT status, login_type, is_service_account, sum(users) FROM moved GROUP BY 1, 2, 3 HAVING sum(users) <> 0
		ON CONFLICT (status, login_type, is_service_account) DO UPDATE SET users = s.users + excluded.users`)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `DELETE FROM user_day_sums WHERE users = 0`)
	return err
}
