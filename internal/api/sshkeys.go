package api

import (
	"usher/internal/account"
	"usher/sdk"
)

func (a *API) getGitSSHKey(c *call) error {
	return c.gitSSHKey200(a.Service.GitSSHKey(c.ctx(), c.actor, c.user()))
}

func (a *API) regenerateGitSSHKey(c *call) error {
	return c.gitSSHKey200(a.Service.RegenerateGitSSHKey(c.ctx(), c.actor, c.user()))
}

func (a *API) getGitSSHPrivateKey(c *call) error {
	private, err := a.Service.GitSSHPrivateKey(c.ctx(), c.actor, c.user())
	if err != nil {
		return err
	}
	return c.ok(sdk.GitSSHPrivateKey{PrivateKey: private.Reveal()})
}

func (c *call) gitSSHKey200(key account.GitSSHKey, err error) error {
	if err != nil {
		return err
	}
	return c.ok(toGitSSHKey(key))
}

func toGitSSHKey(k account.GitSSHKey) sdk.GitSSHKey {
	return sdk.GitSSHKey{UserID: k.UserID, CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt, PublicKey: k.PublicKey}
}
