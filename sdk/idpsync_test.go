package sdk_test

import (
	"context"

	"github.com/google/uuid"

	"usher/sdk"
)

// syncMethods are those about what an identity provider decides.
func syncMethods() map[string]method {
	id := uuid.MustParse("497f6eca-6276-4993-bfeb-53cbbbba6f08")
	const (
		organizations = `{"field":"groups","mapping":{"a":["497f6eca-6276-4993-bfeb-53cbbbba6f08"]},"organization_assign_default":true}`
		roles         = `{"field":"groups","mapping":{"a":["organization-admin"],"b":[]}}`
	)
	return map[string]method{
		"OrganizationSync": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.OrganizationSync(ctx) },
			want: "GET /api/v2/settings/idpsync/organization", status: 200, answer: organizations,
		},
		"UpdateOrganizationSync": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateOrganizationSync(ctx, sdk.OrganizationSyncSettings{
					Field: "groups", Mapping: map[string][]uuid.UUID{"a": {id}}, AssignDefault: true,
				})
			},
			want: "PATCH /api/v2/settings/idpsync/organization", body: organizations, status: 200, answer: organizations,
		},
		"UpdateOrganizationSyncConfig": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateOrganizationSyncConfig(ctx, sdk.OrganizationSyncConfig{Field: "groups", AssignDefault: true})
			},
			want: "PATCH /api/v2/settings/idpsync/organization/config", body: `{"field":"groups","assign_default":true}`,
			status: 200, answer: organizations,
		},
		"UpdateOrganizationSyncMapping": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateOrganizationSyncMapping(ctx, sdk.UpdateSyncMappingRequest[uuid.UUID]{
					Add: []sdk.SyncMapping[uuid.UUID]{{Given: "a", Gets: id}},
				})
			},
			want: "PATCH /api/v2/settings/idpsync/organization/mapping",
			body: `{"add":[{"given":"a","gets":"497f6eca-6276-4993-bfeb-53cbbbba6f08"}],"remove":null}`, status: 200, answer: organizations,
		},
		"RoleSync": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.RoleSync(ctx, "a/b") },
			want: "GET /api/v2/organizations/a%2Fb/settings/idpsync/roles", status: 200, answer: roles,
		},
		"UpdateRoleSync": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateRoleSync(ctx, "other", sdk.RoleSyncSettings{
					Field: "groups", Mapping: map[string][]string{"a": {"organization-admin"}, "b": {}},
				})
			},
			want: "PATCH /api/v2/organizations/other/settings/idpsync/roles", body: roles, status: 200, answer: roles,
		},
		"UpdateRoleSyncConfig": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateRoleSyncConfig(ctx, "other", sdk.RoleSyncConfig{})
			},
			want: "PATCH /api/v2/organizations/other/settings/idpsync/roles/config", body: `{"field":""}`, status: 200, answer: roles,
		},
		"UpdateRoleSyncMapping": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateRoleSyncMapping(ctx, "other", sdk.UpdateSyncMappingRequest[string]{
					Remove: []sdk.SyncMapping[string]{{Given: "a=b", Gets: "helper"}},
				})
			},
			want: "PATCH /api/v2/organizations/other/settings/idpsync/roles/mapping",
			body: `{"add":null,"remove":[{"given":"a=b","gets":"helper"}]}`, status: 200, answer: roles,
		},
	}
}
