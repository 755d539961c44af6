package sdk

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// UserParameter is a value that a user gave a parameter of a template.
type UserParameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// WorkspaceTransition is what a build does to a workspace.
type WorkspaceTransition string

// The transitions. Only the values of a start are offered again.
const (
	WorkspaceTransitionStart  WorkspaceTransition = "start"
	WorkspaceTransitionStop   WorkspaceTransition = "stop"
	WorkspaceTransitionDelete WorkspaceTransition = "delete"
)

// BuildParameter is a value that a build was given.
type BuildParameter struct {
	// Name has 1 to 128 bytes, Value at most 8 KiB.
	Name  string `json:"name"`
	Value string `json:"value"`
	// Ephemeral values were meant for that build alone and are not kept.
	Ephemeral bool `json:"ephemeral,omitempty"`
}

// RecordAutofillParametersRequest tells what a workspace was built with.
type RecordAutofillParametersRequest struct {
	TemplateID uuid.UUID `json:"template_id"`
	// WorkspaceID may be uuid.Nil.
	WorkspaceID uuid.UUID `json:"workspace_id,omitzero"`
	// Transition is a start where it is empty.
	Transition WorkspaceTransition `json:"transition,omitempty"`
	// CreatedAt is when the build began, at most a minute in the future; the zero
	// time means now.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// Parameters are at most 256, each name once.
	Parameters []BuildParameter `json:"parameters"`
}

// RecordAutofillParametersResponse is what was recorded of a build.
type RecordAutofillParametersResponse struct {
	TemplateID  uuid.UUID           `json:"template_id"`
	WorkspaceID uuid.UUID           `json:"workspace_id"`
	Transition  WorkspaceTransition `json:"transition"`
	CreatedAt   time.Time           `json:"created_at"`
	// Parameters are the values that are now offered, by name: those of a start,
	// that are not ephemeral, and for which no later build gave another. Never
	// null.
	Parameters []UserParameter `json:"parameters"`
}

// AutofillParameters returns the values that the user last gave the parameters
// of a template, those of the newest build first and then by name, at most 100.
// It needs user:read_personal. An unknown template has none.
func (c *Client) AutofillParameters(ctx context.Context, user string, templateID uuid.UUID) ([]UserParameter, error) {
	var result []UserParameter
	err := c.do(ctx, call{
		method: http.MethodGet, path: []string{"users", user, "autofill-parameters"},
		query:  url.Values{"template_id": {templateID.String()}},
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// RecordAutofillParameters tells what a workspace of the user was built with. It
// needs workspace:update on the user's workspaces.
func (c *Client) RecordAutofillParameters(ctx context.Context, user string, req RecordAutofillParametersRequest) (RecordAutofillParametersResponse, error) {
	if req.Parameters == nil {
		req.Parameters = []BuildParameter{} // null is refused: it might have been forgotten
	}
	var result RecordAutofillParametersResponse
	err := c.do(ctx, call{
		method: http.MethodPost, path: []string{"users", user, "autofill-parameters"},
		body: req, status: http.StatusCreated, result: &result,
	})
	return result, err
}
