package api

import (
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
