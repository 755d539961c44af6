package idp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"usher/internal/account"
)

// NewOIDC returns an OpenID Connect provider. It asks nobody; the error names all
// that Check finds.
func NewOIDC(cfg OIDCConfig) (*Provider, error) {
	if faults := cfg.Check(); len(faults) > 0 {
		problems := []error{}
		for _, fault := range faults {
			problems = append(problems, fmt.Errorf("%s: %s", fault.Field, fault.Detail))
		}
		return nil, errors.Join(problems...)
	}
	cfg = cfg.WithDefaults()
	if cfg.AccessURL == nil && cfg.RedirectURL == "" {
		return nil, errors.New("no access URL")
	}
	source := &oidcSource{OIDCConfig: cfg}
	if cfg.ClientKeyFile != "" {
		signed, err := newAssertions(cfg)
		if err != nil {
			return nil, err
		}
		source.assertions = signed
	}
	source.discovery = &discovery{attempt: source.discover, now: cfg.Now}
	product := DefaultSignInText
	if cfg.Name != account.ProviderOIDC {
		product = cfg.Name
	}
	return &Provider{
		Name:                cfg.Name,
		Product:             product,
		SignInText:          cfg.SignInText,
		IconURL:             cfg.IconURL,
		AllowSignups:        cfg.AllowSignups,
		SignupsDisabledText: cfg.SignupsDisabledText,
		EmailFallback:       cfg.EmailFallback,
		source:              source,
		redirect:            cfg.redirect(),
		client:              newClient(cfg.Roots),
		slots:               make(chan struct{}, maxUnderWay),
	}, nil
}

// oidcSource asks an OpenID Connect provider.
type oidcSource struct {
	OIDCConfig
	discovery  *discovery
	assertions *assertions // nil for a client with a secret or a public one
}

// reachable implements discovered.
func (s *oidcSource) reachable() error { return s.discovery.state() }

// issuer implements discovered: it must be the one that was set, unless any name
// will do.
func (s *oidcSource) issuer() string {
	if s.SkipIssuerChecks {
		return ""
	}
	return s.IssuerURL
}

// endpoints implements source.
func (s *oidcSource) endpoints(ctx context.Context) (*endpoints, error) {
	found, err := s.discovery.get(ctx)
	if err != nil {
		return nil, err
	}
	ends := &endpoints{
		Config: oauth2.Config{
			ClientID:     s.ClientID,
			ClientSecret: s.ClientSecret.Reveal(),
			Endpoint:     found.endpoint,
			Scopes:       s.Scopes,
		},
		pkce:      found.pkce,
		authorize: s.authorize,
	}
	if s.assertions != nil {
		ends.authenticate = s.assertions.options
	}
	return ends, nil
}

// authorize ties the ID token to the login by a nonce, so that a token of another
// login is not taken for this one's.
func (s *oidcSource) authorize(state string) []oauth2.AuthCodeOption {
	var options []oauth2.AuthCodeOption
	for _, name := range slices.Sorted(maps.Keys(s.AuthURLParams)) {
		options = append(options, oauth2.SetAuthURLParam(name, s.AuthURLParams[name]))
	}
	return append(options, oidc.Nonce(nonceOf(state)))
}

// nonceOf follows from the state, which the browser keeps until the end of the
// login, so nothing more has to be kept.
func nonceOf(state string) string {
	sum := sha256.Sum256([]byte(state))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// identify implements source (auth.md, section 9.2).
func (s *oidcSource) identify(ctx context.Context, token *oauth2.Token, state string) (account.ExternalLogin, error) {
	found, err := s.discovery.get(ctx)
	if err != nil {
		return account.ExternalLogin{}, unreadable("The identity provider cannot be reached.", err)
	}
	reader := &claimsReader{oidcSource: s, found: found}
	vouched, err := reader.idToken(ctx, token, nonceOf(state))
	if err != nil {
		return account.ExternalLogin{}, err
	}
	claims, err := reader.claims(ctx, token, vouched)
	if err != nil {
		return account.ExternalLogin{}, err
	}
	login, err := s.login(claims.Merged)
	login.Issuer, login.Subject, login.Claims = vouched.Issuer, vouched.Subject, claims
	return login, err
}

// unreadable is the refusal of a login because the provider does not answer as it
// should. What it answered is for the log alone.
func unreadable(message string, cause error) error {
	failed := &account.Error{Kind: account.KindInternal, Message: message}
	return failed.Because(withoutURL(cause))
}
