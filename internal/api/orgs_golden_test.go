package api_test

import (
	"net/http"
	"testing"
)

// recordOrganizations is the part of the golden scenario that is about
// organizations. It finds the user ann and the service account robot.
func recordOrganizations(t *testing.T, take func(operation string, a answer) answer, admin client) {
	t.Helper()
	const other = "/api/v2/organizations/Other"
	take("createOrganization", admin.post(t, "/api/v2/organizations", body{"name": "Other", "description": "It's <other>", "icon": "/emojis/1.png"}))
	take("updateOrganization", admin.do(t, http.MethodPatch, other, body{"display_name": "The Other"}))
	take("listOrganizations", admin.get(t, "/api/v2/organizations"))
	admin.post(t, other+"/members/robot", nil).want(t, http.StatusOK)
	take("addMember", admin.post(t, other+"/members/ann", nil))
	helper := body{
		"name": "helper", "display_name": "A Helper",
		"organization_permissions": []body{
			{"resource_type": "organization_member", "action": "read"},
			{"resource_type": "workspace", "action": "*", "negate": true},
		},
	}
	take("createOrganizationRole", admin.post(t, other+"/members/roles", helper))
	take("updateOrganizationRole", admin.put(t, other+"/members/roles", helper.but("display_name", "The Helper")))
	take("updateMemberRoles", admin.put(t, other+"/members/ann/roles", body{"roles": []string{"helper", "organization-auditor"}}))
	take("listOrganizationRoles", admin.get(t, other+"/members/roles"))
	robot := admin.get(t, path("robot")).user(t, http.StatusOK)
	take("listMembers", admin.get(t, other+"/members?q=user_id:"+robot.ID.String()))
	take("listMembersPaginated", admin.get(t, other+"/paginated-members?limit=1&q=ann"))
	take("getMember", admin.get(t, other+"/members/ann"))
	take("deleteOrganizationRole", admin.delete(t, other+"/members/roles/helper"))
	take("removeMember", admin.delete(t, other+"/members/ann"))
	admin.delete(t, other+"/members/robot").want(t, http.StatusNoContent)
	take("deleteOrganization", admin.delete(t, other))
}
