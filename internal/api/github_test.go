package api_test

import (
	"net/http"
	"net/url"
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

const (
	githubCallbackAt = "/api/v2/users/oauth2/github/callback"
	githubDeviceAt   = "/api/v2/users/oauth2/github/device"
)

// kyle is an account at GitHub that every rule of these tests lets in.
func kyle() idptest.GitHubUser {
	return idptest.GitHubUser{
		ID: 1050, Login: "kyle", Name: "Kylium Carbonate", AvatarURL: "/hello-world",
		Emails: []idptest.GitHubEmail{{Email: "kyle@example.com", Primary: true, Verified: true}},
		Orgs:   []idptest.GitHubOrg{{Login: "acme"}},
		Teams:  []idptest.GitHubTeam{{Org: "acme", Slug: "doors"}},
	}
}

// withGitHub lets members of one organization in through the GitHub, and makes
// accounts for them; the functions may change that.
func withGitHub(g *idptest.GitHub, changes ...func(*idp.GitHubConfig)) servertest.Option {
	return func(cfg *server.Config) {
		cfg.GitHub = idp.GitHubConfig{
			ClientID: idptest.GitHubClientID, ClientSecret: idptest.GitHubClientSecret,
			AllowSignups: true, AllowedOrgs: []string{"acme"},
			Hosts: idp.GitHubHosts{Web: g.URL, API: g.APIURL},
		}
		for _, change := range changes {
			if change != nil {
				change(&cfg.GitHub)
			}
		}
	}
}

func byDevice(cfg *idp.GitHubConfig) { cfg.DeviceFlow = true }

// githubVisitor is a browser on its way through a login with GitHub, in which
// somebody is signed in there.
type githubVisitor struct {
	*browser
	github *idptest.GitHub
}

func visitGitHub(s *servertest.Server, g *idptest.GitHub) *githubVisitor {
	return &githubVisitor{browser: browse(s), github: g}
}

// begin goes as far as GitHub lets the visitor go, with either flow, and returns
// the address that ends the login. query is that of the beginning.
func (v *githubVisitor) begin(t testing.TB, query string) string {
	t.Helper()
	return v.beginAt(t, githubCallbackAt+query)
}

// beginAt is begin at the address of a login that was begun elsewhere.
func (v *githubVisitor) beginAt(t testing.TB, address string) string {
	t.Helper()
	a := v.visit(t, address).want(t, http.StatusTemporaryRedirect)
	to := location(t, a)
	if to.Path == "/login/device" {
		device := decode[sdk.ExternalAuthDevice](t, v.visit(t, githubDeviceAt).want(t, http.StatusOK))
		v.github.ApproveDevice(device.UserCode)
		return pollAt(device, to.Query().Get("state"))
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	back, err := response.Location()
	if err != nil || !strings.HasPrefix(back.String(), v.url+githubCallbackAt+"?") {
		t.Fatalf("GitHub answers %s and sends to %v", response.Status, back)
	}
	return back.RequestURI()
}

// login goes all the way.
func (v *githubVisitor) login(t testing.TB) answer {
	t.Helper()
	return v.visit(t, v.begin(t, ""))
}

// me expects that the login has ended well, and returns who is in.
func (v *githubVisitor) me(t testing.TB, a answer) sdk.User {
	t.Helper()
	if a.status != http.StatusOK {
		a.want(t, http.StatusTemporaryRedirect)
	}
	return v.person(t).User
}

func location(t testing.TB, a answer) *url.URL {
	t.Helper()
	to, err := url.Parse(a.header.Get("Location"))
	if err != nil || to.String() == "" {
		t.Fatalf("%s leads to %q: %v", a, a.header.Get("Location"), err)
	}
	return to
}

// pollAt is the address that asks whether a device was let in.
func pollAt(device sdk.ExternalAuthDevice, state string) string {
	return githubCallbackAt + "?" + url.Values{"code": {device.DeviceCode}, "state": {state}}.Encode()
}

// eachFlow runs a test with either flow.
func eachFlow(t *testing.T, test func(t *testing.T, flow func(*idp.GitHubConfig))) {
	t.Helper()
	t.Run("web", func(t *testing.T) {
		t.Parallel()
		test(t, nil)
	})
	t.Run("device", func(t *testing.T) {
		t.Parallel()
		test(t, byDevice)
	})
}

// TestGitHubSignup: the first user may come from GitHub and becomes the owner,
// whether or not anybody else may; later ones need signups.
func TestGitHubSignup(t *testing.T) {
	t.Parallel()
	eachFlow(t, func(t *testing.T, flow func(*idp.GitHubConfig)) {
		g := idptest.NewGitHub(t)
		s := servertest.Start(t, storetest.Database(t), withGitHub(g, flow, func(cfg *idp.GitHubConfig) { cfg.AllowSignups = false }))
		g.SetUser(kyle())
		v := visitGitHub(s, g)
		first := v.me(t, v.login(t))
		want := sdk.User{Username: "kyle", Name: "Kylium Carbonate", Email: "kyle@example.com", AvatarURL: "/hello-world", LoginType: "github"}
		got := sdk.User{Username: first.Username, Name: first.Name, Email: first.Email, AvatarURL: first.AvatarURL, LoginType: first.LoginType}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(first.OrganizationIDs) != 1 || len(first.Roles) != 1 || first.Roles[0].Name != "owner" || first.Status != sdk.UserStatusActive {
			t.Errorf("organizations %v, roles %v, status %s", first.OrganizationIDs, first.Roles, first.Status)
		}
		again := visitGitHub(s, g)
		if back := again.me(t, again.login(t)); back.ID != first.ID {
			t.Errorf("comes back as %s, not as %s", back.ID, first.ID)
		}
		other := kyle()
		other.ID, other.Login, other.Emails[0].Email = 2, "other", "other@example.com"
		g.SetUser(other)
		late := visitGitHub(s, g)
		late.login(t).want(t, http.StatusForbidden)
	})
}

// TestGitHubAccounts is what becomes of accounts from login to login.
func TestGitHubAccounts(t *testing.T) {
	t.Parallel()
	eachFlow(t, func(t *testing.T, flow func(*idp.GitHubConfig)) {
		g := idptest.NewGitHub(t)
		s := servertest.New(t, withGitHub(g, flow))
		in := func(user idptest.GitHubUser) sdk.User {
			t.Helper()
			g.SetUser(user)
			v := visitGitHub(s, g)
			return v.me(t, v.login(t))
		}
		user := kyle()
		user.Login, user.Name = "_hello__world_", strings.Repeat("x", 129)
		first := in(user)
		if first.Username != "hello-world" || first.Name != strings.Repeat("x", 128) || len(first.Roles) != 0 {
			t.Errorf("%s, a name of %d bytes, roles %v", first.Username, len(first.Name), first.Roles)
		}
		user.Login, user.Name, user.AvatarURL = "renamed", "", "https://example.com/new.png"
		user.Emails = append([]idptest.GitHubEmail{{Email: "new@example.com", Primary: true, Verified: true}}, user.Emails...)
		second := in(user)
		if second.ID != first.ID || second.Username != "hello-world" || second.Name != "" || second.Email != "new@example.com" ||
			second.AvatarURL != "https://example.com/new.png" {
			t.Errorf("after a change at GitHub: %+v", second)
		}
		twin := kyle()
		twin.ID, twin.Login, twin.Emails[0].Email = 7, "hello_world", "twin@example.com"
		if third := in(twin); third.ID == first.ID || !strings.HasPrefix(third.Username, "hello-world-") {
			t.Errorf("somebody else of the same name: %s", third.Username)
		}
		owner(s).delete(t, path(first.ID)).want(t, http.StatusOK)
		if fresh := in(user); fresh.ID == first.ID || fresh.Username != "renamed" || fresh.Email != "new@example.com" {
			t.Errorf("after the account was deleted: %+v", fresh)
		}
	})
}

// TestGitHubNumbers: the ids of github.com are known, those of another server
// are not taken for them.
func TestGitHubNumbers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		enterprise bool
		want       int
	}{"github.com": {false, 1}, "an enterprise server": {true, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := idptest.NewGitHub(t)
			s := servertest.New(t, withGitHub(g, func(cfg *idp.GitHubConfig) {
				if test.enterprise {
					cfg.EnterpriseBaseURL = g.URL
				}
			}))
			g.SetUser(kyle())
			v := visitGitHub(s, g)
			v.me(t, v.login(t))
			found := decode[sdk.GetUsersResponse](t, owner(s).get(t, "/api/v2/users?q=github_com_user_id:1050").want(t, http.StatusOK))
			if len(found.Users) != test.want {
				t.Errorf("%d users have the number", len(found.Users))
			}
		})
	}
}

