package api_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

func TestLoginPage(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, func(c *server.Config) { c.TermsOfServiceURL = "https://example.com/terms?a=b&c=d" })
	p := visit(s).get(t, "/login").want(t, http.StatusOK)
	p.has(t, "<h1>Sign in</h1>", `action="/login"`, `method="post"`, `name="email"`, `name="password" type="password"`,
		`href="/reset-password"`, `href="https://example.com/terms?a=b&amp;c=d"`)
	p.lacks(t, `name="redirect"`, `role="alert"`, `role="status"`, "/callback")
}

// TestLoginPageSaysAndLeads: what the address says is shown as text, and where it
// leads is on this server.
func TestLoginPageSaysAndLeads(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	const hostile = `"><script>alert(1)</script><a href='javascript:x'>{{.}}`
	for _, test := range []struct{ message, redirect, want string }{
		{"Your session has expired.", "/cli-auth", "/cli-auth"},
		{hostile, "https://evil.example.com/x?y=1#z", "/x?y=1#z"},
		{hostile, "//evil.example.com", ""},
		{"", "javascript:alert(1)", ""},
		{"x", hostile, "/%22%3E%3Cscript%3Ealert%281%29%3C/script%3E%3Ca%20href=%27javascript:x%27%3E%7B%7B.%7D%7D"},
	} {
		p := visit(s).get(t, "/login?"+url.Values{"message": {test.message}, "redirect": {test.redirect}}.Encode()).want(t, http.StatusOK)
		p.lacks(t, "<script", "href='javascript", "evil.example.com")
		if test.message != "" {
			p.has(t, `role="status"`)
			if shown := html.UnescapeString(p.text); !strings.Contains(shown, test.message) {
				t.Errorf("the page does not show %q:\n%s", test.message, p.text)
			}
		}
		if test.want == "" {
			p.lacks(t, `name="redirect"`)
			continue
		}
		if shown := html.UnescapeString(p.text); !strings.Contains(shown, `name="redirect" value="`+test.want+`"`) {
			t.Errorf("%q: the page does not lead to %q:\n%s", test.redirect, test.want, p.text)
		}
	}
	long := visit(s).get(t, "/login?message="+strings.Repeat("x", 5000))
	long.has(t, strings.Repeat("x", 400)+"…").lacks(t, strings.Repeat("x", 401))
	visit(s).get(t, "/login?message=%ff%00ok").want(t, http.StatusOK).has(t, "ok")
}

func TestLoginForm(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for redirect, to := range map[string]string{
		"": "/", "/cli-auth": "/cli-auth", "https://evil.example.com/x": "/x", "//evil.example.com": "/", "/a\r\nX: y": "/",
	} {
		p := visit(s).post(t, "/login", "email", " Owner@example.com ", "password", servertest.Password, "redirect", redirect)
		p.leads(t, to)
		guest(s).as(p.session(t)).get(t, path("me")).want(t, http.StatusOK)
	}
	if n := len(audit(t, s, "action:login")); n != 6 { // the first is of the test's setup
		t.Errorf("%d logins are in the audit log, want 6", n)
	}
}

func TestLoginFormRefuses(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	sue := create(t, s, newUser("sue"))
	owner(s).put(t, path(sue.ID, "status/suspend"), nil).want(t, http.StatusOK)
	const wrong = "Not-The-Password-7"
	for _, test := range []struct {
		name, email, password string
		status                int
		problem, fault        string
	}{
		{"a wrong password", "owner@example.com", wrong, 401, "Incorrect email or password.", ""},
		{"nobody", "nobody@example.com", wrong, 401, "Incorrect email or password.", ""},
		{"somebody suspended", "sue@example.com", servertest.Password, 401, "suspended", ""},
		{"nothing", "", "", 400, "Please check what you have entered.", "E-mail must not be empty."},
		{"no password", "owner@example.com", "", 400, "Please check what you have entered.", "Password must not be empty."},
		{"no address", "owner", wrong, 400, "Please check what you have entered.", "E-mail must be an e-mail address."},
		{"markup", `"><script>alert(1)</script>`, wrong, 400, "Please check what you have entered.", "E-mail must be an e-mail address."},
		{"no text", "\xff\x00", wrong, 400, "Please check what you have entered.", "E-mail must be an e-mail address."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := visit(s).post(t, "/login", "email", test.email, "password", test.password, "redirect", "/cli-auth")
			p.want(t, test.status).problem(t, test.problem).lacks(t, wrong, servertest.Password, "<script")
			p.has(t, `name="redirect" value="/cli-auth"`)
			if len(p.cookies) > 0 {
				t.Errorf("a login that failed sets %v", p.cookies)
			}
			if test.email != "\xff\x00" {
				p.has(t, `value="`+html.EscapeString(test.email)+`"`)
			}
			if test.fault != "" {
				p.has(t, test.fault, `aria-invalid="true"`)
			}
		})
	}
}

