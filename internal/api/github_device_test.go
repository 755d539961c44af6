package api_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/internal/idp/idptest"
	"usher/internal/server/servertest"
	"usher/sdk"
)

// startDevice begins a login with the device flow, and returns the address that
// is polled.
func startDevice(t *testing.T, v *githubVisitor) (device sdk.ExternalAuthDevice, poll string) {
	t.Helper()
	to := location(t, v.visit(t, githubCallbackAt+"?redirect=%2Fafter").want(t, http.StatusTemporaryRedirect))
	if to.Scheme != "" || to.Host != "" || to.Path != "/login/device" || len(to.Query().Get("state")) != len("github.")+32 {
		t.Fatalf("the login leads to %s", to)
	}
	for _, name := range []string{"oauth_state", "oauth_redirect", "oauth_pkce_verifier"} {
		if v.cookies[name] == "" {
			t.Errorf("the cookie %s is not set", name)
		}
	}
	if v.cookies["oauth_state"] != to.Query().Get("state") {
		t.Errorf("the state of the cookie is %q, that of the page %q", v.cookies["oauth_state"], to.Query().Get("state"))
	}
	device = decode[sdk.ExternalAuthDevice](t, v.visit(t, githubDeviceAt).want(t, http.StatusOK))
	return device, pollAt(device, to.Query().Get("state"))
}

func pending(status int, detail string) githubRefusal {
	return githubRefusal{status: status, message: "The identity provider did not accept the login.", detail: detail}
}

// TestGitHubDeviceFlow is a login of somebody who takes a while.
func TestGitHubDeviceFlow(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	s := servertest.New(t, withGitHub(g, byDevice))
	g.SetUser(kyle())
	v := visitGitHub(s, g)
	device, poll := startDevice(t, v)
	pending(http.StatusBadRequest, "authorization_pending").check(t, v.visit(t, poll), true)
	pending(http.StatusInternalServerError, "slow_down").check(t, v.visit(t, poll), true)
	g.Advance(10 * time.Second)
	pending(http.StatusBadRequest, "authorization_pending").check(t, v.visit(t, poll), true)
	g.ApproveDevice(device.UserCode)
	g.Advance(10 * time.Second)
	a := v.visit(t, poll).want(t, http.StatusOK)
	if diff := cmp.Diff(map[string]any{"redirect_url": "/after"}, decode[map[string]any](t, a)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if user := v.me(t, a); user.Username != "kyle" || user.LoginType != "github" {
		t.Errorf("in is %+v", user)
	}
}

// TestGitHubDeviceCode is exactly what GitHub said.
func TestGitHubDeviceCode(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	g.Override("/login/device/code", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"device_code":"d","user_code":"ABCD-1234","verification_uri":"https://github.com/login/device","expires_in":899,"interval":7}`))
	})
	s := servertest.New(t, withGitHub(g, byDevice))
	got := decode[map[string]any](t, guest(s).get(t, githubDeviceAt).want(t, http.StatusOK))
	want := map[string]any{
		"device_code": "d", "user_code": "ABCD-1234", "verification_uri": "https://github.com/login/device",
		"expires_in": float64(899), "interval": float64(7),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	g.Fail("/login/device/code", http.StatusBadGateway)
	githubRefusal{status: http.StatusInternalServerError, message: "GitHub gave no code to log in with. Try again in a minute."}.
		check(t, guest(s).get(t, githubDeviceAt), true)
}

// TestGitHubDeviceRefused: the details are words that clients match on, and a
// login that cannot succeed any more is over.
func TestGitHubDeviceRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		given func(*idptest.GitHub, sdk.ExternalAuthDevice)
		want  string
	}{
		"too late":  {func(g *idptest.GitHub, _ sdk.ExternalAuthDevice) { g.Advance(16 * time.Minute) }, "expired_token"},
		"cancelled": {func(g *idptest.GitHub, d sdk.ExternalAuthDevice) { g.DenyDevice(d.UserCode) }, "access_denied"},
		"off": {func(g *idptest.GitHub, _ sdk.ExternalAuthDevice) {
			g.Override("/login/oauth/access_token", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(map[string]string{"error": "device_flow_disabled"})
			})
		}, "device_flow_disabled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := idptest.NewGitHub(t)
			g.SetUser(kyle())
			v := visitGitHub(servertest.New(t, withGitHub(g, byDevice)), g)
			device, poll := startDevice(t, v)
			test.given(g, device)
			pending(http.StatusInternalServerError, test.want).check(t, v.visit(t, poll), true)
			for cookie := range v.cookies {
				t.Errorf("the cookie %s is kept", cookie)
			}
		})
	}
}

// TestGitHubDeviceNeedsItsBrowser: the cookies of the beginning are asked for at
// each poll.
func TestGitHubDeviceNeedsItsBrowser(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	g.SetUser(kyle())
	s := servertest.New(t, withGitHub(g, byDevice))
	for cookie, status := range map[string]int{"oauth_state": http.StatusUnauthorized, "oauth_pkce_verifier": http.StatusBadRequest} {
		v := visitGitHub(s, g)
		device, poll := startDevice(t, v)
		g.ApproveDevice(device.UserCode)
		delete(v.cookies, cookie)
		v.visit(t, poll).refused(t, status, cookie)
	}
}

// TestGitHubIsOff says so, with 400, also where only its device flow is.
func TestGitHubIsOff(t *testing.T) {
	t.Parallel()
	without := servertest.New(t)
	guest(without).get(t, githubCallbackAt).refused(t, http.StatusBadRequest, "not configured")
	guest(without).get(t, githubDeviceAt).refused(t, http.StatusBadRequest, "not configured")
	web := servertest.New(t, withGitHub(idptest.NewGitHub(t)))
	guest(web).get(t, githubDeviceAt).refused(t, http.StatusBadRequest, "not configured")
	for _, s := range []*servertest.Server{without, web} {
		methods := decode[sdk.AuthMethods](t, guest(s).get(t, "/api/v2/users/authmethods").want(t, http.StatusOK))
		if methods.GitHub.Enabled != (s == web) || methods.GitHub.DefaultProviderConfigured {
			t.Errorf("authmethods has %+v", methods.GitHub)
		}
	}
}
