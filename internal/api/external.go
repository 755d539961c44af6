package api

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/sdk"
)

// The cookies of a login through a provider, while somebody is there. They are
// all that is kept of it, so that any node can finish what another has begun.
const (
	stateCookie       = "oauth_state"
	redirectCookie    = "oauth_redirect"
	verifierCookie    = "oauth_pkce_verifier"
	redirectURICookie = "oauth_redirect_uri"
	linkCookie        = "oauth_link"
	conversionCookie  = "coder_oauth_convert_jwt"
)

// stateLength is of the random part of a state.
const stateLength = 32

// conversionState is the one state that somebody may ask for.
var conversionState = regexp.MustCompile(`^convert-[0-9A-Za-z]{32}$`)

func (a *API) githubCallback(c *call) error { return c.callback(account.ProviderGitHub) }

func (a *API) oidcCallback(c *call) error { return c.callback(account.ProviderOIDC) }

// namedOIDCCallback is of the providers beside the default one, which has its own
// address.
func (a *API) namedOIDCCallback(c *call) error {
	name := c.r.PathValue("provider")
	if name == account.ProviderGitHub || name == account.ProviderOIDC {
		return loginNotConfigured("OpenID Connect")
	}
	return c.callback(name)
}

// externalLogin is one step of a login through a provider.
type externalLogin struct {
	*call
	provider *service.Provider
	query    url.Values
	redirect string // sanitised, "" where nobody asked for one
}

// callback begins a login through the provider, or ends it where the browser
// brings a code. The order of its checks is the contract's (auth.md, section
// 7.1).
func (c *call) callback(name string) error {
	l := &externalLogin{call: c, provider: c.api.Service.Providers.Get(name), query: c.r.URL.Query()}
	if l.provider == nil {
		return loginNotConfigured(productOf(name))
	}
	if l.query.Has("redirect") {
		l.redirect = sanitizeRedirect(l.query.Get("redirect"))
	}
	if l.query.Get("error") == "" && l.query.Get("code") == "" {
		return l.explain(l.begin())
	}
	session, err := l.end()
	if !goesOn(err) {
		l.forgetLogin()
	}
	if err != nil {
		return l.explain(err)
	}
	return l.signIn(session)
}

func productOf(name string) string {
	if name == account.ProviderGitHub {
		return "GitHub"
	}
	return "OpenID Connect"
}

func loginNotConfigured(product string) error {
	return refuse(http.StatusBadRequest, "The login method "+product+" is not configured on this server.")
}

// goesOn reports that the same request can still succeed: nobody has entered the
// device's code so far, or too many ask at once.
func goesOn(err error) bool {
	e, ok := errors.AsType[*account.Error](err)
	if !ok {
		return false
	}
	return e.Detail == "authorization_pending" || e.Detail == "slow_down" ||
		e.Kind == account.KindTooMany || e.Kind == account.KindUnavailable
}

// forgetLogin deletes the cookies of a login that has ended.
func (l *externalLogin) forgetLogin() {
	for _, name := range []string{stateCookie, redirectCookie, verifierCookie, redirectURICookie, linkCookie} {
		if _, err := l.r.Cookie(name); err == nil {
			l.forget(name)
		}
	}
}

// explain shows a page to those who are refused as people, but to a device that
// polls.
func (l *externalLogin) explain(err error) error {
	e, ok := errors.AsType[*account.Error](err)
	if !ok || e.Title == "" || l.provider.DeviceFlow {
		return err
	}
	l.failure = err
	return l.refusalPage(statuses[e.Kind], e)
}

// begin sends the browser to the provider.
func (l *externalLogin) begin() error {
	if err := l.provider.CheckHost(l.r.Host); err != nil {
		return err
	}
	state, err := l.newState()
	if err != nil {
		return err
	}
	link, err := l.bindLink(state)
	if account.KindOf(err) == account.KindUnauthenticated {
		return l.seeOther("/login?" + url.Values{"redirect": {l.r.URL.RequestURI()}}.Encode())
	}
	if err != nil {
		return err
	}
	start, err := l.provider.Begin(l.ctx(), state, l.r.Host)
	if err != nil {
		return err
	}
	l.remember(stateCookie, state)
	l.remember(redirectCookie, l.redirect) // also where it is empty: an older one must not count
	if start.Verifier != "" {
		l.remember(verifierCookie, start.Verifier.Reveal())
	}
	if start.RedirectURI != "" {
		l.remember(redirectURICookie, start.RedirectURI)
	}
	if link != "" {
		l.remember(linkCookie, link.Reveal())
	}
	if l.provider.DeviceFlow {
		return l.sendOn("/login/device?" + url.Values{"state": {state}}.Encode())
	}
	return l.sendOn(start.URL)
}

// newState makes the state of a login: it names the provider, so that no other
// one can end it. That of a conversion is given with it.
func (l *externalLogin) newState() (string, error) {
	if asked := l.query.Get("oidc_merge_state"); asked != "" {
		if !conversionState.MatchString(asked) {
			return "", account.Invalid("The state of a conversion must be what convert-login answered.")
		}
		return asked, nil
	}
	random, err := secret.RandomToken(stateLength)
	return l.provider.Name + "." + random, err
}

