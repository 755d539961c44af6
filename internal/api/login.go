package api

import (
	"usher/internal/secret"
	"usher/internal/service"
	"usher/sdk"
)

func (a *API) login(c *call) error {
	var req sdk.LoginWithPasswordRequest
	malformed := c.read(&req)
	key, err := a.Service.Login(c.ctx(), c.actor, service.Login{Email: req.Email, Password: secret.Redacted(req.Password)}, malformed)
	if err != nil {
		return err
	}
	c.setSession(key.Reveal())
	return c.created(sdk.LoginWithPasswordResponse{SessionToken: key.Reveal()})
}

func (a *API) logout(c *call) error {
	c.clearSession() // also where the rest fails: the browser wants to be signed out
	if err := a.Service.Logout(c.ctx(), c.actor); err != nil {
		return err
	}
	return c.ok(sdk.Response{Message: "Logged out!"})
}

func (a *API) authMethods(c *call) error {
	methods := a.Service.AuthMethods()
	answer := sdk.AuthMethods{
		TermsOfServiceURL: methods.TermsOfServiceURL,
		Password:          sdk.AuthMethod{Enabled: methods.Password},
		GitHub:            sdk.GitHubAuthMethod{Enabled: methods.GitHub != nil},
		OIDCProviders:     make([]sdk.OIDCProvider, len(methods.Further)),
	}
	if p := methods.OIDC; p != nil {
		answer.OIDC = sdk.OIDCAuthMethod{Enabled: true, SignInText: p.SignInText, IconURL: p.IconURL}
	}
	for i, p := range methods.Further {
		answer.OIDCProviders[i] = sdk.OIDCProvider{Name: p.Name, SignInText: p.SignInText, IconURL: p.IconURL}
	}
	return c.ok(answer)
}

func (a *API) validatePassword(c *call) error {
	var req sdk.ValidateUserPasswordRequest
	if err := c.read(&req); err != nil {
		return err
	}
	valid, details, err := a.Service.ValidatePassword(secret.Redacted(req.Password))
	if err != nil {
		return err
	}
	return c.ok(sdk.ValidateUserPasswordResponse{Valid: valid, Details: details})
}
