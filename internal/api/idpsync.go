package api

import (
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/sdk"
)

func (a *API) getOrganizationSync(c *call) error {
	return c.organizationSync200(a.Service.OrganizationSyncSettings(c.ctx(), c.actor))
}

func (a *API) updateOrganizationSync(c *call) error {
	var req sdk.OrganizationSyncSettings
	malformed := c.read(&req)
	return c.organizationSync200(a.Service.UpdateOrganizationSync(c.ctx(), c.actor, account.OrganizationSync(req), malformed))
}

func (a *API) updateOrganizationSyncConfig(c *call) error {
	var req sdk.OrganizationSyncConfig
	malformed := c.read(&req)
	return c.organizationSync200(a.Service.UpdateOrganizationSyncConfig(c.ctx(), c.actor, req.Field, req.AssignDefault, malformed))
}

func (a *API) updateOrganizationSyncMapping(c *call) error {
	var req sdk.UpdateSyncMappingRequest[uuid.UUID]
	malformed := c.read(&req)
	return c.organizationSync200(a.Service.EditOrganizationSyncMapping(c.ctx(), c.actor, toMappingEdit(req), malformed))
}

func (c *call) organizationSync200(settings account.OrganizationSync, err error) error {
	if err != nil {
		return err
	}
	return c.ok(sdk.OrganizationSyncSettings(settings))
}

func (a *API) getRoleSync(c *call) error {
	return c.roleSync200(a.Service.RoleSyncSettings(c.ctx(), c.actor, c.org()))
}

func (a *API) updateRoleSync(c *call) error {
	var req sdk.RoleSyncSettings
	malformed := c.read(&req)
	return c.roleSync200(a.Service.UpdateRoleSync(c.ctx(), c.actor, c.org(), account.RoleSync(req), malformed))
}

func (a *API) updateRoleSyncConfig(c *call) error {
	var req sdk.RoleSyncConfig
	malformed := c.read(&req)
	return c.roleSync200(a.Service.UpdateRoleSyncConfig(c.ctx(), c.actor, c.org(), req.Field, malformed))
}

func (a *API) updateRoleSyncMapping(c *call) error {
	var req sdk.UpdateSyncMappingRequest[string]
	malformed := c.read(&req)
	return c.roleSync200(a.Service.EditRoleSyncMapping(c.ctx(), c.actor, c.org(), toMappingEdit(req), malformed))
}

func (c *call) roleSync200(settings account.RoleSync, err error) error {
	if err != nil {
		return err
	}
	return c.ok(sdk.RoleSyncSettings(settings))
}

func toMappingEdit[T uuid.UUID | string](req sdk.UpdateSyncMappingRequest[T]) account.MappingEdit[T] {
	lines := func(list []sdk.SyncMapping[T]) []account.MappingPair[T] {
		return encodeEach(list, func(line sdk.SyncMapping[T]) account.MappingPair[T] { return account.MappingPair[T](line) })
	}
	return account.MappingEdit[T]{Add: lines(req.Add), Remove: lines(req.Remove)}
}