// TestGitHubRedirects: the login leads to where it was begun for, on this host.
func TestGitHubRedirects(t *testing.T) {
	t.Parallel()
	eachFlow(t, func(t *testing.T, flow func(*idp.GitHubConfig)) {
		g := idptest.NewGitHub(t)
		s := servertest.New(t, withGitHub(g, flow))
		g.SetUser(kyle())
		for query, want := range map[string]string{
			"": "/", "?redirect=%2Ffoo%2Fbar%3Fhello%3Dworld%26bar%3Dbaz": "/foo/bar?hello=world&bar=baz",
			"?redirect=https%3A%2F%2Fmalicious.com%2Fmy%2Fpath": "/my/path", "?redirect=%2F%2F%2Fevil.example": "/evil.example",
		} {
			v := visitGitHub(s, g)
			a := v.visit(t, v.begin(t, query))
			got := a.header.Get("Location")
			if flow != nil {
				got = decode[sdk.RedirectResponse](t, a.want(t, http.StatusOK)).RedirectURL
			} else {
				a.want(t, http.StatusTemporaryRedirect)
			}
			if got != want {
				t.Errorf("%s leads to %q, want %q", query, got, want)
			}
			for _, name := range []string{"oauth_state", "oauth_redirect", "oauth_pkce_verifier"} {
				if value, kept := v.cookies[name]; kept {
					t.Errorf("%s is still %q", name, value)
				}
			}
		}
	})
}
