package api

import (
	"usher/internal/account"
	"usher/internal/service"
	"usher/sdk"
)

func (a *API) listSiteRoles(c *call) error {
	roles, err := a.Service.SiteRoles(c.actor)
	if err != nil {
		return err
	}
	return c.ok(encodeEach(roles, toAssignableRole))
}

func (a *API) getUserRoles(c *call) error {
	roles, err := a.Service.UserRoles(c.ctx(), c.actor, c.user())
	if err != nil {
		return err
	}
	answer := userRoles{User: toUser(roles.User), OrganizationRoles: map[string][]string{}}
	for organization, names := range roles.Organizations {
		answer.OrganizationRoles[organization.String()] = orEmpty(names)
	}
	return c.ok(answer)
}

func (a *API) updateUserRoles(c *call) error {
	var req sdk.UpdateRolesRequest
	malformed := c.read(&req)
	return c.user200(a.Service.UpdateRoles(c.ctx(), c.actor, c.user(), req.Roles, malformed))
}

func (a *API) listOrganizationRoles(c *call) error {
	roles, err := a.Service.OrgRoles(c.ctx(), c.actor, c.org())
	if err != nil {
		return err
	}
	return c.ok(encodeEach(roles, toAssignableOrgRole))
}

// customRoleRequest is the request of package sdk, and what newer clients can
// ask for besides, which is to be refused rather than overlooked: it may be a
// prohibition.
type customRoleRequest struct {
	sdk.CustomRoleRequest
	OrganizationMemberPermissions []sdk.Permission `json:"organization_member_permissions"`
}

func (a *API) createOrganizationRole(c *call) error {
	var req customRoleRequest
	malformed := c.read(&req)
	return c.role200(a.Service.CreateRole(c.ctx(), c.actor, c.org(), newRole(req), malformed))
}

func (a *API) updateOrganizationRole(c *call) error {
	var req customRoleRequest
	malformed := c.read(&req)
	return c.role200(a.Service.UpdateRole(c.ctx(), c.actor, c.org(), newRole(req), malformed))
}

func (a *API) deleteOrganizationRole(c *call) error {
	if err := a.Service.DeleteRole(c.ctx(), c.actor, c.org(), c.r.PathValue("rolename")); err != nil {
		return err
	}
	return c.noContent()
}

func (c *call) role200(role service.OrgRole, err error) error {
	if err != nil {
		return err
	}
	return c.ok(toAssignableOrgRole(role))
}

func newRole(req customRoleRequest) service.NewRole {
	return service.NewRole{
		Name:        req.Name,
		DisplayName: req.DisplayName,
		Permissions: encodeEach(req.OrganizationPermissions, func(p sdk.Permission) account.NamedPermission {
			return account.NamedPermission{Negate: p.Negate, Resource: p.ResourceType, Action: p.Action}
		}),
		HasSitePermissions: len(req.SitePermissions) > 0,
		HasUserPermissions: len(req.UserPermissions) > 0,
		HasOwnPermissions:  len(req.OrganizationMemberPermissions) > 0,
	}
}
