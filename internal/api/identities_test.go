package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"usher/internal/idp/idptest"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/sdk"
)

// signInByPassword gives the browser a session.
func (b *browser) signInByPassword(t testing.TB, email string) person {
	t.Helper()
	b.keep(b.post(t, path("login"), body{"email": email, "password": servertest.Password}).want(t, http.StatusCreated))
	return b.person(t)
}

// link links the provider's person to the account that the browser is signed in
// to, and returns the answer to the end of it.
func (b *browser) link(t testing.TB, provider *idptest.OIDC, name string) answer {
	t.Helper()
	begun := b.person(t).post(t, path("me", "identities"), body{"provider": name}).want(t, http.StatusCreated)
	return b.logIn(t, provider, decode[sdk.LinkIdentityResponse](t, begun).RedirectURL)
}

func identitiesOf(t testing.TB, c client, ref any) []sdk.Identity {
	t.Helper()
	return decode[[]sdk.Identity](t, c.get(t, path(ref, "identities")).want(t, http.StatusOK))
}

func TestLinkAndUnlinkAnIdentity(t *testing.T) {
	t.Parallel()
	eachWithOIDC(t, func(t *testing.T, s *servertest.Server, provider *idptest.OIDC) {
		create(t, s, newUser("pat"))
		b := browse(s)
		pat := b.signInByPassword(t, "pat@example.com")
		if list := identitiesOf(t, pat.client, "me"); list == nil || len(list) != 0 {
			t.Errorf("before: %+v", list)
		}
		provider.SetUser("pat-at-work", idptest.Claims{"email": "pat@work.example.com", "email_verified": true, "name": "Patricia"})
		if to := b.link(t, provider, "oidc").sentTo(t); to != "/" {
			t.Errorf("the link leads to %q", to)
		}
		list := identitiesOf(t, pat.client, "me")
		if len(list) != 1 || list[0].Provider != "oidc" || list[0].Issuer != provider.URL || list[0].Subject != "pat-at-work" || list[0].Email != "pat@work.example.com" {
			t.Fatalf("after: %+v", list)
		}
		if after := b.person(t); after.LoginType != sdk.LoginTypePassword || after.Email != "pat@example.com" || after.Name != "" {
			t.Errorf("linking changed the user to %+v", after.User)
		}

		other := browse(s)
		session := other.signedIn(t, provider)
		if session.ID != pat.ID || session.LoginType != sdk.LoginTypePassword || session.Email != "pat@example.com" {
			t.Errorf("the identity opened the account %+v", session.User)
		}
		login(t, s, "pat@example.com", servertest.Password)

		pat.delete(t, path("me", "identities", list[0].ID.String())).want(t, http.StatusNoContent)
		session.get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
		pat.get(t, path("me")).want(t, http.StatusOK)
		pat.delete(t, path("me", "identities", list[0].ID.String())).refused(t, http.StatusNotFound, notFound)
		if me := browse(s).signedIn(t, provider); me.ID == pat.ID {
			t.Error("an identity that was unlinked still opens the account")
		}
	})
}

func TestWhoMayLink(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	pat, admin := join(t, s, "pat"), join(t, s, "admin", "user-admin")
	token := decode[sdk.GenerateAPIKeyResponse](t, pat.post(t, path("me", "keys/tokens"), body{}).want(t, http.StatusCreated)).Key
	link := body{"provider": "oidc"}
	guest(s).as(token).post(t, path("me", "identities"), link).refused(t, http.StatusForbidden, forbidden)
	owner(s).post(t, path(pat.ID, "identities"), link).refused(t, http.StatusForbidden, forbidden)
	pat.post(t, path("owner", "identities"), link).refused(t, http.StatusNotFound, notFound)
	pat.post(t, path("me", "identities"), "{").refused(t, http.StatusBadRequest, badJSON)
	for _, name := range []string{"", "github", "nobody", "OIDC"} {
		pat.post(t, path("me", "identities"), body{"provider": name}).refused(t, http.StatusBadRequest, badFields, "provider")
	}

	b := browse(s)
	b.signInByPassword(t, pat.Email)
	b.link(t, provider, "oidc").sentTo(t)
	linked := identitiesOf(t, owner(s), pat.ID)
	if len(linked) != 1 {
		t.Fatalf("owners see %+v", linked)
	}
	if got := identitiesOf(t, admin.client, "pat"); len(got) != 1 {
		t.Errorf("user-admins see %+v", got)
	}
	join(t, s, "nosy").get(t, path(pat.ID, "identities")).refused(t, http.StatusNotFound, notFound)
	below := path(pat.ID, "identities", linked[0].ID.String())
	join(t, s, "nosier").delete(t, below).refused(t, http.StatusNotFound, notFound)
	admin.delete(t, below).refused(t, http.StatusForbidden, forbidden)
	owner(s).delete(t, path("owner", "identities", linked[0].ID.String())).refused(t, http.StatusNotFound, notFound)
	owner(s).delete(t, path(pat.ID, "identities", uuid.NewString())).refused(t, http.StatusNotFound, notFound)
	owner(s).delete(t, path(pat.ID, "identities", "x")).refused(t, http.StatusNotFound, notFound)
	owner(s).delete(t, below).want(t, http.StatusNoContent)
}

