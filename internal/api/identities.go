package api

import (
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/sdk"
)

func (a *API) listIdentities(c *call) error {
	identities, err := a.Service.Identities(c.ctx(), c.actor, c.user())
	if err != nil {
		return err
	}
	list := make([]sdk.Identity, len(identities))
	for i, identity := range identities {
		list[i] = wireIdentity(identity)
	}
	return c.ok(list)
}

func wireIdentity(i account.Identity) sdk.Identity {
	return sdk.Identity{
		ID:          i.ID,
		Provider:    i.Provider,
		Issuer:      i.Issuer,
		Subject:     i.Subject,
		Email:       i.Email,
		CreatedAt:   i.CreatedAt,
		LastLoginAt: i.LastLoginAt,
	}
}

func (a *API) linkIdentity(c *call) error {
	var req sdk.LinkIdentityRequest
	malformed := c.read(&req)
	provider, ticket, err := a.Service.LinkIdentity(c.ctx(), c.actor, c.user(), req.Provider, malformed)
	if err != nil {
		return err
	}
	start := a.AccessURL.JoinPath(provider.CallbackPath())
	start.RawQuery = url.Values{"link": {ticket.Reveal()}}.Encode()
	return c.created(sdk.LinkIdentityResponse{RedirectURL: start.String()})
}

func (a *API) unlinkIdentity(c *call) error {
	id, err := uuid.Parse(c.r.PathValue("identity"))
	if err != nil {
		return account.NotFound()
	}
	if err := a.Service.UnlinkIdentity(c.ctx(), c.actor, c.user(), id); err != nil {
		return err
	}
	return c.noContent()
}

func (a *API) convertLoginType(c *call) error {
	var req sdk.ConvertLoginRequest
	malformed := c.read(&req)
	begun, err := a.Service.ConvertLogin(c.ctx(), c.actor, c.user(), service.Conversion{
		To: account.LoginType(req.ToType), Provider: req.Provider, Password: secret.Redacted(req.Password),
	}, malformed)
	if err != nil {
		return err
	}
	cookie := c.cookie(conversionCookie, begun.Ticket.Reveal())
	cookie.Expires, cookie.SameSite = begun.ExpiresAt, http.SameSiteLaxMode
	http.SetCookie(c.w, cookie)
	return c.created(sdk.OAuthConversionResponse{
		StateString: begun.State, ExpiresAt: begun.ExpiresAt, ToType: sdk.LoginType(begun.To), UserID: begun.UserID,
	})
}

func (a *API) oidcClaims(c *call) error {
	claims, err := a.Service.OIDCClaims(c.ctx(), c.actor)
	if err != nil {
		return err
	}
	merged := claims.Merged
	if merged == nil {
		merged = map[string]any{}
	}
	return c.ok(sdk.OIDCClaims{Claims: merged})
}
