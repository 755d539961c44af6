package store

import (
	"context"
	"slices"
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

	// Of is how many users the whole list has, as CountUsers says in the same
	// transaction: what is few is found by its search, and what is far behind from
	// the end. Without it, 0, the list is walked by name. See PageOfUsers.
	Of int
}

// few users are put in order by ourselves, whatever the list is about. Tests make
// it less, so that their lists are of both kinds.
var few = 4000

const (
	// stretch is how many users are walked through for a page before those of the
	// list are gathered after all: they may all be at the other end.
	stretch = 10_000
	// gathering is how many steps of a walk gathering one user costs, and looking
	// is the same where each has to be looked up for it.
	gathering, looking = 4, 10
)

// PageOfUsers returns one page of the list, and how many users the whole list has.
func (tx *Tx) PageOfUsers(ctx context.Context, list UserList, page UserPage) (count int, users []account.User, err error) {
	if list.isPartAlone() {
		return tx.pageOfPart(ctx, list, page)
	}
	names, err := tx.findFew(ctx, list)
	if err != nil {
		return 0, nil, err
	}
	if names != nil {
		users, err = tx.listNames(ctx, names, page)
		return len(names), users, err
	}
	page.Of, err = tx.CountUsers(ctx, list)
	if err != nil || page.Of == 0 {
		return 0, []account.User{}, err
	}
	users, err = tx.ListUsers(ctx, list, page)
	return page.Of, users, err
}

// findFew returns the names of the list, out of order, where an index finds them
// and they are few; else nil. It spares to look for them once more.
func (tx *Tx) findFew(ctx context.Context, list UserList) ([]string, error) {
	leading := list.leads()
	if leading == byName || leading == byKind {
		return nil, nil //nolint:nilnil // nil means "not found this way"
	}
	c := list.clauses(tx.store.engine, leading)
	names, err := many(ctx, tx.ledBy(leading), value[string],
		`SELECT u.username_key`+c.from(tx.store.engine)+` LIMIT `+strconv.Itoa(few+1), c.args...)
	if len(names) > few {
		return nil, err
	}
	return names, err
}

// listNames returns a page of the users of these names, which are in no order.
func (tx *Tx) listNames(ctx context.Context, names []string, page UserPage) ([]account.User, error) {
	after, isThere, err := tx.beginning(ctx, page)
	if err != nil || !isThere {
		return []account.User{}, err
	}
	slices.Sort(names)
	names = following(names, after)
	names = names[min(page.Offset, len(names)):]
	if page.Limit > 0 {
		names = names[:min(page.Limit, len(names))]
	}
	return tx.usersNamed(ctx, names)
}

// namedAtOnce is how many names one statement looks for: one of the engines finds
// placeholders by comparing each with all others.
const namedAtOnce = 50

// usersNamed returns the users of these folded names, which are in their order.
func (tx *Tx) usersNamed(ctx context.Context, names []string) ([]account.User, error) {
	users := []account.User{}
	for some := range slices.Chunk(names, namedAtOnce) {
		c := &clauses{}
		c.where("NOT u.deleted")
		in(c, "u.username_key", some)
		found, err := many(ctx, tx.once(), scanUser, `SELECT `+userColumns+` FROM users u`+c.String()+` ORDER BY u.username_key`, c.args...)
		if err != nil {
			return nil, err
		}
		users = append(users, found...)
	}
	return users, nil
}

// following are those of some sorted names that come after a name.
func following(names []string, name string) []string {
	at, found := slices.BinarySearch(names, name)
	if found {
		at++
	}
	return names[at:]
}

// ListUsers returns one page of the list. Its users are found by name first,
// which an index can answer alone, and only they are read whole.
func (tx *Tx) ListUsers(ctx context.Context, list UserList, page UserPage) ([]account.User, error) {
	way, err := tx.chooseWay(ctx, list, page)
	if err != nil {
		return nil, err
	}
	if way.steps > 0 {
		users, err := tx.walk(ctx, list, page, way.steps)
		if err != nil || len(users) == page.Limit {
			return users, err
		}
	}
	if way.gather {
		return tx.gather(ctx, list, page)
	}
	return tx.walk(ctx, list, page, 0)
}

// way is how a page is found.
type way struct {
	steps  int  // of a walk that is tried first
	gather bool // what an index finds, instead of a walk to the end
}

// chooseWay decides by what each way costs if those of the list are spread evenly
// among all, and sees to it that it never costs much more if they are not.
func (tx *Tx) chooseWay(ctx context.Context, list UserList, page UserPage) (way, error) {
	leading := list.leads()
	if page.Of == 0 || leading == byName {
		return way{}, nil
	}
	if page.Of <= few {
		return way{gather: true}, nil
	}
	all, err := tx.CountUsers(ctx, UserList{Readable: account.Reach{All: true}})
	if err != nil {
		return way{}, err
	}
	cost, steps, cheap := gathering*page.Of, stretch, 0
	if leading == byLetters || leading == byRole {
		cost, cheap = looking*page.Of, 20*stretch // a walk compares letters at each step
		steps = max(stretch, cost)
	}
	wanted := page.Offset + page.Limit
	if page.Limit == 0 {
		wanted = page.Of
	}
	switch {
	case cost < max(wanted*(all/page.Of), cheap):
		return way{gather: true}, nil
	case page.Limit == 0 || page.Offset > 0 || steps > all/2:
		return way{}, nil
	}
	return way{steps: steps, gather: true}, nil
}

