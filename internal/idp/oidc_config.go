package idp

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"usher/internal/account"
	"usher/internal/secret"
)

// DefaultSignInText is what the button of a provider says that has no text.
const DefaultSignInText = "OpenID Connect"

// OIDCConfig is all about an OpenID Connect provider. The issuer and the client
// id are needed; every other zero value stands for a default.
type OIDCConfig struct {
	// Name is of the provider; empty means account.ProviderOIDC. It must not change
	// later: the identities of people are stored with it.
	Name string
	// IssuerURL is the issuer exactly as its tokens have it; discovery asks
	// /.well-known/openid-configuration below it.
	IssuerURL string
	// ClientID and ClientSecret are how the provider knows this server. A client
	// without a secret and without a key is a public one.
	ClientID     string
	ClientSecret secret.Redacted
	// ClientKeyFile and ClientCertFile are PEM files, both or neither. With them
	// the server proves who it is by signed assertions (private_key_jwt, RFC 7523)
	// in place of a secret. They are read once.
	ClientKeyFile, ClientCertFile string
	// Scopes are asked for; empty means openid, profile and email. With groups
	// among them GroupField defaults to groups.
	Scopes []string
	// AllowSignups lets people in who have no account yet.
	AllowSignups bool
	// SignupsDisabledText, in Markdown, is what others are told; empty stands for a
	// general text.
	SignupsDisabledText string
	// EmailDomain lists the domains that addresses must be at, with or without a
	// leading @; empty means any. Subdomains are domains of their own.
	EmailDomain []string
	// IgnoreEmailVerified lets people in whose address the provider has not
	// verified. Such an address still opens no account that exists.
	IgnoreEmailVerified bool
	// UsernameField, EmailField and NameField name the claims; empty means
	// preferred_username, email and name.
	UsernameField, EmailField, NameField string
	// AuthURLParams are added to the address that people are sent to, and override
	// what it has; nil means access_type=offline.
	AuthURLParams map[string]string
	// IgnoreUserInfo leaves the userinfo endpoint alone.
	IgnoreUserInfo bool
	// AccessTokenClaims takes claims from access tokens, which must be JWTs of the
	// provider. It needs IgnoreUserInfo.
	AccessTokenClaims bool
	// SignInText and IconURL are for the button of a login page; an empty text
	// means DefaultSignInText, or the name of a further provider.
	SignInText, IconURL string
	// GroupField names the claim with somebody's groups, and AllowedGroups those of
	// which they must be in one; empty lets everyone in.
	GroupField    string
	AllowedGroups []string
	// RedirectURL is where logins come back to, of which scheme and host count;
	// empty means AccessURL.
	RedirectURL string
	// RedirectAllowedHosts are the hosts at which logins may begin and to which
	// they then come back; empty means that all come back to AccessURL. They are
	// ignored where RedirectURL is set.
	RedirectAllowedHosts []string
	// SkipIssuerChecks accepts a discovery document and ID tokens of another issuer
	// than IssuerURL. It is dangerous: any tenant of a provider can log in then.
	SkipIssuerChecks bool
	// EmailFallback lets somebody into the account with their address although it
	// is linked to another identity of this provider. It is dangerous: whoever gets
	// an address that somebody else had gets the account.
	EmailFallback bool

	// AccessURL is how people reach this server.
	AccessURL *url.URL
	// Roots are the authorities that the provider's certificate is checked against;
	// nil means the system's.
	Roots *x509.CertPool
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// WithDefaults fills in what was left empty and has a default.
func (c OIDCConfig) WithDefaults() OIDCConfig {
	orElse := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	orElse(&c.Name, account.ProviderOIDC)
	orElse(&c.UsernameField, "preferred_username")
	orElse(&c.EmailField, "email")
	orElse(&c.NameField, "name")
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "profile", "email"}
	}
	if slices.Contains(c.Scopes, "groups") {
		orElse(&c.GroupField, "groups")
	}
	if c.AuthURLParams == nil {
		c.AuthURLParams = map[string]string{"access_type": "offline"}
	}
	if c.Name != account.ProviderOIDC {
		orElse(&c.SignInText, c.Name)
	}
	orElse(&c.SignInText, DefaultSignInText)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// IsSet reports whether there is to be a provider at all.
func (c *OIDCConfig) IsSet() bool {
	return c.IssuerURL != "" || c.ClientID != "" || c.ClientSecret != "" || c.ClientKeyFile != "" || c.ClientCertFile != ""
}

