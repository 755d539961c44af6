package api

import (
	"usher/internal/account"
	"usher/internal/service"
	"usher/sdk"
)

// org is the {organization} of the path.
func (c *call) org() account.OrganizationRef {
	return account.ParseOrganizationRef(c.r.PathValue("organization"))
}

func (a *API) listOrganizations(c *call) error {
	list, err := a.Service.ListOrganizations(c.ctx(), c.actor)
	if err != nil {
		return err
	}
	return c.ok(encodeEach(list, toOrganization))
}

func (a *API) createOrganization(c *call) error {
	var req sdk.CreateOrganizationRequest
	malformed := c.read(&req)
	created, err := a.Service.CreateOrganization(c.ctx(), c.actor, service.NewOrganization{
		Name: req.Name, DisplayName: req.DisplayName, Description: req.Description, Icon: req.Icon,
	}, malformed)
	if err != nil {
		return err
	}
	return c.created(toOrganization(created))
}

func (a *API) getOrganization(c *call) error {
	return c.organization200(a.Service.Organization(c.ctx(), c.actor, c.org()))
}

func (a *API) updateOrganization(c *call) error {
	var req sdk.UpdateOrganizationRequest
	malformed := c.read(&req)
	return c.organization200(a.Service.UpdateOrganization(c.ctx(), c.actor, c.org(), service.OrganizationPatch{
		Name: req.Name, DisplayName: req.DisplayName, Description: req.Description, Icon: req.Icon,
	}, malformed))
}

func (a *API) deleteOrganization(c *call) error {
	if err := a.Service.DeleteOrganization(c.ctx(), c.actor, c.org()); err != nil {
		return err
	}
	return c.ok(sdk.Response{Message: "Organization has been deleted."})
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
