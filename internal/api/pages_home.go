package api

import (
	"net/http"

	"usher/internal/account"
	"usher/internal/buildinfo"
)

type homeView struct {
	frame
	User        *account.User // who is signed in; nil for nobody, and for keys that may not tell
	NoUsers     bool
	Unavailable bool
	URL         string
	Version     string
}

// home says what this is, who is asking, and where to go. It answers also while
// the database does not.
func (a *API) home(c *call) error {
	view := homeView{URL: a.AccessURL.String(), Version: buildinfo.Version()}
	err := c.recognize()
	if err == nil && c.actor.IsAnonymous() {
		var has bool
		has, err = a.Service.HasFirstUser(c.ctx())
		view.NoUsers = err == nil && !has
	}
	view.Unavailable = account.KindOf(err) == account.KindUnavailable
	if me, err := a.Service.User(c.ctx(), c.actor, account.UserRef{Me: true}); err == nil && !c.actor.IsAnonymous() {
		view.User = &me
	}
	return c.show(http.StatusOK, "home", view)
}

// recognize finds out who is asking, on a route for which that decides nothing.
func (c *call) recognize() error {
	key := credential(c.r)
	if key == "" {
		return nil
	}
	actor, err := c.api.Service.Authenticate(c.ctx(), key, c.origin)
	if err == nil {
		c.actor = actor
	}
	if account.KindOf(err) == account.KindUnauthenticated {
		return nil
	}
	return err
}

// submitLogout ends the session of a browser, and of one without a session the
// cookie.
func (a *API) submitLogout(c *call) error {
	c.clearSession()
	if c.actor.IsAnonymous() {
		return c.seeOther("/login")
	}
	if err := a.Service.Logout(c.ctx(), c.actor); err != nil {
		return err
	}
	return c.seeOther("/login")
}