// namePattern is of names that can stand in paths, and before the dot of a state.
var namePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// reservedNames are of another provider, or would make the path of the callback
// that of something a user has.
var reservedNames = []string{account.ProviderGitHub, "keys", "organizations", "workspace"}

func checkName(name string) error {
	switch {
	case len(name) > account.MaxUsernameBytes || !namePattern.MatchString(name):
		return fmt.Errorf("%q is not small letters and digits in groups joined by single hyphens, at most %d", name, account.MaxUsernameBytes)
	case slices.Contains(reservedNames, name) || strings.HasPrefix(name, "convert-"): // as states of conversions do
		return fmt.Errorf("%q is a reserved word", name)
	}
	return nil
}

// reservedParams of the address that people are sent to are what a login is tied
// together by.
var reservedParams = []string{
	"client_id", "redirect_uri", "response_type", "state", "nonce", "code_challenge", "code_challenge_method",
}

// Check reports everything that is wrong, each by the field's name in small
// letters with underscores: issuer_url.
func (c OIDCConfig) Check() []account.FieldError {
	c = c.WithDefaults()
	var faults []account.FieldError
	unless := func(fine bool, field, format string, a ...any) {
		if !fine {
			faults = append(faults, account.FieldError{Field: field, Detail: fmt.Sprintf(format, a...)})
		}
	}
	if err := checkName(c.Name); err != nil {
		unless(false, "name", "%s", err)
	}
	unless(isIssuer(c.IssuerURL), "issuer_url", "must be an http or https URL without a query")
	unless(c.ClientID != "", "client_id", "must not be empty")
	faults = append(faults, c.checkCredential()...)
	for _, scope := range c.Scopes {
		unless(isScope(scope), "scopes", "%q is no scope", scope)
	}
	unless(slices.Contains(c.Scopes, "openid"), "scopes", "must contain openid")
	for _, domain := range c.EmailDomain {
		unless(account.CheckEmail("a@"+strings.TrimPrefix(domain, "@")) == nil, "email_domain", "%q is no domain", domain)
	}
	for name := range c.AuthURLParams {
		unless(!slices.Contains(reservedParams, name), "auth_url_params", "%q is not to be overridden", name)
	}
	unless(!c.AccessTokenClaims || c.IgnoreUserInfo, "access_token_claims", "needs that userinfo is ignored")
	unless(len(c.AllowedGroups) == 0 || c.GroupField != "", "allowed_groups", "needs the name of the claim with the groups")
	unless(c.RedirectURL == "" || isWebURL(c.RedirectURL), "redirect_url", "must be an http or https URL")
	unless(isIcon(c.IconURL), "icon_url", "must be an http or https URL, or a path on this server")
	for _, host := range c.RedirectAllowedHosts {
		parsed, err := url.Parse("//" + host)
		unless(err == nil && parsed.Host == host && hostname(host) != "", "redirect_allowed_hosts", "%q is no host", host)
	}
	return faults
}

func (c OIDCConfig) checkCredential() []account.FieldError {
	switch {
	case (c.ClientKeyFile == "") != (c.ClientCertFile == ""):
		return []account.FieldError{{Field: "client_key_file", Detail: "needs the certificate too, and the certificate needs the key"}}
	case c.ClientKeyFile == "":
		return nil
	case c.ClientSecret != "":
		return []account.FieldError{{Field: "client_key_file", Detail: "is set, and so is a client secret; set one of them"}}
	}
	if _, err := newAssertions(c); err != nil {
		return []account.FieldError{{Field: "client_key_file", Detail: err.Error()}}
	}
	return nil
}

// isScope tells the syntax of RFC 6749, section 3.3.
func isScope(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}

func isWebURL(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && parsed.User == nil && parsed.Hostname() != "" && (parsed.Scheme == "http" || parsed.Scheme == "https")
}

func isIssuer(address string) bool {
	return isWebURL(address) && !strings.ContainsAny(address, "?#")
}

func isIcon(address string) bool {
	return address == "" || isWebURL(address) || strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//")
}

// redirect says where the provider's logins come back to.
func (c OIDCConfig) redirect() redirect {
	back := redirect{base: c.AccessURL, path: "/api/v2/users/oidc/callback"}
	if c.Name != account.ProviderOIDC {
		back.path = "/api/v2/users/oidc/" + c.Name + "/callback"
	}
	if c.RedirectURL != "" {
		if base, err := url.Parse(c.RedirectURL); err == nil {
			back.base = base
		}
		return back
	}
	for _, host := range c.RedirectAllowedHosts {
		back.hosts = append(back.hosts, strings.ToLower(hostname(host)))
	}
	return back
}
