package sdk_test

import (
	"context"

	"github.com/google/uuid"

	"usher/sdk"
)

// organizationMethods are those about organizations, members and roles; org is
// the reference's example of an organization.
func organizationMethods(org string) map[string]method {
	after := uuid.MustParse("497f6eca-6276-4993-bfeb-53cbbbba6f08")
	empty := ""
	const (
		member = `{"user_id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","organization_id":"7c60d51f-b44e-4682-87d6-449835ea4de6",
			"created_at":"2026-01-02T03:04:05.000006Z","updated_at":"2026-01-02T03:04:05Z",
			"roles":[{"name":"helper","display_name":"","organization_id":"7c60d51f-b44e-4682-87d6-449835ea4de6"}]`
		whole = member + `,"username":"ada","name":"Ada","avatar_url":"","email":"ada@example.com",
			"global_roles":[{"name":"owner","display_name":"Owner","organization_id":""}],"status":"active","login_type":"password",
			"last_seen_at":"0001-01-01T00:00:00Z","user_created_at":"2026-01-02T03:04:05Z","user_updated_at":"2026-01-02T03:04:05Z",
			"is_service_account":true,"has_ai_seat":true}`
		role = `{"name":"helper","display_name":"The Helper","organization_id":"7c60d51f-b44e-4682-87d6-449835ea4de6",
			"site_permissions":[],"organization_permissions":[{"negate":true,"resource_type":"template","action":"read"}],
			"user_permissions":[],"assignable":true,"built_in":false}`
	)
	wanted := sdk.CustomRoleRequest{
		Name: "helper", DisplayName: "The Helper",
		OrganizationPermissions: []sdk.Permission{{Negate: true, ResourceType: "template", Action: "read"}},
	}
	const described = `{"name":"helper","display_name":"The Helper","site_permissions":null,` +
		`"organization_permissions":[{"negate":true,"resource_type":"template","action":"read"}],"user_permissions":null}`
	return map[string]method{
		"Organizations": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.Organizations(ctx) },
			want: "GET /api/v2/organizations", status: 200, answer: "[" + org + "]",
		},
		"CreateOrganization": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.CreateOrganization(ctx, sdk.CreateOrganizationRequest{Name: "other", Icon: "/i.png"})
			},
			want: "POST /api/v2/organizations", body: `{"name":"other","icon":"/i.png"}`, status: 201, answer: org,
		},
		"UpdateOrganization": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateOrganization(ctx, "other", sdk.UpdateOrganizationRequest{DisplayName: "Other", Icon: &empty})
			},
			want: "PATCH /api/v2/organizations/other", body: `{"display_name":"Other","icon":""}`, status: 200, answer: org,
		},
		"DeleteOrganization": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return nil, c.DeleteOrganization(ctx, "other") },
			want: "DELETE /api/v2/organizations/other", status: 200,
		},
		"OrganizationMembers": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.OrganizationMembers(ctx, "other") },
			want: "GET /api/v2/organizations/other/members", status: 200, answer: "[" + whole + "]",
		},
		"OrganizationMembersPage": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.OrganizationMembersPage(ctx, "other", sdk.MembersRequest{Search: "status:active a&b", AfterID: after, Limit: 2, Offset: 1})
			},
			want:   "GET /api/v2/organizations/other/paginated-members?after_id=497f6eca-6276-4993-bfeb-53cbbbba6f08&limit=2&offset=1&q=status%3Aactive+a%26b",
			status: 200, answer: `{"members":[` + whole + `],"count":7}`,
		},
		"OrganizationMembersPage, all": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.OrganizationMembersPage(ctx, "other", sdk.MembersRequest{})
			},
			want: "GET /api/v2/organizations/other/paginated-members", status: 200, answer: `{"members":[],"count":0}`,
		},
		"OrganizationMember": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.OrganizationMember(ctx, "other", "ada")
			},
			want: "GET /api/v2/organizations/other/members/ada", status: 200, answer: whole,
		},
		"AddOrganizationMember": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.AddOrganizationMember(ctx, "other", "ada")
			},
			want: "POST /api/v2/organizations/other/members/ada", status: 200, answer: member + "}",
		},
		"RemoveOrganizationMember": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return nil, c.RemoveOrganizationMember(ctx, "other", "ada")
			},
			want: "DELETE /api/v2/organizations/other/members/ada", status: 204,
		},
		"UpdateOrganizationMemberRoles": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateOrganizationMemberRoles(ctx, "other", "ada", sdk.UpdateRolesRequest{Roles: []string{"helper"}})
			},
			want: "PUT /api/v2/organizations/other/members/ada/roles", body: `{"roles":["helper"]}`, status: 200, answer: member + "}",
		},
		"OrganizationRoles": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.OrganizationRoles(ctx, "other") },
			want: "GET /api/v2/organizations/other/members/roles", status: 200, answer: "[" + role + "]",
		},
		"CreateOrganizationRole": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.CreateOrganizationRole(ctx, "other", wanted)
			},
			want: "POST /api/v2/organizations/other/members/roles", body: described, status: 200, answer: role,
		},
		"UpdateOrganizationRole": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateOrganizationRole(ctx, "other", wanted)
			},
			want: "PUT /api/v2/organizations/other/members/roles", body: described, status: 200, answer: role,
		},
		"DeleteOrganizationRole": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return nil, c.DeleteOrganizationRole(ctx, "other", "a/b")
			},
			want: "DELETE /api/v2/organizations/other/members/roles/a%2Fb", status: 204,
		},
	}
}
