package api_test

import (
	"net/http"
	"testing"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// cookie returns a client that presents its key the way a browser does.
func (c client) cookie(key string) client { return c.with("Cookie", sdk.SessionTokenCookie+"="+key) }

// TestCrossSite: a browser can be made by another site to send a request with
// the cookie; that is told apart by what browsers say about its origin.
func TestCrossSite(t *testing.T) {
	t.Parallel()

	s := behind(t, "https://usher.example.com")
	key := s.Owner.SessionToken()
	browser := guest(s).cookie(key)
	ted := path(create(t, s, newUser("ted")).ID, "status/activate")

	for name, test := range map[string]struct {
		c      client
		status int
	}{
		"the same site says the browser":         {browser.with("Sec-Fetch-Site", "same-origin"), 200},
		"an address typed in":                    {browser.with("Sec-Fetch-Site", "none"), 200},
		"another site":                           {browser.with("Sec-Fetch-Site", "cross-site"), 403},
		"a neighbour":                            {browser.with("Sec-Fetch-Site", "same-site"), 403},
		"the address of the server":              {browser.with("Origin", s.URL), 200},
		"another origin":                         {browser.with("Origin", "https://evil.example.com"), 403},
		"no origin at all":                       {browser.with("Origin", "null"), 403},
		"the access URL":                         {browser.with("Origin", "https://usher.example.com"), 200},
		"the access URL, and a browser's word":   {browser.with("Origin", "https://usher.example.com").with("Sec-Fetch-Site", "cross-site"), 200},
		"the access URL by another scheme":       {browser.with("Origin", "http://usher.example.com"), 403},
		"no browser":                             {browser, 200},
		"a header credential":                    {guest(s).as(key).with("Sec-Fetch-Site", "cross-site"), 200},
		"a header credential beside the cookie":  {browser.as(key).with("Origin", "https://evil.example.com"), 200},
		"a bearer":                               {guest(s).with("Authorization", "Bearer "+key).with("Sec-Fetch-Site", "cross-site"), 200},
		"an empty header is none":                {browser.as("").with("Sec-Fetch-Site", "cross-site"), 403},
		"a scheme that is no credential is none": {browser.with("Authorization", "Basic eDp5").with("Sec-Fetch-Site", "cross-site"), 403},
	} {
		a := test.c.put(t, ted, nil)
		if a.status != test.status {
			t.Errorf("%s: got %s, want status %d", name, a, test.status)
		}
		if a.status == http.StatusForbidden {
			a.refused(t, http.StatusForbidden, forbidden)
		}
	}
	// Reading is no harm: nobody but the site itself sees the answer.
	browser.with("Sec-Fetch-Site", "cross-site").get(t, path("me")).want(t, http.StatusOK)
	browser.with("Sec-Fetch-Site", "cross-site").do(t, http.MethodHead, path("me"), nil).want(t, http.StatusOK)
}

// TestCrossSiteWithoutCookie: a login from another site would sign a visitor in
// as somebody else.
func TestCrossSiteWithoutCookie(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	foreign := guest(s).with("Sec-Fetch-Site", "cross-site")
	for path, body := range map[string]body{
		loginPath:                         credentials("owner@example.com", servertest.Password),
		"/api/v2/users/first":             first(),
		"/api/v2/users/validate-password": {"password": "x"},
	} {
		foreign.post(t, path, body).refused(t, http.StatusForbidden, forbidden)
		foreign.with("Sec-Fetch-Site", "same-origin").post(t, path, body)
	}
	if n := len(audit(t, s, "action:login")); n != 2 { // of the test's setup, and the same-origin one
		t.Errorf("%d logins, want 2", n)
	}
	// Who is not signed in learns that first.
	foreign.post(t, "/api/v2/users/logout", nil).refused(t, http.StatusUnauthorized, signedOut)
}