// TestALinkIsBoundToItsUser: nobody can be led into giving an identity to
// somebody else's account.
func TestALinkIsBoundToItsUser(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	create(t, s, newUser("attacker"))
	create(t, s, newUser("victim"))
	attacker, victim := browse(s), browse(s)
	attacker.signInByPassword(t, "attacker@example.com")
	begun := attacker.person(t).post(t, path("me", "identities"), body{"provider": "oidc"}).want(t, http.StatusCreated)
	start := decode[sdk.LinkIdentityResponse](t, begun).RedirectURL

	anonymous := browse(s).visit(t, start)
	if to := anonymous.want(t, http.StatusSeeOther).header.Get("Location"); !strings.HasPrefix(to, "/login?redirect=%2Fapi%2Fv2%2Fusers%2Foidc%2Fcallback%3Flink%3D") {
		t.Errorf("somebody who is not signed in is sent to %q", to)
	}
	victim.signInByPassword(t, "victim@example.com")
	victim.visit(t, start).refused(t, http.StatusForbidden, forbidden)

	// The browser changes hands between the beginning and the end.
	to := attacker.visit(t, start).sentTo(t)
	swapped := &browser{client: attacker.client, cookies: map[string]string{}}
	for name, value := range attacker.cookies {
		swapped.cookies[name] = value
	}
	swapped.cookies[sdk.SessionTokenCookie] = victim.cookies[sdk.SessionTokenCookie]
	swapped.visit(t, provider.Authorize(t, to)).refused(t, http.StatusForbidden, forbidden)
	signedOutMeanwhile := &browser{client: attacker.client, cookies: map[string]string{}}
	to = signedOutMeanwhile.copyOf(attacker).visit(t, start).sentTo(t)
	delete(signedOutMeanwhile.cookies, sdk.SessionTokenCookie)
	signedOutMeanwhile.visit(t, provider.Authorize(t, to)).refused(t, http.StatusForbidden, forbidden)
	for _, who := range []string{"attacker", "victim"} {
		if list := identitiesOf(t, owner(s), who); len(list) != 0 {
			t.Errorf("%s has %+v", who, list)
		}
	}

	ticket, err := url.Parse(start)
	if err != nil {
		t.Fatal(err)
	}
	for _, forged := range []string{"x", ticket.Query().Get("link") + "x", attacker.cookies["oauth_link"]} {
		attacker.visit(t, oidcPath+"?link="+url.QueryEscape(forged)).refused(t, http.StatusBadRequest, "not complete")
	}
}

func (b *browser) copyOf(other *browser) *browser {
	for name, value := range other.cookies {
		b.cookies[name] = value
	}
	return b
}

func TestAnIdentityBelongsToOneUser(t *testing.T) {
	t.Parallel()
	s, provider := newWithOIDC(t)
	browse(s).signedIn(t, provider) // kyle has it
	create(t, s, newUser("pat"))
	b := browse(s)
	b.signInByPassword(t, "pat@example.com")
	b.link(t, provider, "oidc").page(t, http.StatusConflict, "belongs to another account")
	provider.SetUser("pat-one", idptest.Claims{"email": "one@example.com", "email_verified": true})
	b.link(t, provider, "oidc").sentTo(t)
	b.link(t, provider, "oidc").sentTo(t) // again is no harm
	provider.SetUser("pat-two", idptest.Claims{"email": "two@example.com", "email_verified": true})
	b.link(t, provider, "oidc").sentTo(t)
	if list := identitiesOf(t, owner(s), "pat"); len(list) != 2 {
		t.Errorf("the identities are %+v", list)
	}
}

