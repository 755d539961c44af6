package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/server"
	"usher/internal/server/servertest"
)

// serve serves something beside Usher.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	other := httptest.NewServer(handler)
	t.Cleanup(other.Close)
	return other.URL
}

func TestOIDCLogin(t *testing.T) {
	t.Parallel()
	provider := idptest.NewOIDC(t)
	s := servertest.New(t, func(c *server.Config) {
		c.OIDC.IssuerURL, c.OIDC.ClientID, c.OIDC.ClientSecret = provider.URL, provider.ClientID, provider.ClientSecret
		c.OIDC.AllowSignups, c.OIDC.SignInText = true, "Acme"
	})
	w := open(t, chromedp.Navigate(s.URL+"/cli-auth"))
	if got := w.text(t, ".providers"); got != "Acme" {
		t.Errorf("the buttons are %q", got)
	}
	w.press(t, ".providers a")
	w.shows(t, "#username")
	if at := w.at(t); !strings.HasPrefix(at, provider.URL) {
		t.Errorf("the button leads to %s", at)
	}
	w.fill(t, "username", "kyle", "password", idptest.Password)
	w.press(t, "button")
	w.shows(t, `form[action="/cli-auth"]`)
	w.do(t, chromedp.Navigate(s.URL))
	w.somebody(t, "kyle")

	// Signed out here, and refused at the next login: a page says why and leads back.
	provider.SetUser("kyle", idptest.Claims{"email": "kyle@example.com", "email_verified": false})
	w.press(t, signOut)
	w.press(t, ".providers a")
	w.shows(t, "#username")
	w.fill(t, "username", "kyle", "password", idptest.Password)
	w.press(t, "button")
	w.shows(t, `main a[href="/login"]`)
	if got := w.text(t, "h1"); got != "Email not verified" {
		t.Errorf("the page is %q", got)
	}
	w.press(t, `main a[href="/login"]`)
	w.shows(t, `form[action="/login"]`)
}

// withGitHub lets members of an organization in who enter a code.
func withGitHub(g *idptest.GitHub) servertest.Option {
	g.SetUser(idptest.GitHubUser{
		ID: 1050, Login: "kyle", Emails: []idptest.GitHubEmail{{Email: "kyle@example.com", Primary: true, Verified: true}},
	})
	g.SetDeviceInterval(1)
	return func(c *server.Config) {
		c.GitHub = idp.GitHubConfig{
			ClientID: idptest.GitHubClientID, ClientSecret: idptest.GitHubClientSecret,
			AllowSignups: true, AllowEveryone: true, DeviceFlow: true,
			Hosts: idp.GitHubHosts{Web: g.URL, API: g.APIURL},
		}
	}
}

const (
	userCode     = "#user-code"
	deviceStatus = `#device-status[role="alert"]`
)

// TestDeviceLogin: the code is entered at GitHub in another window, as it would be
// with a telephone.
func TestDeviceLogin(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	s := servertest.New(t, withGitHub(g))
	w := open(t, chromedp.Navigate(s.URL+"/login?redirect=%2Fcli-auth"))
	w.press(t, ".providers a")
	w.shows(t, userCode)
	var link string
	w.do(t, chromedp.AttributeValue("#device a", "href", &link, nil, chromedp.ByQuery))
	telephone := open(t, chromedp.Navigate(link))
	telephone.fill(t, "user_code", w.text(t, userCode))
	telephone.press(t, "button")
	telephone.press(t, `button[value="Authorize"]`)
	w.shows(t, `form[action="/cli-auth"]`)
	w.do(t, chromedp.Navigate(s.URL))
	w.somebody(t, "kyle")
}

func TestDeviceLoginFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		given func(g *idptest.GitHub, code string)
		want  string
	}{
		"refused":  {func(g *idptest.GitHub, code string) { g.DenyDevice(code) }, "The login was refused at the provider."},
		"too late": {func(g *idptest.GitHub, _ string) { g.Advance(time.Hour) }, "The code has expired."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := idptest.NewGitHub(t)
			s := servertest.New(t, withGitHub(g))
			w := open(t, chromedp.Navigate(s.URL+"/login"))
			w.press(t, ".providers a")
			w.shows(t, userCode)
			test.given(g, w.text(t, userCode))
			w.shows(t, deviceStatus)
			if got := w.text(t, deviceStatus); got != test.want {
				t.Errorf("the page says %q, want %q", got, test.want)
			}
			w.shows(t, "#device-again:focus")
			first := w.text(t, userCode)
			w.press(t, "#device-again")
			w.shows(t, userCode+":not(.over)")
			if second := w.text(t, userCode); second == first {
				t.Errorf("the new code is the old one, %s", second)
			}
		})
	}
}

// TestDeviceLoginSlowsDown when the provider asks for it (RFC 8628, section 3.5).
func TestDeviceLoginSlowsDown(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	s := servertest.New(t, withGitHub(g))
	var mu sync.Mutex
	var polls []time.Time
	second := make(chan struct{})
	g.Override("/login/oauth/access_token", func(rw http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		polls = append(polls, time.Now())
		detail := "slow_down"
		if len(polls) > 1 {
			detail = "access_denied"
			close(second)
		}
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"error":"` + detail + `"}`))
	})
	w := open(t, chromedp.Navigate(s.URL+"/login"))
	w.press(t, ".providers a")
	w.shows(t, deviceStatus)
	<-second
	const interval = 1 + 5
	if gap := polls[1].Sub(polls[0]); gap < interval*time.Second {
		t.Errorf("the second question came %s after the first, want %d s", gap, interval)
	}
}
