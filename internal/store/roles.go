package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
)

// CustomRole is a role that an organization made for itself, as it is stored.
type CustomRole struct {
	ID   uuid.UUID
	Role account.Role
}

const customRoleColumns = `r.id, r.organization_id, r.name, r.display_name, r.permissions`

func scanCustomRole(r row) (CustomRole, error) {
	var stored CustomRole
	var permissions []account.NamedPermission
	var name, displayName string
	var organization uuid.UUID
	err := r.Scan(&stored.ID, &organization, &name, &displayName, document[[]account.NamedPermission]{&permissions})
	// A permission that nobody knows any more is left out.
	stored.Role, _ = account.CustomRole(organization, name, displayName, permissions)
	return stored, err
}

func namedPermissions(role account.Role) string {
	list := []account.NamedPermission{}
	for _, p := range role.OrgPermissions() {
		list = append(list, account.NamedPermission{Negate: p.Negate, Resource: p.Resource.String(), Action: p.Action.String()})
	}
	return encode(list)
}

// CustomRoles returns the roles of an organization by name.
func (tx *Tx) CustomRoles(ctx context.Context, organizationID uuid.UUID) ([]CustomRole, error) {
	return many(ctx, tx, scanCustomRole, `SELECT `+customRoleColumns+` FROM custom_roles r
		WHERE r.organization_id = $1 ORDER BY r.name_key`, organizationID)
}

// CustomRole returns one role of an organization by its name.
func (tx *Tx) CustomRole(ctx context.Context, organizationID uuid.UUID, name string) (CustomRole, error) {
	return one(ctx, tx, scanCustomRole, `SELECT `+customRoleColumns+` FROM custom_roles r
		WHERE r.organization_id = $1 AND r.name_key = $2`, organizationID, account.Fold(name))
}

// InsertCustomRole adds a role.
func (tx *Tx) InsertCustomRole(ctx context.Context, r CustomRole, at time.Time) error {
	_, err := tx.exec(ctx, `
		INSERT INTO custom_roles (id, organization_id, name, name_key, display_name, permissions, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`,
		r.ID, r.Role.OrganizationID, r.Role.Name, account.Fold(r.Role.Name), r.Role.DisplayName,
		namedPermissions(r.Role), micro(at))
	return err
}

// UpdateCustomRole stores what a role is called and permits.
func (tx *Tx) UpdateCustomRole(ctx context.Context, r CustomRole, at time.Time) error {
	return tx.update(ctx, `UPDATE custom_roles SET display_name = $2, permissions = $3, updated_at = $4 WHERE id = $1`,
		r.ID, r.Role.DisplayName, namedPermissions(r.Role), micro(at))
}

// DeleteCustomRole removes a role from its organization and from all members.
func (tx *Tx) DeleteCustomRole(ctx context.Context, r CustomRole) error {
	_, err := tx.exec(ctx, `DELETE FROM organization_member_roles WHERE organization_id = $1 AND role = $2`,
		r.Role.OrganizationID, r.Role.Name)
	if err != nil {
		return err
	}
	return tx.update(ctx, `DELETE FROM custom_roles WHERE id = $1`, r.ID)
}

// attachCustomRoles fills in what the custom roles of the memberships mean. Most
// memberships have none, and cost nothing.
func (tx *Tx) attachCustomRoles(ctx context.Context, memberships []account.Membership) error {
	for i := range memberships {
		m := &memberships[i]
		for _, name := range m.Roles {
			if account.IsBuiltInOrgRole(name) {
				continue
			}
			stored, err := tx.CustomRole(ctx, m.OrganizationID, name)
			if account.KindOf(err) == account.KindNotFound {
				continue
			}
			if err != nil {
				return err
			}
			m.CustomRoles = append(m.CustomRoles, stored.Role)
		}
	}
	return nil
}
