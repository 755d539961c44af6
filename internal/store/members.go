package store

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
)

const memberColumns = `
	m.organization_id, m.created_at, m.updated_at,
	(SELECT string_agg(mr.role, ' ' ORDER BY mr.role) FROM organization_member_roles mr
	  WHERE mr.user_id = m.user_id AND mr.organization_id = m.organization_id), ` + userColumns

const fromMembers = ` FROM organization_members m JOIN users u ON u.id = m.user_id`

func scanMember(r row) (account.Member, error) {
	var m account.Member
	fields := []any{&m.OrganizationID, timestamp{&m.CreatedAt}, timestamp{&m.UpdatedAt}, words{&m.Roles}}
	err := r.Scan(append(fields, userFields(&m.User)...)...)
	return m, err
}

// Member returns a user's place in an organization; deleted users have none.
func (tx *Tx) Member(ctx context.Context, organizationID, userID uuid.UUID) (account.Member, error) {
	member, err := one(ctx, tx, scanMember, `SELECT `+memberColumns+fromMembers+`
		WHERE m.organization_id = $1 AND m.user_id = $2 AND NOT u.deleted`, organizationID, userID)
	if err != nil {
		return account.Member{}, err
	}
	alone := []account.Member{member}
	err = tx.attachToMembers(ctx, organizationID, alone)
	return alone[0], err
}

// MemberList says which members of an organization a list is about.
type MemberList struct {
	OrganizationID uuid.UUID
	Users          UserList
}

// CountMembers returns how many members the list has.
func (tx *Tx) CountMembers(ctx context.Context, list MemberList) (int, error) {
	large, err := tx.isLarge(ctx, list.OrganizationID)
	if err != nil {
		return 0, err
	}
	if list.Users.Readable.All && list.Users.Search.IsZero() {
		return tx.countAllMembers(ctx, list.OrganizationID)
	}
	if large {
		c := list.amongUsers(tx.store.engine, list.Users.leads())
		return one(ctx, tx.ledBy(c.leading), value[int], `SELECT count(*)`+c.from(tx.store.engine), c.args...)
	}
	c := list.clauses(tx.store.engine)
	return one(ctx, tx.once(), value[int], `SELECT count(*)`+fromMembers+c.String(), c.args...)
}

// countAllMembers counts memberships, and takes off those of deleted users, which
// are few and stay.
func (tx *Tx) countAllMembers(ctx context.Context, organizationID uuid.UUID) (int, error) {
	return one(ctx, tx, value[int], `
		SELECT (SELECT count(*) FROM organization_members m WHERE m.organization_id = $1)
		     - (SELECT count(*) FROM users u CROSS JOIN organization_members m
		         WHERE u.deleted AND m.user_id = u.id AND m.organization_id = $1)`, organizationID)
}

// isLarge reports whether an organization has so many members that it is better
// to go through users by name than to put its members in order.
func (tx *Tx) isLarge(ctx context.Context, organizationID uuid.UUID) (bool, error) {
	some, err := one(ctx, tx, value[int], `
		SELECT count(*) FROM (SELECT 1 FROM organization_members m WHERE m.organization_id = $1 LIMIT `+strconv.Itoa(few+1)+`) found`, organizationID)
	return some > few, err
}

// clauses are conditions on the tables m and u.
func (list MemberList) clauses(e *engine) *clauses {
	c := list.Users.clauses(e, byAny)
	c.where(`m.organization_id = ` + c.bind(list.OrganizationID))
	return c
}

// amongUsers are conditions on the table u alone.
func (list MemberList) amongUsers(e *engine, leading lead) *clauses {
	c := list.Users.clauses(e, leading)
	c.where(`(EXISTS (SELECT 1 FROM organization_members x
		WHERE x.user_id = u.id AND x.organization_id = ` + c.bind(list.OrganizationID) + `)) IS TRUE`)
	return c
}

// ListMembers returns one page of the list, in the order of the folded username.
func (tx *Tx) ListMembers(ctx context.Context, list MemberList, page UserPage) ([]account.Member, error) {
	large, err := tx.isLarge(ctx, list.OrganizationID)
	if err != nil {
		return nil, err
	}
	text, args := list.inOrder(tx.store.engine, page)
	if large {
		text, args = list.byName(tx.store.engine, page)
	}
	members, err := many(ctx, tx.once(), scanMember, `SELECT `+memberColumns+text, args...)
	if err != nil {
		return nil, err
	}
	return members, tx.attachToMembers(ctx, list.OrganizationID, members)
}

// inOrder puts all members in order and takes the page.
func (list MemberList) inOrder(e *engine, page UserPage) (text string, args []any) {
	c := list.clauses(e)
	page.cursor(c)
	return fromMembers + c.String() + page.order(), c.args
}

// byName goes through users by name until the page is full.
func (list MemberList) byName(e *engine, page UserPage) (text string, args []any) {
	c := list.amongUsers(e, byName)
	page.cursor(c)
	return ` FROM users u CROSS JOIN organization_members m
		WHERE NOT u.deleted AND m.user_id = u.id AND m.organization_id = ` + c.bind(list.OrganizationID) + `
		  AND u.username_key IN (SELECT u.username_key FROM users u` + c.String() + page.order() + `)
		ORDER BY u.username_key`, c.args
}

// DeleteMember ends a membership and the roles that came with it.
func (tx *Tx) DeleteMember(ctx context.Context, organizationID, userID uuid.UUID) error {
	return tx.update(ctx, `DELETE FROM organization_members WHERE organization_id = $1 AND user_id = $2`, organizationID, userID)
}

// UpdateMemberRoles replaces the roles of a member.
func (tx *Tx) UpdateMemberRoles(ctx context.Context, organizationID, userID uuid.UUID, roles []string, at time.Time) error {
	err := tx.update(ctx, `UPDATE organization_members SET updated_at = $3 WHERE organization_id = $1 AND user_id = $2`,
		organizationID, userID, micro(at))
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `DELETE FROM organization_member_roles WHERE organization_id = $1 AND user_id = $2`, organizationID, userID)
	if err != nil {
		return err
	}
	for _, role := range roles {
		_, err := tx.exec(ctx, `INSERT INTO organization_member_roles (organization_id, user_id, role) VALUES ($1, $2, $3)`,
			organizationID, userID, role)
		if err != nil {
			return err
		}
	}
	return nil
}

// MemberIDs returns the users who belong to an organization, deleted ones too;
// with a role, only those who hold it.
func (tx *Tx) MemberIDs(ctx context.Context, organizationID uuid.UUID, role string) ([]uuid.UUID, error) {
	if role == "" {
		return many(ctx, tx, value[uuid.UUID], `SELECT user_id FROM organization_members WHERE organization_id = $1`, organizationID)
	}
	return many(ctx, tx, value[uuid.UUID],
		`SELECT user_id FROM organization_member_roles WHERE organization_id = $1 AND role = $2`, organizationID, role)
}
