package sdk

import (
	"context"
	"net/http"
)

// AuthorizationRequest asks what the caller may do, under names of its choice.
type AuthorizationRequest struct {
	Checks map[string]AuthorizationCheck `json:"checks"`
}

// AuthorizationCheck is one question.
type AuthorizationCheck struct {
	Object AuthorizationObject `json:"object"`
	// Action is one such as create, read, update or delete.
	Action string `json:"action"`
}

// AuthorizationObject is what a question is about. With a type alone it is about
// all objects of that type.
type AuthorizationObject struct {
	ResourceType string `json:"resource_type"`
	// OwnerID is a user's id, or [Me].
	OwnerID        string `json:"owner_id,omitempty"`
	OrganizationID string `json:"organization_id,omitempty"`
	// ResourceID looks the object up. At most ten checks of a request may have
	// one.
	ResourceID string `json:"resource_id,omitempty"`
	// AnyOrg asks whether there is an organization in which the answer is yes.
	AnyOrg bool `json:"any_org,omitempty"`
}

// AuthorizationResponse has the answers under the names of the questions.
type AuthorizationResponse map[string]bool

// CheckAuthorization asks what the caller may do.
func (c *Client) CheckAuthorization(ctx context.Context, req AuthorizationRequest) (AuthorizationResponse, error) {
	var result AuthorizationResponse
	err := c.do(ctx, call{
		method: http.MethodPost, path: []string{"authcheck"}, body: req, status: http.StatusOK, result: &result,
	})
	return result, err
}