func TestTheLastWayInStays(t *testing.T) {
	t.Parallel()
	partners := idptest.NewOIDC(t)
	s, provider := newWithOIDC(t, withFurther(t, "partners", partners))
	b := browse(s)
	kyle := b.signedIn(t, provider)
	only := identitiesOf(t, kyle.client, "me")[0]
	kyle.delete(t, path("me", "identities", only.ID.String())).refused(t, http.StatusConflict, "last way")
	partners.SetUser("kyle-at-partners", idptest.Claims{"email": "k@partners.example.com", "email_verified": true})
	b.link(t, partners, "partners").sentTo(t)
	c := browse(s)
	c.logIn(t, partners, path("oidc/partners/callback")).sentTo(t)
	if through := c.person(t); through.ID != kyle.ID || through.Email != "kyle@example.com" {
		t.Errorf("the second identity opened %+v", through.User)
	}
	kyle.delete(t, path("me", "identities", only.ID.String())).want(t, http.StatusNoContent)
	kyle.get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut) // its session came from there
	left := identitiesOf(t, c.person(t).client, "me")
	c.person(t).delete(t, path("me", "identities", left[0].ID.String())).refused(t, http.StatusConflict, "last way")
	owner(s).delete(t, path(kyle.ID, "identities", left[0].ID.String())).refused(t, http.StatusConflict, "last way")
}

func TestSeveralProviders(t *testing.T) {
	t.Parallel()
	partners := idptest.NewOIDC(t)
	s, provider := newWithOIDC(t, withFurther(t, "partners", partners))
	methods := decode[sdk.AuthMethods](t, guest(s).get(t, path("authmethods")).want(t, http.StatusOK))
	if !methods.OIDC.Enabled || methods.OIDC.SignInText != "OpenID Connect" || len(methods.OIDCProviders) != 1 || methods.OIDCProviders[0].Name != "partners" {
		t.Errorf("the ways to log in are %+v", methods)
	}
	const partnersPath = "/api/v2/users/oidc/partners/callback"
	b := browse(s)
	start := b.visit(t, partnersPath)
	if state := b.cookies["oauth_state"]; !strings.HasPrefix(state, "partners.") {
		t.Errorf("the state is %q", state)
	}
	back := partners.Authorize(t, start.sentTo(t))
	// A code and state of one provider do not end a login of another.
	mixed := (&browser{client: b.client, cookies: map[string]string{}}).copyOf(b)
	mixed.visit(t, strings.Replace(back, "/oidc/partners/", "/oidc/", 1)).refused(t, http.StatusUnauthorized, "state")
	b.visit(t, back).sentTo(t)
	kyle := b.person(t)
	if list := identitiesOf(t, kyle.client, "me"); len(list) != 1 || list[0].Provider != "partners" || list[0].Issuer != partners.URL {
		t.Errorf("the identities are %+v", list)
	}
	// The same address at another provider is no key to the account, until its
	// user links the identity there.
	browse(s).logIn(t, provider, oidcPath).page(t, http.StatusForbidden, "already linked")
	b.link(t, provider, "oidc").sentTo(t)
	if same := browse(s).signedIn(t, provider); same.ID != kyle.ID {
		t.Errorf("the second provider opened %s, not %s", same.ID, kyle.ID)
	}
}

// withFurther makes another provider known under a name.
func withFurther(t *testing.T, name string, provider *idptest.OIDC) servertest.Option {
	t.Helper()
	file := t.TempDir() + "/providers.json"
	writeJSON(t, file, []map[string]any{{
		"name": name, "issuer_url": provider.URL, "client_id": provider.ClientID, "client_secret": provider.ClientSecret.Reveal(),
	}})
	return func(c *server.Config) { c.OIDCProviderFile = file }
}
