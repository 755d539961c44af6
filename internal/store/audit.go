package store

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
)

const auditColumns = `id, time, request_id, actor_id, organization_id, ip, user_agent, resource_type,
			resource_id, target, target_key, action, diff, outcome, additional`

// auditValues are the values of auditColumns.
func auditValues(e account.AuditEntry) []any {
	if e.Diff == nil {
		e.Diff = account.Diff{}
	}
	if e.Additional == nil {
		e.Additional = map[string]string{}
	}
	return []any{
		e.ID, micro(e.Time), e.RequestID, e.ActorID, e.OrganizationID, e.IP, e.UserAgent, e.Resource,
		e.ResourceID, e.Target, account.Fold(e.Target), e.Action, encode(e.Diff), e.Outcome, encode(e.Additional),
	}
}

// InsertAuditEntry writes one line of the audit log.
func (tx *Tx) InsertAuditEntry(ctx context.Context, e account.AuditEntry) error {
	_, err := tx.exec(ctx, `
		INSERT INTO audit_log (`+auditColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`, auditValues(e)...)
	return err
}

// AuditList says which entries a list is about.
type AuditList struct {
	Search   account.AuditSearch
	Readable account.Reach // organizations; All includes entries of none
	// ActorID and OrganizationID are the search's "me" and its organization,
	// resolved; the nil UUID does not restrict.
	ActorID        uuid.UUID
	OrganizationID uuid.UUID
	// Before leaves out everything up to an entry that was listed, if set.
	Before AuditCursor
}

// AuditCursor is a place in the audit log.
type AuditCursor struct {
	Time time.Time
	ID   uuid.UUID
}

// CountAuditEntries returns how many entries the list has.
func (tx *Tx) CountAuditEntries(ctx context.Context, list AuditList) (int, error) {
	c := list.clauses()
	return one(ctx, tx.once(), value[int], `SELECT count(*) FROM audit_log a`+c.String(), c.args...)
}

// ListAuditEntries returns one page of the list, newest first.
func (tx *Tx) ListAuditEntries(ctx context.Context, list AuditList, limit, offset int) ([]account.AuditRecord, error) {
	c := list.clauses()
	text := `
		SELECT a.id, a.time, a.request_id, a.actor_id, a.organization_id, a.ip, a.user_agent, a.resource_type,
		       a.resource_id, a.target, a.action, a.diff, a.outcome, a.additional,
		       coalesce((SELECT t.deleted FROM users t WHERE a.resource_type = 'user' AND t.id = a.resource_id),
		                (SELECT t.deleted FROM organizations t WHERE a.resource_type = 'organization' AND t.id = a.resource_id),
		                FALSE)
		  FROM audit_log a` + c.String() + `
		 ORDER BY a.time DESC, a.id DESC LIMIT ` + strconv.Itoa(limit) + ` OFFSET ` + strconv.Itoa(offset)
	records, err := many(ctx, tx.once(), scanAuditRecord, text, c.args...)
	if err != nil {
		return nil, err
	}
	return records, tx.attachReferences(ctx, records)
}

func scanAuditRecord(r row) (account.AuditRecord, error) {
	var a account.AuditRecord
	err := r.Scan(
		&a.ID, timestamp{&a.Time}, &a.RequestID, &a.ActorID, &a.OrganizationID, &a.IP, &a.UserAgent, &a.Resource,
		&a.ResourceID, &a.Target, &a.Action, document[account.Diff]{&a.Diff}, &a.Outcome,
		document[map[string]string]{&a.Additional}, &a.ResourceDeleted)
	return a, err
}

// attachReferences fills in the actors and organizations of a page, each read
// once.
func (tx *Tx) attachReferences(ctx context.Context, records []account.AuditRecord) error {
	var actorIDs, organizationIDs []uuid.UUID
	for i := range records {
		actorIDs = append(actorIDs, records[i].ActorID)
		organizationIDs = append(organizationIDs, records[i].OrganizationID)
	}
	users, err := tx.usersByID(ctx, actorIDs)
	if err != nil {
		return err
	}
	organizations, err := tx.organizationsByID(ctx, organizationIDs)
	if err != nil {
		return err
	}
	for i := range records {
		records[i].Actor = users[records[i].ActorID]
		records[i].Organization = organizations[records[i].OrganizationID]
	}
	return nil
}

func (tx *Tx) usersByID(ctx context.Context, wanted []uuid.UUID) (map[uuid.UUID]*account.User, error) {
	c := &clauses{}
	in(c, "u.id", distinct(wanted))
	users, err := many(ctx, tx.once(), scanUser, `SELECT `+userColumns+` FROM users u`+c.String(), c.args...)
	found := map[uuid.UUID]*account.User{}
	for i := range users {
		found[users[i].ID] = &users[i]
	}
	return found, err
}

func (tx *Tx) organizationsByID(ctx context.Context, wanted []uuid.UUID) (map[uuid.UUID]*account.Organization, error) {
	c := &clauses{}
	in(c, "o.id", distinct(wanted))
	list, err := many(ctx, tx.once(), scanOrganization, `SELECT `+organizationColumns+` FROM organizations o`+c.String(), c.args...)
	found := map[uuid.UUID]*account.Organization{}
	for i := range list {
		found[list[i].ID] = &list[i]
	}
	return found, err
}

// distinct drops repetitions and the nil UUID.
func distinct(list []uuid.UUID) []uuid.UUID {
	seen := map[uuid.UUID]bool{uuid.Nil: true}
	kept := []uuid.UUID{}
	for _, id := range list {
		if !seen[id] {
			seen[id] = true
			kept = append(kept, id)
		}
	}
	return kept
}

// PurgeAuditEntries removes the oldest entries from before the given time, at
// most so many, and returns how many it removed.
func (tx *Tx) PurgeAuditEntries(ctx context.Context, before time.Time, limit int) (int64, error) {
	return tx.exec(ctx, `DELETE FROM audit_log WHERE id IN (
		SELECT a.id FROM audit_log a WHERE a.time < $1 ORDER BY a.time LIMIT $2)`, micro(before), limit)
}

// clauses turns the search into conditions on the table a.
func (list AuditList) clauses() *clauses {
	c, s := &clauses{}, list.Search
	if s.MatchesNothing {
		c.where("1 = 0")
	}
	if list.Before.ID != uuid.Nil {
		c.where(`(a.time, a.id) < (` + c.bind(micro(list.Before.Time)) + `, ` + c.bind(list.Before.ID) + `)`)
	}
	if !list.Readable.All {
		in(c, "a.organization_id", list.Readable.IDs)
	}
	c.equals("a.resource_type", string(s.ResourceType))
	c.equals("a.action", string(s.Action))
	c.equals("a.target_key", s.Target)
	c.equalsID("a.resource_id", s.ResourceID)
	c.equalsID("a.request_id", s.RequestID)
	c.equalsID("a.actor_id", list.ActorID)
	c.equalsID("a.organization_id", list.OrganizationID)
	if s.Username != "" && list.ActorID == uuid.Nil {
		c.where(`a.actor_id IN (SELECT u.id FROM users u WHERE u.username_key = ` + c.bind(s.Username) + `)`)
	}
	if s.Email != "" {
		c.where(`a.actor_id IN (SELECT u.id FROM users u WHERE u.email_key = ` + c.bind(s.Email) + `)`)
	}
	if !s.From.IsZero() {
		c.where(`a.time >= ` + c.bind(micro(s.From)))
	}
	if !s.Until.IsZero() {
		c.where(`a.time < ` + c.bind(micro(s.Until)))
	}
	return c
}

func (c *clauses) equals(column, text string) {
	if text != "" {
		c.where(column + ` = ` + c.bind(text))
	}
}

func (c *clauses) equalsID(column string, id uuid.UUID) {
	if id != uuid.Nil {
		c.where(column + ` = ` + c.bind(id))
	}
}
