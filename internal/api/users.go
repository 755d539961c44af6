package api

import (
	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/sdk"
)

func (a *API) listUsers(c *call) error {
	page, malformed := c.page()
	listing, err := a.Service.ListUsers(c.ctx(), c.actor, c.query("q"), page, malformed)
	if err != nil {
		return err
	}
	return c.streamUsers(listing)
}

func (a *API) createUser(c *call) error {
	var req sdk.CreateUserRequest
	malformed := c.read(&req)
	return c.user201(a.Service.CreateUser(c.ctx(), c.actor, newUser(req), malformed))
}

func (a *API) getUser(c *call) error {
	return c.user200(a.Service.User(c.ctx(), c.actor, c.user()))
}

func (a *API) deleteUser(c *call) error {
	if err := a.Service.DeleteUser(c.ctx(), c.actor, c.user()); err != nil {
		return err
	}
	return c.ok(sdk.Response{Message: "User has been deleted!"})
}

func (a *API) eraseUser(c *call) error {
	if err := a.Service.EraseUser(c.ctx(), c.actor, c.user()); err != nil {
		return err
	}
	return c.noContent()
}

func (a *API) updateUserProfile(c *call) error {
	var req sdk.UpdateUserProfileRequest
	malformed := c.read(&req)
	return c.user200(a.Service.UpdateProfile(c.ctx(), c.actor, c.user(),
		service.Profile{Username: req.Username, Name: req.Name, AvatarURL: req.AvatarURL}, malformed))
}

func (a *API) updateUserEmail(c *call) error {
	var req sdk.UpdateUserEmailRequest
	malformed := c.read(&req)
	return c.user200(a.Service.UpdateEmail(c.ctx(), c.actor, c.user(), req.Email, malformed))
}

func (a *API) updateUserPassword(c *call) error {
	var req sdk.UpdateUserPasswordRequest
	malformed := c.read(&req)
	change := service.PasswordChange{Old: secret.Redacted(req.OldPassword), New: secret.Redacted(req.Password)}
	if err := a.Service.UpdatePassword(c.ctx(), c.actor, c.user(), change, malformed); err != nil {
		return err
	}
	return c.noContent()
}

func (a *API) activateUser(c *call) error {
	return c.user200(a.Service.ActivateUser(c.ctx(), c.actor, c.user()))
}

func (a *API) suspendUser(c *call) error {
	return c.user200(a.Service.SuspendUser(c.ctx(), c.actor, c.user()))
}

func (a *API) getUserLoginType(c *call) error {
	loginType, err := a.Service.UserLoginType(c.ctx(), c.actor, c.user())
	if err != nil {
		return err
	}
	return c.ok(sdk.UserLoginType{LoginType: sdk.LoginType(loginType)})
}

// user200 answers with what a use case returned.
func (c *call) user200(user account.User, err error) error {
	if err != nil {
		return err
	}
	return c.ok(toUser(user))
}

// user201 does the same for a user that was just made.
func (c *call) user201(user account.User, err error) error {
	if err != nil {
		return err
	}
	return c.created(toUser(user))
}
