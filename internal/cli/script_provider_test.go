package cli

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"usher/internal/idp/idptest"
	"usher/sdk"
)

// providers are those that scripts have started, by issuer.
type providers struct{ sync.Map }

// start is the command that starts an OpenID Connect provider, whose settings are then in
// the environment of servers: $ISSUER, $CLIENT_ID and the file $CLIENT_SECRET_FILE.
// Its one person has the address that is given.
func (p *providers) start(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: provider E-MAIL")
		}
		provider := idptest.NewOIDC(t)
		name, _, _ := strings.Cut(args[0], "@")
		provider.SetUser(name, idptest.Claims{"email": args[0], "email_verified": true})
		ts.Setenv("ISSUER", provider.URL)
		ts.Setenv("CLIENT_ID", provider.ClientID)
		file := ts.MkAbs("client-secret")
		ts.Check(os.WriteFile(file, []byte(provider.ClientSecret.Reveal()), 0o600))
		ts.Setenv("USHER_OIDC_CLIENT_SECRET_FILE", file)
		ts.Setenv("SUBJECT", name)
		p.Store(provider.URL, provider)
	}
}

// visit is the command of a browser that opens the address in the last standard output,
// signed in as the command line is, and goes through the provider's login.
func (p *providers) visit(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 0 {
			ts.Fatalf("usage: visit")
		}
		known, _ := p.Load(ts.Getenv("ISSUER"))
		provider, ok := known.(*idptest.OIDC)
		if !ok {
			ts.Fatalf("there is no provider")
		}
		token, err := os.ReadFile(ts.MkAbs("home/.config/usher/session"))
		ts.Check(err)
		ts.Check(visit(t, provider, strings.TrimSpace(ts.ReadFile("stdout")), strings.TrimSpace(string(token))))
	}
}

func visit(t *testing.T, provider *idptest.OIDC, address, session string) error {
	start, err := url.Parse(address)
	if err != nil {
		return err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	jar.SetCookies(start, []*http.Cookie{{Name: sdk.SessionTokenCookie, Value: session, Path: "/"}})
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for range 2 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			return err
		}
		response, err := browser.Do(request)
		if err != nil {
			return err
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusTemporaryRedirect {
			return fmt.Errorf("%s: %s", address, response.Status)
		}
		to := response.Header.Get("Location")
		if !strings.HasPrefix(to, provider.URL) {
			return nil // the login has ended
		}
		address = provider.Authorize(t, to)
	}
	return fmt.Errorf("the login does not end: %s", address)
}
