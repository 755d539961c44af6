package api

import "usher/sdk"

func (a *API) recordAISeat(c *call) error {
	var req sdk.RecordAISeatRequest
	malformed := c.read(&req)
	if err := a.Service.RecordAISeat(c.ctx(), c.actor, c.user(), string(req.Event), malformed); err != nil {
		return err
	}
	return c.noContent()
}

func (a *API) releaseAISeat(c *call) error {
	if err := a.Service.ReleaseAISeat(c.ctx(), c.actor, c.user()); err != nil {
		return err
	}
	return c.noContent()
}
