package idptest

import (
	"crypto/rand"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The one app that is registered at every GitHub of this package.
const (
	GitHubClientID     = "Ov23liUsherUsherTest"
	GitHubClientSecret = "5ca1ab1e0ddba11ca5cade5adde55e15b0a710ad"
)

// GitHub is a small GitHub on the loopback interface. It follows GitHub's
// documentation of OAuth apps, of expiring user access tokens and of the REST
// API (version 2022-11-28) for what a login needs, with the documented errors:
//
//	GET,POST /login/oauth/authorize      sends a browser back with code and state
//	POST     /login/oauth/access_token   codes, codes of devices, refresh tokens
//	POST     /login/device/code          begins the device flow
//	GET,POST /login/device               where people enter the code of a device
//	GET /user, /user/emails, /user/memberships/orgs
//	GET /orgs/{org}/teams/{slug}/memberships/{username}
//
// URL serves the pages of github.com, and the API of an enterprise server under
// /api/v3. APIURL serves what is at api.github.com. Codes are good once and for
// ten minutes, codes of devices for fifteen, and PKCE is checked where a login
// began with it. Its time can be moved on with Advance.
//
// Nobody is signed in before SetUser.
type GitHub struct {
	URL    string
	APIURL string

	t    testing.TB
	cert *x509.Certificate

	mu        sync.Mutex
	ahead     time.Duration // of the machine's clock
	users     map[int64]GitHubUser
	signedIn  int64
	consent   bool
	appTokens bool
	interval  int
	noDevices bool
	left      int // of the rate limit; negative for what is never used up
	limited   int // the status of what is over the limit
	secondary bool
	codes     map[string]*githubCode
	devices   map[string]*githubDevice
	tokens    map[string]*githubToken
	refreshes map[string]*githubToken
	overrides map[string]http.HandlerFunc
	requests  []GitHubRequest
}

// GitHubUser is somebody with an account.
type GitHubUser struct {
	ID        int64
	Login     string
	Name      string // null in the API where it is empty
	AvatarURL string
	Emails    []GitHubEmail
	Orgs      []GitHubOrg
	Teams     []GitHubTeam
}

// GitHubEmail is one of the addresses of an account.
type GitHubEmail struct {
	Email             string
	Primary, Verified bool
}

// GitHubOrg is a membership in an organization; an empty State is active, the
// other one is pending.
type GitHubOrg struct{ Login, State string }

// GitHubTeam is a membership in a team of an organization.
type GitHubTeam struct{ Org, Slug, State string }

// GitHubRequest is a request that was made. Query and Form are apart; the path
// is without /api/v3.
type GitHubRequest struct {
	Method string
	Host   string
	Path   string
	Query  url.Values
	Form   url.Values // of a POST
	Header http.Header
}

// NewGitHub starts a GitHub, which ends with the test.
func NewGitHub(t testing.TB) *GitHub { return newGitHub(t, (*httptest.Server).Start) }

// NewGitHubTLS starts one that speaks TLS, with a Certificate that no system
// trusts.
func NewGitHubTLS(t testing.TB) *GitHub { return newGitHub(t, (*httptest.Server).StartTLS) }

func newGitHub(t testing.TB, start func(*httptest.Server)) *GitHub {
	t.Helper()
	g := &GitHub{
		t: t, interval: 5, left: -1,
		users:     map[int64]GitHubUser{},
		codes:     map[string]*githubCode{},
		devices:   map[string]*githubDevice{},
		tokens:    map[string]*githubToken{},
		refreshes: map[string]*githubToken{},
		overrides: map[string]http.HandlerFunc{},
	}
	api := g.api()
	web := g.web()
	web.Handle("/api/v3/", http.StripPrefix("/api/v3", g.observed(api)))
	webServer, apiServer := httptest.NewUnstartedServer(g.observed(web)), httptest.NewUnstartedServer(g.observed(api))
	for _, server := range []*httptest.Server{webServer, apiServer} {
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // tests refuse certificates and cut connections
		start(server)
		t.Cleanup(server.Close)
	}
	g.URL, g.APIURL, g.cert = webServer.URL, apiServer.URL, webServer.Certificate()
	return g
}

// Certificate is that of a GitHub with TLS, which signs itself.
func (g *GitHub) Certificate() *x509.Certificate { return g.cert }

// SetUser adds an account, or changes the one with its ID, and signs it in in
// every browser.
func (g *GitHub) SetUser(user GitHubUser) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users[user.ID], g.signedIn = user, user.ID
}

// AskForConsent shows a page at the authorization, with the buttons Authorize
// and Cancel, as GitHub does the first time. Without it, everybody has agreed
// before and is sent straight back.
func (g *GitHub) AskForConsent() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.consent = true
}

// ExpireTokens makes the app a GitHub App, whose tokens expire after eight hours
// and come with refresh tokens, which are good once.
func (g *GitHub) ExpireTokens() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.appTokens = true
}

// DisableDeviceFlow turns it off in the settings of the app.
func (g *GitHub) DisableDeviceFlow() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.noDevices = true
}

// SetDeviceInterval changes the seconds that must lie between two polls of new
// device flows; at first they are 5.
func (g *GitHub) SetDeviceInterval(seconds int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.interval = seconds
}

// Advance lets time pass at once: codes, tokens and the intervals between polls
// get older.
func (g *GitHub) Advance(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ahead += d
}

func (g *GitHub) now() time.Time { return time.Now().Add(g.ahead) }

// SetRateLimit lets that many requests to the API through and answers those
// after them with the status, 403 or 429, until it is set again. A negative
// number of requests is no limit.
func (g *GitHub) SetRateLimit(requests, status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left, g.limited, g.secondary = requests, status, false
}

// SetSecondaryRateLimit refuses every request to the API with the status, as
// GitHub does when there are too many at once.
func (g *GitHub) SetSecondaryRateLimit(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limited, g.secondary = status, true
}

// RevokeTokens ends every token, as people do in their settings.
func (g *GitHub) RevokeTokens() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.tokens)
	clear(g.refreshes)
}

// Override answers the path, which is without /api/v3, by another handler; nil
// takes that back.
func (g *GitHub) Override(path string, handler http.HandlerFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.overrides[path] = handler
}

// Fail answers the path, which is without /api/v3, with a status; 0 takes that
// back.
func (g *GitHub) Fail(path string, status int) {
	if status == 0 {
		g.Override(path, nil)
		return
	}
	g.Override(path, func(w http.ResponseWriter, _ *http.Request) { githubFails(w, status, "Server Error") })
}

// Requests returns what was asked so far and forgets it.
func (g *GitHub) Requests() []GitHubRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer func() { g.requests = nil }()
	return slices.Clone(g.requests)
}

// observed notes requests and lets overrides answer.
func (g *GitHub) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/v3/") {
			next.ServeHTTP(w, r) // comes back without the prefix
			return
		}
		if err := r.ParseForm(); err != nil {
			githubFails(w, http.StatusBadRequest, "Problems parsing the form")
			return
		}
		g.mu.Lock()
		g.requests = append(g.requests, GitHubRequest{
			Method: r.Method, Host: r.Host, Path: r.URL.EscapedPath(), Query: r.URL.Query(), Form: r.PostForm, Header: r.Header.Clone(),
		})
		override := g.overrides[r.URL.Path]
		g.mu.Unlock()
		if override != nil {
			override(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// githubRandom returns n random letters and digits.
func githubRandom(n int) string { return (rand.Text() + rand.Text() + rand.Text())[:n] }
