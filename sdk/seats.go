package sdk

import (
	"context"
	"net/http"
)

// AISeatEvent is a use of AI that takes a seat.
type AISeatEvent string

// The uses.
const (
	AISeatEventAIBridge AISeatEvent = "aibridge"
	AISeatEventTask     AISeatEvent = "task"
)

// RecordAISeatRequest tells of a use of AI.
type RecordAISeatRequest struct {
	Event AISeatEvent `json:"event"`
}

// RecordAISeat tells that the user used AI: it has a seat from then on, while it
// is active. It needs ai_seat:create, and a key without restrictions.
func (c *Client) RecordAISeat(ctx context.Context, user string, req RecordAISeatRequest) error {
	return c.do(ctx, call{
		method: http.MethodPost, path: []string{"users", user, "ai-seat"},
		body: req, status: http.StatusNoContent,
	})
}

// ReleaseAISeat takes the seat of the user away, if it has one. It needs what
// [Client.RecordAISeat] needs.
func (c *Client) ReleaseAISeat(ctx context.Context, user string) error {
	return c.do(ctx, call{
		method: http.MethodDelete, path: []string{"users", user, "ai-seat"}, status: http.StatusNoContent,
	})
}
