package store

import (
	"context"
	"slices"
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

// attachCustomRoles fills in what the custom roles of the memberships mean.
func (tx *Tx) attachCustomRoles(ctx context.Context, memberships []account.Membership) error {
	for i := range memberships {
		m := &memberships[i]
		known, err := tx.customRolesAmong(ctx, m.OrganizationID, m.Roles)
		if err != nil {
			return err
		}
		m.CustomRoles = held(m.Roles, known)
	}
	return nil
}

// attachToMembers does the same for members of one organization.
func (tx *Tx) attachToMembers(ctx context.Context, organizationID uuid.UUID, members []account.Member) error {
	names := []string{}
	for i := range members {
		names = append(names, members[i].Roles...)
	}
	known, err := tx.customRolesAmong(ctx, organizationID, names)
	for i := range members {
		members[i].CustomRoles = held(members[i].Roles, known)
	}
	return err
}

// customRolesAmong returns the custom roles among the names of an organization's
// roles, by their names. Most members have none, and cost nothing.
func (tx *Tx) customRolesAmong(ctx context.Context, organizationID uuid.UUID, names []string) (map[string]account.Role, error) {
	keys, known := []string{}, map[string]account.Role{}
	for _, name := range names {
		if key := account.Fold(name); !account.IsBuiltInOrgRole(name) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return known, nil
	}
	c := &clauses{}
	c.where(`r.organization_id = ` + c.bind(organizationID))
	in(c, "r.name_key", keys)
	list, err := many(ctx, tx.once(), scanCustomRole, `SELECT `+customRoleColumns+` FROM custom_roles r`+c.String(), c.args...)
	for _, stored := range list {
		known[stored.Role.Name] = stored.Role
	}
	return known, err
}

func held(names []string, known map[string]account.Role) []account.Role {
	var roles []account.Role
	for _, name := range names {
		if role, ok := known[name]; ok {
			roles = append(roles, role)
		}
	}
	return roles
}