func TestLoginWithoutPasswords(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	key := s.Owner.SessionToken()
	s.Stop()
	s = servertest.Start(t, s.Store, func(c *server.Config) { c.DisablePasswordAuth = true })
	visit(s).get(t, "/login").want(t, http.StatusOK).lacks(t, "<form", "/reset-password").has(t, "Nobody can sign in here")
	p := visit(s).post(t, "/login", "email", "owner@example.com", "password", servertest.Password)
	p.want(t, http.StatusForbidden).has(t, "Password authentication is disabled").lacks(t, servertest.Password)
	visit(s).holding(key).get(t, "/cli-auth").want(t, http.StatusOK)
}

// TestLoginOfSomebodySignedIn goes straight on.
func TestLoginOfSomebodySignedIn(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	member := visit(s).holding(s.Owner.SessionToken())
	member.get(t, "/login").leads(t, "/")
	member.get(t, "/login?redirect=%2Fcli-auth").leads(t, "/cli-auth")
	member.get(t, "/login?redirect=https%3A%2F%2Fevil.example.com%2Fx").leads(t, "/x")
	member.get(t, "/login?message=Somebody+else").want(t, http.StatusOK).has(t, "Somebody else")
	visit(s).holding("nonsense").get(t, "/login").want(t, http.StatusOK)
}

// TestLoginLimitIsShared: a guesser has no more attempts for knowing the form as
// well as the API.
func TestLoginLimitIsShared(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, limited(500))
	settle(t)
	const perMinute = 60
	for n := range perMinute {
		v, c := visit(s).with("X-Forwarded-For", "192.0.2.7"), guest(s).from("192.0.2.7")
		email := fmt.Sprintf("nobody%d@example.com", n)
		if n%2 == 0 {
			c.post(t, loginPath, credentials(email, "x")).want(t, http.StatusUnauthorized)
			continue
		}
		v.post(t, "/login", "email", email, "password", "x").want(t, http.StatusUnauthorized)
	}
	p := visit(s).with("X-Forwarded-For", "192.0.2.7").post(t, "/login", "email", "owner@example.com", "password", servertest.Password)
	p.want(t, http.StatusTooManyRequests).has(t, "<h1>Too Many Requests</h1>").wantHeader(t, "Retry-After", "60")
	guest(s).from("192.0.2.7").post(t, loginPath, credentials("owner@example.com", "x")).want(t, http.StatusTooManyRequests)
	// Looking at the form is no attempt, and other addresses have their own.
	visit(s).with("X-Forwarded-For", "192.0.2.7").get(t, "/login").want(t, http.StatusOK)
	visit(s).with("X-Forwarded-For", "192.0.2.8").post(t, "/login", "email", "owner@example.com", "password", servertest.Password).leads(t, "/")
}

// TestLoginFormWaits after too many failures for one address.
func TestLoginFormWaits(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for range 10 {
		visit(s).post(t, "/login", "email", "owner@example.com", "password", "x").want(t, http.StatusUnauthorized)
	}
	p := visit(s).post(t, "/login", "email", "owner@example.com", "password", servertest.Password)
	p.want(t, http.StatusTooManyRequests).problem(t).has(t, `value="owner@example.com"`)
	if p.header.Get("Retry-After") == "" {
		t.Error("nothing says for how long")
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	key := visit(s).post(t, "/login", "email", "owner@example.com", "password", servertest.Password).session(t)
	member := visit(s).holding(key)
	p := member.post(t, "/logout").leads(t, "/login")
	if len(p.cookies) != 1 || p.cookies[0].Name != sdk.SessionTokenCookie || p.cookies[0].MaxAge >= 0 {
		t.Errorf("the cookies are %v", p.cookies)
	}
	guest(s).as(key).get(t, path("me")).want(t, http.StatusUnauthorized)
	if len(audit(t, s, "action:logout")) != 1 {
		t.Error("signing out is not in the audit log")
	}
	member.post(t, "/logout").leads(t, "/login") // a session that is over
	visit(s).post(t, "/logout").leads(t, "/login")
	visit(s).get(t, "/logout").want(t, http.StatusMethodNotAllowed)
}

func TestSetup(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.Database(t))
	visit(s).get(t, "/login?redirect=%2Fcli-auth").leads(t, "/setup?redirect=%2Fcli-auth")
	visit(s).get(t, "/setup?redirect=%2Fcli-auth").want(t, http.StatusOK).
		has(t, `action="/setup"`, `name="email"`, `name="username"`, `name="name"`, `name="password" type="password"`, `name="redirect" value="/cli-auth"`)
	weak := visit(s).post(t, "/setup", "email", "ada", "username", "ada lovelace", "name", "Ada", "password", "abc", "redirect", "/cli-auth")
	weak.want(t, http.StatusBadRequest).problem(t, "E-mail must be an e-mail address.", "Username must be letters and digits")
	weak.has(t, `value="ada"`, `value="ada lovelace"`, `value="Ada"`, `name="redirect" value="/cli-auth"`).lacks(t, "abc")
	weak = visit(s).post(t, "/setup", "email", "ada@example.com", "username", "ada", "password", "abc")
	weak.want(t, http.StatusBadRequest).problem(t, "The password is too easy to guess")
	visit(s).get(t, "/setup").want(t, http.StatusOK) // nobody was made

	done := visit(s).post(t, "/setup", "email", "ada@example.com", "username", "ada", "name", "Ada", "password", servertest.Password, "redirect", "/cli-auth")
	me := guest(s).as(done.leads(t, "/cli-auth").session(t)).get(t, path("me")).user(t, http.StatusOK)
	if me.Username != "ada" || me.Name != "Ada" || len(me.Roles) != 1 || me.Roles[0].Name != "owner" {
		t.Errorf("the first user is %+v", me)
	}
	visit(s).get(t, "/setup").leads(t, "/login")
	visit(s).get(t, "/setup?redirect=%2Fcli-auth").leads(t, "/login?redirect=%2Fcli-auth")
	late := visit(s).post(t, "/setup", "email", "eve@example.com", "username", "eve", "password", servertest.Password)
	late.want(t, http.StatusConflict).has(t, "The initial user has already been created.").lacks(t, servertest.Password)
	if len(late.cookies) > 0 {
		t.Errorf("the late one gets %v", late.cookies)
	}
}

