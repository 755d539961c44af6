package store

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"usher/internal/account"
)

// UserList says which users a list is about.
type UserList struct {
	Search   account.UserSearch
	Readable account.Reach
}

// UserPage is a piece of a list, in the order of the folded username.
type UserPage struct {
	AfterID   uuid.UUID // users whose name comes after this user's, if set
	AfterName string    // users whose name comes after this one, if set
	Limit     int       // 0: no limit
	Offset    int

	// Of is how many users the whole list has, as CountUsers said in the same
	// transaction: what is few is found by its search, and what is far behind from
	// the end. Without it, 0, the list is walked by name.
	Of int
}

// ListUsers returns one page of the list. Its users are found by name first,
// which an index can answer alone, and only they are read whole.
func (tx *Tx) ListUsers(ctx context.Context, list UserList, page UserPage) ([]account.User, error) {
	few, err := tx.isFew(ctx, list, page)
	if err != nil {
		return nil, err
	}
	names, args := list.walk(tx.store.engine, page)
	if few {
		names, args = list.gather(tx.store.engine, page)
	}
	return many(ctx, tx.once(), scanUser, `
		SELECT `+userColumns+` FROM users u
		 WHERE NOT u.deleted AND u.username_key IN (`+names+`)
		 ORDER BY u.username_key`, args...)
}

const (
	// alwaysFew are gathered whatever the list is about.
	alwaysFew = 500
	// gathering is how many steps of a walk gathering one user costs.
	gathering = 4
)

// isFew reports whether it costs less to gather all users of the list and to sort
// them than to walk through everybody by name until the page is full.
func (tx *Tx) isFew(ctx context.Context, list UserList, page UserPage) (bool, error) {
	if page.Of == 0 || list.leads() == byName {
		return false, nil
	}
	if page.Of <= alwaysFew {
		return true, nil
	}
	all, err := tx.CountUsers(ctx, UserList{Readable: account.Reach{All: true}})
	wanted := page.Offset + page.Limit
	if page.Limit == 0 {
		wanted = page.Of
	}
	return page.Of < all && gathering*page.Of < wanted*(all/page.Of), err
}

// walk is the names of a page, read in their order.
func (list UserList) walk(e *engine, page UserPage) (text string, args []any) {
	c := list.clauses(e, byName)
	tail := page.clauses(c)
	return `SELECT u.username_key FROM users u` + c.String() + tail, c.args
}

// gather is the same, of a list that is read whole before it is put in order.
func (list UserList) gather(e *engine, page UserPage) (text string, args []any) {
	c := list.clauses(e, list.leads())
	found := `WITH u AS MATERIALIZED (SELECT u.username_key FROM users u` + c.String() + `) SELECT u.username_key FROM u`
	of := &clauses{args: c.args}
	tail := page.clauses(of)
	return found + of.String() + tail, of.args
}

// isBehind reports whether the page is nearer to the end of the list than to its
// beginning.
func (page UserPage) isBehind() bool {
	return page.AfterID == uuid.Nil && page.AfterName == "" && page.Offset > page.Of/2 && page.Of > 0
}

// clauses adds the conditions of the page and returns its order and bounds.
func (page UserPage) clauses(c *clauses) (tail string) {
	if page.AfterID != uuid.Nil {
		c.where(`u.username_key > (SELECT a.username_key FROM users a WHERE a.id = ` + c.bind(page.AfterID) + `)`)
	}
	if page.AfterName != "" {
		c.where(`u.username_key > ` + c.bind(account.Fold(page.AfterName)))
	}
	if page.isBehind() {
		return page.fromTheEnd()
	}
	return ` ORDER BY u.username_key` + bounds(page.Limit, page.Offset)
}

// fromTheEnd is the order and the bounds of the same page, counted from the end.
func (page UserPage) fromTheEnd() (tail string) {
	left := max(0, page.Of-page.Offset)
	limit := left
	if page.Limit > 0 {
		limit = min(page.Limit, left)
	}
	if limit == 0 {
		return ` LIMIT 0`
	}
	return ` ORDER BY u.username_key DESC` + bounds(limit, left-limit)
}

func bounds(limit, offset int) (text string) {
	if limit > 0 {
		text = ` LIMIT ` + strconv.Itoa(limit)
	} else if offset > 0 {
		text = ` LIMIT 9223372036854775807` // SQLite knows no OFFSET alone
	}
	if offset > 0 {
		text += ` OFFSET ` + strconv.Itoa(offset)
	}
	return text
}

// lead is the condition of a list that an index finds; the others are checked of
// what it finds. Left to themselves the engines choose by guesses about how many
// rows a condition leaves, which are wrong by orders of magnitude for some.
type lead int

const (
	byName    lead = iota // no condition: everybody, in the order of the list
	byID                  // who may be read
	byGitHub              // an account at GitHub
	byRole                // a site role
	byLetters             // part of a username or of an address
	byKind                // status, login type, service account, when last seen or created
	byAny                 // whatever the engine thinks
)

