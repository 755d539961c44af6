package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
)

// userColumns reads a user with its roles and organizations, and what of its
// settings and seats every answer about it tells; the table is called u.
const userColumns = `
	u.id, u.username, u.name, u.email, u.avatar_url, u.status, u.login_type,
	u.is_service_account, u.deleted, u.github_user_id, u.created_at, u.updated_at, u.last_seen_at,
	u.site_roles,
	(SELECT string_agg(CAST(o.id AS TEXT), ' ' ORDER BY o.is_default DESC, o.name_key)
	   FROM organization_members m JOIN organizations o ON o.id = m.organization_id
	  WHERE m.user_id = u.id AND NOT o.deleted AND NOT u.deleted),
	coalesce((SELECT s.theme_preference FROM user_settings s WHERE s.user_id = u.id), ''),
	EXISTS (SELECT 1 FROM ai_seats a WHERE a.user_id = u.id)`

// userFields are where userColumns go.
func userFields(u *account.User) []any {
	return []any{
		&u.ID, &u.Username, &u.Name, &u.Email, &u.AvatarURL, &u.Status, &u.LoginType,
		&u.IsServiceAccount, &u.Deleted, &u.GitHubUserID,
		timestamp{&u.CreatedAt},
		timestamp{&u.UpdatedAt},
		timestamp{&u.LastSeenAt},
		words{&u.Roles},
		ids{&u.OrganizationIDs},
		&u.ThemePreference, &u.AISeatTaken,
	}
}

func scanUser(r row) (account.User, error) {
	var u account.User
	err := r.Scan(userFields(&u)...)
	return u, err
}

// UserByID returns the user with that id, deleted or not.
func (tx *Tx) UserByID(ctx context.Context, id uuid.UUID) (account.User, error) {
	return one(ctx, tx, scanUser, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id)
}

// UserByName returns the user of that name who is not deleted.
func (tx *Tx) UserByName(ctx context.Context, username string) (account.User, error) {
	return one(ctx, tx, scanUser,
		`SELECT `+userColumns+` FROM users u WHERE u.username_key = $1 AND NOT u.deleted`, account.Fold(username))
}

// UserByEmail returns the user of that address who is not deleted.
func (tx *Tx) UserByEmail(ctx context.Context, email string) (account.User, error) {
	return one(ctx, tx, scanUser,
		`SELECT `+userColumns+` FROM users u WHERE u.email_key = $1 AND u.email_key <> '' AND NOT u.deleted`, account.Fold(email))
}

// PasswordHash returns the encoded hash of a user's password, "" for none.
func (tx *Tx) PasswordHash(ctx context.Context, id uuid.UUID) (string, error) {
	return one(ctx, tx, value[string], `SELECT password_hash FROM users WHERE id = $1`, id)
}

