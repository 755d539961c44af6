package idptest

import (
	"context"
	"crypto/x509"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// person is somebody who can log in at a provider.
type person struct {
	subject           string
	idToken, userInfo Claims
}

// providerStorage is the storage of the library's example, which keeps requests,
// codes and tokens, with people, keys and one client of the test's own.
type providerStorage struct {
	*storage.Storage
	clientID, clientSecret string

	mu        sync.Mutex
	people    map[string]person // by login name
	latest    string            // the login name that was set last
	signing   signingKey
	published []signingKey
	clientKey *x509.Certificate
	noRefresh bool
	jwtAccess bool
	refresh   map[string]bool // the refresh tokens that were handed out and hold
}

func newProviderStorage(clientID, clientSecret string) *providerStorage {
	shared := sharedStorage()
	first := firstKey(shared)
	return &providerStorage{
		Storage:      shared,
		clientID:     clientID,
		clientSecret: clientSecret,
		people:       map[string]person{},
		signing:      first,
		published:    []signingKey{first},
		refresh:      map[string]bool{},
	}
}

// sharedStorage is one for all providers of the process, because each makes an
// RSA key, which takes long. What it keeps is found by random names only.
var sharedStorage = sync.OnceValue(func() *storage.Storage {
	return storage.NewStorageWithClients(storage.NewUserStore("http://localhost"), nil)
})

func (s *providerStorage) setUser(username string, idToken, userInfo Claims) {
	subject, ok := idToken["sub"].(string)
	if !ok {
		subject = username
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people[username] = person{subject: subject, idToken: maps.Clone(idToken), userInfo: maps.Clone(userInfo)}
	s.latest = username
}

func (s *providerStorage) latestUser() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest
}

func (s *providerStorage) setRefresh(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noRefresh = !on
}

func (s *providerStorage) setJWTAccessTokens(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jwtAccess = on
}

func (s *providerStorage) revokeRefreshTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.refresh)
}

func (s *providerStorage) useClientKey(certificate *x509.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clientKey = certificate
}

// bySubject finds a person by what the tokens call them.
func (s *providerStorage) bySubject(subject string) (person, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.people {
		if one.subject == subject {
			return one, nil
		}
	}
	return person{}, errors.New("nobody of that subject")
}

// logIn is asked by the login form, for the request of that id.
func (s *providerStorage) logIn(ctx context.Context, username, password, id string) error {
	s.mu.Lock()
	who, known := s.people[username]
	s.mu.Unlock()
	if !known || password != Password {
		return errors.New("the login name or the password is wrong")
	}
	request, err := s.AuthRequestByID(ctx, id)
	if err != nil {
		return err
	}
	begun, ok := request.(*storage.AuthRequest)
	if !ok {
		return errors.New("a request of another kind")
	}
	begun.UserID = who.subject
	return s.AuthRequestDone(id)
}

// CreateAuthRequest gives a refresh token or none, whatever is asked for.
func (s *providerStorage) CreateAuthRequest(ctx context.Context, asked *oidc.AuthRequest, subject string) (op.AuthRequest, error) {
	s.mu.Lock()
	noRefresh := s.noRefresh
	s.mu.Unlock()
	isOffline := func(scope string) bool { return scope == oidc.ScopeOfflineAccess }
	asked.Scopes = slices.DeleteFunc(asked.Scopes, isOffline)
	if !noRefresh {
		asked.Scopes = append(asked.Scopes, oidc.ScopeOfflineAccess)
	}
	return s.Storage.CreateAuthRequest(ctx, asked, subject)
}

// CreateAccessAndRefreshTokens remembers which refresh tokens hold: a renewed one
// does so no longer.
func (s *providerStorage) CreateAccessAndRefreshTokens(ctx context.Context, request op.TokenRequest, current string) (access, refresh string, expiry time.Time, err error) {
	access, refresh, expiry, err = s.Storage.CreateAccessAndRefreshTokens(ctx, request, current)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.refresh, current)
	if err == nil {
		s.refresh[refresh] = true
	}
	return access, refresh, expiry, err
}

