package api_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// TestSessionsEndWithTheProviders is auth.md, section 2.2, rows 6 to 9, and 9.3.
func TestSessionsEndWithTheProviders(t *testing.T) {
	t.Parallel()
	eachWithOIDC(t, func(t *testing.T, s *servertest.Server, provider *idptest.OIDC) {
		t.Run("without an end", func(t *testing.T) {
			browse(s).signedIn(t, provider)
		})
		t.Run("without a refresh token", func(t *testing.T) {
			provider.SetTokenLifetime(-time.Hour)
			provider.SetRefresh(false)
			provider.SetUser("forgotten", verified("forgotten@example.com"))
			defer provider.SetUser("kyle", verified("kyle@example.com"))
			defer provider.SetRefresh(true)
			b := browse(s)
			b.logIn(t, provider, oidcPath).sentTo(t)
			session := guest(s).as(b.cookies[sdk.SessionTokenCookie])
			a := session.get(t, path("me"))
			body := a.refused(t, http.StatusUnauthorized, signedOut)
			if !strings.Contains(body.Detail, "OpenID Connect") || !strings.Contains(body.Detail, "expired") {
				t.Errorf("the detail is %q", body.Detail)
			}
			if challenge := a.header.Get("WWW-Authenticate"); !strings.Contains(challenge, "invalid_token") {
				t.Errorf("the challenge is %q", challenge)
			}
			guest(s).with("Cookie", sdk.SessionTokenCookie+"="+b.cookies[sdk.SessionTokenCookie]).get(t, path("authmethods")).want(t, http.StatusOK)
		})
		t.Run("renewed", func(t *testing.T) {
			provider.SetTokenLifetime(-time.Hour)
			b := browse(s)
			b.logIn(t, provider, oidcPath).sentTo(t)
			provider.SetTokenLifetime(time.Hour)
			before := provider.Refreshes()
			session := b.person(t)
			key := decode[sdk.APIKey](t, session.get(t, path("me", "keys", session.keyID())).want(t, http.StatusOK))
			for range 3 {
				session.get(t, path("me")).want(t, http.StatusOK)
			}
			if n := provider.Refreshes() - before; n != 1 {
				t.Errorf("the provider was asked %d times", n)
			}
			if left := time.Until(key.ExpiresAt); left > 24*time.Hour || left < 23*time.Hour {
				t.Errorf("the session itself ends in %s", left)
			}
		})
		t.Run("refused", func(t *testing.T) {
			provider.SetTokenLifetime(-time.Hour)
			b := browse(s)
			b.logIn(t, provider, oidcPath).sentTo(t)
			provider.RevokeRefreshTokens()
			before := provider.Refreshes()
			session := guest(s).as(b.cookies[sdk.SessionTokenCookie])
			for range 3 {
				body := session.get(t, path("me")).refused(t, http.StatusUnauthorized, "refresh")
				if !strings.Contains(body.Message, "OpenID Connect") || body.Detail != "invalid_grant" {
					t.Errorf("refused with %+v", body)
				}
			}
			if n := provider.Refreshes() - before; n != 1 {
				t.Errorf("a provider that refuses was asked %d times", n)
			}
		})
		t.Run("unlinked", func(t *testing.T) {
			provider.SetTokenLifetime(0)
			b := browse(s)
			kyle := b.signedIn(t, provider)
			token := decode[sdk.GenerateAPIKeyResponse](t, kyle.post(t, path("me", "keys/tokens"), body{}).want(t, http.StatusCreated)).Key
			cli := decode[sdk.GenerateAPIKeyResponse](t, kyle.post(t, path("me", "keys"), nil).want(t, http.StatusCreated)).Key
			provider.SetTokenLifetime(-time.Hour)
			provider.RevokeRefreshTokens()
			browse(s).logIn(t, provider, oidcPath).sentTo(t)
			for _, key := range []string{token, cli} { // they live a life of their own
				guest(s).as(key).get(t, path("me")).want(t, http.StatusOK)
			}
		})
	})
}

// keyID is the public half of the key that the client presents.
func (c client) keyID() string {
	id, _, _ := strings.Cut(c.header.Get(sdk.SessionTokenHeader), "-")
	return id
}

func TestASessionOfAProviderThatIsGone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		provider := idptest.NewOIDC(t)
		provider.SetTokenLifetime(-time.Hour)
		s := servertest.Start(t, db, withOIDC(provider))
		b := browse(s)
		b.logIn(t, provider, oidcPath).sentTo(t)
		s.Stop()
		without := servertest.Start(t, db)
		a := guest(without).as(b.cookies[sdk.SessionTokenCookie]).get(t, path("me"))
		if body := a.refused(t, http.StatusInternalServerError, "no longer configured"); !strings.Contains(body.Detail, "Unable to refresh") {
			t.Errorf("the detail is %q", body.Detail)
		}
	})
}

// TestOneNodeRenewsALogin: of many requests to many nodes one asks the provider,
// which takes a refresh token only once.
func TestOneNodeRenewsALogin(t *testing.T) {
	t.Parallel()
	provider := idptest.NewOIDC(t)
	provider.SetTokenLifetime(-time.Hour)
	const requests = 10
	servers := severalNodes(t, 3, withOIDC(provider))
	b := browse(servers[0])
	b.logIn(t, provider, oidcPath).sentTo(t)
	provider.SetTokenLifetime(time.Hour)
	var group sync.WaitGroup
	for _, s := range servers {
		for range requests {
			group.Go(func() {
				a, err := guest(s).as(b.cookies[sdk.SessionTokenCookie]).try(t, http.MethodGet, path("me"), nil)
				if err != nil || a.status != http.StatusOK {
					t.Errorf("got %s, %v", a, err)
				}
			})
		}
	}
	group.Wait()
	if n := provider.Refreshes(); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
}

// TestAnyNodeFinishesALogin: nothing of a login is kept by the node that began
// it.
func TestAnyNodeFinishesALogin(t *testing.T) {
	t.Parallel()
	provider := idptest.NewOIDC(t)
	nodes := severalNodes(t, 2, withOIDC(provider, func(c *idp.OIDCConfig) { c.RedirectURL = "https://usher.example.com" }))
	first, second := nodes[0], nodes[1]
	first.CreateFirstUser(t)
	create(t, first, newUser("kyle"))
	b := browse(first)
	b.signInByPassword(t, "kyle@example.com")
	begun := b.convert(t) // on the first node
	to := b.visit(t, oidcPath+"?oidc_merge_state="+begun.StateString).sentTo(t)
	back := provider.Authorize(t, to)
	elsewhere := (&browser{client: guest(second), cookies: map[string]string{}}).copyOf(b)
	elsewhere.visit(t, back).sentTo(t)
	if me := owner(first).get(t, path("kyle")).user(t, http.StatusOK); me.LoginType != sdk.LoginTypeOIDC {
		t.Errorf("the user is %+v", me)
	}
}

// severalNodes starts servers on one database, with one file of encryption keys.
func severalNodes(t *testing.T, n int, options ...servertest.Option) []*servertest.Server {
	t.Helper()
	url, keys := storetest.MigratedPostgres(t), filepath.Join(t.TempDir(), "encryption.keys")
	options = append(options, func(c *server.Config) { c.EncryptionKeyFile = keys })
	nodes := make([]*servertest.Server, n)
	for i := range nodes {
		nodes[i] = servertest.Start(t, store.Config{DatabaseURL: url, DataDir: t.TempDir()}, options...)
	}
	return nodes
}
