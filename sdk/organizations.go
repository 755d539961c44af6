package sdk

import (
	"context"
	"net/http"
)

// CreateOrganizationRequest describes a new organization.
type CreateOrganizationRequest struct {
	// Name follows the rule of usernames, and is unique regardless of case.
	Name string `json:"name"`
	// DisplayName has at most 64 bytes; an empty one becomes the name.
	DisplayName string `json:"display_name,omitempty"`
	Description string `json:"description,omitempty"`
	Icon        string `json:"icon,omitempty"`
}

// UpdateOrganizationRequest changes what is set. An empty name, and a nil text,
// stays as it is.
type UpdateOrganizationRequest struct {
	Name        string  `json:"name,omitempty"`
	DisplayName string  `json:"display_name,omitempty"`
	Description *string `json:"description,omitempty"`
	Icon        *string `json:"icon,omitempty"`
}

// PaginatedMembersResponse is a page of members.
type PaginatedMembersResponse struct {
	Members []OrganizationMemberWithUserData `json:"members"`
	// Count is how many members match, whatever the page.
	Count int `json:"count"`
}

// MembersRequest selects members of an organization; its fields are those of
// [UsersRequest].
type MembersRequest UsersRequest

// CustomRoleRequest describes a role of an organization. Only organization
// permissions are possible in one.
type CustomRoleRequest struct {
	// Name follows the rule of usernames and is none of the built-in roles'.
	Name                    string       `json:"name"`
	DisplayName             string       `json:"display_name"`
	SitePermissions         []Permission `json:"site_permissions"`
	OrganizationPermissions []Permission `json:"organization_permissions"`
	UserPermissions         []Permission `json:"user_permissions"`
}

// Organizations lists the organizations that the caller may read, the default
// one first.
func (c *Client) Organizations(ctx context.Context) ([]Organization, error) {
	var result []Organization
	err := c.do(ctx, call{method: http.MethodGet, path: []string{"organizations"}, status: http.StatusOK, result: &result})
	return result, err
}

// CreateOrganization makes an organization, whose first member is the caller. It
// needs organization:create.
func (c *Client) CreateOrganization(ctx context.Context, req CreateOrganizationRequest) (Organization, error) {
	var result Organization
	err := c.do(ctx, call{
		method: http.MethodPost, path: []string{"organizations"}, body: req, status: http.StatusCreated, result: &result,
	})
	return result, err
}

// UpdateOrganization changes an organization. It needs organization:update.
func (c *Client) UpdateOrganization(ctx context.Context, organization string, req UpdateOrganizationRequest) (Organization, error) {
	var result Organization
	err := c.do(ctx, call{
		method: http.MethodPatch, path: []string{"organizations", organization}, body: req,
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// DeleteOrganization deletes an organization without other members; 409 names
// what is in the way.
func (c *Client) DeleteOrganization(ctx context.Context, organization string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: []string{"organizations", organization}, status: http.StatusOK})
}

// OrganizationMembers lists the members that the caller may see: all, or itself
// alone.
func (c *Client) OrganizationMembers(ctx context.Context, organization string) ([]OrganizationMemberWithUserData, error) {
	var result []OrganizationMemberWithUserData
	err := c.do(ctx, call{
		method: http.MethodGet, path: []string{"organizations", organization, "members"},
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// OrganizationMembersPage lists a page of the members that match a search of
// users. It needs organization_member:read in the organization.
func (c *Client) OrganizationMembersPage(ctx context.Context, organization string, req MembersRequest) (PaginatedMembersResponse, error) {
	var result PaginatedMembersResponse
	err := c.do(ctx, call{
		method: http.MethodGet, path: []string{"organizations", organization, "paginated-members"}, query: UsersRequest(req).query(),
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// OrganizationMember returns one member.
func (c *Client) OrganizationMember(ctx context.Context, organization, user string) (OrganizationMemberWithUserData, error) {
	var result OrganizationMemberWithUserData
	err := c.do(ctx, call{
		method: http.MethodGet, path: []string{"organizations", organization, "members", user},
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// AddOrganizationMember makes a user a member.
func (c *Client) AddOrganizationMember(ctx context.Context, organization, user string) (OrganizationMember, error) {
	var result OrganizationMember
	err := c.do(ctx, call{
		method: http.MethodPost, path: []string{"organizations", organization, "members", user},
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// RemoveOrganizationMember ends a membership.
func (c *Client) RemoveOrganizationMember(ctx context.Context, organization, user string) error {
	return c.do(ctx, call{
		method: http.MethodDelete, path: []string{"organizations", organization, "members", user},
		status: http.StatusNoContent,
	})
}

// UpdateOrganizationMemberRoles replaces the organization roles of a member.
func (c *Client) UpdateOrganizationMemberRoles(ctx context.Context, organization, user string, req UpdateRolesRequest) (OrganizationMember, error) {
	var result OrganizationMember
	err := c.do(ctx, call{
		method: http.MethodPut, path: []string{"organizations", organization, "members", user, "roles"}, body: req,
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// OrganizationRoles lists the roles that members can be given, built-in and
// custom.
func (c *Client) OrganizationRoles(ctx context.Context, organization string) ([]AssignableRole, error) {
	var result []AssignableRole
	err := c.do(ctx, call{
		method: http.MethodGet, path: []string{"organizations", organization, "members", "roles"},
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// CreateOrganizationRole makes a custom role. It can permit only what the caller
// may do in the organization.
func (c *Client) CreateOrganizationRole(ctx context.Context, organization string, req CustomRoleRequest) (AssignableRole, error) {
	return c.customRole(ctx, http.MethodPost, organization, req)
}

// UpdateOrganizationRole replaces the custom role of that name.
func (c *Client) UpdateOrganizationRole(ctx context.Context, organization string, req CustomRoleRequest) (AssignableRole, error) {
	return c.customRole(ctx, http.MethodPut, organization, req)
}

func (c *Client) customRole(ctx context.Context, method, organization string, req CustomRoleRequest) (AssignableRole, error) {
	var result AssignableRole
	err := c.do(ctx, call{
		method: method, path: []string{"organizations", organization, "members", "roles"}, body: req,
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// DeleteOrganizationRole removes a custom role, also from everyone who holds it.
func (c *Client) DeleteOrganizationRole(ctx context.Context, organization, role string) error {
	return c.do(ctx, call{
		method: http.MethodDelete, path: []string{"organizations", organization, "members", "roles", role},
		status: http.StatusNoContent,
	})
}
