package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

func TestLoginThroughAProvider(t *testing.T) {
	t.Parallel()
	eachWithOIDC(t, func(t *testing.T, s *servertest.Server, provider *idptest.OIDC) {
		b := browse(s)
		end := b.logIn(t, provider, oidcPath+"?redirect=/foo/bar?hello=world%26bar=baz")
		if got := end.sentTo(t); got != "/foo/bar?hello=world&bar=baz" {
			t.Errorf("the login leads to %q", got)
		}
		me := b.person(t)
		if me.Username != "kyle" || me.Email != "kyle@example.com" || me.Name != "Kyle" || me.LoginType != sdk.LoginTypeOIDC ||
			me.Status != sdk.UserStatusActive || len(me.Roles) != 0 || len(me.OrganizationIDs) != 1 {
			t.Errorf("the new user is %+v", me.User)
		}
		for name := range b.cookies {
			if strings.HasPrefix(name, "oauth_") {
				t.Errorf("the cookie %s is still there", name)
			}
		}
		again := browse(s).signedIn(t, provider)
		if again.ID != me.ID {
			t.Errorf("the second login is of %s, the first was of %s", again.ID, me.ID)
		}
	})
}

func TestStartOfALogin(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	a := browse(s).visit(t, oidcPath+"?redirect=https://evil.example.com/x?y=1")
	to, err := url.Parse(a.sentTo(t))
	if err != nil || !strings.HasPrefix(to.String(), provider.URL+"/authorize?") {
		t.Fatalf("sent to %q, %v", to, err)
	}
	query, cookies := to.Query(), map[string]*http.Cookie{}
	for _, cookie := range a.cookies() {
		cookies[cookie.Name] = cookie
		if cookie.Path != "/" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure || cookie.MaxAge != 0 {
			t.Errorf("the cookie is %s", cookie)
		}
	}
	if diff := cmp.Diff([]string{"oauth_state", "oauth_redirect", "oauth_pkce_verifier"}, a.cookieNames()); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
	state := cookies["oauth_state"].Value
	if !regexp.MustCompile(`^oidc\.[0-9A-Za-z]{32}$`).MatchString(state) {
		t.Errorf("the state is %q", state)
	}
	if cookies["oauth_redirect"].Value != "/x?y=1" {
		t.Errorf("the redirect is %q", cookies["oauth_redirect"].Value)
	}
	verifier := cookies["oauth_pkce_verifier"].Value
	if len(verifier) != 43 {
		t.Errorf("the verifier has %d characters", len(verifier))
	}
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	want := url.Values{
		"response_type": {"code"}, "client_id": {provider.ClientID}, "redirect_uri": {s.URL + oidcPath},
		"scope": {"openid profile email"}, "state": {state}, "access_type": {"offline"}, "nonce": {hash(state)},
		"code_challenge": {hash(verifier)}, "code_challenge_method": {"S256"},
	}
	if diff := cmp.Diff(want, query); diff != "" {
		t.Errorf("the query (-want +got):\n%s", diff)
	}
}

func TestStartWithoutPKCE(t *testing.T) {
	t.Parallel()
	provider := idptest.NewOIDC(t)
	provider.Tamper(func(t *idptest.Tampering) { t.WithoutS256 = true })
	s := servertest.New(t, withOIDC(provider))
	a := browse(s).visit(t, oidcPath)
	if strings.Contains(a.sentTo(t), "code_challenge") {
		t.Errorf("sent to %s", a.sentTo(t))
	}
	if diff := cmp.Diff([]string{"oauth_state", "oauth_redirect"}, a.cookieNames()); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
	browse(s).signedIn(t, provider)
}

func TestCookiesOfALoginAreAsSecureAsTheSession(t *testing.T) {
	t.Parallel()
	secure := true
	s, _ := newWithOIDC(t, func(c *server.Config) { c.SecureAuthCookie, c.SameSiteAuthCookie = &secure, server.SameSiteNone })
	for _, cookie := range browse(s).visit(t, oidcPath).cookies() {
		if !cookie.Secure || cookie.SameSite != http.SameSiteNoneMode {
			t.Errorf("the cookie is %s", cookie)
		}
	}
}

