package api_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/server/servertest"
	"usher/sdk"
)

// githubRefusal is what somebody is told. With a title it is a page in a browser.
type githubRefusal struct {
	status                 int
	title, message, detail string
}

func (want githubRefusal) check(t *testing.T, a answer, device bool) {
	t.Helper()
	a.want(t, want.status)
	if want.title == "" || device {
		if diff := cmp.Diff(sdk.Response{Message: want.message, Detail: want.detail}, decode[sdk.Response](t, a)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		return
	}
	text := html.UnescapeString(string(a.body))
	if got := a.header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("the page is %s", got)
	}
	for _, part := range []string{"<!doctype html>", want.title, want.message, "Back to login"} {
		if !strings.Contains(text, part) {
			t.Errorf("the page lacks %q:\n%s", part, text)
		}
	}
	if strings.Contains(string(a.body), `"message"`) || strings.Contains(text, "<title>403") {
		t.Errorf("the page is no page for people:\n%s", text)
	}
	to := a.header.Get("Location")
	if want.status != http.StatusUnauthorized {
		if to != "" {
			t.Errorf("leads to %q", to)
		}
		return
	}
	if at := location(t, a); at.Path != "/login" || at.Query().Get("message") == "" || at.Query().Get("redirect") != "/after" {
		t.Errorf("leads to %q", to)
	}
}

const (
	githubNotAsked = "GitHub could not be asked who you are. Try again in a minute."
	githubNoOrg    = "Your GitHub account is not an active member of an organization whose members may log in here."
	githubNoTeam   = "Your GitHub account is in none of the teams whose members may log in here."
)

// githubScene is what a row of the contract begins with.
type githubScene struct {
	*servertest.Server
	github *idptest.GitHub
}

// in logs an account in.
func (s githubScene) in(t *testing.T, user idptest.GitHubUser) sdk.User {
	t.Helper()
	s.github.SetUser(user)
	v := visitGitHub(s.Server, s.github)
	return v.me(t, v.login(t))
}