// leads chooses: what leaves the fewest first.
func (list UserList) leads() lead {
	s := list.Search
	switch {
	case !list.Readable.All:
		return byID
	case s.GitHubUserID != 0:
		return byGitHub
	case len(s.Roles) > 0:
		return byRole
	case hasLetters(s.Search):
		return byLetters
	case s.Search != "" || s.Name != "":
		return byName
	case list.isOfKinds(), !s.CreatedAfter.IsZero(), !s.CreatedBefore.IsZero():
		return byKind
	}
	return byName
}

// isOfKinds reports whether the list asks for what users are counted by.
func (list UserList) isOfKinds() bool {
	s := list.Search
	return len(s.Statuses) > 0 || len(s.LoginTypes) > 0 || s.ServiceAccount != nil ||
		!s.LastSeenAfter.IsZero() || !s.LastSeenBefore.IsZero()
}

// hasLetters reports whether the text is long enough for an index of every three
// letters.
func hasLetters(text string) bool { return utf8.RuneCountInString(text) >= 3 }

// hasLine reports whether the text has a line's end, which neither a username nor
// an address has, and which parts the two in the index.
func hasLine(text string) bool { return strings.Contains(text, "\n") }

// clauses turns the list into conditions on the table u, of which the leading one
// is to be looked up.
func (list UserList) clauses(e *engine, leading lead) *clauses {
	c, s := &clauses{leading: leading}, list.Search
	c.where("NOT u.deleted")
	if !list.Readable.All {
		c.led(byID, func() { in(c, "u.id", list.Readable.IDs) })
	}
	if s.GitHubUserID != 0 {
		c.led(byGitHub, func() { c.where(`u.github_user_id <> 0 AND u.github_user_id = ` + c.bind(s.GitHubUserID)) })
	}
	if len(s.Roles) > 0 {
		c.led(byRole, func() { c.hold(s.Roles) })
	}
	if s.Search != "" {
		c.led(byLetters, func() { c.contain(e, s.Search) })
	}
	if s.Name != "" {
		c.led(byAny, func() { c.where(`u.name_key LIKE ` + c.bind("%"+literal(s.Name)+"%") + ` ESCAPE '\'`) })
	}
	c.led(byKind, func() {
		c.kinds("u", s, leading == byKind)
		c.between("u.last_seen_at", s.LastSeenAfter, s.LastSeenBefore)
	})
	c.led(byAny, func() { c.between("u.created_at", s.CreatedAfter, s.CreatedBefore) })
	return c
}

// led adds the conditions that add makes: as they are where they lead, and so
// that no index answers them where another leads.
func (c *clauses) led(by lead, add func()) {
	begin := len(c.conditions)
	add()
	if c.leading == by || c.leading == byAny {
		return
	}
	for i, condition := range c.conditions[begin:] {
		c.conditions[begin+i] = `(` + condition + `) IS TRUE`
	}
}

// hold adds the condition that the user has one of the roles.
func (c *clauses) hold(roles []string) {
	held := []string{}
	for _, role := range roles {
		if !strings.Contains(role, " ") { // none has one, and it would look like two
			held = append(held, `u.site_roles LIKE `+c.bind("% "+literal(role)+" %")+` ESCAPE '\'`)
		}
	}
	if len(held) == 0 {
		held = []string{"1 = 0"}
	}
	c.where(`u.site_roles <> '' AND (` + strings.Join(held, " OR ") + `)`)
}

// contain adds the condition that the username or the address has this part.
func (c *clauses) contain(e *engine, part string) {
	switch {
	case hasLine(part):
		c.where("1 = 0")
	case c.leading == byLetters:
		c.where(e.searched(c.bind(e.searchFor(part))))
	default:
		place := c.bind("%" + literal(part) + "%")
		c.where(`(u.username_key LIKE ` + place + ` ESCAPE '\' OR u.email_key LIKE ` + place + ` ESCAPE '\')`)
	}
}

// kinds adds the conditions of what users are counted by, but for the day, on a
// table or view of that alias; with all of them an index that begins with them can
// be used for what comes after.
func (c *clauses) kinds(alias string, s account.UserSearch, all bool) {
	statuses, logins := s.Statuses, s.LoginTypes
	if all && len(statuses) == 0 {
		statuses = account.UserStatuses()
	}
	if all && len(logins) == 0 {
		logins = []account.LoginType{account.LoginPassword, account.LoginGitHub, account.LoginOIDC, account.LoginNone}
	}
	if len(statuses) > 0 {
		in(c, alias+".status", statuses)
	}
	if len(logins) > 0 {
		in(c, alias+".login_type", logins)
	}
	if s.ServiceAccount != nil {
		c.where(alias + `.is_service_account = ` + c.bind(*s.ServiceAccount))
	} else if all {
		in(c, alias+".is_service_account", []bool{false, true})
	}
}

// between adds the bounds that are set, both inclusive.
func (c *clauses) between(column string, after, before time.Time) {
	if !after.IsZero() {
		c.where(column + ` >= ` + c.bind(micro(after)))
	}
	if !before.IsZero() {
		c.where(column + ` <= ` + c.bind(micro(before)))
	}
}
