package store

import "context"

// sumsLock is the number of the lock of those who add up what is counted, "usums"
// in ASCII.
const sumsLock = 0x7573756d73

// addUpPostgres moves what changed the numbers of users into the numbers
// themselves. Where another node is at it there is nothing to do.
func addUpPostgres(ctx context.Context, tx *Tx) error {
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
