package api_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
)

// TestProviderButtons lead to where a login through the provider begins, and from
// there to where it was to lead.
func TestProviderButtons(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	provider := idptest.NewOIDC(t)
	s := servertest.New(t, withGitHub(g), withOIDC(provider, func(c *idp.OIDCConfig) {
		c.SignInText, c.IconURL = `Acme <"ID">`, "https://acme.example.com/icon.svg?a=b&c=d"
	}))
	p := visit(s).get(t, "/login?redirect=%2Fcli-auth%3Fa%3Db").want(t, http.StatusOK)
	p.has(t, `href="/api/v2/users/oauth2/github/callback?redirect=%2Fcli-auth%3Fa%3Db"`, ">GitHub</a>",
		`href="/api/v2/users/oidc/callback?redirect=%2Fcli-auth%3Fa%3Db"`, "Acme &lt;&#34;ID&#34;&gt;</a>",
		`<img src="https://acme.example.com/icon.svg?a=b&amp;c=d" alt=""`)
	visit(s).get(t, "/login").has(t, `href="/api/v2/users/oidc/callback"`)
	// They stay when a password was wrong.
	visit(s).post(t, "/login", "email", "a@example.com", "password", "x", "redirect", "/cli-auth").
		want(t, http.StatusUnauthorized).has(t, `href="/api/v2/users/oidc/callback?redirect=%2Fcli-auth"`)
}

// TestFurtherProvidersHaveButtons too, and unreachable ones have none.
func TestFurtherProvidersHaveButtons(t *testing.T) {
	t.Parallel()
	provider := idptest.NewOIDC(t)
	file := t.TempDir() + "/providers.json"
	writeJSON(t, file, []map[string]any{
		{"name": "acme", "issuer_url": provider.URL, "client_id": provider.ClientID, "client_secret": provider.ClientSecret.Reveal(), "sign_in_text": "Acme"},
		{"name": "gone", "issuer_url": "http://127.0.0.1:1", "client_id": "x", "client_secret": "y", "sign_in_text": "Gone"},
	})
	s := servertest.New(t, func(c *server.Config) { c.OIDCProviderFile = file })
	visit(s).get(t, "/login").want(t, http.StatusOK).
		has(t, `<a class="button" href="/api/v2/users/oidc/acme/callback">Acme</a>`).lacks(t, "Gone", "/oidc/callback")
}

func TestOnlyProviders(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	s := servertest.Start(t, storetest.Database(t), withGitHub(g), func(c *server.Config) { c.DisablePasswordAuth = true })
	g.SetUser(kyle())
	// The first user may come through a provider, and becomes the owner.
	visit(s).get(t, "/login").leads(t, "/setup")
	visit(s).get(t, "/setup").want(t, http.StatusOK).has(t, `href="/api/v2/users/oauth2/github/callback"`).lacks(t, "<form")
	visit(s).post(t, "/setup", "email", "eve@example.com", "username", "eve", "password", servertest.Password).
		want(t, http.StatusForbidden).has(t, "Password authentication is disabled")
	v := visitGitHub(s, g)
	v.visit(t, v.begin(t, "?redirect=%2Fcli-auth")).want(t, http.StatusTemporaryRedirect)
	if me := v.person(t); len(me.Roles) != 1 || me.Roles[0].Name != "owner" {
		t.Errorf("the first user is %+v", me.User)
	}
	visit(s).get(t, "/setup").leads(t, "/login")
	visit(s).get(t, "/login").want(t, http.StatusOK).has(t, ">GitHub</a>").lacks(t, "<form", "Nobody can sign in")
}

var pollPath = regexp.MustCompile(`data-poll="([^"]+)"`)

// TestDevicePage shows the code without any script, and tells its script what to
// ask.
func TestDevicePage(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	g.SetDeviceInterval(7)
	g.SetUser(kyle())
	s := servertest.New(t, withGitHub(g, byDevice))
	b := visitGitHub(s, g)
	start := location(t, b.visit(t, githubCallbackAt+"?redirect=%2Fcli-auth"))
	browser := visit(s).with("Cookie", "oauth_redirect=/cli-auth")
	p := browser.get(t, start.RequestURI()).want(t, http.StatusOK)
	p.wantHeader(t, "Content-Security-Policy", policyOfPages+"; connect-src 'self'; script-src 'self'")
	p.has(t, `<script src="/assets/device.js" defer></script>`, `href="`+g.URL+`/login/device"`, `data-interval="7"`, `data-lifetime="900"`,
		"<noscript>", `role="status"`, `href="/api/v2/users/oauth2/github/callback?redirect=%2Fcli-auth"`)
	code := regexp.MustCompile(`id="user-code">([^<]+)<`).FindStringSubmatch(p.text)
	poll := pollPath.FindStringSubmatch(p.text)
	if code == nil || poll == nil {
		t.Fatalf("the page lacks the code or what to ask:\n%s", p.text)
	}
	g.ApproveDevice(code[1])
	end := b.visit(t, html.UnescapeString(poll[1])).want(t, http.StatusOK)
	if got := strings.TrimSpace(string(end.body)); got != `{"redirect_url":"/cli-auth"}` {
		t.Errorf("the login ends with %s", got)
	}
	if b.person(t).Username != "kyle" {
		t.Error("somebody else is signed in")
	}
}

func TestDevicePageRefuses(t *testing.T) {
	t.Parallel()
	const begin = "does not begin here"
	visit(servertest.New(t)).get(t, "/login/device?state=x").want(t, http.StatusBadRequest).has(t, begin)
	g := idptest.NewGitHub(t)
	s := servertest.New(t, withGitHub(g))
	visit(s).get(t, "/login/device?state=x").want(t, http.StatusBadRequest).has(t, "device flow")
	s = servertest.New(t, withGitHub(g, byDevice))
	visit(s).get(t, "/login/device").want(t, http.StatusBadRequest).has(t, begin)
	visit(s).get(t, "/login/device?state=%22%3E%3Cscript%3Ex").want(t, http.StatusOK).has(t, "state=%22%3E%3Cscript%3Ex")
	g.Fail("/login/device/code", http.StatusBadGateway)
	visit(s).get(t, "/login/device?state=x").want(t, http.StatusInternalServerError).has(t, "GitHub gave no code to log in with.")
}

// TestRefusalsOfProvidersArePages with the headers of pages, inside the API.
func TestRefusalsOfProvidersArePages(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	s := servertest.New(t, withGitHub(g))
	stranger := kyle()
	stranger.Orgs = nil
	g.SetUser(stranger)
	v := visitGitHub(s, g)
	end := v.visit(t, v.begin(t, "?redirect=%2Fcli-auth"))
	p := sheet{was: "the end of the login", status: end.status, header: end.header, text: string(end.body)}
	p.checkPage(t)
	p.want(t, http.StatusUnauthorized).has(t, "Back to login").lacks(t, `"message"`)
	to := location(t, end)
	if to.Path != "/login" || to.Query().Get("redirect") != "/cli-auth" || to.Query().Get("message") == "" {
		t.Errorf("the refusal leads to %s", to)
	}
	visit(s).get(t, to.RequestURI()).want(t, http.StatusOK).has(t, html.EscapeString(to.Query().Get("message")), `name="redirect" value="/cli-auth"`)
}
