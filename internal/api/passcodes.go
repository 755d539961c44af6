package api

import (
	"usher/internal/secret"
	"usher/internal/service"
	"usher/sdk"
)

func (a *API) requestPasscode(c *call) error {
	var req sdk.RequestOneTimePasscodeRequest
	malformed := c.read(&req)
	if err := a.Service.RequestPasscode(c.ctx(), c.actor, req.Email, malformed); err != nil {
		return err
	}
	return c.noContent()
}

func (a *API) resetPasswordByPasscode(c *call) error {
	var req sdk.ChangePasswordWithOneTimePasscodeRequest
	malformed := c.read(&req)
	reset := service.PasscodeReset{
		Email: req.Email, Password: secret.Redacted(req.Password), Passcode: secret.Redacted(req.OneTimePasscode),
	}
	if err := a.Service.ResetPasswordByPasscode(c.ctx(), c.actor, reset, malformed); err != nil {
		return err
	}
	return c.noContent()
}
