package browser

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"usher/internal/mail"
	"usher/internal/mail/mailtest"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// What is on the pages.
const (
	signOut  = `form[action="/logout"] button`
	submit   = `main form button[type="submit"]`
	problem  = `[role="alert"]`
	keyInput = `#key`
)

// somebody checks who is signed in, on the first page.
func (w *window) somebody(t testing.TB, username string) {
	t.Helper()
	w.shows(t, signOut)
	if got := w.text(t, "dl dd"); got != username {
		t.Errorf("signed in is %q, want %q", got, username)
	}
}

func TestPasswordLogin(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	w := open(t, chromedp.Navigate(s.URL))
	w.press(t, `main a[href="/login"]`)
	w.shows(t, submit)
	w.fill(t, "email", "owner@example.com", "password", "Not-The-Password-7")
	w.press(t, submit)
	w.shows(t, problem)
	if got := w.text(t, problem); got != "Incorrect email or password." {
		t.Errorf("the page says %q", got)
	}
	if email, password := w.value(t, `input[name="email"]`), w.value(t, `input[name="password"]`); email != "owner@example.com" || password != "" {
		t.Errorf("the form has %q and a password of %d characters", email, len(password))
	}
	w.fill(t, "password", servertest.Password)
	w.press(t, submit)
	w.somebody(t, "owner")
	w.press(t, signOut)
	w.shows(t, `form[action="/login"]`)
	w.do(t, chromedp.Navigate(s.URL))
	w.shows(t, `main a[href="/login"]`)
}

// TestKeyboardLogin uses nothing but the keyboard: the cursor is where it should
// be, and Enter and Tab do what they should.
func TestKeyboardLogin(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	w := open(t, chromedp.Navigate(s.URL+"/login?redirect=%2Fcli-auth"))
	w.shows(t, `input[name="email"]:focus`)
	w.do(t, chromedp.KeyEvent("owner@example.com"), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("wrong"), chromedp.KeyEvent(kb.Enter))
	w.shows(t, problem)
	w.shows(t, `input[name="password"]:focus`)
	w.do(t, chromedp.KeyEvent(servertest.Password), chromedp.KeyEvent(kb.Enter))
	w.shows(t, `form[action="/cli-auth"]`)
	// The brand, then the button.
	w.do(t, chromedp.KeyEvent(kb.Tab))
	w.shows(t, `a.brand:focus-visible`)
	w.do(t, chromedp.KeyEvent(kb.Tab))
	w.shows(t, submit+":focus-visible")
	w.do(t, chromedp.KeyEvent(kb.Enter))
	w.shows(t, keyInput+":focus")
	checkKey(t, s, w.value(t, keyInput))
}

// checkKey uses a key that a page has shown.
func checkKey(t *testing.T, s *servertest.Server, key string) {
	t.Helper()
	client := s.Client(t)
	client.SetSessionToken(key)
	if me, err := client.User(t.Context(), sdk.Me); err != nil || me.Username != "owner" {
		t.Errorf("with the key of the page: %q, %v", me.Username, err)
	}
}

func TestLoginWithoutScripts(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.Database(t))
	w := open(t, withoutScripts(), chromedp.Navigate(s.URL+"/login?redirect=%2Fcli-auth"))
	w.shows(t, `form[action="/setup"]`)
	w.fill(t, "email", "owner@example.com", "username", "owner", "name", "The Owner", "password", servertest.Password)
	w.press(t, submit)
	w.shows(t, `form[action="/cli-auth"]`)
	w.press(t, submit)
	w.shows(t, keyInput)
	checkKey(t, s, w.value(t, keyInput))
	w.do(t, chromedp.Navigate(s.URL))
	w.press(t, signOut)
	w.shows(t, `form[action="/login"]`)
	w.fill(t, "email", "owner@example.com", "password", servertest.Password)
	w.press(t, submit)
	w.somebody(t, "owner")
}

func TestFirstUser(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.Database(t))
	w := open(t, chromedp.Navigate(s.URL))
	w.press(t, `main a[href="/setup"]`)
	w.shows(t, submit)
	w.fill(t, "email", "ada@example.com", "username", "ada lovelace", "password", servertest.Password)
	w.press(t, submit)
	w.shows(t, `input[name="username"][aria-invalid="true"]:focus`)
	if got := w.text(t, problem+" li"); !strings.HasPrefix(got, "Username must be letters and digits") {
		t.Errorf("the page says %q", got)
	}
	w.do(t, chromedp.SetValue(`input[name="username"]`, "ada", chromedp.ByQuery))
	w.fill(t, "password", servertest.Password)
	w.press(t, submit)
	w.somebody(t, "ada")
}

