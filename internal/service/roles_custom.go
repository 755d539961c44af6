package service

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// OrgRole is an organization role, and whether the asking actor may assign it.
type OrgRole struct {
	account.Role
	Assignable bool
	BuiltIn    bool
}

// OrgRoles lists the roles that members of an organization can be given.
func (s *Service) OrgRoles(ctx context.Context, actor *account.Actor, ref account.OrganizationRef) ([]OrgRole, error) {
	list := []OrgRole{}
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		organization, err := s.roleOrganization(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		for _, role := range account.OrgRoles() {
			role.OrganizationID = organization.ID
			list = append(list, orgRole(actor, role, true))
		}
		custom, err := tx.CustomRoles(ctx, organization.ID)
		for _, stored := range custom {
			list = append(list, orgRole(actor, stored.Role, false))
		}
		return err
	})
	return list, err
}

func orgRole(actor *account.Actor, role account.Role, builtIn bool) OrgRole {
	return OrgRole{Role: role, BuiltIn: builtIn, Assignable: actor.MayAssignOrgRole(role.OrganizationID, role)}
}

// orgRoles is what the permissions on the roles of an organization are about.
func orgRoles(organization uuid.UUID) account.Object {
	return account.Object{Type: account.ResourceAssignOrgRole, Organization: organization}
}

// NewRole is what a custom role is to be.
type NewRole struct {
	Name        string
	DisplayName string
	Permissions []account.NamedPermission // in the organization
	// These say that others were asked for, which a custom role cannot have: on
	// the whole site, and on one's own objects, everywhere or in the organization.
	HasSitePermissions, HasUserPermissions, HasOwnPermissions bool
}

// build checks a custom role, every field of it at once.
func (n *NewRole) build(organization uuid.UUID) (account.Role, error) {
	switch {
	case account.IsReservedRoleName(n.Name):
		return account.Role{}, reservedRole(n.Name)
	case n.HasSitePermissions:
		return account.Role{}, account.Invalid("A role of an organization cannot have site wide permissions.",
			account.FieldError{Field: "site_permissions", Detail: "must be empty"})
	case n.HasUserPermissions:
		return account.Role{}, account.Invalid("You are not allowed to assign user permissions in a role of an organization.",
			account.FieldError{Field: "user_permissions", Detail: "must be empty"})
	case n.HasOwnPermissions:
		return account.Role{}, account.Invalid("A custom role cannot have permissions on its holder's own objects.",
			account.FieldError{Field: "organization_member_permissions", Detail: "must be empty"})
	}
	role, faults := account.CustomRole(organization, n.Name, n.DisplayName, n.Permissions)
	return role, invalidFields(append(account.CheckCustomRole(n.Name, n.DisplayName), faults...))
}

func reservedRole(name string) error {
	return account.Invalid(fmt.Sprintf("Reserved role name: %q is built in.", name),
		account.FieldError{Field: "name", Detail: "is the name of a built-in role"})
}

// authorizeRole asks whether the actor may do this with a custom role that
// permits that.
func authorizeRole(actor *account.Actor, action account.Action, role account.Role) error {
	if err := actor.Authorize(action, orgRoles(role.OrganizationID)); err != nil {
		return err
	}
	return actor.AuthorizeRole(role.OrganizationID, role)
}

func roleEntry(action account.AuditAction, outcome account.Outcome) account.AuditEntry {
	return account.AuditEntry{Action: action, Resource: account.AuditCustomRole, Outcome: outcome}
}

func (e *entry) aboutRole(id uuid.UUID, role account.Role) {
	e.ResourceID, e.Target, e.OrganizationID = id, role.Name, role.OrganizationID
}

