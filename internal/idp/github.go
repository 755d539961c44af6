package idp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"usher/internal/account"
	"usher/internal/secret"
)

const (
	githubProduct  = "GitHub"
	githubHost     = "github.com"
	githubCallback = "/api/v2/users/oauth2/github/callback"
)

// github is the source of GitHub logins.
type github struct {
	ends   endpoints
	api    string // its base, without a trailing slash
	issuer string
	// numbered says that ids are those of github.com, not of another server.
	numbered bool
	everyone bool
	orgs     []string
	teams    []githubTeam
	client   *http.Client
}

// githubTeam is a team of an organization.
type githubTeam struct{ org, slug string }

// NewGitHub makes the provider. It asks GitHub for nothing, and fails where Check
// finds a fault.
func NewGitHub(cfg GitHubConfig) (*Provider, error) {
	if faults := cfg.Check(); len(faults) > 0 {
		return nil, fmt.Errorf("%s: %s", faults[0].Field, faults[0].Detail)
	}
	if cfg.AccessURL == nil {
		return nil, errors.New("no access URL")
	}
	client := newClient(cfg.Roots)
	source := &github{everyone: cfg.AllowEveryone, orgs: cfg.AllowedOrgs, client: client}
	for _, text := range cfg.AllowedTeams {
		org, slug, _ := strings.Cut(text, "/")
		source.teams = append(source.teams, githubTeam{org: org, slug: slug})
	}
	source.locate(cfg)
	return &Provider{
		Name:         account.ProviderGitHub,
		Product:      githubProduct,
		SignInText:   githubProduct,
		AllowSignups: cfg.AllowSignups,
		DeviceFlow:   cfg.DeviceFlow,
		source:       source,
		redirect:     redirect{base: cfg.AccessURL, path: githubCallback},
		client:       client,
		slots:        make(chan struct{}, maxUnderWay),
	}, nil
}

// locate finds the addresses of github.com or of the enterprise server.
func (g *github) locate(cfg GitHubConfig) {
	const githubCom = "https://" + githubHost
	web, api := githubCom, "https://api."+githubHost
	g.issuer = githubCom
	switch {
	case cfg.EnterpriseBaseURL != "":
		web = githubBase(cfg.EnterpriseBaseURL)
		api = web + "/api/v3"
		g.issuer = web
	case cfg.Hosts.Web != "":
		web, api = cfg.Hosts.Web, cfg.Hosts.API
	}
	g.api = api
	g.numbered = g.issuer == githubCom
	g.ends = endpoints{
		Config: oauth2.Config{
			ClientID:     cfg.ClientID,
			ClientSecret: cfg.ClientSecret.Reveal(),
			Scopes:       []string{"read:user", "read:org", "user:email"},
			Endpoint: oauth2.Endpoint{
				AuthURL:       web + "/login/oauth/authorize",
				TokenURL:      web + "/login/oauth/access_token",
				DeviceAuthURL: web + "/login/device/code",
				// The library would otherwise try both ways, and a code is good once.
				AuthStyle: oauth2.AuthStyleInParams,
			},
		},
		pkce:      true,
		authorize: func(string) []oauth2.AuthCodeOption { return nil },
	}
}

// githubBase returns the base in the one spelling that becomes an issuer.
func githubBase(address string) string {
	base, err := url.Parse(address)
	if err != nil {
		return address // not after Check
	}
	plain := url.URL{Scheme: base.Scheme, Host: strings.ToLower(base.Host), Path: strings.TrimRight(base.Path, "/")}
	return plain.String()
}

// endpoints implements source.
func (g *github) endpoints(context.Context) (*endpoints, error) { return &g.ends, nil }

// identify implements source. The order of its questions is that of the
// contract; a login asks GitHub no more than it needs.
func (g *github) identify(ctx context.Context, token *oauth2.Token, _ string) (account.ExternalLogin, error) {
	ask := githubAsk{api: g.api, client: g.client, token: secret.Redacted(token.AccessToken)}
	orgs, err := g.checkOrgs(ctx, ask)
	if err != nil {
		return account.ExternalLogin{}, err
	}
	user, err := ask.user(ctx)
	if err != nil {
		return account.ExternalLogin{}, githubFailed(err)
	}
	if err := g.checkTeams(ctx, ask, orgs, user.Login); err != nil {
		return account.ExternalLogin{}, err
	}
	email, err := checkedEmail(ctx, ask)
	if err != nil {
		return account.ExternalLogin{}, err
	}
	if user.ID <= 0 {
		return account.ExternalLogin{}, githubFailed(errors.New("GET /user: the user has no id"))
	}
	return g.profile(user, email), nil
}

// checkOrgs returns which of the allowed organizations somebody is in.
func (g *github) checkOrgs(ctx context.Context, ask githubAsk) ([]string, error) {
	if g.everyone {
		return nil, nil
	}
	memberships, err := ask.memberships(ctx)
	if err != nil {
		return nil, githubFailed(err)
	}
	var orgs []string
	for _, m := range memberships {
		if m.State == "active" && slices.Contains(g.orgs, m.Organization.Login) {
			orgs = append(orgs, m.Organization.Login)
		}
	}
	if len(orgs) == 0 {
		return nil, githubRefused("Your GitHub account is not an active member of an organization whose members may log in here.")
	}
	return orgs, nil
}

// checkTeams wants one of the allowed teams of these organizations. A team that
// GitHub could not be asked about counts only if no other one helps.
func (g *github) checkTeams(ctx context.Context, ask githubAsk, orgs []string, login string) error {
	if len(g.teams) == 0 {
		return nil
	}
	var unknown error
	for _, team := range g.teams {
		if !slices.Contains(orgs, team.org) {
			continue
		}
		member, err := ask.inTeam(ctx, team, login)
		if member {
			return nil
		}
		unknown = errors.Join(unknown, err)
	}
	if unknown != nil {
		return githubFailed(unknown)
	}
	return githubRefused("Your GitHub account is in none of the teams whose members may log in here.")
}

// checkedEmail returns the address that GitHub has seen to be theirs.
func checkedEmail(ctx context.Context, ask githubAsk) (string, error) {
	emails, err := ask.emails(ctx)
	if err != nil {
		return "", githubFailed(err)
	}
	i := slices.IndexFunc(emails, func(e githubEmail) bool { return e.Primary && e.Verified })
	if i < 0 {
		return "", account.Invalid("Your primary e-mail address at GitHub must be verified.")
	}
	if account.CheckEmail(emails[i].Email) != nil {
		return "", account.Invalid("Your primary e-mail address at GitHub cannot be used here.")
	}
	return emails[i].Email, nil
}

func githubRefused(detail string) error {
	return &account.Error{Kind: account.KindUnauthenticated, Title: "Unauthorized", Message: "Unauthorized", Detail: detail}
}
