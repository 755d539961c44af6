package openapi_test

import (
	"strings"
	"testing"

	"usher/internal/account"
)

// TestSyncSchemas asks the schemas of what an identity provider decides about values
// at the edges of what they allow.
func TestSyncSchemas(t *testing.T) {
	t.Parallel()

	const id = `"497f6eca-6276-4993-bfeb-53cbbbba6f08"`
	lines := func(n int, gets string) string {
		return `{"add":[` + strings.TrimSuffix(strings.Repeat(`{"given":"a","gets":`+gets+`},`, n), ",") + `]}`
	}
	checkSchemas(t, []schemaCase{
		{name: "nothing", schema: "OrganizationSyncSettings", value: `{"field":"","mapping":{},"organization_assign_default":false}`, valid: true},
		{name: "something", schema: "OrganizationSyncSettings", value: `{"field":"g","mapping":{"a":[` + id + `],"":[]},"organization_assign_default":true}`, valid: true},
		{name: "null mapping", schema: "OrganizationSyncSettings", value: `{"field":"","mapping":null,"organization_assign_default":false}`},
		{name: "null organizations", schema: "OrganizationSyncSettings", value: `{"field":"","mapping":{"a":null},"organization_assign_default":false}`},
		{name: "no mapping", schema: "OrganizationSyncSettings", value: `{"field":"","organization_assign_default":false}`},
		{name: "names", schema: "OrganizationSyncSettings", value: `{"field":"","mapping":{"a":["coder"]},"organization_assign_default":false}`},
		{name: "nothing", schema: "UpdateOrganizationSyncRequest", value: `{}`, valid: true},
		{name: "nulls", schema: "UpdateOrganizationSyncRequest", value: `{"field":null,"mapping":{"a":null},"organization_assign_default":null}`, valid: true},
		{name: "256 letters", schema: "UpdateOrganizationSyncRequest", value: `{"field":"` + strings.Repeat("x", 256) + `"}`, valid: true},
		{name: "257 letters", schema: "UpdateOrganizationSyncRequest", value: `{"field":"` + strings.Repeat("x", 257) + `"}`},
		{name: "names", schema: "UpdateOrganizationSyncRequest", value: `{"mapping":{"a":["coder"]}}`},
		{name: "nothing", schema: "UpdateOrganizationSyncConfigRequest", value: `{}`, valid: true},
		{name: "text for a truth", schema: "UpdateOrganizationSyncConfigRequest", value: `{"assign_default":"yes"}`},
		{name: "nothing", schema: "UpdateOrganizationSyncMappingRequest", value: `{"add":null,"remove":[]}`, valid: true},
		{name: "as many as can be", schema: "UpdateOrganizationSyncMappingRequest", value: lines(account.MaxSyncEntries, id), valid: true},
		{name: "too many", schema: "UpdateOrganizationSyncMappingRequest", value: lines(account.MaxSyncEntries+1, id)},
		{name: "a name", schema: "UpdateOrganizationSyncMappingRequest", value: lines(1, `"coder"`)},
		{name: "for nothing", schema: "UpdateOrganizationSyncMappingRequest", value: `{"remove":[{"given":"a"}]}`},

		{name: "nothing", schema: "RoleSyncSettings", value: `{"field":"","mapping":{}}`, valid: true},
		{name: "null mapping", schema: "RoleSyncSettings", value: `{"field":"","mapping":null}`},
		{name: "null roles", schema: "RoleSyncSettings", value: `{"field":"","mapping":{"a":null}}`},
		{name: "roles", schema: "UpdateRoleSyncRequest", value: `{"field":"g","mapping":{"a":["helper"],"b":[]}}`, valid: true},
		{name: "one role", schema: "UpdateRoleSyncRequest", value: `{"mapping":{"a":"helper"}}`},
		{name: "nothing", schema: "UpdateRoleSyncConfigRequest", value: `{}`, valid: true},
		{name: "a number", schema: "UpdateRoleSyncConfigRequest", value: `{"field":7}`},
		{name: "a role", schema: "UpdateRoleSyncMappingRequest", value: lines(1, `"helper"`), valid: true},
		{name: "no role", schema: "UpdateRoleSyncMappingRequest", value: lines(1, `""`)},
		{name: "to nobody", schema: "UpdateRoleSyncMappingRequest", value: `{"add":[{"given":"","gets":"helper"}]}`},
	})
}