// walk goes through everybody by name until the page is full, or for as many
// steps, if any.
func (tx *Tx) walk(ctx context.Context, list UserList, page UserPage, steps int) ([]account.User, error) {
	c := list.clauses(tx.store.engine, byName)
	page.cursor(c)
	if steps > 0 {
		c.where(`u.username_key <= ` + page.after(steps, c))
	}
	return tx.listNamed(ctx, `SELECT u.username_key`+c.from(tx.store.engine), c, page)
}

// after is the name that comes so many after the beginning of the page, or one
// that comes after all.
func (page UserPage) after(steps int, c *clauses) string {
	begin := &clauses{args: c.args}
	begin.where("NOT u.deleted")
	page.cursor(begin)
	text := `coalesce((SELECT u.username_key FROM users u` + begin.String() + ` ORDER BY u.username_key` + bounds(1, steps) + `), `
	c.args = begin.args
	return text + c.bind(lastName) + `)`
}

// lastName comes after every name, bytewise.
const lastName = "\U0010FFFF"

// gather lists what an index finds, once all of it is found.
func (tx *Tx) gather(ctx context.Context, list UserList, page UserPage) ([]account.User, error) {
	c := list.clauses(tx.store.engine, list.leads())
	found := `WITH u AS MATERIALIZED (SELECT u.username_key` + c.from(tx.store.engine) + `) SELECT u.username_key FROM u`
	c = &clauses{args: c.args}
	page.cursor(c)
	return tx.listNamed(ctx, found+c.String(), c, page)
}

// listNamed reads the users of a page of the names that a query returns.
func (tx *Tx) listNamed(ctx context.Context, names string, c *clauses, page UserPage) ([]account.User, error) {
	return many(ctx, tx.once(), scanUser, `
		SELECT `+userColumns+` FROM users u
		 WHERE NOT u.deleted AND u.username_key IN (`+names+page.order()+`)
		 ORDER BY u.username_key`, c.args...)
}

// isBehind reports whether the page is nearer to the end of the list than to its
// beginning.
func (page UserPage) isBehind() bool {
	return page.AfterID == uuid.Nil && page.AfterName == "" && page.Offset > page.Of/2 && page.Of > 0
}

// cursor adds the condition that a user comes after those the caller has seen.
func (page UserPage) cursor(c *clauses) {
	if page.AfterID != uuid.Nil {
		c.where(`u.username_key > (SELECT a.username_key FROM users a WHERE a.id = ` + c.bind(page.AfterID) + `)`)
	}
	if page.AfterName != "" {
		c.where(`u.username_key > ` + c.bind(account.Fold(page.AfterName)))
	}
}

// order is the order and the bounds of the page.
func (page UserPage) order() string {
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
func hasLetters(text string) bool { return utf8.RuneCountInString(text) >= 3 && !hasSeparator(text) }

// hasSeparator reports whether the text has what parts usernames, addresses and
// users where they are kept for searches, and what none of them has.
func hasSeparator(text string) bool { return strings.ContainsAny(text, "\n\x1e") }

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
		c.led(byRole, func() { c.hold(e, s.Roles) })
	}
	if s.Search != "" {
		c.led(byLetters, func() { c.contain(e, s.Search) })
	}
	if s.Name != "" {
		c.led(byAny, func() { c.where(e.contains("u.name_key", c.bind(s.Name))) })
	}
	c.led(byKind, func() {
		c.kinds("u", s, leading == byKind)
		c.between("u.last_seen_at", s.LastSeenAfter, s.LastSeenBefore)
	})
	c.led(byAny, func() { c.between("u.created_at", s.CreatedAfter, s.CreatedBefore) })
	return c
}

// from is the tables and the conditions of a list, of which the leading one finds
// them.
func (c *clauses) from(e *engine) string {
	if c.leading == byLetters {
		return ` FROM ` + e.searchFrom + c.String()
	}
	return ` FROM users u` + c.String()
}

// ledBy returns the view for a text that this condition leads: whether a part of a
// name is rare decides about the best plan.
func (tx *Tx) ledBy(leading lead) *Tx {
	if leading == byLetters {
		return tx.planned()
	}
	return tx.once()
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
func (c *clauses) hold(e *engine, roles []string) {
	held := []string{}
	for _, role := range roles {
		if !strings.Contains(role, " ") { // none has one, and it would look like two
			held = append(held, e.contains("u.site_roles", c.bind(" "+role+" ")))
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
	case c.leading == byLetters:
		c.where(e.searched(c.bind(e.searchFor(part))))
	case hasSeparator(part):
		c.where("1 = 0")
	default:
		place := c.bind(part)
		c.where(`(` + e.contains("u.username_key", place) + ` OR ` + e.contains("u.email_key", place) + `)`)
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
