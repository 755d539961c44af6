package api

import (
	"net/http"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/sdk"
)

func (a *API) hasFirstUser(c *call) error {
	has, err := a.Service.HasFirstUser(c.ctx())
	if err != nil {
		return err
	}
	if !has {
		return refuse(http.StatusNotFound, "The initial user has not been created!")
	}
	return c.ok(sdk.Response{Message: "The initial user has already been created!"})
}

func (a *API) createFirstUser(c *call) error {
	var req sdk.CreateFirstUserRequest
	malformed := c.read(&req)
	first, err := a.Service.CreateFirstUser(c.ctx(), c.actor, service.NewUser{
		Username: req.Username, Name: req.Name, Email: req.Email,
		Password: secret.Redacted(req.Password), Status: account.StatusActive,
	}, malformed)
	if err != nil {
		return err
	}
	return c.created(sdk.CreateFirstUserResponse{UserID: first.UserID, OrganizationID: first.OrganizationID})
}