// TestCallbackOrder is auth.md, section 7.1. Each case begins with a login that
// would succeed and changes one thing.
func TestCallbackOrder(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	type login struct {
		*browser
		query url.Values
	}
	cases := []struct {
		name    string
		change  func(l *login)
		status  int
		message string
		detail  string
	}{
		{"nothing", func(*login) {}, http.StatusTemporaryRedirect, "", ""},
		{"the provider's error", func(l *login) {
			l.query = url.Values{"error": {"access_denied"}, "error_description": {"Not you."}, "error_uri": {"https://id.example.com/why"}, "code": {"x"}}
		}, 400, "access_denied", "Not you. error_uri: https://id.example.com/why"},
		{"an error without words", func(l *login) { l.query = url.Values{"error": {"server_error"}} }, 400, "server_error", ""},
		{"an error with an address alone", func(l *login) {
			l.query = url.Values{"error": {"server_error"}, "error_uri": {"https://id.example.com/why"}}
		}, 400, "server_error", "error_uri: https://id.example.com/why"},
		{"no state", func(l *login) { l.query.Del("state") }, 400, "state", ""},
		{"no cookie of the state", func(l *login) { delete(l.cookies, "oauth_state") }, 401, "oauth_state", ""},
		{"no cookie at all", func(l *login) { clear(l.cookies) }, 401, "oauth_state", ""},
		{"another state", func(l *login) { l.query.Set("state", "oidc."+strings.Repeat("x", 32)) }, 401, "state", ""},
		{"the state of another provider", func(l *login) {
			l.cookies["oauth_state"] = "github." + strings.Repeat("x", 32)
			l.query.Set("state", l.cookies["oauth_state"])
		}, 401, "state", ""},
		{"a state of no provider", func(l *login) {
			l.cookies["oauth_state"] = "state"
			l.query.Set("state", "state")
		}, 401, "state", ""},
		{"the word of another issuer", func(l *login) { l.query.Set("iss", "https://other.example.com") }, 401, "state", ""},
		{"the word of the issuer", func(l *login) { l.query.Set("iss", provider.URL) }, http.StatusTemporaryRedirect, "", ""},
		{"no verifier", func(l *login) { delete(l.cookies, "oauth_pkce_verifier") }, 400, "oauth_pkce_verifier", ""},
		{"another verifier", func(l *login) { l.cookies["oauth_pkce_verifier"] = strings.Repeat("v", 43) }, 500, "provider", "invalid_grant"},
		{"another code", func(l *login) { l.query.Set("code", "guessed") }, 500, "provider", "invalid_grant"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := &login{browser: browse(s)}
			back, err := url.Parse(provider.Authorize(t, l.visit(t, oidcPath).sentTo(t)))
			if err != nil {
				t.Fatal(err)
			}
			l.query = back.Query()
			c.change(l)
			a := l.visit(t, oidcPath+"?"+l.query.Encode())
			if c.status == http.StatusTemporaryRedirect {
				a.sentTo(t)
			} else if got := a.refused(t, c.status, c.message); got.Detail != c.detail {
				t.Errorf("the detail is %q, want %q", got.Detail, c.detail)
			}
			for name := range l.cookies {
				if strings.HasPrefix(name, "oauth_") {
					t.Errorf("the cookie %s outlives the login", name)
				}
			}
			if session := l.cookies[sdk.SessionTokenCookie]; (session != "") != (c.status == http.StatusTemporaryRedirect) {
				t.Errorf("the session is %q after %d", session, a.status)
			}
		})
	}
}

func TestProviderIsNotConfigured(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for _, below := range []string{"oidc/callback", "oauth2/github/callback", "oauth2/github/device", "oidc/partners/callback", "oidc/oidc/callback"} {
		for _, query := range []string{"", "?code=x&state=y", "?error=access_denied"} {
			guest(s).get(t, path(below)+query).refused(t, http.StatusBadRequest, "not configured")
		}
	}
	a := guest(s).post(t, path("oidc/partners/callback"), nil)
	if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("another method gets %s, Allow %q", a, a.header.Get("Allow"))
	}
}

func TestAReplayedCallbackIsRefused(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	b := browse(s)
	back := provider.Authorize(t, b.visit(t, oidcPath).sentTo(t))
	before := map[string]string{}
	for name, value := range b.cookies {
		before[name] = value
	}
	b.visit(t, back).sentTo(t)
	b.visit(t, back).refused(t, http.StatusUnauthorized, "oauth_state")
	thief := &browser{client: b.client, cookies: before} // cookies, code and all
	thief.visit(t, back).refused(t, http.StatusInternalServerError, "provider")
	other := browse(s)
	other.visit(t, oidcPath).sentTo(t)
	other.visit(t, provider.Authorize(t, browse(s).visit(t, oidcPath).sentTo(t))).refused(t, http.StatusUnauthorized, "state")
}

