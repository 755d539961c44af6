package sdk

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// Organization is a group of users with roles of its own.
type Organization struct {
	ID          uuid.UUID `json:"id"`
	Name        string    `json:"name"`
	DisplayName string    `json:"display_name"`
	Icon        string    `json:"icon"`
	Description string    `json:"description"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	// IsDefault is true for exactly one organization, which cannot be deleted.
	IsDefault bool `json:"is_default"`
}

// MinimalOrganization is what an audit entry shows of an organization.
type MinimalOrganization struct {
	ID          uuid.UUID `json:"id"`
	Name        string    `json:"name"`
	DisplayName string    `json:"display_name"`
	Icon        string    `json:"icon"`
}

// OrganizationMember is a user's place in an organization.
type OrganizationMember struct {
	UserID         uuid.UUID `json:"user_id"`
	OrganizationID uuid.UUID `json:"organization_id"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
	// Roles are the roles that were assigned in this organization, without those
	// that every member has. Never null.
	Roles []SlimRole `json:"roles"`
}

// OrganizationMemberWithUserData is a member together with the account.
type OrganizationMemberWithUserData struct {
	OrganizationMember
	Username  string `json:"username"`
	Name      string `json:"name"`
	AvatarURL string `json:"avatar_url"`
	Email     string `json:"email"`
	// GlobalRoles are the stored site roles of the user. Never null.
	GlobalRoles      []SlimRole `json:"global_roles"`
	Status           UserStatus `json:"status"`
	LoginType        LoginType  `json:"login_type"`
	LastSeenAt       time.Time  `json:"last_seen_at"`
	UserCreatedAt    time.Time  `json:"user_created_at"`
	UserUpdatedAt    time.Time  `json:"user_updated_at"`
	IsServiceAccount bool       `json:"is_service_account"`
	HasAISeat        bool       `json:"has_ai_seat"`
}

// Organization returns an organization by id, name or [DefaultOrganization].
func (c *Client) Organization(ctx context.Context, organization string) (Organization, error) {
	var result Organization
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"organizations", organization},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// UserOrganizations returns the organizations of a user that the caller may
// read.
func (c *Client) UserOrganizations(ctx context.Context, user string) ([]Organization, error) {
	var result []Organization
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"users", user, "organizations"},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// UserOrganizationByName returns an organization by name. Whether the user is a
// member does not matter.
func (c *Client) UserOrganizationByName(ctx context.Context, user, organization string) (Organization, error) {
	var result Organization
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"users", user, "organizations", organization},
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}
