package idptest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"usher/internal/idp/idptest"
)

// A browser's way through the pages; what programs ask is tested through the
// provider.
func TestGitHubPages(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	authorize := g.URL + "/login/oauth/authorize?" + url.Values{
		"client_id": {idptest.GitHubClientID}, "redirect_uri": {"https://usher.example.com/back?a=b"}, "state": {"s"},
	}.Encode()
	if status, page, _ := browse(t, authorize, nil); status != http.StatusUnauthorized {
		t.Errorf("nobody is signed in: %d %s", status, page)
	}
	g.SetUser(idptest.GitHubUser{ID: 1, Login: "somebody"})
	if _, _, to := browse(t, authorize, nil); to == nil || to.Host != "usher.example.com" || to.Query().Get("a") != "b" ||
		to.Query().Get("state") != "s" || to.Query().Get("code") == "" {
		t.Errorf("sent to %v", to)
	}
	g.AskForConsent()
	if status, page, _ := browse(t, authorize, nil); status != http.StatusOK || !strings.Contains(page, "somebody") {
		t.Errorf("the question: %d %s", status, page)
	}
	if _, _, to := browse(t, authorize, url.Values{"decision": {"Cancel"}}); to == nil ||
		to.Query().Get("error") != "access_denied" || to.Query().Get("state") != "s" || to.Query().Has("code") {
		t.Errorf("after Cancel sent to %v", to)
	}
	if _, _, to := browse(t, authorize, url.Values{"decision": {"Authorize"}}); to == nil || to.Query().Get("code") == "" {
		t.Errorf("after Authorize sent to %v", to)
	}
	plain := authorize + "&code_challenge=x&code_challenge_method=plain"
	if _, _, to := browse(t, plain, nil); to == nil || to.Query().Get("error") != "invalid_request" {
		t.Errorf("with a plain challenge sent to %v", to)
	}
	if status, _, _ := browse(t, strings.Replace(authorize, idptest.GitHubClientID, "another", 1), nil); status != http.StatusNotFound {
		t.Errorf("another app: %d", status)
	}
}

func TestGitHubDevicePage(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	g.SetUser(idptest.GitHubUser{ID: 1, Login: "somebody"})
	_, form, _ := browse(t, g.URL+"/login/device/code", url.Values{"client_id": {idptest.GitHubClientID}})
	answer, err := url.ParseQuery(form)
	if err != nil {
		t.Fatal(err)
	}
	poll := func() url.Values {
		t.Helper()
		_, form, _ := browse(t, g.URL+"/login/oauth/access_token", url.Values{
			"client_id": {idptest.GitHubClientID}, "device_code": answer["device_code"],
			"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"},
		})
		got, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	page := answer.Get("verification_uri")
	if _, text, _ := browse(t, page, url.Values{"user_code": {"WRONG"}}); !strings.Contains(text, "No device waits") {
		t.Errorf("a wrong code: %s", text)
	}
	if _, text, _ := browse(t, page, url.Values{"user_code": answer["user_code"], "decision": {"Continue"}}); !strings.Contains(text, `value="Authorize"`) {
		t.Errorf("no question follows: %s", text)
	}
	if got := poll().Get("error"); got != "authorization_pending" {
		t.Errorf("before the decision: %q", got)
	}
	if got := poll(); got.Get("error") != "slow_down" || got.Get("interval") != "10" {
		t.Errorf("at once again: %v", got)
	}
	browse(t, page, url.Values{"user_code": answer["user_code"], "decision": {"Authorize"}})
	g.Advance(10e9)
	if got := poll(); !strings.HasPrefix(got.Get("access_token"), "gho_") {
		t.Errorf("after the decision: error %q", got.Get("error"))
	}
}

// browse asks for a page, or sends a form, and returns the text, and where it
// sends the browser.
func browse(t *testing.T, address string, form url.Values) (status int, text string, to *url.URL) {
	t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	to, _ = response.Location()
	return response.StatusCode, string(body), to
}
