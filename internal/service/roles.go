package service

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// SiteRole is a site role, and whether the asking actor may assign it.
type SiteRole struct {
	account.Role
	Assignable bool
}

// SiteRoles lists the site roles that can be assigned.
func (s *Service) SiteRoles(actor *account.Actor) ([]SiteRole, error) {
	if err := actor.Authorize(account.ActionRead, account.Object{Type: account.ResourceAssignRole}); err != nil {
		return nil, err
	}
	list := []SiteRole{}
	for _, role := range account.SiteRoles() {
		list = append(list, SiteRole{Role: role, Assignable: actor.MayAssignSiteRole(role.Name)})
	}
	return list, nil
}

// RolesOfUser is a user with its stored roles, site-wide and in each
// organization that the asking actor may read.
type RolesOfUser struct {
	User          account.User
	Organizations map[uuid.UUID][]string
}

// UserRoles returns the roles of a user.
func (s *Service) UserRoles(ctx context.Context, actor *account.Actor, ref account.UserRef) (RolesOfUser, error) {
	var roles RolesOfUser
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		user, err := s.target(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		if !actor.Can(account.ActionReadPersonal, user.Object()) {
			return account.NotFound()
		}
		memberships, err := tx.Memberships(ctx, user.ID)
		roles = RolesOfUser{User: user, Organizations: readableRoles(actor, memberships)}
		return err
	})
	return roles, err
}

func readableRoles(actor *account.Actor, memberships []account.Membership) map[uuid.UUID][]string {
	roles := map[uuid.UUID][]string{}
	for _, m := range memberships {
		organization := account.Organization{ID: m.OrganizationID}
		if actor.Can(account.ActionRead, organization.Object()) {
			roles[m.OrganizationID] = m.Roles
		}
	}
	return roles
}

// UpdateRoles replaces the site roles of a user. The order of its checks is the
// contract's (users.md, section 5.10).
func (s *Service) UpdateRoles(ctx context.Context, actor *account.Actor, ref account.UserRef, roles []string, malformed error) (account.User, error) {
	return s.changeUser(ctx, actor, ref, func(ctx context.Context, tx *store.Tx, u *account.User) error {
		if err := s.checkSiteRolesByHand(ctx, tx, *u); err != nil {
			return err
		}
		if actor.Is(u.ID) {
			return account.Invalid("You cannot change your own roles.")
		}
		if malformed != nil {
			return malformed
		}
		roles = slices.Compact(slices.Sorted(slices.Values(roles)))
		if err := authorizeRoles(actor, u.Roles, roles); err != nil {
			return err
		}
		if !slices.Contains(roles, account.RoleOwner) {
			if err := s.keepAnOwner(ctx, tx, *u, "demoted"); err != nil {
				return err
			}
		}
		u.Roles = roles
		return nil
	})
}

// authorizeRoles asks whether the actor may turn one set of site roles into the
// other: every role that is added or removed must be one it may assign.
func authorizeRoles(actor *account.Actor, before, after []string) error {
	for _, role := range after {
		if !account.IsSiteRole(role) {
			return account.Invalid(fmt.Sprintf("%q is not a supported role", role),
				account.FieldError{Field: "roles", Detail: fmt.Sprintf("%q is not a supported role", role)})
		}
	}
	for _, action := range []account.Action{account.ActionAssign, account.ActionUnassign} {
		if err := actor.Authorize(action, account.Object{Type: account.ResourceAssignRole}); err != nil {
			return err
		}
	}
	for _, role := range append(slices.Clone(before), after...) {
		stays := slices.Contains(before, role) && slices.Contains(after, role)
		if !stays && !actor.MayAssignSiteRole(role) {
			return account.Invalid(fmt.Sprintf("You are not authorized to assign or remove the role %q.", role))
		}
	}
	return nil
}