func githubRows() map[string]struct {
	config func(*idp.GitHubConfig)
	given  func(*testing.T, githubScene, *idptest.GitHubUser)
	want   githubRefusal
} {
	failed := githubRefusal{status: http.StatusInternalServerError, message: githubNotAsked}
	unverified := githubRefusal{status: http.StatusBadRequest, message: "Your primary e-mail address at GitHub must be verified."}
	fails := func(path string) func(*testing.T, githubScene, *idptest.GitHubUser) {
		return func(_ *testing.T, s githubScene, _ *idptest.GitHubUser) { s.github.Fail(path, http.StatusBadGateway) }
	}
	teams := func(cfg *idp.GitHubConfig) { cfg.AllowedTeams = []string{"acme/doors"} }
	return map[string]struct {
		config func(*idp.GitHubConfig)
		given  func(*testing.T, githubScene, *idptest.GitHubUser)
		want   githubRefusal
	}{
		"1 no organization": {nil, func(_ *testing.T, _ githubScene, u *idptest.GitHubUser) {
			u.Orgs = []idptest.GitHubOrg{{Login: "other"}, {Login: "Acme"}}
		}, githubRefusal{http.StatusUnauthorized, "Unauthorized", "Unauthorized", githubNoOrg}},
		"1 a pending membership": {nil, func(_ *testing.T, _ githubScene, u *idptest.GitHubUser) {
			u.Orgs = []idptest.GitHubOrg{{Login: "acme", State: "pending"}}
		}, githubRefusal{http.StatusUnauthorized, "Unauthorized", "Unauthorized", githubNoOrg}},
		"1 error": {nil, fails("/user/memberships/orgs"), failed},
		"1 the rate limit": {nil, func(_ *testing.T, s githubScene, _ *idptest.GitHubUser) {
			s.github.SetRateLimit(0, http.StatusForbidden)
		}, githubRefusal{
			status:  http.StatusInternalServerError,
			message: "GitHub limits how often it can be asked, and answers no more for now. Try again in a few minutes.",
		}},
		"2 error": {nil, fails("/user"), failed},
		"3 no team": {teams, func(_ *testing.T, _ githubScene, u *idptest.GitHubUser) {
			u.Teams = []idptest.GitHubTeam{{Org: "acme", Slug: "windows"}, {Org: "other", Slug: "doors"}}
		}, githubRefusal{http.StatusUnauthorized, "Unauthorized", "Unauthorized", githubNoTeam}},
		"4 not verified": {nil, func(_ *testing.T, _ githubScene, u *idptest.GitHubUser) { u.Emails[0].Verified = false }, unverified},
		"4 not primary":  {nil, func(_ *testing.T, _ githubScene, u *idptest.GitHubUser) { u.Emails[0].Primary = false }, unverified},
		"4 error":        {nil, fails("/user/emails"), failed},
		"5 no id": {nil, func(_ *testing.T, s githubScene, _ *idptest.GitHubUser) {
			s.github.Override("/user", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"login":"kyle"}`)) })
		}, failed},
		"6 linked to another identity": {nil, func(t *testing.T, s githubScene, u *idptest.GitHubUser) {
			s.in(t, *u)
			u.ID = 2
		}, githubRefusal{
			status:  http.StatusForbidden,
			message: "The account with your e-mail address is linked to another identity of GitHub. Sign in with that one, or contact an administrator.",
		}},
		"7 signups are off": {func(cfg *idp.GitHubConfig) { cfg.AllowSignups = false }, nil, githubRefusal{
			status: http.StatusForbidden, title: "Signups are disabled",
			message: "There is no account for you here, and signing up is turned off. Ask an administrator for an account.",
		}},
		"7 another login type": {nil, func(t *testing.T, s githubScene, _ *idptest.GitHubUser) {
			create(t, s.Server, newUser("kyle"))
		}, githubRefusal{
			status: http.StatusForbidden, title: "Incorrect login type",
			message: "The account with your e-mail address does not sign in with GitHub but in another way (password). " +
				"Sign in with your password; in the settings of the account you can convert it.",
		}},
		"7 suspended": {nil, func(t *testing.T, s githubScene, u *idptest.GitHubUser) {
			user := s.in(t, *u)
			owner(s.Server).put(t, path(user.ID, "status", "suspend"), nil).want(t, http.StatusOK)
		}, githubRefusal{
			status: http.StatusForbidden, title: "Account suspended",
			message: "Your account is suspended. Contact an admin to reactivate it.",
		}},
		"7 the new address is somebody else's": {nil, func(t *testing.T, s githubScene, u *idptest.GitHubUser) {
			s.in(t, *u)
			create(t, s.Server, newUser("else"))
			u.Emails = []idptest.GitHubEmail{{Email: "else@example.com", Primary: true, Verified: true}}
		}, githubRefusal{
			status: http.StatusConflict, title: "Email address in use",
			message: "Your e-mail address has changed at your provider, and another account here has the new one. Contact an administrator.",
		}},
	}
}

// TestGitHubRefusals is each row of the contract's table with either flow: what
// is a page in a browser is JSON for a device, and nobody is in afterwards.
func TestGitHubRefusals(t *testing.T) {
	t.Parallel()
	for name, row := range githubRows() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachFlow(t, func(t *testing.T, flow func(*idp.GitHubConfig)) {
				g := idptest.NewGitHub(t)
				scene := githubScene{Server: servertest.New(t, withGitHub(g, flow, row.config)), github: g}
				user := kyle()
				if row.given != nil {
					row.given(t, scene, &user)
				}
				g.SetUser(user)
				v := visitGitHub(scene.Server, g)
				a := v.visit(t, v.begin(t, "?redirect=%2Fafter"))
				row.want.check(t, a, flow != nil)
				for cookie := range v.cookies {
					t.Errorf("the cookie %s is kept", cookie)
				}
			})
		})
	}
}

// A team that somebody is only invited to counts: the contract has the call
// succeed, whatever it says.
func TestGitHubInvitedToTeam(t *testing.T) {
	t.Parallel()
	eachFlow(t, func(t *testing.T, flow func(*idp.GitHubConfig)) {
		g := idptest.NewGitHub(t)
		s := githubScene{Server: servertest.New(t, withGitHub(g, flow, func(cfg *idp.GitHubConfig) {
			cfg.AllowedTeams = []string{"acme/windows", "acme/doors"}
		})), github: g}
		user := kyle()
		user.Teams[0].State = "pending"
		if got := s.in(t, user); got.Username != "kyle" {
			t.Errorf("got %+v", got)
		}
	})
}

// TestGitHubEveryone needs no organization at all.
func TestGitHubEveryone(t *testing.T) {
	t.Parallel()
	eachFlow(t, func(t *testing.T, flow func(*idp.GitHubConfig)) {
		g := idptest.NewGitHub(t)
		s := githubScene{Server: servertest.New(t, withGitHub(g, flow, func(cfg *idp.GitHubConfig) {
			cfg.AllowEveryone, cfg.AllowedOrgs = true, nil
		})), github: g}
		user := kyle()
		user.Orgs = nil
		if got := s.in(t, user); got.Username != "kyle" {
			t.Errorf("got %+v", got)
		}
	})
}

// TestGitHubCodes: a code is good once, and only with the verifier of the browser
// that began.
func TestGitHubCodes(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	s := servertest.New(t, withGitHub(g))
	g.SetUser(kyle())
	spoilt := githubRefusal{
		status: http.StatusInternalServerError, message: "The identity provider did not accept the login.", detail: "bad_verification_code",
	}

	v := visitGitHub(s, g)
	end := v.begin(t, "")
	began := map[string]string{}
	for name, value := range v.cookies {
		began[name] = value
	}
	v.visit(t, end).want(t, http.StatusTemporaryRedirect)
	v.visit(t, end).want(t, http.StatusUnauthorized) // its cookies are gone
	replay := visitGitHub(s, g)
	replay.cookies = began
	spoilt.check(t, replay.visit(t, end), false)

	v = visitGitHub(s, g)
	end = v.begin(t, "")
	v.cookies["oauth_pkce_verifier"] = strings.Repeat("x", 43)
	spoilt.check(t, v.visit(t, end), false)

	v = visitGitHub(s, g)
	end = v.begin(t, "")
	delete(v.cookies, "oauth_pkce_verifier")
	v.visit(t, end).refused(t, http.StatusBadRequest, "oauth_pkce_verifier")
}
