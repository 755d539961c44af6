package idp_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/secret"
)

const (
	notInOrg   = "Your GitHub account is not an active member of an organization whose members may log in here."
	notInTeam  = "Your GitHub account is in none of the teams whose members may log in here."
	notAsked   = "GitHub could not be asked who you are. Try again in a minute."
	limited    = "GitHub limits how often it can be asked, and answers no more for now. Try again in a few minutes."
	noExchange = "The identity provider did not accept the login."
	teamsPath  = "/orgs/acme/teams/doors/memberships/hello_world"
)

func unauthorized(detail string) *account.Error {
	return &account.Error{Kind: account.KindUnauthenticated, Title: "Unauthorized", Message: "Unauthorized", Detail: detail}
}

func internal(message string) *account.Error {
	return &account.Error{Kind: account.KindInternal, Message: message}
}

func everyone(cfg *idp.GitHubConfig) { cfg.AllowedOrgs, cfg.AllowEveryone = nil, true }

func inTeams(teams ...string) func(*idp.GitHubConfig) {
	return func(cfg *idp.GitHubConfig) { cfg.AllowedTeams = teams }
}

// TestGitHubRows is who is let in and who is not, in the order of the questions.
// Each is asked of an account that all the others let in.
func TestGitHubRows(t *testing.T) {
	t.Parallel()
	orgs := func(orgs ...idptest.GitHubOrg) func(*idptest.GitHub, *idptest.GitHubUser) {
		return func(_ *idptest.GitHub, u *idptest.GitHubUser) { u.Orgs = orgs }
	}
	emails := func(emails ...idptest.GitHubEmail) func(*idptest.GitHub, *idptest.GitHubUser) {
		return func(_ *idptest.GitHub, u *idptest.GitHubUser) { u.Emails = emails }
	}
	fails := func(path string, status int) func(*idptest.GitHub, *idptest.GitHubUser) {
		return func(g *idptest.GitHub, _ *idptest.GitHubUser) { g.Fail(path, status) }
	}
	team := func(teams ...idptest.GitHubTeam) func(*idptest.GitHub, *idptest.GitHubUser) {
		return func(_ *idptest.GitHub, u *idptest.GitHubUser) { u.Teams = teams }
	}
	primary := idptest.GitHubEmail{Email: "hello@example.com", Primary: true, Verified: true}
	var many []idptest.GitHubEmail
	for i := range 30 {
		many = append(many, idptest.GitHubEmail{Email: fmt.Sprintf("a%d@example.com", i), Verified: true})
	}
	for _, test := range []struct {
		name   string
		change func(*idp.GitHubConfig)
		given  func(*idptest.GitHub, *idptest.GitHubUser)
		want   *account.Error // nil: let in
	}{
		{"1 no organization", nil, orgs(), unauthorized(notInOrg)},
		{"1 another organization", nil, orgs(idptest.GitHubOrg{Login: "other"}), unauthorized(notInOrg)},
		{"1 another case", nil, orgs(idptest.GitHubOrg{Login: "Acme"}), unauthorized(notInOrg)},
		{"1 a pending membership", nil, orgs(idptest.GitHubOrg{Login: "acme", State: "pending"}), unauthorized(notInOrg)},
		{"1 a pending one that is answered all the same", nil, func(g *idptest.GitHub, _ *idptest.GitHubUser) {
			g.Override("/user/memberships/orgs", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`[{"state":"pending","organization":{"login":"acme"}}]`))
			})
		}, unauthorized(notInOrg)},
		{"1 one of several", nil, orgs(idptest.GitHubOrg{Login: "other"}, idptest.GitHubOrg{Login: "acme"}), nil},
		{"1 everyone", everyone, orgs(), nil},
		{"1 everyone, and nobody is asked", everyone, fails("/user/memberships/orgs", 500), nil},
		{"1 error", nil, fails("/user/memberships/orgs", 502), internal(notAsked)},
		{"1 without the scope", nil, fails("/user/memberships/orgs", 404), internal(notAsked)},
		{"2 error", nil, fails("/user", 500), internal(notAsked)},
		{"2 a token that ended", nil, fails("/user", 401), internal(notAsked)},
		{"3 another team", inTeams("acme/doors"), team(idptest.GitHubTeam{Org: "acme", Slug: "windows"}), unauthorized(notInTeam)},
		{
			"3 the team of another organization", inTeams("elsewhere/doors"),
			team(idptest.GitHubTeam{Org: "elsewhere", Slug: "doors"}), unauthorized(notInTeam),
		},
		{"3 a pending membership", inTeams("acme/doors"), team(idptest.GitHubTeam{Org: "acme", Slug: "doors", State: "pending"}), nil},
		{"3 forbidden to look", inTeams("acme/doors"), fails(teamsPath, 403), unauthorized(notInTeam)},
		{"3 error", inTeams("acme/doors"), fails(teamsPath, 500), internal(notAsked)},
		{"3 error, but another team helps", inTeams("acme/doors", "acme/keys"), func(g *idptest.GitHub, u *idptest.GitHubUser) {
			g.Fail(teamsPath, 500)
			u.Teams = []idptest.GitHubTeam{{Org: "acme", Slug: "keys"}}
		}, nil},
		{
			"4 the primary is not verified", nil, emails(idptest.GitHubEmail{Email: "hello@example.com", Primary: true},
				idptest.GitHubEmail{Email: "other@example.com", Verified: true}),
			account.Invalid("Your primary e-mail address at GitHub must be verified."),
		},
		{"4 none", nil, emails(), account.Invalid("Your primary e-mail address at GitHub must be verified.")},
		{
			"4 on the second page", nil, emails(append(slices.Clone(many), primary)...),
			account.Invalid("Your primary e-mail address at GitHub must be verified."),
		},
		{"4 last on the first page", nil, emails(append(slices.Clone(many[:29]), primary)...), nil},
		{
			"4 no address of ours", nil, emails(idptest.GitHubEmail{Email: "hello@localhost", Primary: true, Verified: true}),
			account.Invalid("Your primary e-mail address at GitHub cannot be used here."),
		},
		{"4 error", nil, fails("/user/emails", 500), internal(notAsked)},
		{"5 no id", nil, func(g *idptest.GitHub, _ *idptest.GitHubUser) {
			g.Override("/user", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"login":"hello_world"}`)) })
		}, internal(notAsked)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := idptest.NewGitHub(t)
			user := someone()
			test.given(g, &user)
			g.SetUser(user)
			p := newGitHubProvider(t, g, test.change)
			_, err := p.Finish(t.Context(), visitGitHub(t, p))
			checkRefusal(t, test.want, err)
		})
	}
}

// checkRefusal compares all that a caller can see of an error.
func checkRefusal(t *testing.T, want *account.Error, err error) {
	t.Helper()
	got, _ := errors.AsType[*account.Error](err)
	if err != nil && got == nil {
		t.Fatalf("got %v, which is no error for a caller", err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(account.Error{})); diff != "" {
		t.Errorf("refusal (-want +got):\n%s\n%v", diff, err)
	}
}

func detailOf(err error) string {
	e, ok := errors.AsType[*account.Error](err)
	if !ok {
		return "no account.Error"
	}
	return e.Detail
}

// TestGitHubAnswersOfNoUse is what GitHub may say instead of what it should.
func TestGitHubAnswersOfNoUse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		given func(*idptest.GitHub)
		want  string
	}{
		{"the rate limit with 403", func(g *idptest.GitHub) { g.SetRateLimit(0, 403) }, limited},
		{"the rate limit with 429", func(g *idptest.GitHub) { g.SetRateLimit(0, 429) }, limited},
		{"the rate limit at the teams", func(g *idptest.GitHub) { g.SetRateLimit(2, 403) }, limited},
		{"the rate limit at the end", func(g *idptest.GitHub) { g.SetRateLimit(3, 403) }, limited},
		{"the secondary limit with 403", func(g *idptest.GitHub) { g.SetSecondaryRateLimit(403) }, limited},
		{"the secondary limit with 429", func(g *idptest.GitHub) { g.SetSecondaryRateLimit(429) }, limited},
		{"no JSON", func(g *idptest.GitHub) {
			g.Override("/user", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<!doctype html>")) })
		}, notAsked},
		{"too much", func(g *idptest.GitHub) {
			g.Override("/user", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"id":583231,"login":"hello_world","bio":"` + strings.Repeat("x", 1<<20) + `"}`))
			})
		}, notAsked},
		{"a cut connection", func(g *idptest.GitHub) {
			g.Override("/user/emails", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}, notAsked},
		{"everything at another address", func(g *idptest.GitHub) {
			g.Override("/user", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/api/v3/user", http.StatusFound) })
		}, notAsked},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := idptest.NewGitHub(t)
			g.SetUser(someone())
			test.given(g)
			p := newGitHubProvider(t, g, inTeams("acme/doors"))
			_, err := p.Finish(t.Context(), visitGitHub(t, p))
			checkRefusal(t, internal(test.want), err)
		})
	}
}

