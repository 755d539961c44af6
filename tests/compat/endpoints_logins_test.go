package compat_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"

	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/sdk"
)

// logins are providers that a server is told of.
type logins struct {
	oidc   *idptest.OIDC
	github *idptest.GitHub
}

func startLogins(t *testing.T) logins {
	t.Helper()
	return logins{oidc: idptest.NewOIDC(t), github: idptest.NewGitHub(t)}
}

// tell is the configuration of a server that people reach through both.
func (l logins) tell(cfg *server.Config) {
	cfg.OIDC.IssuerURL, cfg.OIDC.ClientID, cfg.OIDC.ClientSecret = l.oidc.URL, l.oidc.ClientID, l.oidc.ClientSecret
	cfg.OIDC.AllowSignups = true
	cfg.GitHub = idp.GitHubConfig{
		ClientID: idptest.GitHubClientID, ClientSecret: idptest.GitHubClientSecret,
		AllowEveryone: true, DeviceFlow: true, Hosts: idp.GitHubHosts{Web: l.github.URL, API: l.github.APIURL},
	}
}

// loginExamples are the endpoints that need a provider.
func loginExamples() []example {
	return []example{
		{page: "current", method: "GET", path: "/users/oauth2/github/callback", login: begun},
		{page: "current", method: "GET", path: "/users/oauth2/github/device", exact: true, login: begun},
		{page: "current", method: "GET", path: "/users/oidc/callback", login: begun},
		{page: "current", method: "GET", path: "/users/oidc-claims", empty: []string{".claims"}, login: throughOIDC},
		{page: "older", method: "GET", path: "/users/oauth2/github/callback", dialect: sdk.DialectLegacy, login: begun},
		{page: "older", method: "GET", path: "/users/oidc/callback", dialect: sdk.DialectLegacy, login: begun},
	}
}

// begun is a login at its beginning.
func begun(*testing.T, *servertest.Server, logins) meaning { return meaning{} }

// throughOIDC is somebody who has logged in through the provider.
func throughOIDC(t *testing.T, s *servertest.Server, l logins) meaning {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	visit := func(address string) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := browser.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusTemporaryRedirect {
			t.Fatalf("%s: %s", address, response.Status)
		}
		return response.Header.Get("Location")
	}
	visit(l.oidc.Authorize(t, visit(s.URL+"/api/v2/users/oidc/callback")))
	home, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := s.Client(t)
	for _, cookie := range jar.Cookies(home) {
		if cookie.Name == sdk.SessionTokenCookie {
			client.SetSessionToken(cookie.Value)
		}
	}
	return meaning{as: client}
}
