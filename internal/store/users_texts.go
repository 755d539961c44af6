package store

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"usher/internal/account"
)

// rare is a part that no more users have: they are found by the index of letters,
// and others in the texts of all. Tests make it less.
var rare = 1000

// mostKept is how many names a page may have, with those before it, to be
// collected while the texts of all users are read. Tests make it less.
var mostKept = 10_000

// isPartAlone reports whether the list asks for part of a username or of an
// address and for nothing else.
func (list UserList) isPartAlone() bool {
	s := list.Search
	return list.Readable.All && s.Search != "" && !hasSeparator(s.Search) && s.Name == "" && s.GitHubUserID == 0 &&
		len(s.Roles) == 0 && !list.isOfKinds() && s.CreatedAfter.IsZero() && s.CreatedBefore.IsZero()
}

// pageOfPart is PageOfUsers for such a list. The names of the page are found while
// its users are counted, unless they are too many to be kept.
func (tx *Tx) pageOfPart(ctx context.Context, list UserList, page UserPage) (count int, users []account.User, err error) {
	after, isThere, err := tx.beginning(ctx, page)
	if err != nil {
		return 0, nil, err
	}
	keep := page.Offset + page.Limit
	if page.Limit == 0 || !isThere || keep > mostKept {
		keep = 0
	}
	count, names, err := tx.store.engine.findPart(ctx, tx, list.Search.Search, after, keep)
	if err != nil || count == 0 {
		return 0, []account.User{}, err
	}
	if keep > 0 && names != nil {
		users, err = tx.usersNamed(ctx, names[min(page.Offset, len(names)):])
		return count, users, err
	}
	page.Of = count
	users, err = tx.ListUsers(ctx, list, page)
	return count, users, err
}

// beginning returns the name after which the page begins, "" for the first. Nobody
// comes after a user who is not there.
func (tx *Tx) beginning(ctx context.Context, page UserPage) (after string, isThere bool, err error) {
	after = account.Fold(page.AfterName)
	if page.AfterID == uuid.Nil {
		return after, true, nil
	}
	name, err := one(ctx, tx, value[string], `SELECT username_key FROM users WHERE id = $1`, page.AfterID)
	if account.KindOf(err) == account.KindNotFound {
		return "", false, nil
	}
	return max(after, name), true, err
}

// firstNames keeps the names that come first after one of them.
type firstNames struct {
	after string
	keep  int
	names []string
	full  bool // names has begun with so many that none after bound is among them
	bound string
}

func newFirstNames(after string, keep int) *firstNames {
	return &firstNames{after: after, keep: keep, names: []string{}}
}

// firstOf returns the first of some names after one of them, in their order.
func firstOf(names []string, after string, keep int) []string {
	first := newFirstNames(after, keep)
	for _, name := range names {
		first.add(name)
	}
	return first.list()
}

// add takes a name that was not added before.
func (f *firstNames) add(name string) {
	if f.keep == 0 || name <= f.after || f.full && name >= f.bound {
		return
	}
	f.names = append(f.names, strings.Clone(name)) // it may be a piece of a long text
	if len(f.names) >= 2*f.keep {
		f.names = f.list()
		f.bound, f.full = f.names[f.keep-1], true
	}
}

// list returns the names in their order.
func (f *firstNames) list() []string {
	slices.Sort(f.names)
	return f.names[:min(len(f.names), f.keep)]
}