// bindLink binds the ticket of a link to this login, if that is what it is for.
func (l *externalLogin) bindLink(state string) (secret.Redacted, error) {
	ticket := secret.Redacted(l.query.Get("link"))
	if ticket == "" {
		return "", nil
	}
	return l.api.Service.BindLink(l.ctx(), l.actor, l.provider, ticket, state)
}

func (l *externalLogin) remember(name, value string) { http.SetCookie(l.w, l.cookie(name, value)) }

// sendOn keeps the method, as the reference has it.
func (c *call) sendOn(to string) error {
	c.w.Header().Set("Location", to)
	c.w.WriteHeader(http.StatusTemporaryRedirect)
	return nil
}

// end finds out who has come back and lets them in.
func (l *externalLogin) end() (service.ExternalSession, error) {
	if l.query.Get("error") != "" {
		return service.ExternalSession{}, providerRefused(l.query)
	}
	if err := l.provider.CheckHost(l.r.Host); err != nil {
		return service.ExternalSession{}, err
	}
	if err := l.checkState(); err != nil {
		return service.ExternalSession{}, err
	}
	if strings.HasPrefix(l.query.Get("state"), "convert-") {
		http.SetCookie(l.w, &http.Cookie{Name: conversionCookie, Path: "/", MaxAge: -1})
	}
	return l.api.Service.FinishExternalLogin(l.ctx(), l.actor, l.provider, service.ExternalCallback{
		Code:       secret.Redacted(l.query.Get("code")),
		State:      l.query.Get("state"),
		Verifier:   secret.Redacted(l.cookieValue(verifierCookie)),
		Host:       l.r.Host,
		Conversion: secret.Redacted(l.cookieValue(conversionCookie)),
		Link:       secret.Redacted(l.cookieValue(linkCookie)),
	})
}

// signIn gives the browser its session, and sends it on.
func (l *externalLogin) signIn(session service.ExternalSession) error {
	if session.SignedOut {
		l.clearSession()
	}
	if !session.Key.IsZero() {
		l.setSession(session.Key.Reveal())
	}
	to := l.destination()
	if l.provider.DeviceFlow {
		return l.ok(sdk.RedirectResponse{RedirectURL: to})
	}
	return l.sendOn(to)
}

// providerRefused repeats how the provider ended the login (RFC 6749, section
// 4.1.2.1).
func providerRefused(query url.Values) error {
	refused := account.Invalid("The identity provider ended the login with the error " + query.Get("error") + ".")
	refused.Detail = query.Get("error_description")
	if uri := query.Get("error_uri"); uri != "" {
		refused.Detail = strings.TrimSpace(refused.Detail + " error_uri: " + uri)
	}
	return refused
}

// checkState finds out whether this browser has begun this login, with this
// provider.
func (l *externalLogin) checkState() error {
	state := l.query.Get("state")
	if state == "" {
		return account.Invalid("The parameter state is missing.")
	}
	if l.cookieValue(stateCookie) == "" {
		return account.Unauthenticated("The cookie "+stateCookie+" is missing: the login was not begun in this browser, or has ended already.", "")
	}
	ours := strings.HasPrefix(state, l.provider.Name+".") || strings.HasPrefix(state, "convert-")
	if l.cookieValue(stateCookie) != state || !ours || !l.fromIssuer() {
		return account.Unauthenticated("The state of the login is not the one that this browser began with. Begin again.", "")
	}
	pkce, err := l.provider.UsesPKCE(l.ctx())
	if err != nil {
		return err
	}
	if pkce && l.cookieValue(verifierCookie) == "" {
		return account.Invalid("The cookie " + verifierCookie + " is missing.")
	}
	wanted, err := l.provider.RedirectURI(l.r.Host)
	if err != nil {
		return err
	}
	if wanted != "" && l.cookieValue(redirectURICookie) != wanted {
		return account.Invalid("The login was begun at another address of this server. Begin again.")
	}
	return nil
}

// fromIssuer reports that the provider, where it says who it is, is the one that
// the login was begun with (RFC 9207).
func (l *externalLogin) fromIssuer() bool {
	said, known := l.query.Get("iss"), l.provider.Issuer()
	return said == "" || known == "" || said == known
}

// destination is where the browser goes after the login.
func (l *externalLogin) destination() string {
	if cookie, err := l.r.Cookie(redirectCookie); err == nil {
		return sanitizeRedirect(cookie.Value)
	}
	return sanitizeRedirect(l.redirect)
}

func (c *call) cookieValue(name string) string {
	cookie, err := c.r.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (a *API) githubDevice(c *call) error {
	provider := a.Service.Providers.Get(account.ProviderGitHub)
	if provider == nil || !provider.DeviceFlow {
		return refuse(http.StatusBadRequest, "The login method GitHub is not configured on this server with its device flow.")
	}
	device, err := provider.StartDevice(c.ctx())
	if err != nil {
		return err
	}
	return c.ok(sdk.ExternalAuthDevice{
		DeviceCode:      device.DeviceCode.Reveal(),
		UserCode:        device.UserCode,
		VerificationURI: device.VerificationURI,
		ExpiresIn:       device.ExpiresIn,
		Interval:        device.Interval,
	})
}
