package sdk

import (
	"context"
	"net/http"
)

// The built-in site roles.
const (
	RoleOwner         = "owner"
	RoleUserAdmin     = "user-admin"
	RoleTemplateAdmin = "template-admin"
	RoleAuditor       = "auditor"
	// RoleMember is held by everyone and listed only where it was assigned.
	RoleMember = "member"
)

// SlimRole is a role as a user or a member holds it.
type SlimRole struct {
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
	// OrganizationID is empty for a site role; otherwise it is a UUID.
	OrganizationID string `json:"organization_id"`
}

// Role is a role with what it permits.
type Role struct {
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
	// OrganizationID is empty for a site role; otherwise it is a UUID.
	OrganizationID string `json:"organization_id"`
	// SitePermissions hold for every object of the deployment. Never null.
	SitePermissions []Permission `json:"site_permissions"`
	// OrganizationPermissions hold within the role's organization. Never null.
	OrganizationPermissions []Permission `json:"organization_permissions"`
	// UserPermissions hold for the user's own objects. Never null.
	UserPermissions []Permission `json:"user_permissions"`
}

// Permission allows an action on a type of resource; each may be "*".
type Permission struct {
	// Negate turns the permission into a prohibition, which wins over every
	// permission of the same level and below.
	Negate       bool   `json:"negate"`
	ResourceType string `json:"resource_type"`
	Action       string `json:"action"`
}

// AssignableRole is a role as seen by a caller.
type AssignableRole struct {
	Role
	// Assignable is true where the caller may give this role to others.
	Assignable bool `json:"assignable"`
	// BuiltIn is false for custom roles.
	BuiltIn bool `json:"built_in"`
}

// SiteRoles returns the site roles that can be assigned at all, and whether the
// caller may assign them.
func (c *Client) SiteRoles(ctx context.Context) ([]AssignableRole, error) {
	var result []AssignableRole
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"users", "roles"},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}
