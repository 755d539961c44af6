package idp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

const (
	// discoveryPause is how long a failure is the answer before the provider is
	// asked again.
	discoveryPause = 2 * time.Second
	// maxErrorText bounds, in bytes, what is kept of what a provider says went wrong.
	maxErrorText = 300
)

// errNotAsked is how a provider stands before discovery was tried.
var errNotAsked = errors.New("it has not been asked yet")

// metadata is what a provider says of itself.
type metadata struct {
	endpoint    oauth2.Endpoint
	pkce        bool   // S256
	userInfoURL string // empty for none
	keys        oidc.KeySet
	algorithms  []string // of its signatures; empty means RS256
}

// discovery asks a provider once, when somebody first needs to know. Those who
// ask at the same time share one attempt.
type discovery struct {
	attempt  func(ctx context.Context) (*metadata, error)
	now      func() time.Time
	underWay singleflight.Group

	mu       sync.Mutex
	found    *metadata
	failure  error
	failedAt time.Time
}

// get returns what is known, or asks. An attempt goes on when its caller leaves,
// for the others wait for it too.
func (d *discovery) get(ctx context.Context) (*metadata, error) {
	if found, err := d.settled(); found != nil || err != nil {
		return found, err
	}
	done := d.underWay.DoChan("", func() (any, error) {
		if found, err := d.settled(); found != nil || err != nil {
			return found, err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
		defer cancel()
		found, err := d.attempt(ctx)
		return found, d.settle(found, err)
	})
	select {
	case result := <-done:
		found, _ := result.Val.(*metadata)
		return found, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// settled returns what needs no question: what was found, or the failure of a
// moment ago.
func (d *discovery) settled() (*metadata, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.found != nil {
		return d.found, nil
	}
	if d.failure != nil && d.now().Sub(d.failedAt) < discoveryPause {
		return nil, d.failure
	}
	return nil, nil
}

func (d *discovery) settle(found *metadata, err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.failure, d.failedAt = shortened(err), d.now()
		return d.failure
	}
	d.found, d.failure = found, nil
	return nil
}

// state returns nil once the provider was found, else why it is not.
func (d *discovery) state() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.found != nil:
		return nil
	case d.failure != nil:
		return d.failure
	}
	return errNotAsked
}

// shortened keeps the beginning of an error that may repeat a whole page.
func shortened(err error) error {
	text := err.Error()
	if len(text) <= maxErrorText {
		return err
	}
	return errors.New(strings.ToValidUTF8(text[:maxErrorText], "") + "…")
}

// document is what the discovery document says beyond what the library reads
// (OpenID Connect Discovery 1.0, section 3).
type document struct {
	KeysURL     string   `json:"jwks_uri"`
	Challenges  []string `json:"code_challenge_methods_supported"`
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	Algorithms  []string `json:"id_token_signing_alg_values_supported"`
}

// discover asks the provider.
func (s *oidcSource) discover(ctx context.Context) (*metadata, error) {
	if s.SkipIssuerChecks {
		ctx = oidc.InsecureIssuerURLContext(ctx, s.IssuerURL)
	}
	provider, err := oidc.NewProvider(ctx, s.IssuerURL)
	if err != nil {
		return nil, err
	}
	var doc document
	if err := provider.Claims(&doc); err != nil {
		return nil, fmt.Errorf("read the discovery document: %w", err)
	}
	found := &metadata{
		endpoint:    provider.Endpoint(),
		pkce:        slices.Contains(doc.Challenges, "S256"),
		userInfoURL: provider.UserInfoEndpoint(),
		keys:        oidc.NewRemoteKeySet(ctx, doc.KeysURL),
		algorithms:  slices.DeleteFunc(doc.Algorithms, func(name string) bool { return !slices.Contains(signatures(), name) }),
	}
	found.endpoint.AuthStyle = s.authStyle(doc.AuthMethods)
	for _, address := range []string{found.endpoint.AuthURL, found.endpoint.TokenURL, doc.KeysURL} {
		if err := s.checkEndpoint(address); err != nil {
			return nil, err
		}
	}
	if found.userInfoURL != "" {
		return found, s.checkEndpoint(found.userInfoURL)
	}
	return found, nil
}

// checkEndpoint refuses an address that browsers would run as a script, and one
// that would carry secrets in clear although the issuer's does not.
func (s *oidcSource) checkEndpoint(address string) error {
	parsed, err := url.Parse(address)
	if err != nil || !isWebURL(address) {
		return errors.New("the discovery document names an endpoint that is no http or https URL")
	}
	if strings.HasPrefix(s.IssuerURL, "https:") && parsed.Scheme != "https" {
		return errors.New("the discovery document names an endpoint without TLS")
	}
	return nil
}

// authStyle says how the client's secret is sent. Trying one way after the other
// would send codes and refresh tokens twice, which are good for one time only.
func (s *oidcSource) authStyle(methods []string) oauth2.AuthStyle {
	inHeader := len(methods) == 0 || slices.Contains(methods, "client_secret_basic")
	if s.ClientSecret != "" && inHeader {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

// signatures are the algorithms that are accepted, none of them with a shared key.
func signatures() []string {
	return []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512,
		oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
	}
}

// clientOf returns the bounded client that outbound has put into the context.
func clientOf(ctx context.Context) *http.Client {
	client, ok := ctx.Value(oauth2.HTTPClient).(*http.Client)
	if !ok {
		return newClient(nil)
	}
	return client
}
