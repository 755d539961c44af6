package idp_test

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/secret"
)

const githubAccess = "https://usher.example.com"

// someone is an account that every rule of these tests lets in.
func someone() idptest.GitHubUser {
	return idptest.GitHubUser{
		ID: 583231, Login: "hello_world", Name: "Hello World", AvatarURL: "https://avatars.example.com/u/583231",
		Emails: []idptest.GitHubEmail{
			{Email: "old@example.com", Verified: true},
			{Email: "hello@example.com", Primary: true, Verified: true},
		},
		Orgs:  []idptest.GitHubOrg{{Login: "acme"}},
		Teams: []idptest.GitHubTeam{{Org: "acme", Slug: "doors"}},
	}
}

// newGitHubProvider is of an enterprise server; the function may change that.
func newGitHubProvider(t *testing.T, g *idptest.GitHub, change func(*idp.GitHubConfig)) *idp.Provider {
	t.Helper()
	access, err := url.Parse(githubAccess)
	if err != nil {
		t.Fatal(err)
	}
	cfg := idp.GitHubConfig{
		ClientID: idptest.GitHubClientID, ClientSecret: idptest.GitHubClientSecret, AccessURL: access,
		AllowedOrgs: []string{"elsewhere", "acme"}, EnterpriseBaseURL: g.URL,
	}
	if change != nil {
		change(&cfg)
	}
	p, err := idp.NewGitHub(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// onGitHubCom makes the provider one of github.com.
func onGitHubCom(g *idptest.GitHub) func(*idp.GitHubConfig) {
	return func(cfg *idp.GitHubConfig) {
		cfg.EnterpriseBaseURL, cfg.Hosts = "", idp.GitHubHosts{Web: g.URL, API: g.APIURL}
	}
}

// visitGitHub goes to GitHub as a browser does and returns what it brings back.
func visitGitHub(t *testing.T, p *idp.Provider) idp.Callback {
	t.Helper()
	start, err := p.Begin(t.Context(), "github.state", "usher.example.com")
	if err != nil {
		t.Fatal(err)
	}
	back := sentTo(t, start.URL)
	if got := back.Scheme + "://" + back.Host + back.Path; got != githubAccess+"/api/v2/users/oauth2/github/callback" {
		t.Fatalf("sent to %s", got)
	}
	return idp.Callback{
		Code: secret.Redacted(back.Query().Get("code")), State: back.Query().Get("state"),
		Verifier: start.Verifier, Host: "usher.example.com",
	}
}

// sentTo asks for a page and returns where it sends a browser.
func sentTo(t *testing.T, address string) *url.URL {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	to, err := response.Location()
	if err != nil {
		t.Fatalf("%s: %s", response.Status, err)
	}
	return to
}

func TestGitHubSendsPeopleThere(t *testing.T) {
	t.Parallel()
	p := newGitHubProvider(t, idptest.NewGitHub(t), func(cfg *idp.GitHubConfig) { cfg.EnterpriseBaseURL = "" })
	start, err := p.Begin(t.Context(), "github.state", "anything.example.com")
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(start.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := to.Query()
	to.RawQuery = ""
	if to.String() != "https://github.com/login/oauth/authorize" {
		t.Errorf("sent to %s", to)
	}
	challenge := query.Get("code_challenge")
	query.Del("code_challenge")
	want := url.Values{
		"response_type": {"code"}, "client_id": {idptest.GitHubClientID}, "state": {"github.state"}, "access_type": {"offline"},
		"redirect_uri": {githubAccess + "/api/v2/users/oauth2/github/callback"},
		"scope":        {"read:user read:org user:email"}, "code_challenge_method": {"S256"},
	}
	if diff := cmp.Diff(want, query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	if len(challenge) != 43 || len(start.Verifier.Reveal()) != 43 || challenge == start.Verifier.Reveal() || start.RedirectURI != "" {
		t.Errorf("challenge %q, verifier of %d, redirect %q", challenge, len(start.Verifier.Reveal()), start.RedirectURI)
	}
	if uses, err := p.UsesPKCE(t.Context()); err != nil || !uses {
		t.Errorf("PKCE is not used: %v", err)
	}
}

// Whoever is let in is known by the fields that an account can have, and GitHub
// is asked no more than the contract says.
func TestGitHubLogin(t *testing.T) {
	t.Parallel()
	want := account.ExternalLogin{
		Provider: "github", LoginType: account.LoginGitHub, Subject: "583231", Email: "hello@example.com", EmailVerified: true,
		Username: "hello-world", Name: "Hello World", AvatarURL: "https://avatars.example.com/u/583231",
	}
	for _, test := range []struct {
		name   string
		change func(*idptest.GitHub) func(*idp.GitHubConfig)
		expect func(*idptest.GitHub, *account.ExternalLogin)
		api    func(*idptest.GitHub) string // the host of the API
	}{
		{"github.com", onGitHubCom, func(_ *idptest.GitHub, who *account.ExternalLogin) {
			who.Issuer, who.GitHubUserID = "https://github.com", 583231
		}, func(g *idptest.GitHub) string { return g.APIURL }},
		{"an enterprise server", func(g *idptest.GitHub) func(*idp.GitHubConfig) {
			return func(cfg *idp.GitHubConfig) { cfg.EnterpriseBaseURL = g.URL + "/" }
		}, func(g *idptest.GitHub, who *account.ExternalLogin) {
			who.Issuer = g.URL
		}, func(g *idptest.GitHub) string { return g.URL }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := idptest.NewGitHub(t)
			g.SetUser(someone())
			p := newGitHubProvider(t, g, func(cfg *idp.GitHubConfig) {
				test.change(g)(cfg)
				cfg.AllowedTeams = []string{"elsewhere/doors", "acme/windows", "acme/doors", "acme/roofs"}
			})
			login, err := p.Finish(t.Context(), visitGitHub(t, p))
			if err != nil {
				t.Fatal(err)
			}
			want := want
			test.expect(g, &want)
			if diff := cmp.Diff(want, login.ExternalLogin); diff != "" {
				t.Errorf("login (-want +got):\n%s", diff)
			}
			if !strings.HasPrefix(login.Tokens.Access.Reveal(), "gho_") || login.Tokens.Refresh != "" || !login.Tokens.Expiry.IsZero() {
				t.Errorf("tokens: refresh %t, expiry %v", login.Tokens.Refresh != "", login.Tokens.Expiry)
			}
			checkGitHubCalls(t, g, test.api(g))
		})
	}
}

func checkGitHubCalls(t *testing.T, g *idptest.GitHub, api string) {
	t.Helper()
	var calls []string
	for _, r := range g.Requests() {
		if strings.HasPrefix(r.Path, "/login/") {
			continue
		}
		calls = append(calls, r.Method+" "+(&url.URL{Path: r.Path, RawQuery: r.Query.Encode()}).String())
		if "http://"+r.Host != api || r.Header.Get("Accept") != "application/vnd.github+json" ||
			r.Header.Get("X-Github-Api-Version") != "2022-11-28" || r.Header.Get("User-Agent") != "usher" {
			t.Errorf("%s at %s with Accept %q, version %q, agent %q", r.Path, r.Host,
				r.Header.Get("Accept"), r.Header.Get("X-Github-Api-Version"), r.Header.Get("User-Agent"))
		}
	}
	want := []string{
		"GET /user/memberships/orgs?per_page=100&state=active",
		"GET /user",
		"GET /orgs/acme/teams/windows/memberships/hello_world",
		"GET /orgs/acme/teams/doors/memberships/hello_world",
		"GET /user/emails",
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// Tokens of GitHub Apps expire, and what renews them is good once.
func TestGitHubRefresh(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	g.SetUser(someone())
	g.ExpireTokens()
	p := newGitHubProvider(t, g, nil)
	login, err := p.Finish(t.Context(), visitGitHub(t, p))
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(login.Tokens.Expiry); left < 7*time.Hour || left > 8*time.Hour || !strings.HasPrefix(login.Tokens.Refresh.Reveal(), "ghr_") {
		t.Fatalf("the token expires in %v; refresh token %t", left, login.Tokens.Refresh != "")
	}
	renewed, err := p.Refresh(t.Context(), login.Tokens.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if renewed.Access == login.Tokens.Access || renewed.Refresh == login.Tokens.Refresh || renewed.Refresh == "" || renewed.Expiry.IsZero() {
		t.Errorf("not all is new: %v, expires %v", renewed, renewed.Expiry)
	}
	_, err = p.Refresh(t.Context(), login.Tokens.Refresh)
	if diff := cmp.Diff(&idp.RefusedError{Code: "bad_refresh_token"}, err); diff != "" {
		t.Errorf("the old refresh token (-want +got):\n%s", diff)
	}
	for _, status := range []int{http.StatusBadGateway, http.StatusTooManyRequests, http.StatusForbidden} {
		g.Fail("/login/oauth/access_token", status)
		if _, err = p.Refresh(t.Context(), renewed.Refresh); err == nil || isRefused(err) {
			t.Errorf("%d: got %v; the refresh token was not refused", status, err)
		}
	}
	g.Fail("/login/oauth/access_token", 0)
	if _, err = p.Refresh(t.Context(), renewed.Refresh); err != nil {
		t.Errorf("after an outage: %v", err)
	}
}

func isRefused(err error) bool {
	_, ok := err.(*idp.RefusedError) //nolint:errorlint // the contract of Refresh is this type
	return ok
}

func TestGitHubOverTLS(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHubTLS(t)
	g.SetUser(someone())
	finish := func(roots *x509.CertPool) error {
		p := newGitHubProvider(t, g, func(cfg *idp.GitHubConfig) { cfg.Roots = roots })
		_, err := p.Finish(t.Context(), idp.Callback{Code: "unknown", Host: "usher.example.com"})
		return err
	}
	if err := finish(nil); detailOf(err) != "" || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody trusts: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(g.Certificate())
	if err := finish(roots); detailOf(err) != "bad_verification_code" {
		t.Errorf("the code did not reach GitHub: %v", err)
	}
}

func TestGitHubEndsWithItsContext(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	g.SetUser(someone())
	ctx, cancel := context.WithCancel(t.Context())
	g.Override("/user", func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	p := newGitHubProvider(t, g, nil)
	if _, err := p.Finish(ctx, visitGitHub(t, p)); account.KindOf(err) != account.KindInternal {
		t.Errorf("got %v", err)
	}
}

// TestGitHubConfig is one fault at a time, but for the last case.
func TestGitHubConfig(t *testing.T) {
	t.Parallel()
	fine := idp.GitHubConfig{ClientID: "id", ClientSecret: "hunter2", AllowedOrgs: []string{"acme"}}
	access := &url.URL{Scheme: "https", Host: "usher.example.com"}
	if _, err := idp.NewGitHub(fine); err == nil {
		t.Error("a provider without an address to come back to")
	}
	for _, test := range []struct {
		name   string
		change func(*idp.GitHubConfig)
		want   []string // the fields
	}{
		{"an organization", func(*idp.GitHubConfig) {}, nil},
		{"a team", func(c *idp.GitHubConfig) { c.AllowedTeams = []string{"acme/doors"} }, nil},
		{"everyone", func(c *idp.GitHubConfig) { c.AllowEveryone, c.AllowedOrgs = true, nil }, nil},
		{"an enterprise server", func(c *idp.GitHubConfig) { c.EnterpriseBaseURL = "https://git.example.com/github/" }, nil},
		{"devices", func(c *idp.GitHubConfig) { c.DeviceFlow = true }, nil},
		{"devices of a public client", func(c *idp.GitHubConfig) { c.DeviceFlow, c.ClientSecret = true, "" }, nil},
		{"nothing", func(c *idp.GitHubConfig) { *c = idp.GitHubConfig{} }, nil},
		{"nothing but rules", func(c *idp.GitHubConfig) { c.ClientID, c.ClientSecret = "", "" }, nil},
		{"no id", func(c *idp.GitHubConfig) { c.ClientID = "" }, []string{"client_id"}},
		{"no secret", func(c *idp.GitHubConfig) { c.ClientSecret = "" }, []string{"client_secret"}},
		{"no rule", func(c *idp.GitHubConfig) { c.AllowedOrgs = nil }, []string{"allowed_orgs"}},
		{"teams alone", func(c *idp.GitHubConfig) { c.AllowedOrgs, c.AllowedTeams = nil, []string{"acme/doors"} }, []string{"allowed_orgs"}},
		{"everyone and some", func(c *idp.GitHubConfig) { c.AllowEveryone = true }, []string{"allow_everyone"}},
		{"everyone and some teams", func(c *idp.GitHubConfig) {
			c.AllowEveryone, c.AllowedOrgs, c.AllowedTeams = true, nil, []string{"acme/doors"}
		}, []string{"allow_everyone"}},
		{"a team without its org", func(c *idp.GitHubConfig) { c.AllowedTeams = []string{"doors"} }, []string{"allowed_teams"}},
		{"an empty org", func(c *idp.GitHubConfig) { c.AllowedTeams = []string{"/doors"} }, []string{"allowed_teams"}},
		{"an empty team", func(c *idp.GitHubConfig) { c.AllowedTeams = []string{"acme/"} }, []string{"allowed_teams"}},
		{"a team with another part", func(c *idp.GitHubConfig) { c.AllowedTeams = []string{"acme/doors/keys"} }, []string{"allowed_teams"}},
		{"no URL", func(c *idp.GitHubConfig) { c.EnterpriseBaseURL = "git.example.com" }, []string{"enterprise_base_url"}},
		{"a URL with a password", func(c *idp.GitHubConfig) { c.EnterpriseBaseURL = "https://a:hunter2@git.example.com" }, []string{"enterprise_base_url"}},
		{"a URL with a query", func(c *idp.GitHubConfig) { c.EnterpriseBaseURL = "https://git.example.com/?a" }, []string{"enterprise_base_url"}},
		{"devices of an enterprise server", func(c *idp.GitHubConfig) {
			c.DeviceFlow, c.EnterpriseBaseURL = true, "https://git.example.com"
		}, []string{"device_flow"}},
		{"the URL alone", func(c *idp.GitHubConfig) {
			*c = idp.GitHubConfig{EnterpriseBaseURL: "https://git.example.com"}
		}, []string{"client_id", "client_secret", "allowed_orgs"}},
	} {
		cfg := fine
		test.change(&cfg)
		var got []string
		for _, fault := range cfg.Check() {
			got = append(got, fault.Field)
			if strings.Contains(fault.Detail, "hunter2") {
				t.Errorf("%s: a secret is shown: %s", test.name, fault.Detail)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		cfg.AccessURL = access
		if _, err := idp.NewGitHub(cfg); (err != nil) != (test.want != nil) {
			t.Errorf("%s: NewGitHub: %v", test.name, err)
		}
	}
}
