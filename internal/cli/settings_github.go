package cli

import "usher/internal/secret"

// githubSettings are about logins with GitHub. A client ID, a client secret or an
// enterprise base URL turns them on.
func githubSettings() []setting {
	return []setting{
		{
			name: "oauth2-github-client-id", kind: "ID", usage: "log in with GitHub, as this OAuth app or GitHub App",
			otherwise: "no logins with GitHub",
			set:       text(func(o *serverOptions) *string { return &o.config.GitHub.ClientID }),
		},
		{
			name: "oauth2-github-client-secret", kind: "SECRET", usage: "the app's client secret; only the device flow needs none",
			otherwise: "none", secret: true,
			set: func(o *serverOptions, value string) error {
				o.config.GitHub.ClientSecret = secret.Redacted(value)
				return nil
			},
		},
		{
			name: "oauth2-github-allow-signups", usage: "let people in from GitHub who have no account yet",
			fallback: "false",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.GitHub.AllowSignups }),
		},
		{
			name: "oauth2-github-allow-everyone", usage: "let members of any organization in, and of none",
			fallback: "false",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.GitHub.AllowEveryone }),
		},
		{
			name: "oauth2-github-allowed-orgs", kind: "ORG,...", usage: "let members of these organizations in",
			otherwise: "none",
			set:       list(func(o *serverOptions) *[]string { return &o.config.GitHub.AllowedOrgs }),
		},
		{
			name: "oauth2-github-allowed-teams", kind: "ORG/TEAM,...", usage: "of these, let only members of such teams in, named by their slugs",
			otherwise: "any",
			set:       list(func(o *serverOptions) *[]string { return &o.config.GitHub.AllowedTeams }),
		},
		{
			name: "oauth2-github-enterprise-base-url", kind: "URL", usage: "a GitHub Enterprise Server",
			otherwise: "github.com",
			set:       text(func(o *serverOptions) *string { return &o.config.GitHub.EnterpriseBaseURL }),
		},
		{
			name: "oauth2-github-device-flow", usage: "let people enter a code at github.com, which need not reach this server then",
			fallback: "false",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.GitHub.DeviceFlow }),
		},
	}
}
