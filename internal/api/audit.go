package api

import (
	"usher/sdk"
)

func (a *API) listAuditLogs(c *call) error {
	page, malformed := c.window()
	listing, err := a.Service.ListAudit(c.ctx(), c.actor, c.query("q"), page, malformed)
	if err != nil {
		return err
	}
	return c.ok(sdk.AuditLogsResponse{
		AuditLogs: encodeEach(listing.Entries, toAuditLog),
		Count:     listing.Count,
	})
}
