package store

import (
	"context"
	"time"

	"usher/internal/account"
)

// CountUsers returns how many users the list has. Those of a kind are counted
// where they are written: see the tables user_sums and user_day_sums.
func (tx *Tx) CountUsers(ctx context.Context, list UserList) (int, error) {
	s := list.Search
	switch {
	case list.isPartAlone():
		count, _, err := tx.store.engine.findPart(ctx, tx, s.Search, "", 0)
		return count, err
	case !list.isCounted():
		return tx.countEach(ctx, list)
	case s.LastSeenAfter.IsZero() && s.LastSeenBefore.IsZero():
		return tx.countKinds(ctx, s)
	}
	return tx.countSeen(ctx, s)
}

// isCounted reports whether the list asks for nothing but what users are counted
// by.
func (list UserList) isCounted() bool {
	s := list.Search
	return list.Readable.All && s.Search == "" && s.Name == "" && len(s.Roles) == 0 && s.GitHubUserID == 0 &&
		s.CreatedAfter.IsZero() && s.CreatedBefore.IsZero()
}

// countEach counts what an index finds.
func (tx *Tx) countEach(ctx context.Context, list UserList) (int, error) {
	e := tx.store.engine
	c := list.clauses(e, list.leads())
	return one(ctx, tx.ledBy(c.leading), value[int], `SELECT count(*)`+c.from(e), c.args...)
}

// countKinds counts users of kinds, whenever they were seen.
func (tx *Tx) countKinds(ctx context.Context, s account.UserSearch) (int, error) {
	c := &clauses{}
	c.kinds("k", s, false)
	return one(ctx, tx.once(), value[int], `SELECT CAST(coalesce(sum(k.users), 0) AS BIGINT) FROM user_counts k`+c.String(), c.args...)
}

// countSeen counts users of kinds by when they were last seen: those seen up to
// the end of the interval without those seen before it.
func (tx *Tx) countSeen(ctx context.Context, s account.UserSearch) (int, error) {
	var until, before int
	var err error
	if s.LastSeenBefore.IsZero() {
		until, err = tx.countKinds(ctx, s)
	} else {
		until, err = tx.countSeenUntil(ctx, s, micro(s.LastSeenBefore))
	}
	if err != nil || s.LastSeenAfter.IsZero() {
		return until, err
	}
	before, err = tx.countSeenUntil(ctx, s, micro(s.LastSeenAfter).Add(-time.Microsecond))
	return max(0, until-before), err
}

// countSeenUntil counts users of kinds who were last seen at this moment or
// before: the sums of the days before, and one by one those of its own day.
func (tx *Tx) countSeenUntil(ctx context.Context, s account.UserSearch, moment time.Time) (int, error) {
	midnight := moment.Truncate(24 * time.Hour) // of UTC, as Truncate counts from one
	c := &clauses{}
	c.kinds("d", s, false)
	c.where(`d.day < ` + c.bind(midnight.Unix()/int64((24*time.Hour).Seconds())))
	days := c.String()
	c.conditions = nil
	c.where("NOT u.deleted")
	c.kinds("u", s, true)
	c.between("u.last_seen_at", midnight, moment)
	return one(ctx, tx.once(), value[int], `
		SELECT (SELECT CAST(coalesce(sum(d.users), 0) AS BIGINT) FROM user_day_counts d`+days+`)
		     + (SELECT count(*) FROM users u`+c.String()+`)`, c.args...)
}
