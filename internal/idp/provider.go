package idp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"usher/internal/account"
	"usher/internal/secret"
)

// Provider is one identity provider. NewOIDC and NewGitHub make it.
type Provider struct {
	// Name is in the path of its callback and in what is stored of its
	// identities.
	Name string
	// Product is what sentences call it: GitHub, OpenID Connect.
	Product string
	// SignInText and IconURL are for the button of a login page.
	SignInText, IconURL string
	// AllowSignups lets people in who have no account yet, and
	// SignupsDisabledText, in Markdown, says what others are told; empty stands
	// for a general text.
	AllowSignups        bool
	SignupsDisabledText string
	// EmailFallback lets an account be found by its address although it is linked
	// to another identity of this provider. It is dangerous: see the setting.
	EmailFallback bool
	// DeviceFlow says that logins go through a code that is entered on another
	// device.
	DeviceFlow bool

	source   source
	redirect redirect
	client   *http.Client
	slots    chan struct{} // one for each login that the provider is being asked about
}

// source is what differs between providers.
type source interface {
	// endpoints returns where and how to ask. It may have to ask the provider for
	// that first.
	endpoints(ctx context.Context) (*endpoints, error)
	// identify finds out who the token is of. state is that of the login.
	identify(ctx context.Context, token *oauth2.Token, state string) (account.ExternalLogin, error)
}

// endpoints is where and how a provider is asked.
type endpoints struct {
	oauth2.Config
	pkce bool // S256 (RFC 7636)
	// exchange are further parameters of the exchange of a code.
	exchange []oauth2.AuthCodeOption
	// authenticate returns what proves who we are, anew for each request; nil
	// where the client's secret does.
	authenticate func() ([]oauth2.AuthCodeOption, error)
	// authorize are further parameters of the address that people are sent to.
	authorize func(state string) []oauth2.AuthCodeOption
}

// LoginType is how people log in who come from here.
func (p *Provider) LoginType() account.LoginType { return account.LoginTypeOf(p.Name) }

// Ready reports whether people can be sent to the provider: nil, or why not. It
// asks the provider where that is not known yet.
func (p *Provider) Ready(ctx context.Context) error {
	_, err := p.source.endpoints(p.outbound(ctx))
	return err
}

// Ping reports whether the provider answers at all, whatever it says.
func (p *Provider) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(p.outbound(ctx), answerTime)
	defer cancel()
	ends, err := p.source.endpoints(ctx)
	if err != nil {
		return withoutURL(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, ends.Endpoint.TokenURL, nil)
	if err != nil {
		return err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	_ = response.Body.Close()
	if response.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("its token endpoint answers %s", response.Status)
	}
	return nil
}

// discovered is a source that has to ask its provider before anybody can log in.
type discovered interface {
	// reachable reports, without asking anew, why that has not succeeded.
	reachable() error
	// issuer is what the provider calls itself, "" where that is not known.
	issuer() string
}

// Reachable is Ready without asking anybody: it tells what is known.
func (p *Provider) Reachable() error {
	if d, ok := p.source.(discovered); ok {
		return d.reachable()
	}
	return nil
}

// Issuer is what the provider calls itself in the answers that browsers bring
// (RFC 9207); "" where that is not known.
func (p *Provider) Issuer() string {
	if d, ok := p.source.(discovered); ok {
		return d.issuer()
	}
	return ""
}

// Start is where to send somebody, and what the callback must know of it.
type Start struct {
	URL string
	// Verifier proves at the end that the same browser began; empty for a
	// provider without PKCE.
	Verifier secret.Redacted
	// RedirectURI is where they come back to; it is empty where that is always the
	// same.
	RedirectURI string
}