// TestKeysForTheCommandLine are made by POST alone, for who is signed in.
func TestKeysForTheCommandLine(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	const signIn = "/login?redirect=%2Fcli-auth"
	visit(s).get(t, "/cli-auth").leads(t, signIn)
	visit(s).post(t, "/cli-auth").leads(t, signIn)
	visit(s).holding("nonsense").get(t, "/cli-auth").leads(t, signIn)

	session := visit(s).post(t, "/login", "email", "owner@example.com", "password", servertest.Password).session(t)
	member := visit(s).holding(session)
	const made = "action:create resource_type:api_key"
	member.get(t, "/cli-auth").want(t, http.StatusOK).has(t, `action="/cli-auth"`, "<strong>owner</strong>").lacks(t, session, `id="key"`)
	member.do(t, http.MethodHead, "/cli-auth", nil).want(t, http.StatusOK)
	if n := len(audit(t, s, made)); n != 0 {
		t.Fatalf("looking at the page made %d keys", n)
	}
	p := member.post(t, "/cli-auth").want(t, http.StatusCreated)
	_, after, found := strings.Cut(p.text, `readonly value="`)
	key, _, _ := strings.Cut(after, `"`)
	if !found || len(p.cookies) > 0 {
		t.Fatalf("no key, or cookies: %v\n%s", p.cookies, p.text)
	}
	guest(s).as(key).get(t, path("me")).want(t, http.StatusOK)
	if n := len(audit(t, s, made)); n != 1 {
		t.Errorf("%d keys are in the audit log, want 1", n)
	}
	member.get(t, "/cli-auth").lacks(t, key)
	member.post(t, "/logout").want(t, http.StatusSeeOther)
	guest(s).as(key).get(t, path("me")).want(t, http.StatusOK)
	if strings.Contains(s.Log.String(), key) {
		t.Error("the log has the key")
	}
}

// TestNarrowKeysSeeAndMakeNoMore through the pages than through the API.
func TestNarrowKeysSeeAndMakeNoMore(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	a := owner(s).post(t, path("me", "keys/tokens"), body{"scopes": []string{"user:read", "api_key:create"}})
	narrow := decode[sdk.GenerateAPIKeyResponse](t, a.want(t, http.StatusCreated)).Key
	p := visit(s).holding(narrow).post(t, "/cli-auth").want(t, http.StatusForbidden)
	p.has(t, "<h1>Not allowed</h1>").lacks(t, `id="key"`)

	a = owner(s).post(t, path("me", "keys/tokens"), body{"scopes": []string{"workspace:read"}})
	blind := visit(s).holding(decode[sdk.GenerateAPIKeyResponse](t, a.want(t, http.StatusCreated)).Key)
	blind.get(t, "/").want(t, http.StatusOK).lacks(t, "owner@example.com", "The Owner")
	blind.get(t, "/cli-auth").want(t, http.StatusNotFound).lacks(t, "<strong>owner")
	blind.post(t, "/logout").want(t, http.StatusForbidden).has(t, "api_key:delete")
}