// TestSwappedCodes: a code of another login of the same provider does not fit,
// neither by its verifier nor, without PKCE, by its nonce.
func TestSwappedCodes(t *testing.T) {
	t.Parallel()
	for _, pkce := range []bool{true, false} {
		provider := idptest.NewOIDC(t)
		provider.Tamper(func(t *idptest.Tampering) { t.WithoutS256 = !pkce })
		s := servertest.New(t, withOIDC(provider))
		code := func(b *browser) url.Values {
			back, err := url.Parse(provider.Authorize(t, b.visit(t, oidcPath).sentTo(t)))
			if err != nil {
				t.Fatal(err)
			}
			return back.Query()
		}
		victim, attacker := browse(s), browse(s)
		query, injected := code(victim), code(attacker)
		query.Set("code", injected.Get("code"))
		a := victim.visit(t, oidcPath+"?"+query.Encode())
		if a.status < 400 || victim.cookies[sdk.SessionTokenCookie] != "" {
			t.Errorf("with PKCE %t an injected code got %s", pkce, a)
		}
	}
}

func TestRedirectOfALogin(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	cases := []struct{ cookie, query, want string }{
		{"https://malicious.com/my/path", "", "/my/path"},
		{"", "/from/query", "/"}, // an empty cookie counts
		{"///evil.example", "", "/evil.example"},
		{"/foo/bar?hello=world&bar=baz", "/other", "/foo/bar?hello=world&bar=baz"},
	}
	for _, c := range cases {
		b := browse(s)
		back := provider.Authorize(t, b.visit(t, oidcPath).sentTo(t))
		b.cookies["oauth_redirect"] = c.cookie
		if got := b.visit(t, back+"&redirect="+url.QueryEscape(c.query)).sentTo(t); got != c.want {
			t.Errorf("cookie %q, query %q: sent to %q, want %q", c.cookie, c.query, got, c.want)
		}
	}
	b := browse(s)
	back := provider.Authorize(t, b.visit(t, oidcPath).sentTo(t))
	delete(b.cookies, "oauth_redirect")
	if got := b.visit(t, back+"&redirect=//evil.example/x").sentTo(t); got != "/x" {
		t.Errorf("without a cookie sent to %q", got)
	}
}

// TestHostsOfALogin is rows 4 and 10 of section 7.1.
func TestHostsOfALogin(t *testing.T) {
	t.Parallel()
	provider := idptest.NewOIDC(t)
	s := servertest.New(t, withOIDC(provider, func(c *idp.OIDCConfig) { c.RedirectAllowedHosts = []string{"127.0.0.1", "LOCALHOST"} }))
	at := func(host string) *browser {
		b := browse(s)
		b.url = strings.Replace(b.url, "127.0.0.1", host, 1)
		return b
	}
	b := at("localhost")
	a := b.visit(t, oidcPath)
	to, err := url.Parse(a.sentTo(t))
	if err != nil || to.Query().Get("redirect_uri") != b.url+oidcPath {
		t.Errorf("sent to %s", to)
	}
	if names := a.cookieNames(); len(names) != 4 || names[3] != "oauth_redirect_uri" {
		t.Errorf("cookies: %q", names)
	}
	back := provider.Authorize(t, to.String())
	if !strings.HasPrefix(back, b.url) {
		t.Errorf("the provider sends back to %s", back)
	}
	elsewhere := &browser{client: at("127.0.0.1").client, cookies: b.cookies}
	elsewhere.visit(t, back).refused(t, http.StatusBadRequest, "another address")

	c := at("localhost")
	c.signedIn(t, provider)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+oidcPath, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example.com"
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("a host that is not allowed got %s", response.Status)
	}
}

func TestFirstUserThroughAProvider(t *testing.T) {
	t.Parallel()
	provider := idptest.NewOIDC(t)
	s := servertest.Start(t, storetest.Database(t), withOIDC(provider, func(c *idp.OIDCConfig) { c.AllowSignups = false }))
	first := browse(s).signedIn(t, provider)
	if len(first.Roles) != 1 || first.Roles[0].Name != "owner" {
		t.Errorf("the first user has the roles %v", first.Roles)
	}
	provider.SetUser("second", idptest.Claims{"email": "second@example.com", "email_verified": true})
	browse(s).logIn(t, provider, oidcPath).page(t, http.StatusForbidden, "Signups are disabled")
}

// TestNamesOfProviders: no provider can have a name that makes its callback the
// path of something else.
func TestNamesOfProviders(t *testing.T) {
	t.Parallel()
	taken := regexp.MustCompile(`^/api/v2/users/\{user\}/([^/{]+)/\{[^/]+\}$`)
	names := []string{"github", "convert-x", "A", "a.b", "a b"}
	for _, o := range described() {
		if found := taken.FindStringSubmatch(o.Path); found != nil && o.Method == http.MethodGet {
			names = append(names, found[1])
		}
	}
	for _, name := range names {
		cfg := idp.OIDCConfig{Name: name, IssuerURL: "https://id.example.com", ClientID: "usher"}
		if faults := cfg.Check(); len(faults) != 1 || faults[0].Field != "name" {
			t.Errorf("%q: %v", name, faults)
		}
	}
	if len(names) < 8 {
		t.Errorf("there are only %q", names)
	}
}