// Begin sends somebody to the provider. host is the one that their browser
// asked for.
func (p *Provider) Begin(ctx context.Context, state, host string) (Start, error) {
	to, dynamic, err := p.redirect.to(host)
	if err != nil {
		return Start{}, err
	}
	ends, err := p.source.endpoints(p.outbound(ctx))
	if err != nil {
		return Start{}, p.unreachable(err)
	}
	options := append([]oauth2.AuthCodeOption{oauth2.AccessTypeOffline, redirectTo(to)}, ends.authorize(state)...)
	var start Start
	if ends.pkce {
		verifier := oauth2.GenerateVerifier()
		start.Verifier = secret.Redacted(verifier)
		options = append(options, oauth2.S256ChallengeOption(verifier))
	}
	if dynamic {
		start.RedirectURI = to
	}
	start.URL = ends.AuthCodeURL(state, options...)
	return start, nil
}

// CheckHost refuses a host that nobody may log in at.
func (p *Provider) CheckHost(host string) error {
	_, _, err := p.redirect.to(host)
	return err
}

// RedirectURI returns where a login that began at the host must come back to;
// empty where that is always the same.
func (p *Provider) RedirectURI(host string) (string, error) {
	to, dynamic, err := p.redirect.to(host)
	if err != nil || !dynamic {
		return "", err
	}
	return to, nil
}

// UsesPKCE reports whether the end of a login needs a verifier.
func (p *Provider) UsesPKCE(ctx context.Context) (bool, error) {
	ends, err := p.source.endpoints(p.outbound(ctx))
	if err != nil {
		return false, p.unreachable(err)
	}
	return ends.pkce, nil
}

// Callback is what somebody brings back from the provider.
type Callback struct {
	Code     secret.Redacted
	State    string
	Verifier secret.Redacted
	Host     string // as the browser asked for
}

// Login is who has come back, and the tokens that speak for them at the
// provider.
type Login struct {
	account.ExternalLogin
	Tokens Tokens
}

// Tokens speak for somebody at the provider.
type Tokens struct {
	Access, Refresh secret.Redacted
	Expiry          time.Time // zero: never
}

func tokensOf(token *oauth2.Token) Tokens {
	return Tokens{
		Access:  secret.Redacted(token.AccessToken),
		Refresh: secret.Redacted(token.RefreshToken),
		Expiry:  token.Expiry.UTC().Truncate(time.Microsecond),
	}
}

// Finish finds out who has come back. Its errors are *account.Error: internal
// where the provider fails, which then carry nothing of it but its error code.
func (p *Provider) Finish(ctx context.Context, cb Callback) (Login, error) {
	release, err := p.acquire(ctx)
	if err != nil {
		return Login{}, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(p.outbound(ctx), loginTime)
	defer cancel()
	token, err := p.exchange(ctx, cb)
	if err != nil {
		return Login{}, err
	}
	who, err := p.source.identify(ctx, token, cb.State)
	if err != nil {
		return Login{}, err
	}
	who.Provider, who.LoginType = p.Name, p.LoginType()
	return Login{ExternalLogin: who, Tokens: tokensOf(token)}, nil
}

func (p *Provider) exchange(ctx context.Context, cb Callback) (*oauth2.Token, error) {
	to, _, err := p.redirect.to(cb.Host)
	if err != nil {
		return nil, err
	}
	ends, err := p.source.endpoints(ctx)
	if err != nil {
		return nil, p.unreachable(err)
	}
	token, err := ends.redeem(ctx, cb, to, p.DeviceFlow)
	if err != nil {
		return nil, exchangeFailed(err)
	}
	return token, nil
}

// redeem makes a token of the code, which with the device flow is that of a
// device.
func (e *endpoints) redeem(ctx context.Context, cb Callback, redirectURI string, device bool) (*oauth2.Token, error) {
	if device {
		return e.pollDevice(ctx, cb.Code)
	}
	options := append([]oauth2.AuthCodeOption{redirectTo(redirectURI)}, e.exchange...)
	if e.pkce {
		options = append(options, oauth2.VerifierOption(cb.Verifier.Reveal()))
	}
	return e.ask(ctx, cb.Code, options...)
}

// ask asks the token endpoint.
func (e *endpoints) ask(ctx context.Context, code secret.Redacted, options ...oauth2.AuthCodeOption) (*oauth2.Token, error) {
	if e.authenticate != nil {
		proof, err := e.authenticate()
		if err != nil {
			return nil, err
		}
		options = append(options, proof...)
	}
	return e.Exchange(ctx, code.Reveal(), options...)
}

// refresh asks for new tokens. The library's own way has no room for a proof
// of who we are; the code that it sends here without a value counts as not sent
// (RFC 6749, section 3.2).
func (e *endpoints) refresh(ctx context.Context, token secret.Redacted) (*oauth2.Token, error) {
	return e.ask(ctx, "",
		oauth2.SetAuthURLParam("grant_type", "refresh_token"),
		oauth2.SetAuthURLParam("refresh_token", token.Reveal()))
}

func redirectTo(uri string) oauth2.AuthCodeOption { return oauth2.SetAuthURLParam("redirect_uri", uri) }

// pending is how a provider says that nobody has entered the code of a device
// yet (RFC 8628, section 3.5). Clients match on it.
const pending = "authorization_pending"

// exchangeFailed tells of a code that the provider did not take. Nothing but its
// error code is repeated: the rest may hold what was sent.
func exchangeFailed(err error) error {
	failed := &account.Error{Kind: account.KindInternal, Message: "The identity provider did not accept the login."}
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		failed.Detail = refused.ErrorCode
	}
	if failed.Detail == pending {
		failed.Kind = account.KindInvalid
	}
	return failed.Because(tokenFault(err))
}

