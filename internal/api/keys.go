package api

import (
	"errors"
	"io"
	"strconv"
	"time"

	"usher/internal/account"
	"usher/internal/service"
	"usher/sdk"
)

func (a *API) createSessionKey(c *call) error {
	key, err := a.Service.CreateSessionKey(c.ctx(), c.actor, c.user())
	if err != nil {
		return err
	}
	return c.created(sdk.GenerateAPIKeyResponse{Key: key.Reveal()})
}

func (a *API) createToken(c *call) error {
	var req sdk.CreateTokenRequest
	malformed := c.read(&req)
	key, err := a.Service.CreateToken(c.ctx(), c.actor, c.user(), newToken(req), malformed)
	if err != nil {
		return err
	}
	return c.created(sdk.GenerateAPIKeyResponse{Key: key.Reveal()})
}

// newToken reads the request for a token. Scope is the older way to name the
// only scope.
func newToken(req sdk.CreateTokenRequest) service.NewToken {
	scopes := encodeEach(req.Scopes, func(scope sdk.APIKeyScope) string { return string(scope) })
	if len(scopes) == 0 && req.Scope != "" {
		scopes = []string{string(req.Scope)}
	}
	return service.NewToken{
		Name:     req.TokenName,
		Lifetime: time.Duration(req.Lifetime),
		Scopes:   scopes,
		AllowList: encodeEach(req.AllowList, func(e sdk.AllowListEntry) [2]string {
			return [2]string{e.Type, e.ID}
		}),
	}
}

func (a *API) listTokens(c *call) error {
	tokens, err := a.Service.ListTokens(c.ctx(), c.actor, c.user(), service.TokenFilter{
		Everyones: c.flag("include_all"),
		Expired:   c.flag("include_expired"),
	})
	if err != nil {
		return err
	}
	return c.ok(encodeEach(tokens, func(t service.Token) sdk.APIKeyWithOwner {
		return sdk.APIKeyWithOwner{APIKey: toKey(t.Key), Username: t.Owner.Username}
	}))
}

// flag reads a boolean parameter; what is not one means false.
func (c *call) flag(name string) bool {
	set, err := strconv.ParseBool(c.query(name))
	return err == nil && set
}

func (a *API) getToken(c *call) error {
	return c.key200(a.Service.Token(c.ctx(), c.actor, c.user(), c.r.PathValue("keyname")))
}

func (a *API) getKey(c *call) error {
	return c.key200(a.Service.Key(c.ctx(), c.actor, c.user(), c.r.PathValue("keyid")))
}

func (c *call) key200(key account.APIKey, err error) error {
	if err != nil {
		return err
	}
	return c.ok(toKey(key))
}

func (a *API) deleteKey(c *call) error {
	if err := a.Service.DeleteKey(c.ctx(), c.actor, c.user(), c.r.PathValue("keyid")); err != nil {
		return err
	}
	return c.noContent()
}

func (a *API) expireKey(c *call) error {
	if err := a.Service.ExpireKey(c.ctx(), c.actor, c.user(), c.r.PathValue("keyid")); err != nil {
		return err
	}
	return c.noContent()
}

func (a *API) rotateKey(c *call) error {
	req := sdk.RotateKeyRequest{}
	malformed := c.readOptional(&req)
	overlap := service.DefaultOverlap
	if req.Overlap != nil {
		overlap = time.Duration(*req.Overlap)
	}
	rotation, err := a.Service.RotateKey(c.ctx(), c.actor, c.user(), c.r.PathValue("keyid"), overlap, malformed)
	if err != nil {
		return err
	}
	return c.created(sdk.RotateKeyResponse{
		Key:       rotation.Secret.Reveal(),
		ID:        rotation.Key.ID,
		ExpiresAt: rotation.Key.ExpiresAt,
		Previous:  sdk.RotatedKey{ID: rotation.Previous.ID, ExpiresAt: rotation.Previous.ExpiresAt},
	})
}

// readOptional is read for a body that may be left out.
func (c *call) readOptional(v any) error {
	err := c.read(v)
	if e, ok := errors.AsType[*account.Error](err); ok && e.Detail == io.EOF.Error() {
		return nil
	}
	return err
}

func (a *API) tokenConfig(c *call) error {
	longest, err := a.Service.MaxTokenLifetimeOf(c.ctx(), c.actor, c.user())
	if err != nil {
		return err
	}
	return c.ok(sdk.TokenConfig{MaxTokenLifetime: int64(longest)})
}

func (a *API) listScopes(c *call) error {
	return c.ok(sdk.ExternalAPIKeyScopes{External: encodeEach(account.PublicScopes(), func(name string) sdk.APIKeyScope {
		return sdk.APIKeyScope(name)
	})})
}

func (a *API) checkPermissions(c *call) error {
	var req sdk.AuthorizationRequest
	if err := c.read(&req); err != nil {
		return err
	}
	checks := make(map[string]service.Check, len(req.Checks))
	for name, check := range req.Checks {
		checks[name] = service.Check{
			ResourceType:   check.Object.ResourceType,
			ResourceID:     check.Object.ResourceID,
			OwnerID:        check.Object.OwnerID,
			OrganizationID: check.Object.OrganizationID,
			AnyOrg:         check.Object.AnyOrg,
			Action:         check.Action,
		}
	}
	answers, err := a.Service.CheckPermissions(c.ctx(), c.actor, checks)
	if err != nil {
		return err
	}
	return c.ok(sdk.AuthorizationResponse(answers))
}