// CreateRole adds a custom role to an organization.
func (s *Service) CreateRole(ctx context.Context, actor *account.Actor, ref account.OrganizationRef, n NewRole, malformed error) (OrgRole, error) {
	var created account.Role
	id := uuid.New()
	err := s.change(ctx, actor, roleEntry(account.AuditCreate, account.OutcomeOK), func(ctx context.Context, tx *store.Tx, e *entry) error {
		role, err := s.wantedRole(ctx, tx, actor, ref, n, malformed)
		if err != nil {
			return err
		}
		e.aboutRole(id, role)
		if err := authorizeRole(actor, account.ActionCreate, role); err != nil {
			return err
		}
		created = role
		e.Diff = account.RoleDiff(account.Role{}, role)
		err = tx.InsertCustomRole(ctx, store.CustomRole{ID: id, Role: role}, s.now())
		return wordConflict(err, fmt.Sprintf("A role named %q already exists in this organization.", role.Name))
	})
	return orgRole(actor, created, false), err
}

// wantedRole builds the custom role that a request describes.
func (s *Service) wantedRole(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.OrganizationRef, n NewRole, malformed error) (account.Role, error) {
	organization, err := s.roleOrganization(ctx, tx, actor, ref)
	if err := orElse(err, malformed); err != nil {
		return account.Role{}, err
	}
	return n.build(organization.ID)
}

// roleOrganization returns an organization whose roles the actor may read.
func (s *Service) roleOrganization(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.OrganizationRef) (account.Organization, error) {
	organization, err := s.organization(ctx, tx, actor, ref)
	if err != nil {
		return organization, err
	}
	return organization, hide(actor.Authorize(account.ActionRead, orgRoles(organization.ID)))
}

// UpdateRole replaces what a custom role is called by people and permits. Its
// name says which one.
func (s *Service) UpdateRole(ctx context.Context, actor *account.Actor, ref account.OrganizationRef, n NewRole, malformed error) (OrgRole, error) {
	var after account.Role
	err := s.change(ctx, actor, roleEntry(account.AuditWrite, account.OutcomeOK), func(ctx context.Context, tx *store.Tx, e *entry) error {
		role, err := s.wantedRole(ctx, tx, actor, ref, n, malformed)
		if err != nil {
			return err
		}
		before, err := tx.CustomRole(ctx, role.OrganizationID, role.Name)
		if err != nil {
			return err
		}
		e.aboutRole(before.ID, before.Role)
		if err := authorizeRole(actor, account.ActionUpdate, role); err != nil {
			return err
		}
		role.Name = before.Role.Name // as it was first spelled
		after = role
		e.Diff = account.RoleDiff(before.Role, role)
		if e.outdated, err = tx.MemberIDs(ctx, role.OrganizationID, role.Name); err != nil {
			return err
		}
		return tx.UpdateCustomRole(ctx, store.CustomRole{ID: before.ID, Role: role}, s.now())
	})
	return orgRole(actor, after, false), err
}

// DeleteRole removes a custom role, also from everyone who holds it.
func (s *Service) DeleteRole(ctx context.Context, actor *account.Actor, ref account.OrganizationRef, name string) error {
	return s.change(ctx, actor, roleEntry(account.AuditDelete, account.OutcomeNoContent), func(ctx context.Context, tx *store.Tx, e *entry) error {
		organization, err := s.roleOrganization(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		if account.IsReservedRoleName(name) {
			return reservedRole(name)
		}
		if account.CheckOrganizationName(name) != nil { // no role can have this name
			return account.NotFound()
		}
		stored, err := tx.CustomRole(ctx, organization.ID, name)
		if err != nil {
			return err
		}
		e.aboutRole(stored.ID, stored.Role)
		if err := actor.Authorize(account.ActionDelete, orgRoles(organization.ID)); err != nil {
			return err
		}
		e.Diff = account.RoleDiff(stored.Role, account.Role{})
		if e.outdated, err = tx.MemberIDs(ctx, organization.ID, stored.Role.Name); err != nil {
			return err
		}
		return tx.DeleteCustomRole(ctx, stored)
	})
}
