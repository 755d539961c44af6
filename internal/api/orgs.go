package api

import (
	"usher/internal/account"
)

func (a *API) getOrganization(c *call) error {
	ref := account.ParseOrganizationRef(c.r.PathValue("organization"))
	return c.organization200(a.Service.Organization(c.ctx(), c.actor, ref))
}

func (a *API) listUserOrganizations(c *call) error {
	list, err := a.Service.UserOrganizations(c.ctx(), c.actor, c.user())
	if err != nil {
		return err
	}
	return c.ok(encodeEach(list, toOrganization))
}

func (a *API) getUserOrganization(c *call) error {
	return c.organization200(a.Service.UserOrganization(c.ctx(), c.actor, c.user(), c.r.PathValue("organizationname")))
}

func (c *call) organization200(organization account.Organization, err error) error {
	if err != nil {
		return err
	}
	return c.ok(toOrganization(organization))
}