// TokenRequestByRefreshToken refuses those that were revoked.
func (s *providerStorage) TokenRequestByRefreshToken(ctx context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	holds := s.refresh[token]
	s.mu.Unlock()
	if !holds {
		return nil, op.ErrInvalidRefreshToken
	}
	return s.Storage.TokenRequestByRefreshToken(ctx, token)
}

// SetUserinfoFromRequest fills the ID token.
func (s *providerStorage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, request op.IDTokenRequest, _ []string) error {
	who, err := s.bySubject(request.GetSubject())
	info.Subject, info.Claims = who.subject, maps.Clone(who.idToken)
	return err
}

// SetUserinfoFromToken fills the answer of the userinfo endpoint.
func (s *providerStorage) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, tokenID, subject, origin string) error {
	if err := s.Storage.SetUserinfoFromToken(ctx, new(oidc.UserInfo), tokenID, "", origin); err != nil && !isUnknownUser(err) {
		return err
	}
	who, err := s.bySubject(subject)
	info.Subject, info.Claims = who.subject, maps.Clone(who.userInfo)
	return err
}

// isUnknownUser is what the example's storage says of a token that holds, for it
// does not know our people.
func isUnknownUser(err error) bool { return err.Error() == "user not found" }

// GetPrivateClaimsFromScopes fills access tokens that are JWTs.
func (s *providerStorage) GetPrivateClaimsFromScopes(_ context.Context, subject, _ string, _ []string) (map[string]any, error) {
	who, err := s.bySubject(subject)
	claims := maps.Clone(who.userInfo)
	delete(claims, "sub")
	return claims, err
}

// GetClientByClientID knows Usher alone.
func (s *providerStorage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != s.clientID {
		return nil, errors.New("client not found")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	client := usherClient{Client: storage.WebClient(s.clientID, s.clientSecret), jwtAccess: s.jwtAccess, byKey: s.clientKey != nil}
	return client, nil
}

// AuthorizeClientIDSecret checks Usher's secret.
func (s *providerStorage) AuthorizeClientIDSecret(_ context.Context, id, clientSecret string) error {
	if id != s.clientID || clientSecret != s.clientSecret {
		return errors.New("invalid secret")
	}
	return nil
}

// GetKeyByIDAndClientID returns the key that Usher signs its assertions with.
func (s *providerStorage) GetKeyByIDAndClientID(_ context.Context, _, clientID string) (*jose.JSONWebKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if clientID != s.clientID || s.clientKey == nil {
		return nil, errors.New("key not found")
	}
	return &jose.JSONWebKey{Use: "sig", Key: s.clientKey.PublicKey}, nil
}

// usherClient is the client of the library's example for web sites, but for what
// tests need.
type usherClient struct {
	*storage.Client
	jwtAccess, byKey bool
}

// AuthMethod implements op.Client.
func (c usherClient) AuthMethod() oidc.AuthMethod {
	if c.byKey {
		return oidc.AuthMethodPrivateKeyJWT
	}
	return c.Client.AuthMethod()
}

// AccessTokenType implements op.Client.
func (c usherClient) AccessTokenType() op.AccessTokenType {
	if c.jwtAccess {
		return op.AccessTokenTypeJWT
	}
	return op.AccessTokenTypeBearer
}

// IDTokenUserinfoClaimsAssertion puts all claims into ID tokens.
func (usherClient) IDTokenUserinfoClaimsAssertion() bool { return true }

// IsScopeAllowed implements op.Client.
func (usherClient) IsScopeAllowed(string) bool { return true }

// RedirectURIGlobs implements op.HasRedirectGlobs: any address will do.
func (usherClient) RedirectURIGlobs() []string { return []string{"**"} }

// PostLogoutRedirectURIGlobs implements op.HasRedirectGlobs.
func (usherClient) PostLogoutRedirectURIGlobs() []string { return nil }
