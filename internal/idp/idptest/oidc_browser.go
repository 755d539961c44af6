package idptest

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// hiddenID is the field of the form that names the request.
var hiddenID = regexp.MustCompile(`name="id" value="([^"]*)"`)

// Authorize logs in through the provider's form, as a browser that was sent to
// the address would, and returns the address that it is sent back to. It is the
// person whose SetUser came last who logs in.
func (o *OIDC) Authorize(t testing.TB, authorizeURL string) (callbackURL string) {
	t.Helper()
	return o.AuthorizeAs(t, o.storage.latestUser(), authorizeURL)
}

// AuthorizeAs is Authorize as the person of that login name.
func (o *OIDC) AuthorizeAs(t testing.TB, username, authorizeURL string) (callbackURL string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Transport: o.browser.Transport, Jar: jar, CheckRedirect: o.stayHere}
	form := o.visit(t, browser, authorizeURL)
	id := hiddenID.FindStringSubmatch(form)
	if id == nil {
		t.Fatalf("the provider shows no form at %s:\n%s", authorizeURL, form)
	}
	filled := url.Values{"username": {username}, "password": {Password}, "id": {html.UnescapeString(id[1])}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.URL+"/login/username", strings.NewReader(filled.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	back := response.Header.Get("Location")
	if back == "" {
		page, _ := io.ReadAll(response.Body)
		t.Fatalf("the provider did not send %s back: %s\n%s", username, response.Status, page)
	}
	return back
}

func (o *OIDC) stayHere(next *http.Request, _ []*http.Request) error {
	if next.URL.Scheme+"://"+next.URL.Host != o.URL {
		return http.ErrUseLastResponse
	}
	return nil
}

func (o *OIDC) visit(t testing.TB, browser *http.Client, address string) (page string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
