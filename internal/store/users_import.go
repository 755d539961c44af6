package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"usher/internal/account"
)

// NewUser is a user to be added, with the encoded hash of its password, "" for
// none.
type NewUser struct {
	account.User
	PasswordHash string
}

// TakenUser says by whom a username or an address is used, both folded.
type TakenUser struct {
	ID              uuid.UUID
	Username, Email string
}

// TakenUsers returns the users who are not deleted and have one of these
// usernames or addresses, which need not be folded.
func (tx *Tx) TakenUsers(ctx context.Context, usernames, emails []string) ([]TakenUser, error) {
	taken := []TakenUser{}
	for column, list := range map[string][]string{"u.username_key": usernames, "u.email_key": emails} {
		folded := []string{}
		for _, text := range list {
			if text != "" {
				folded = append(folded, account.Fold(text))
			}
		}
		for some := range slices.Chunk(folded, namedAtOnce) {
			found, err := tx.usersWith(ctx, column, some)
			if err != nil {
				return nil, err
			}
			taken = append(taken, found...)
		}
	}
	return taken, nil
}

func (tx *Tx) usersWith(ctx context.Context, column string, values []string) ([]TakenUser, error) {
	c := &clauses{}
	c.where("NOT u.deleted")
	c.where(column + " <> ''") // as the index of addresses has it
	in(c, column, values)
	scan := func(r row) (u TakenUser, err error) {
		err = r.Scan(&u.ID, &u.Username, &u.Email)
		return u, err
	}
	return many(ctx, tx.once(), scan, `SELECT u.id, u.username_key, u.email_key FROM users u`+c.String(), c.args...)
}

// InsertUsers adds many users with their roles and memberships, which costs a
// fraction of what adding each costs.
func (tx *Tx) InsertUsers(ctx context.Context, users []NewUser) error {
	rows := batch{into: `users (id, username, username_key, name, name_key, email, email_key, avatar_url, status,
		login_type, is_service_account, deleted, github_user_id, password_hash, created_at, updated_at, last_seen_at)`}
	roles := batch{into: `user_roles (user_id, role)`}
	members := batch{into: `organization_members (user_id, organization_id, created_at, updated_at)`}
	for i := range users {
		u := &users[i]
		rows.add(u.ID, u.Username, account.Fold(u.Username), u.Name, account.Fold(u.Name), u.Email, account.Fold(u.Email),
			u.AvatarURL, u.Status, u.LoginType, u.IsServiceAccount, u.Deleted, u.GitHubUserID, u.PasswordHash,
			micro(u.CreatedAt), micro(u.UpdatedAt), micro(u.LastSeenAt))
		for _, role := range u.Roles {
			roles.add(u.ID, role)
		}
		for _, organization := range u.OrganizationIDs {
			members.add(u.ID, organization, micro(u.UpdatedAt), micro(u.UpdatedAt))
		}
	}
	for _, b := range []batch{rows, roles, members} {
		if err := tx.insertBatch(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// InsertAuditEntries writes lines of the audit log.
func (tx *Tx) InsertAuditEntries(ctx context.Context, entries []account.AuditEntry) error {
	rows := batch{into: `audit_log (` + auditColumns + `)`}
	for i := range entries {
		rows.add(auditValues(entries[i])...)
	}
	return tx.insertBatch(ctx, rows)
}

// batch is rows that go into a table.
type batch struct {
	into string
	rows [][]any
}

func (b *batch) add(values ...any) { b.rows = append(b.rows, values) }

// batchRows is how many rows one statement adds at most: all engines take that
// many times the widest table's placeholders.
const batchRows = 250

func (tx *Tx) insertBatch(ctx context.Context, b batch) error {
	for first := 0; first < len(b.rows); first += batchRows {
		rows := b.rows[first:min(first+batchRows, len(b.rows))]
		text, args := &strings.Builder{}, []any{}
		fmt.Fprintf(text, "INSERT INTO %s VALUES ", b.into)
		for i, row := range rows {
			if i > 0 {
				text.WriteString(", ")
			}
			text.WriteString(tx.places(len(args), len(row)))
			args = append(args, row...)
		}
		if _, err := tx.once().exec(ctx, text.String(), args...); err != nil {
			return err
		}
	}
	return nil
}

// places are the placeholders of a row, after so many.
func (tx *Tx) places(after, count int) string {
	list := make([]string, count)
	for i := range list {
		list[i] = tx.store.engine.place(after + i + 1)
	}
	return "(" + strings.Join(list, ", ") + ")"
}
