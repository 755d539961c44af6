package sdk

import (
	"context"
	"net/http"
)

// RequestOneTimePasscodeRequest names who has forgotten the password.
type RequestOneTimePasscodeRequest struct {
	Email string `json:"email"`
}

// ChangePasswordWithOneTimePasscodeRequest is a new password, and the passcode
// that came by e-mail.
type ChangePasswordWithOneTimePasscodeRequest struct {
	Email           string `json:"email"`
	Password        string `json:"password"`
	OneTimePasscode string `json:"one_time_passcode"`
}

// RequestOneTimePasscode asks for a passcode by e-mail, with which a new password
// can be set for 20 minutes. An earlier passcode is worth nothing from then on.
// Nothing tells whether somebody has the address. It needs no session. 403 means
// that the server takes no passwords.
func (c *Client) RequestOneTimePasscode(ctx context.Context, req RequestOneTimePasscodeRequest) error {
	return c.do(ctx, call{
		method: http.MethodPost,
		path:   []string{"users", "otp", "request"},
		body:   req,
		status: http.StatusNoContent,
	})
}

// ChangePasswordWithOneTimePasscode sets a new password, ends all sessions and
// tokens of the user, and uses the passcode up. It needs no session. 400 does not
// tell whether the address or the passcode is wrong; after some wrong ones 429
// says in [Error.RetryAfter] when to try again.
func (c *Client) ChangePasswordWithOneTimePasscode(ctx context.Context, req ChangePasswordWithOneTimePasscodeRequest) error {
	return c.do(ctx, call{
		method: http.MethodPost,
		path:   []string{"users", "otp", "change-password"},
		body:   req,
		status: http.StatusNoContent,
	})
}
