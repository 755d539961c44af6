package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/buildinfo"
	"usher/internal/service"
	"usher/sdk"
)

// serve takes a request through the chain: identity of the request, its one log
// line, recovery, dialect, size, authentication, rate limit, cross-site check,
// and then its route.
func (a *API) serve(w http.ResponseWriter, r *http.Request, rt route) {
	c := &call{
		api: a, w: &answer{ResponseWriter: w}, r: r, context: service.WithPatience(r.Context()), route: rt, started: time.Now(),
		origin: a.originOf(r), dialect: a.Dialect,
	}
	c.actor = account.Anonymous(c.origin)
	c.setHeaders()
	defer c.report()
	defer c.recover()
	if err := c.proceed(); err != nil {
		c.fail(err)
	}
}

// proceed does everything that can end in an error.
func (c *call) proceed() error {
	dialect, err := c.api.dialectOf(c.r)
	if err != nil {
		return err
	}
	c.dialect = dialect
	if c.r.ContentLength > maxBody {
		return bodyTooLarge()
	}
	unauthenticated := c.authenticate()
	if account.KindOf(unauthenticated) == account.KindUnavailable {
		return unauthenticated // the route would only wait for the database once more
	}
	if err := c.checkRate(); err != nil {
		return err
	}
	if c.route.access == forUsers && unauthenticated != nil {
		c.challenge(unauthenticated)
		return unauthenticated
	}
	if err := c.checkCrossSite(); err != nil {
		return err
	}
	return c.route.handle(c)
}

// fixedHeaders are the headers whose values are the same for every response.
// They are shared by all of them, so nothing may append to them.
type fixedHeaders struct {
	buildVersion, noSniff, vary, noStore, json []string
}

func newFixedHeaders() fixedHeaders {
	return fixedHeaders{
		buildVersion: []string{buildinfo.WireVersion()},
		noSniff:      []string{"nosniff"},
		vary:         []string{"Cookie, User-Agent, " + sdk.DialectHeader},
		noStore:      []string{"no-store"},
		json:         []string{"application/json; charset=utf-8"},
	}
}

// setHeaders sets what every response has.
func (c *call) setHeaders() {
	header, fixed := c.w.Header(), &c.api.headers
	header[sdk.BuildVersionHeader] = fixed.buildVersion
	header[sdk.RequestIDHeader] = []string{c.origin.RequestID.String()}
	header["X-Content-Type-Options"] = fixed.noSniff
	if strings.HasPrefix(c.r.URL.Path, "/api/v2") {
		header["Vary"] = fixed.vary
		header["Cache-Control"] = fixed.noStore
	}
}

// authenticate finds out who is asking. On a route for everyone the returned
// error is of no consequence.
func (c *call) authenticate() error {
	key := credential(c.r)
	if key == "" || c.route.access == forProbes {
		return service.NoCredential()
	}
	actor, err := c.api.Service.Authenticate(c.ctx(), key, c.origin)
	if err != nil {
		return err
	}
	c.actor = actor
	return nil
}

// checkCrossSite refuses a request that another site makes a browser send. A
// credential in a header proves that no such site is behind it.
func (c *call) checkCrossSite() error {
	if hasHeaderCredential(c.r) {
		return nil
	}
	if err := c.api.crossSite.Check(c.r); err != nil {
		return account.Forbidden("The request comes from another site: " + err.Error() + ".")
	}
	return nil
}

// recover turns a panic into an internal error.
func (c *call) recover() {
	r := recover()
	if r == nil {
		return
	}
	if err, ok := r.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(r) // breakOff: net/http cuts the connection
	}
	c.fail(fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
}

// report writes the one line that the log has about a request, and counts it.
// The query is left out: it may hold a credential.
func (c *call) report() {
	status := c.w.status
	if status == 0 {
		status = statusClientGone
		if c.failure == nil {
			status = http.StatusOK
		}
	}
	elapsed := time.Since(c.started)
	c.api.metrics.observe(c.route, c.r.Method, status, elapsed)
	attributes := []slog.Attr{
		slog.String("method", c.r.Method), slog.String("path", c.r.URL.Path), slog.String("route", c.route.path),
		slog.Int("status", status), slog.Int64("bytes", c.w.bytes), slog.Duration("duration", elapsed),
		slog.String("ip", c.origin.IP), slog.String("request_id", c.origin.RequestID.String()),
	}
	if !c.actor.IsAnonymous() {
		attributes = append(attributes, slog.String("user_id", c.actor.User.ID.String()), slog.String("key_id", c.actor.Key.ID))
	}
	if c.failure != nil {
		attributes = append(attributes, slog.String("error", c.failure.Error()))
	}
	c.api.Log.LogAttrs(c.ctx(), levelOf(status), "request", attributes...)
}

// statusClientGone marks, in the log alone, a request whose client left before
// the answer.
const statusClientGone = 499

func levelOf(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelInfo
}

// originOf says where a request comes from.
func (a *API) originOf(r *http.Request) account.Origin {
	return account.Origin{
		IP:        clientIP(r, a.TrustedProxies),
		UserAgent: printable(r.UserAgent()),
		RequestID: uuid.New(),
	}
}

// maxUserAgent bounds what is stored of a client's name, in bytes.
const maxUserAgent = 512

// printable makes a header safe to store: valid UTF-8 of bounded length.
func printable(text string) string {
	if len(text) > maxUserAgent {
		text = text[:maxUserAgent]
	}
	return strings.ToValidUTF8(text, "")
}
