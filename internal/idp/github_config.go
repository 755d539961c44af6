package idp

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"

	"usher/internal/account"
	"usher/internal/secret"
)

// GitHubConfig is what is known of GitHub, or of a GitHub Enterprise Server.
type GitHubConfig struct {
	// ClientID and ClientSecret are of an OAuth app or a GitHub App. With the
	// device flow the secret may be empty: GitHub asks for none there, and for none
	// to renew a token that came by it.
	ClientID     string
	ClientSecret secret.Redacted
	// AllowSignups lets people in who have no account yet.
	AllowSignups bool
	// AllowEveryone lets people in whatever organizations they are in. Without it
	// they must be active members of one of AllowedOrgs, whose names are compared
	// exactly.
	AllowEveryone bool
	AllowedOrgs   []string
	// AllowedTeams, each as organization/team-slug with one of AllowedOrgs, lets
	// only members of such a team in; empty stands for any.
	AllowedTeams []string
	// EnterpriseBaseURL is that of a GitHub Enterprise Server, empty for
	// github.com.
	EnterpriseBaseURL string
	// DeviceFlow makes people enter a code at GitHub instead of being sent there
	// and back. It is for servers that browsers cannot be sent back to, and not for
	// GitHub Enterprise Server.
	DeviceFlow bool

	// AccessURL is how people reach this server; logins come back there.
	AccessURL *url.URL
	// Roots are the authorities that certificates are checked against; nil means
	// the system's.
	Roots *x509.CertPool
	// Hosts stand in for github.com. Only tests set them, and no setting reaches
	// them.
	Hosts GitHubHosts
}

// GitHubHosts are the base URLs of the pages and of the REST API, without a
// trailing slash.
type GitHubHosts struct{ Web, API string }

// IsSet reports whether there is to be a provider at all.
func (c *GitHubConfig) IsSet() bool {
	return c.ClientID != "" || c.ClientSecret != "" || c.EnterpriseBaseURL != ""
}

// Check reports everything that is wrong, each by the field's name in small
// letters with underscores: client_id. Fields that contradict each other do so
// without a provider as well; only with one is any of them needed.
func (c *GitHubConfig) Check() []account.FieldError {
	var faults []account.FieldError
	unless := func(fine bool, field, format string, a ...any) {
		if !fine {
			faults = append(faults, account.FieldError{Field: field, Detail: fmt.Sprintf(format, a...)})
		}
	}
	unless(!c.AllowEveryone || len(c.AllowedOrgs) == 0, "allow_everyone", "is set, and so are organizations that are allowed; set one of them")
	unless(!c.AllowEveryone || len(c.AllowedTeams) == 0, "allow_everyone", "is set, and so are teams that are allowed; set one of them")
	for _, text := range c.AllowedTeams {
		unless(isGitHubTeam(text), "allowed_teams", "%q is not organization/team-slug", text)
	}
	unless(!c.DeviceFlow || c.EnterpriseBaseURL == "", "device_flow", "works with github.com only, not with an enterprise server")
	if !c.IsSet() {
		return faults
	}
	unless(c.ClientID != "", "client_id", "must not be empty")
	unless(c.ClientSecret != "" || c.DeviceFlow, "client_secret", "must not be empty; only the device flow needs none")
	unless(c.AllowEveryone || len(c.AllowedOrgs) > 0, "allowed_orgs", "must not be empty unless everyone is allowed")
	unless(c.EnterpriseBaseURL == "" || isIssuer(c.EnterpriseBaseURL), "enterprise_base_url", "must be an http or https URL without a query")
	return faults
}

func isGitHubTeam(text string) bool {
	org, slug, found := strings.Cut(text, "/")
	return found && org != "" && slug != "" && !strings.Contains(slug, "/")
}