// TestGitHubExchange is the end of a login that GitHub does not take.
func TestGitHubExchange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*idp.GitHubConfig)
		given  func(*idptest.GitHub, *idp.Callback)
		detail string
	}{
		{"an unknown code", nil, func(_ *idptest.GitHub, cb *idp.Callback) { cb.Code = "unknown" }, "bad_verification_code"},
		{"another verifier", nil, func(_ *idptest.GitHub, cb *idp.Callback) { cb.Verifier = "another" }, "bad_verification_code"},
		{"no verifier", nil, func(_ *idptest.GitHub, cb *idp.Callback) { cb.Verifier = "" }, "bad_verification_code"},
		{"a late code", nil, func(g *idptest.GitHub, _ *idp.Callback) { g.Advance(11 * 60e9) }, "bad_verification_code"},
		{"another secret", func(cfg *idp.GitHubConfig) { cfg.ClientSecret = "hunter2" }, nil, "incorrect_client_credentials"},
		{"an outage", nil, func(g *idptest.GitHub, _ *idp.Callback) { g.Fail("/login/oauth/access_token", 503) }, ""},
		{"words instead of a code", nil, func(g *idptest.GitHub, _ *idp.Callback) {
			g.Override("/login/oauth/access_token", func(w http.ResponseWriter, r *http.Request) {
				http.Error(w, "you sent "+r.Form.Encode(), http.StatusBadRequest)
			})
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := idptest.NewGitHub(t)
			g.SetUser(someone())
			p := newGitHubProvider(t, g, test.change)
			cb := visitGitHub(t, p)
			if test.given != nil {
				test.given(g, &cb)
			}
			_, err := p.Finish(t.Context(), cb)
			want := internal(noExchange)
			want.Detail = test.detail
			checkRefusal(t, want, err)
			for _, confidential := range []secret.Redacted{cb.Code, cb.Verifier, idptest.GitHubClientSecret, "hunter2"} {
				if confidential != "" && strings.Contains(err.Error(), confidential.Reveal()) {
					t.Errorf("a secret is in the error: %v", err)
				}
			}
		})
	}
}

func TestGitHubCodesAreGoodOnce(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	g.SetUser(someone())
	p := newGitHubProvider(t, g, nil)
	cb := visitGitHub(t, p)
	if _, err := p.Finish(t.Context(), cb); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Finish(t.Context(), cb); detailOf(err) != "bad_verification_code" {
		t.Errorf("the second time: %v", err)
	}
}
