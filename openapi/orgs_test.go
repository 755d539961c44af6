package openapi_test

import (
	"strings"
	"testing"

	"usher/internal/account"
)

// TestOrganizationSchemas asks the schemas of organizations, members and custom
// roles about values at the edges of what they allow.
func TestOrganizationSchemas(t *testing.T) {
	t.Parallel()

	const id = `"497f6eca-6276-4993-bfeb-53cbbbba6f08"`
	fields := func(all map[string]string, member, value string) string {
		var members []string
		for name, text := range all {
			if name == member {
				text = value
			}
			if text != "" {
				members = append(members, `"`+name+`":`+text)
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	membership := map[string]string{
		"user_id": id, "organization_id": id, "created_at": `"2026-01-31T09:00:00Z"`, "updated_at": `"2026-01-31T09:00:00.5Z"`,
		"roles": `[{"name":"helpers","display_name":"","organization_id":` + id + `}]`,
	}
	whole := map[string]string{
		"username": `"new-user"`, "name": `""`, "avatar_url": `""`, "email": `""`, "global_roles": `[]`, "status": `"dormant"`,
		"login_type": `"none"`, "last_seen_at": `"0001-01-01T00:00:00Z"`, "user_created_at": `"2026-01-31T09:00:00Z"`,
		"user_updated_at": `"2026-01-31T09:00:00Z"`, "is_service_account": `true`, "has_ai_seat": `false`,
	}
	for name, text := range membership {
		whole[name] = text
	}
	member := func(name, value string) string { return fields(membership, name, value) }
	person := func(name, value string) string { return fields(whole, name, value) }
	role := func(permission string) string {
		return `{"name":"helpers","organization_permissions":[` + permission + `]}`
	}

	checkSchemas(t, []schemaCase{
		{name: "member", schema: "OrganizationMember", value: member("", ""), valid: true},
		{name: "null roles", schema: "OrganizationMember", value: member("roles", `null`)},
		{name: "roles by name", schema: "OrganizationMember", value: member("roles", `["helpers"]`)},
		{name: "no user", schema: "OrganizationMember", value: member("user_id", "")},
		{name: "with its account", schema: "OrganizationMemberWithUserData", value: person("", ""), valid: true},
		{name: "account left out", schema: "OrganizationMemberWithUserData", value: member("", "")},
		{name: "empty name left out", schema: "OrganizationMemberWithUserData", value: person("name", "")},
		{name: "no status", schema: "OrganizationMemberWithUserData", value: person("status", `""`)},
		{name: "nobody", schema: "PaginatedMembersResponse", value: `{"members":[],"count":0}`, valid: true},
		{name: "null", schema: "PaginatedMembersResponse", value: `{"members":null,"count":0}`},

		{name: "name", schema: "CreateOrganizationRequest", value: `{"name":"Other"}`, valid: true},
		{name: "no name", schema: "CreateOrganizationRequest", value: `{"display_name":"Other"}`},
		{name: "underscore", schema: "CreateOrganizationRequest", value: `{"name":"a_b"}`},
		{name: "33 letters", schema: "CreateOrganizationRequest", value: `{"name":"` + strings.Repeat("a", account.MaxUsernameBytes+1) + `"}`},
		{name: "64 letters", schema: "CreateOrganizationRequest", value: `{"name":"a","display_name":"` + strings.Repeat("b", account.MaxDisplayNameBytes) + `"}`, valid: true},
		{name: "65 letters", schema: "CreateOrganizationRequest", value: `{"name":"a","display_name":"` + strings.Repeat("b", account.MaxDisplayNameBytes+1) + `"}`},
		{name: "nothing", schema: "UpdateOrganizationRequest", value: `{}`, valid: true},
		{name: "empty", schema: "UpdateOrganizationRequest", value: `{"name":"","display_name":"","description":"","icon":""}`, valid: true},
		{name: "nulls", schema: "UpdateOrganizationRequest", value: `{"name":null,"display_name":null,"description":null,"icon":null}`, valid: true},
		{name: "bad name", schema: "UpdateOrganizationRequest", value: `{"name":"-"}`},

		{name: "null", schema: "UpdateMemberRolesRequest", value: `{"roles":null}`, valid: true},
		{name: "numbers", schema: "UpdateMemberRolesRequest", value: `{"roles":[1]}`},
		{name: "name alone", schema: "CustomRoleRequest", value: `{"name":"helpers"}`, valid: true},
		{name: "no name", schema: "CustomRoleRequest", value: `{"display_name":"Helpers"}`},
		{name: "all empty", schema: "CustomRoleRequest", value: `{"name":"a","site_permissions":[],"organization_permissions":null,"user_permissions":null}`, valid: true},
		{name: "site", schema: "CustomRoleRequest", value: `{"name":"a","site_permissions":[{"resource_type":"user","action":"read"}]}`},
		{name: "own", schema: "CustomRoleRequest", value: `{"name":"a","user_permissions":[{"resource_type":"user","action":"read"}]}`},
		{name: "permission", schema: "CustomRoleRequest", value: role(`{"resource_type":"template","action":"read"}`), valid: true},
		{name: "prohibition", schema: "CustomRoleRequest", value: role(`{"resource_type":"*","action":"*","negate":true}`), valid: true},
		{name: "unknown type", schema: "CustomRoleRequest", value: role(`{"resource_type":"spaceship","action":"read"}`)},
		{name: "no action", schema: "CustomRoleRequest", value: role(`{"resource_type":"template"}`)},
	})
}