// tokenFault is what the log may know: not the body of the answer, which may hold
// what was sent.
func tokenFault(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return fmt.Errorf("the token endpoint answered %s, error %q", refused.Response.Status, refused.ErrorCode)
	}
	return withoutURL(err)
}

// IsPending reports that a login on another device is still waited for.
func IsPending(err error) bool {
	e, ok := errors.AsType[*account.Error](err)
	return ok && e.Kind == account.KindInvalid && e.Detail == pending
}

// RefusedError says that the provider did not take a refresh token, as opposed
// to not having answered.
type RefusedError struct{ Code string }

// Error implements error.
func (e *RefusedError) Error() string { return e.Code }

// Refresh renews the tokens of a login. It returns a RefusedError where the
// provider says that it will not.
func (p *Provider) Refresh(ctx context.Context, refresh secret.Redacted) (Tokens, error) {
	release, err := p.acquire(ctx)
	if err != nil {
		return Tokens{}, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(p.outbound(ctx), loginTime)
	defer cancel()
	ends, err := p.source.endpoints(ctx)
	if err != nil {
		return Tokens{}, err
	}
	token, err := ends.refresh(ctx, refresh)
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && isRefusal(refused) {
		return Tokens{}, &RefusedError{Code: refused.ErrorCode}
	}
	if err != nil {
		return Tokens{}, tokenFault(err)
	}
	return tokensOf(token), nil
}

// isRefusal tells a word about the refresh token from a provider that is
// overloaded or cut off, after which the token may still be good. GitHub refuses
// with the status 200, others without an error code.
func isRefusal(e *oauth2.RetrieveError) bool {
	switch status := e.Response.StatusCode; status {
	case http.StatusBadRequest, http.StatusUnauthorized:
		return true
	default:
		return e.ErrorCode != "" && status < http.StatusInternalServerError && status != http.StatusTooManyRequests
	}
}

// unreachable is the refusal of a login while the provider cannot be asked.
func (p *Provider) unreachable(cause error) error {
	failed := &account.Error{
		Kind:    account.KindInternal,
		Message: "The identity provider of the login " + p.Product + " cannot be reached at the moment. Try again in a minute.",
	}
	return failed.Because(withoutURL(cause))
}
