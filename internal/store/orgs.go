package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
)

const organizationColumns = `
	o.id, o.name, o.display_name, o.description, o.icon, o.is_default, o.deleted, o.created_at, o.updated_at`

func organizationFields(o *account.Organization) []any {
	return []any{
		&o.ID, &o.Name, &o.DisplayName, &o.Description, &o.Icon, &o.IsDefault, &o.Deleted,
		timestamp{&o.CreatedAt},
		timestamp{&o.UpdatedAt},
	}
}

func scanOrganization(r row) (account.Organization, error) {
	var o account.Organization
	err := r.Scan(organizationFields(&o)...)
	return o, err
}

// DefaultOrganization returns the organization that is always there.
func (tx *Tx) DefaultOrganization(ctx context.Context) (account.Organization, error) {
	return one(ctx, tx, scanOrganization,
		`SELECT `+organizationColumns+` FROM organizations o WHERE o.is_default AND NOT o.deleted`)
}

// OrganizationByID returns the organization with that id that is not deleted.
func (tx *Tx) OrganizationByID(ctx context.Context, id uuid.UUID) (account.Organization, error) {
	return one(ctx, tx, scanOrganization,
		`SELECT `+organizationColumns+` FROM organizations o WHERE o.id = $1 AND NOT o.deleted`, id)
}

// OrganizationByName returns the organization of that name that is not deleted.
func (tx *Tx) OrganizationByName(ctx context.Context, name string) (account.Organization, error) {
	return one(ctx, tx, scanOrganization,
		`SELECT `+organizationColumns+` FROM organizations o WHERE o.name_key = $1 AND NOT o.deleted`, account.Fold(name))
}

// UserOrganizations returns the organizations that a user belongs to, the
// default one first.
func (tx *Tx) UserOrganizations(ctx context.Context, userID uuid.UUID) ([]account.Organization, error) {
	return many(ctx, tx, scanOrganization, `
		SELECT `+organizationColumns+` FROM organizations o JOIN organization_members m ON m.organization_id = o.id
		 WHERE m.user_id = $1 AND NOT o.deleted ORDER BY o.is_default DESC, o.name_key`, userID)
}

// ListOrganizations returns those of the given organizations that are not
// deleted, the default one first.
func (tx *Tx) ListOrganizations(ctx context.Context, readable account.Reach) ([]account.Organization, error) {
	c := &clauses{}
	c.where("NOT o.deleted")
	if !readable.All {
		in(c, "o.id", readable.IDs)
	}
	return many(ctx, tx.once(), scanOrganization,
		`SELECT `+organizationColumns+` FROM organizations o`+c.String()+` ORDER BY o.is_default DESC, o.name_key`, c.args...)
}

// UpdateOrganization stores an organization's own fields.
func (tx *Tx) UpdateOrganization(ctx context.Context, o account.Organization) error {
	return tx.update(ctx, `
		UPDATE organizations SET name = $2, name_key = $3, display_name = $4, description = $5, icon = $6,
			deleted = $7, updated_at = $8 WHERE id = $1`,
		o.ID, o.Name, account.Fold(o.Name), o.DisplayName, o.Description, o.Icon, o.Deleted, micro(o.UpdatedAt))
}

// InsertOrganization adds an organization.
func (tx *Tx) InsertOrganization(ctx context.Context, o account.Organization) error {
	_, err := tx.exec(ctx, `
		INSERT INTO organizations (id, name, name_key, display_name, description, icon, is_default, deleted, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		o.ID, o.Name, account.Fold(o.Name), o.DisplayName, o.Description, o.Icon, o.IsDefault, o.Deleted,
		micro(o.CreatedAt), micro(o.UpdatedAt))
	return err
}

// InsertMember makes a user a member of an organization, without roles.
func (tx *Tx) InsertMember(ctx context.Context, organizationID, userID uuid.UUID, at time.Time) error {
	_, err := tx.exec(ctx, `
		INSERT INTO organization_members (user_id, organization_id, created_at, updated_at) VALUES ($1, $2, $3, $3)`,
		userID, organizationID, micro(at))
	return err
}

// Memberships returns a user's organizations with its stored roles in each.
func (tx *Tx) Memberships(ctx context.Context, userID uuid.UUID) ([]account.Membership, error) {
	memberships, err := many(ctx, tx, scanMembership, `
		SELECT m.organization_id,
		       (SELECT string_agg(r.role, ' ' ORDER BY r.role) FROM organization_member_roles r
		         WHERE r.user_id = m.user_id AND r.organization_id = m.organization_id)
		  FROM organization_members m JOIN organizations o ON o.id = m.organization_id
		 WHERE m.user_id = $1 AND NOT o.deleted ORDER BY o.is_default DESC, o.name_key`, userID)
	if err != nil {
		return nil, err
	}
	return memberships, tx.attachCustomRoles(ctx, memberships)
}

func scanMembership(r row) (account.Membership, error) {
	var m account.Membership
	err := r.Scan(&m.OrganizationID, words{&m.Roles})
	return m, err
}
