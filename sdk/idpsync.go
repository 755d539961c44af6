package sdk

import (
	"context"
	"net/http"

	"github.com/google/uuid"
)

// OrganizationSyncSettings say which organizations people belong to who log in
// through the default OpenID Connect provider.
type OrganizationSyncSettings struct {
	// Field is the claim that decides; empty turns the sync off.
	Field string `json:"field"`
	// Mapping has the organizations of each value of the claim. Other values mean
	// nothing. Never null in an answer.
	Mapping map[string][]uuid.UUID `json:"mapping"`
	// AssignDefault lets everyone belong to the default organization.
	AssignDefault bool `json:"organization_assign_default"`
}

// OrganizationSyncConfig is all of OrganizationSyncSettings but the mapping.
type OrganizationSyncConfig struct {
	Field         string `json:"field"`
	AssignDefault bool   `json:"assign_default"`
}

// RoleSyncSettings say which roles of an organization its members hold who log in
// through the default OpenID Connect provider.
type RoleSyncSettings struct {
	// Field is the claim that decides; empty turns the sync off.
	Field string `json:"field"`
	// Mapping has the roles of each value of the claim. Another value is itself the
	// name of a role, or means nothing. Never null in an answer.
	Mapping map[string][]string `json:"mapping"`
}

// RoleSyncConfig is all of RoleSyncSettings but the mapping.
type RoleSyncConfig struct {
	Field string `json:"field"`
}

// SyncMapping is one line of a mapping: for whom the claim has the value Given gets
// Gets, an organization or a role.
type SyncMapping[T uuid.UUID | string] struct {
	Given string `json:"given"`
	Gets  T      `json:"gets"`
}

// UpdateSyncMappingRequest adds lines to a mapping and removes others, at most 1000
// of each. What stands in both is removed.
type UpdateSyncMappingRequest[T uuid.UUID | string] struct {
	Add    []SyncMapping[T] `json:"add"`
	Remove []SyncMapping[T] `json:"remove"`
}

// OrganizationSync returns how people who log in come to organizations. It needs
// idpsync_settings:read.
func (c *Client) OrganizationSync(ctx context.Context) (OrganizationSyncSettings, error) {
	return c.organizationSync(ctx, http.MethodGet, nil)
}

// UpdateOrganizationSync replaces the settings. It needs idpsync_settings:update, as
// the two below.
func (c *Client) UpdateOrganizationSync(ctx context.Context, req OrganizationSyncSettings) (OrganizationSyncSettings, error) {
	return c.organizationSync(ctx, http.MethodPatch, req)
}

// UpdateOrganizationSyncConfig replaces the settings but the mapping.
func (c *Client) UpdateOrganizationSyncConfig(ctx context.Context, req OrganizationSyncConfig) (OrganizationSyncSettings, error) {
	return c.organizationSync(ctx, http.MethodPatch, req, "config")
}

// UpdateOrganizationSyncMapping adds lines to the mapping and removes others.
func (c *Client) UpdateOrganizationSyncMapping(ctx context.Context, req UpdateSyncMappingRequest[uuid.UUID]) (OrganizationSyncSettings, error) {
	return c.organizationSync(ctx, http.MethodPatch, req, "mapping")
}

func (c *Client) organizationSync(ctx context.Context, method string, body any, below ...string) (OrganizationSyncSettings, error) {
	var result OrganizationSyncSettings
	err := c.do(ctx, call{
		method: method, path: append([]string{"settings", "idpsync", "organization"}, below...), body: body,
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// RoleSync returns how members of an organization who log in come to its roles. It
// needs idpsync_settings:read there.
func (c *Client) RoleSync(ctx context.Context, organization string) (RoleSyncSettings, error) {
	return c.roleSync(ctx, http.MethodGet, organization, nil)
}

// UpdateRoleSync replaces the settings. It needs idpsync_settings:update in the
// organization, as the two below.
func (c *Client) UpdateRoleSync(ctx context.Context, organization string, req RoleSyncSettings) (RoleSyncSettings, error) {
	return c.roleSync(ctx, http.MethodPatch, organization, req)
}

// UpdateRoleSyncConfig replaces the settings but the mapping.
func (c *Client) UpdateRoleSyncConfig(ctx context.Context, organization string, req RoleSyncConfig) (RoleSyncSettings, error) {
	return c.roleSync(ctx, http.MethodPatch, organization, req, "config")
}

// UpdateRoleSyncMapping adds lines to the mapping and removes others.
func (c *Client) UpdateRoleSyncMapping(ctx context.Context, organization string, req UpdateSyncMappingRequest[string]) (RoleSyncSettings, error) {
	return c.roleSync(ctx, http.MethodPatch, organization, req, "mapping")
}

func (c *Client) roleSync(ctx context.Context, method, organization string, body any, below ...string) (RoleSyncSettings, error) {
	var result RoleSyncSettings
	err := c.do(ctx, call{
		method: method, path: append([]string{"organizations", organization, "settings", "idpsync", "roles"}, below...), body: body,
		status: http.StatusOK, result: &result,
	})
	return result, err
}
