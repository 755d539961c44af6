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
		organization, err := s.organization(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		if err := hide(actor.Authorize(account.ActionRead, orgRoles(organization))); err != nil {
			return err
		}
		for _, role := range account.OrgRoles() {
			role.OrganizationID = organization.ID
			list = append(list, OrgRole{Role: role, BuiltIn: true, Assignable: actor.MayAssignOrgRole(organization.ID, role.Name)})
		}
		custom, err := tx.CustomRoles(ctx, organization.ID)
		for _, stored := range custom {
			list = append(list, OrgRole{Role: stored.Role, Assignable: actor.MayAssignOrgRole(organization.ID, stored.Role.Name)})
		}
		return err
	})
	return list, err
}

func orgRoles(organization account.Organization) account.Object {
	return account.Object{Type: account.ResourceAssignOrgRole, Organization: organization.ID}
}

// NewRole is what a custom role is to be.
type NewRole struct {
	Name        string
	DisplayName string
	Permissions []account.NamedPermission // in the organization
	// HasSitePermissions and HasUserPermissions say that others were asked for,
	// which a role of an organization cannot have.
	HasSitePermissions, HasUserPermissions bool
}

// build checks a custom role, every field of it at once.
func (n *NewRole) build(organization account.Organization) (account.Role, error) {
	switch {
	case account.IsBuiltInOrgRole(n.Name) || account.IsSiteRole(n.Name):
		return account.Role{}, account.Invalid(fmt.Sprintf("Reserved role name: %q is built in.", n.Name),
			account.FieldError{Field: "name", Detail: "is the name of a built-in role"})
	case n.HasSitePermissions:
		return account.Role{}, account.Invalid("A role of an organization cannot have site wide permissions.",
			account.FieldError{Field: "site_permissions", Detail: "must be empty"})
	case n.HasUserPermissions:
		return account.Role{}, account.Invalid("You are not allowed to assign user permissions in a role of an organization.",
			account.FieldError{Field: "user_permissions", Detail: "must be empty"})
	}
	role, faults := account.CustomRole(organization.ID, n.Name, n.DisplayName, n.Permissions)
	return role, invalidFields(append(account.CheckCustomRole(n.Name, n.DisplayName), faults...))
}

// authorizeRole asks whether the actor may make a role that permits this: only
// what the actor itself may do in the organization.
func authorizeRole(actor *account.Actor, organization account.Organization, role account.Role) error {
	for _, p := range role.Org.List() {
		if err := actor.Authorize(p.Action, account.Object{Type: p.Resource, Organization: organization.ID}); err != nil {
			return err
		}
	}
	return nil
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
	err := s.change(ctx, actor, roleEntry(account.AuditCreate, account.OutcomeOK), func(ctx context.Context, tx *store.Tx, e *entry) error {
		organization, role, err := s.wantedRole(ctx, tx, actor, ref, account.ActionCreate, n, malformed)
		if err != nil {
			return err
		}
		stored := store.CustomRole{ID: uuid.New(), Role: role}
		if err := tx.InsertCustomRole(ctx, stored, s.now()); err != nil {
			return wordConflict(err, fmt.Sprintf("A role named %q already exists in %s.", role.Name, organization.Name))
		}
		created = role
		e.aboutRole(stored.ID, role)
		e.Diff = account.RoleDiff(account.Role{}, role)
		return nil
	})
	return OrgRole{Role: created, Assignable: actor.MayAssignOrgRole(created.OrganizationID, created.Name)}, err
}

// wantedRole checks a request for a custom role and the right to make it.
func (s *Service) wantedRole(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.OrganizationRef, action account.Action, n NewRole, malformed error) (account.Organization, account.Role, error) {
	organization, err := s.organization(ctx, tx, actor, ref)
	if err != nil {
		return organization, account.Role{}, err
	}
	if malformed != nil {
		return organization, account.Role{}, malformed
	}
	if err := actor.Authorize(action, orgRoles(organization)); err != nil {
		return organization, account.Role{}, err
	}
	role, err := n.build(organization)
	if err != nil {
		return organization, role, err
	}
	return organization, role, authorizeRole(actor, organization, role)
}

// UpdateRole replaces what a custom role is called by people and permits. Its
// name says which one.
func (s *Service) UpdateRole(ctx context.Context, actor *account.Actor, ref account.OrganizationRef, n NewRole, malformed error) (OrgRole, error) {
	var after account.Role
	err := s.change(ctx, actor, roleEntry(account.AuditWrite, account.OutcomeOK), func(ctx context.Context, tx *store.Tx, e *entry) error {
		organization, role, err := s.wantedRole(ctx, tx, actor, ref, account.ActionUpdate, n, malformed)
		if err != nil {
			return err
		}
		before, err := tx.CustomRole(ctx, organization.ID, n.Name)
		if err != nil {
			return err
		}
		role.Name = before.Role.Name
		after = role
		e.aboutRole(before.ID, role)
		e.Diff = account.RoleDiff(before.Role, role)
		if e.outdated, err = tx.MemberIDs(ctx, organization.ID, role.Name); err != nil {
			return err
		}
		return tx.UpdateCustomRole(ctx, store.CustomRole{ID: before.ID, Role: role}, s.now())
	})
	return OrgRole{Role: after, Assignable: actor.MayAssignOrgRole(after.OrganizationID, after.Name)}, err
}

// DeleteRole removes a custom role, also from everyone who holds it.
func (s *Service) DeleteRole(ctx context.Context, actor *account.Actor, ref account.OrganizationRef, name string) error {
	return s.change(ctx, actor, roleEntry(account.AuditDelete, account.OutcomeNoContent), func(ctx context.Context, tx *store.Tx, e *entry) error {
		organization, err := s.organization(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		if account.IsBuiltInOrgRole(name) {
			return account.Invalid(fmt.Sprintf("Reserved role name: %q is built in and cannot be deleted.", name))
		}
		if account.CheckOrganizationName(name) != nil {
			return account.NotFound()
		}
		stored, err := tx.CustomRole(ctx, organization.ID, name)
		if err != nil {
			return err
		}
		e.aboutRole(stored.ID, stored.Role)
		if err := actor.Authorize(account.ActionDelete, orgRoles(organization)); err != nil {
			return err
		}
		e.Diff = account.RoleDiff(stored.Role, account.Role{})
		if e.outdated, err = tx.MemberIDs(ctx, organization.ID, stored.Role.Name); err != nil {
			return err
		}
		return tx.DeleteCustomRole(ctx, stored)
	})
}
