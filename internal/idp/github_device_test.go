package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/idp/idptest"
)

const noDevice = "GitHub gave no code to log in with. Try again in a minute."

// newDeviceProvider is one of github.com for a client without a secret.
func newDeviceProvider(t *testing.T, g *idptest.GitHub) *idp.Provider {
	t.Helper()
	return newGitHubProvider(t, g, func(cfg *idp.GitHubConfig) {
		onGitHubCom(g)(cfg)
		cfg.DeviceFlow, cfg.ClientSecret = true, ""
	})
}

func startDevice(t *testing.T, p *idp.Provider) idp.DeviceCode {
	t.Helper()
	code, err := p.StartDevice(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func poll(t *testing.T, p *idp.Provider, code idp.DeviceCode) (idp.Login, error) {
	t.Helper()
	return p.Finish(t.Context(), idp.Callback{
		Code: code.DeviceCode, State: "github.state", Verifier: "of the cookie", Host: "usher.example.com",
	})
}

func TestGitHubDeviceFlow(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	g.SetUser(someone())
	p := newDeviceProvider(t, g)
	code := startDevice(t, p)
	if len(code.DeviceCode.Reveal()) != 40 || len(code.UserCode) != 9 || code.VerificationURI != g.URL+"/login/device" ||
		code.ExpiresIn != 900 || code.Interval != 5 {
		t.Errorf("got %+v", code)
	}
	_, err := poll(t, p, code)
	checkRefusal(t, &account.Error{Kind: account.KindInvalid, Message: noExchange, Detail: "authorization_pending"}, err)
	if !idp.IsPending(err) {
		t.Error("the login is not pending")
	}
	g.ApproveDevice(code.UserCode)
	g.Advance(5 * time.Second)
	login, err := poll(t, p, code)
	if err != nil {
		t.Fatal(err)
	}
	if login.Subject != "583231" || login.Issuer != "https://github.com" || login.GitHubUserID != 583231 || login.Username != "hello-world" {
		t.Errorf("got %+v", login.ExternalLogin)
	}
	if _, err = poll(t, p, code); detailOf(err) != "incorrect_device_code" {
		t.Errorf("a code of a device that was used: %v", err)
	}
}

// What is sent is what GitHub documents, and no more than the code that the
// library adds without a value.
func TestGitHubDeviceRequests(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	p := newGitHubProvider(t, g, func(cfg *idp.GitHubConfig) {
		onGitHubCom(g)(cfg)
		cfg.DeviceFlow = true
	})
	code := startDevice(t, p)
	_, _ = poll(t, p, code)
	requests := g.Requests()
	if len(requests) != 2 {
		t.Fatalf("%d requests", len(requests))
	}
	want := []url.Values{
		{"client_id": {idptest.GitHubClientID}, "scope": {"read:user read:org user:email"}},
		{
			"client_id": {idptest.GitHubClientID}, "device_code": {code.DeviceCode.Reveal()},
			"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "code": {""},
		},
	}
	got := []url.Values{requests[0].Form, requests[1].Form}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGitHubDeviceRefusals: the details are words that clients match on.
func TestGitHubDeviceRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		given func(*testing.T, *idptest.GitHub, *idp.Provider, *idp.DeviceCode)
		want  string
	}{
		{"too early", func(t *testing.T, _ *idptest.GitHub, p *idp.Provider, code *idp.DeviceCode) {
			_, _ = poll(t, p, *code)
		}, "slow_down"},
		{"early again, after five more seconds", func(t *testing.T, g *idptest.GitHub, p *idp.Provider, code *idp.DeviceCode) {
			_, _ = poll(t, p, *code)
			_, _ = poll(t, p, *code)
			g.Advance(6 * time.Second)
		}, "slow_down"},
		{"too late", func(_ *testing.T, g *idptest.GitHub, _ *idp.Provider, _ *idp.DeviceCode) {
			g.Advance(16 * time.Minute)
		}, "expired_token"},
		{"cancelled", func(_ *testing.T, g *idptest.GitHub, _ *idp.Provider, code *idp.DeviceCode) {
			g.DenyDevice(code.UserCode)
		}, "access_denied"},
		{"another code", func(_ *testing.T, _ *idptest.GitHub, _ *idp.Provider, code *idp.DeviceCode) {
			code.DeviceCode = "another"
		}, "incorrect_device_code"},
		{"an outage", func(_ *testing.T, g *idptest.GitHub, _ *idp.Provider, _ *idp.DeviceCode) {
			g.Fail("/login/oauth/access_token", http.StatusBadGateway)
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := idptest.NewGitHub(t)
			g.SetUser(someone())
			p := newDeviceProvider(t, g)
			code := startDevice(t, p)
			test.given(t, g, p, &code)
			_, err := poll(t, p, code)
			want := internal(noExchange)
			want.Detail = test.want
			checkRefusal(t, want, err)
			if idp.IsPending(err) {
				t.Error("the login is pending")
			}
		})
	}
}

// After slow_down the pace of the answer is right again.
func TestGitHubDeviceAfterSlowDown(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	g.SetUser(someone())
	p := newDeviceProvider(t, g)
	code := startDevice(t, p)
	_, _ = poll(t, p, code)
	_, _ = poll(t, p, code)
	g.ApproveDevice(strings.ToLower(strings.ReplaceAll(code.UserCode, "-", "")))
	g.Advance(10 * time.Second)
	if _, err := poll(t, p, code); err != nil {
		t.Error(err)
	}
}

func TestGitHubStartDeviceFails(t *testing.T) {
	t.Parallel()
	answers := func(body string) func(*idptest.GitHub) {
		return func(g *idptest.GitHub) {
			g.Override("/login/device/code", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		}
	}
	for name, given := range map[string]func(*idptest.GitHub){
		"an outage":             func(g *idptest.GitHub) { g.Fail("/login/device/code", http.StatusServiceUnavailable) },
		"off in the app":        (*idptest.GitHub).DisableDeviceFlow,
		"no JSON":               answers("device_code=a&user_code=b"),
		"nothing":               answers("{}"),
		"a link that is script": answers(`{"device_code":"a","user_code":"b","verification_uri":"javascript:alert(1)//x","interval":5}`),
		"a cut connection": func(g *idptest.GitHub) {
			g.Override("/login/device/code", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := idptest.NewGitHub(t)
			given(g)
			_, err := newDeviceProvider(t, g).StartDevice(t.Context())
			checkRefusal(t, internal(noDevice), err)
		})
	}
	t.Run("off here", func(t *testing.T) {
		t.Parallel()
		_, err := newGitHubProvider(t, idptest.NewGitHub(t), nil).StartDevice(t.Context())
		checkRefusal(t, account.Invalid("The device flow of GitHub is not turned on."), err)
	})
	t.Run("without an interval it is five seconds", func(t *testing.T) {
		t.Parallel()
		g := idptest.NewGitHub(t)
		answers(`{"device_code":"a","user_code":"b","verification_uri":"https://github.com/login/device"}`)(g)
		code := startDevice(t, newDeviceProvider(t, g))
		if code.Interval != 5 || code.ExpiresIn != 0 {
			t.Errorf("got %+v", code)
		}
	})
}

// A token that came by the device flow is renewed without a secret.
func TestGitHubDeviceRefresh(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	g.SetUser(someone())
	g.ExpireTokens()
	p := newDeviceProvider(t, g)
	code := startDevice(t, p)
	g.ApproveDevice(code.UserCode)
	login, err := poll(t, p, code)
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := p.Refresh(t.Context(), login.Tokens.Refresh)
	if err != nil || renewed.Access == login.Tokens.Access {
		t.Errorf("not renewed: %v", err)
	}
}

func nobody(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte(`{"id":583231,"login":""}`))
}
