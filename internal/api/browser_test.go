package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// browser is a client that keeps cookies, and does not follow redirects by
// itself.
type browser struct {
	client
	cookies map[string]string
}

func browse(s *servertest.Server) *browser {
	return &browser{client: guest(s), cookies: map[string]string{}}
}

// visit opens an address of the server, or a path.
func (b *browser) visit(t testing.TB, address string) answer {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	slices.Sort(pairs)
	c := b.client
	if len(pairs) > 0 {
		c = c.with("Cookie", strings.Join(pairs, "; "))
	}
	a := c.get(t, u.RequestURI())
	b.keep(a)
	return a
}

// keep takes the cookies of an answer.
func (b *browser) keep(a answer) {
	for _, cookie := range a.cookies() {
		b.cookies[cookie.Name] = cookie.Value
		if cookie.MaxAge < 0 {
			delete(b.cookies, cookie.Name)
		}
	}
}

func (a answer) cookies() []*http.Cookie { return (&http.Response{Header: a.header}).Cookies() }

// cookieNames lists the cookies that an answer sets, in their order.
func (a answer) cookieNames() []string {
	var names []string
	for _, cookie := range a.cookies() {
		names = append(names, cookie.Name)
	}
	return names
}

// sentTo expects the browser to be sent on, and returns where to.
func (a answer) sentTo(t testing.TB) string {
	t.Helper()
	return a.want(t, http.StatusTemporaryRedirect).header.Get("Location")
}

const oidcPath = "/api/v2/users/oidc/callback"

// logIn goes through a whole login that begins at the path, and returns the
// answer to its end.
func (b *browser) logIn(t testing.TB, provider *idptest.OIDC, start string) answer {
	t.Helper()
	return b.visit(t, provider.Authorize(t, b.visit(t, start).sentTo(t)))
}

// signedIn logs in and returns a client with the session.
func (b *browser) signedIn(t testing.TB, provider *idptest.OIDC) person {
	t.Helper()
	b.logIn(t, provider, oidcPath).sentTo(t)
	return b.person(t)
}

// person is who the browser is signed in as.
func (b *browser) person(t testing.TB) person {
	t.Helper()
	session := b.cookies[sdk.SessionTokenCookie]
	if session == "" {
		t.Fatal("the browser has no session")
	}
	c := client{url: b.url, header: http.Header{}}.as(session)
	return person{client: c, User: c.get(t, path("me")).user(t, http.StatusOK)}
}

// page expects a page for people with the words.
func (a answer) page(t testing.TB, status int, words ...string) {
	t.Helper()
	text := string(a.want(t, status).body)
	if got := a.header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("the content type is %q", got)
	}
	for _, want := range append(words, "<!doctype html>", "Back to login") {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, `"message"`) {
		t.Errorf("the page holds JSON:\n%s", text)
	}
}

// withOIDC makes a provider the server's default one.
func withOIDC(provider *idptest.OIDC, options ...func(*idp.OIDCConfig)) servertest.Option {
	return func(c *server.Config) {
		c.OIDC.IssuerURL, c.OIDC.ClientID, c.OIDC.ClientSecret = provider.URL, provider.ClientID, provider.ClientSecret
		c.OIDC.AllowSignups = true
		c.CAFile = provider.CAFile
		for _, option := range options {
			option(&c.OIDC)
		}
	}
}

// eachWithOIDC runs a test on each engine, with a first user and a provider.
func eachWithOIDC(t *testing.T, test func(t *testing.T, s *servertest.Server, provider *idptest.OIDC), options ...servertest.Option) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		provider := idptest.NewOIDC(t)
		s := servertest.Start(t, db, append([]servertest.Option{withOIDC(provider)}, options...)...)
		s.CreateFirstUser(t)
		test(t, s, provider)
	})
}

// newWithOIDC starts a server on SQLite, with a first user and a provider.
func newWithOIDC(t *testing.T, options ...servertest.Option) (*servertest.Server, *idptest.OIDC) {
	t.Helper()
	provider := idptest.NewOIDC(t)
	return servertest.New(t, append([]servertest.Option{withOIDC(provider)}, options...)...), provider
}

func writeJSON(t *testing.T, file string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// withoutAuthorities trusts none but the system's.
func withoutAuthorities(c *server.Config) { c.CAFile = "" }