// InsertUser adds a user with its roles and memberships.
func (tx *Tx) InsertUser(ctx context.Context, u account.User, passwordHash string) error {
	_, err := tx.exec(ctx, `
		INSERT INTO users (id, username, username_key, name, name_key, email, email_key, avatar_url, status,
			login_type, is_service_account, deleted, github_user_id, password_hash, created_at, updated_at, last_seen_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		u.ID, u.Username, account.Fold(u.Username), u.Name, account.Fold(u.Name), u.Email, account.Fold(u.Email),
		u.AvatarURL, u.Status, u.LoginType, u.IsServiceAccount, u.Deleted, u.GitHubUserID, passwordHash,
		micro(u.CreatedAt), micro(u.UpdatedAt), micro(u.LastSeenAt))
	if err != nil {
		return err
	}
	if err := tx.insertRoles(ctx, u); err != nil {
		return err
	}
	for _, organization := range u.OrganizationIDs {
		if err := tx.InsertMember(ctx, organization, u.ID, u.CreatedAt); err != nil {
			return err
		}
	}
	return nil
}

// UpdateUser stores the user's own fields and roles. Its memberships, password
// and last-seen time have their own methods.
func (tx *Tx) UpdateUser(ctx context.Context, u account.User) error {
	err := tx.update(ctx, `
		UPDATE users SET username = $2, username_key = $3, name = $4, name_key = $5, email = $6, email_key = $7,
			avatar_url = $8, status = $9, login_type = $10, deleted = $11, github_user_id = $12, updated_at = $13
		WHERE id = $1`,
		u.ID, u.Username, account.Fold(u.Username), u.Name, account.Fold(u.Name), u.Email, account.Fold(u.Email),
		u.AvatarURL, u.Status, u.LoginType, u.Deleted, u.GitHubUserID, micro(u.UpdatedAt))
	if err != nil {
		return err
	}
	return tx.updateRoles(ctx, u)
}

// updateRoles stores the user's roles, and leaves alone what it had before.
func (tx *Tx) updateRoles(ctx context.Context, u account.User) error {
	held, err := many(ctx, tx, value[string], `SELECT role FROM user_roles WHERE user_id = $1`, u.ID)
	if err != nil {
		return err
	}
	for _, role := range held {
		if slices.Contains(u.Roles, role) {
			continue
		}
		if _, err := tx.exec(ctx, `DELETE FROM user_roles WHERE user_id = $1 AND role = $2`, u.ID, role); err != nil {
			return err
		}
	}
	u.Roles = slices.DeleteFunc(slices.Clone(u.Roles), func(role string) bool { return slices.Contains(held, role) })
	return tx.insertRoles(ctx, u)
}

func (tx *Tx) insertRoles(ctx context.Context, u account.User) error {
	for _, role := range u.Roles {
		_, err := tx.exec(ctx, `INSERT INTO user_roles (user_id, role) VALUES ($1, $2)`, u.ID, role)
		if err != nil {
			return err
		}
	}
	return nil
}

// UpdatePasswordHash stores the encoded hash of a user's password.
func (tx *Tx) UpdatePasswordHash(ctx context.Context, id uuid.UUID, hash string) error {
	return tx.update(ctx, `UPDATE users SET password_hash = $2 WHERE id = $1`, id, hash)
}

// UpdateLastSeen moves the last-seen time of a user who is not deleted forward,
// never back, and with it the time of the last change.
func (tx *Tx) UpdateLastSeen(ctx context.Context, id uuid.UUID, at time.Time) error {
	_, err := tx.exec(ctx,
		`UPDATE users SET last_seen_at = $2, updated_at = CASE WHEN updated_at < $2 THEN $2 ELSE updated_at END
		  WHERE id = $1 AND last_seen_at < $2 AND NOT deleted`, id, micro(at))
	return err
}

// CountUsableOwners returns how many people with the role owner are neither
// deleted nor suspended.
func (tx *Tx) CountUsableOwners(ctx context.Context) (int, error) {
	return one(ctx, tx, value[int], `
		SELECT count(*) FROM user_roles r JOIN users u ON u.id = r.user_id
		 WHERE r.role = $1 AND NOT u.deleted AND NOT u.is_service_account AND u.status <> $2`,
		account.RoleOwner, account.StatusSuspended)
}

// TakenUserFields returns which of the two are in use by a user who is not
// deleted: "username", "email", both or none. Except is left out of account.
func (tx *Tx) TakenUserFields(ctx context.Context, username, email string, except uuid.UUID) ([]string, error) {
	text, err := one(ctx, tx, value[string], `
		SELECT CASE WHEN EXISTS (SELECT 1 FROM users u WHERE u.username_key = $1 AND NOT u.deleted AND u.id <> $3)
		            THEN 'username ' ELSE '' END
		    || CASE WHEN EXISTS (SELECT 1 FROM users u WHERE u.email_key = $2 AND u.email_key <> '' AND NOT u.deleted AND u.id <> $3)
		            THEN 'email' ELSE '' END`,
		account.Fold(username), account.Fold(email), except)
	return strings.Fields(text), err
}

// ListUnseen returns active people who were neither seen nor created since the
// given time, at most so many.
func (tx *Tx) ListUnseen(ctx context.Context, since time.Time, limit int) ([]account.User, error) {
	return many(ctx, tx, scanUser, `
		SELECT `+userColumns+` FROM users u
		 WHERE NOT u.deleted AND u.status = 'active' AND u.login_type IN ('password', 'github', 'oidc', 'none')
		   AND u.is_service_account = FALSE AND u.last_seen_at < $1 AND (u.created_at < $1) IS TRUE
		 LIMIT $2`, micro(since), limit)
}