func TestPasswordReset(t *testing.T) {
	t.Parallel()
	m := mailtest.New(t, mailtest.Config{})
	s := servertest.New(t, func(c *server.Config) {
		c.SMTP = mail.Config{Address: m.Address, From: "usher@example.com", TLS: mail.TLSNone}
	})
	w := open(t, chromedp.Navigate(s.URL+"/login"))
	w.press(t, `a[href="/reset-password"]`)
	w.shows(t, submit)
	w.fill(t, "email", "owner@example.com")
	w.press(t, submit)
	w.shows(t, `input[name="one_time_passcode"]:focus`)
	link, code := fromMail(t, m.Next(t).Text)
	if link != s.URL+"/reset-password?email=owner%40example.com" {
		t.Errorf("the message leads to %q", link)
	}
	w.do(t, chromedp.Navigate(link))
	w.shows(t, `input[name="one_time_passcode"]:focus`)
	const next = "Another-Good-Passphrase"
	w.fill(t, "one_time_passcode", code, "password", next)
	w.press(t, submit)
	w.shows(t, `form[action="/login"]`)
	if got := w.text(t, `[role="status"]`); !strings.HasPrefix(got, "Your password has been changed.") {
		t.Errorf("the page says %q", got)
	}
	w.fill(t, "email", "owner@example.com", "password", next)
	w.press(t, submit)
	w.somebody(t, "owner")
}

// fromMail finds the page and the passcode in a message.
func fromMail(t *testing.T, text string) (link, code string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "http") && strings.Contains(line, "/reset-password"):
			link = line
		case len(line) == len("00000000-0000-4000-8000-000000000000") && strings.Count(line, "-") == 4:
			code = line
		}
	}
	if link == "" || code == "" {
		t.Fatalf("the message has no link or no passcode:\n%s", text)
	}
	return link, code
}

// TestCommandLineKey: who is not signed in comes back after the login, and the
// key works after the browser has signed out.
func TestCommandLineKey(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	w := open(t, chromedp.Navigate(s.URL+"/cli-auth"))
	w.shows(t, `form[action="/login"]`)
	w.fill(t, "email", "owner@example.com", "password", servertest.Password)
	w.press(t, submit)
	w.shows(t, `form[action="/cli-auth"]`)
	w.press(t, submit)
	w.shows(t, keyInput)
	key := w.value(t, keyInput)
	w.press(t, `main a[href="/"]`)
	w.press(t, signOut)
	w.shows(t, `form[action="/login"]`)
	checkKey(t, s, key)
}

// plainHost is a host that is reached without TLS over a network, as far as the
// browser knows. It then says nothing in Sec-Fetch-Site.
const plainHost = "usher.example.test"

func TestLoginWithoutTLS(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	w := open(t, chromedp.Navigate(strings.Replace(s.URL, "127.0.0.1", plainHost, 1)+"/login"))
	var secure bool
	w.do(t, chromedp.Evaluate("isSecureContext", &secure))
	if secure {
		t.Fatal("the browser trusts the host, so this tests nothing")
	}
	w.fill(t, "email", "owner@example.com", "password", servertest.Password)
	w.press(t, submit)
	w.somebody(t, "owner")
}

// TestOtherSitesPostNothing: a page elsewhere makes the browser post to Usher.
func TestOtherSitesPostNothing(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	elsewhere := serve(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = rw.Write([]byte(`<form method="post" action="` + s.URL + `/cli-auth"><button>Win</button></form>`))
	})
	w := open(t, chromedp.Navigate(s.URL+"/login"))
	w.fill(t, "email", "owner@example.com", "password", servertest.Password)
	w.press(t, submit)
	w.somebody(t, "owner")
	w.do(t, chromedp.Navigate(elsewhere))
	w.press(t, "button")
	w.shows(t, "main h1")
	if got := w.text(t, "main h1"); got != "Not allowed" {
		t.Errorf("the page is %q", got)
	}
}
