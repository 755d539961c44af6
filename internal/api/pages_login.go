package api

import (
	"net/http"
	"net/url"
	"strings"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
)

// maxNotice bounds the text that an address can put on the login page, in
// characters.
const maxNotice = 400

type loginView struct {
	frame
	Notice    string
	Form      *form // nil where passwords are turned off
	Reset     bool
	Providers []providerButton
	Terms     string
}

func (a *API) showLogin(c *call) error {
	query := c.r.URL.Query()
	redirect := sanitizeRedirect(query.Get("redirect"))
	if !c.actor.IsAnonymous() && query.Get("message") == "" {
		return c.seeOther(redirect)
	}
	has, err := a.Service.HasFirstUser(c.ctx())
	if err != nil {
		return err
	}
	if !has {
		return c.seeOther(withRedirect("/setup", redirect))
	}
	view := a.loginView(redirect)
	view.Notice = shorten(query.Get("message"), maxNotice)
	return c.show(http.StatusOK, "login", view)
}

// submitLogin signs a browser in.
func (a *API) submitLogin(c *call) error {
	values, err := c.form()
	if err != nil {
		return err
	}
	key, err := a.Service.Login(c.ctx(), c.actor, service.Login{
		Email: strings.TrimSpace(values.Get("email")), Password: secret.Redacted(values.Get("password")),
	}, nil)
	if err == nil {
		c.setSession(key.Reveal())
		return c.seeOther(sanitizeRedirect(values.Get("redirect")))
	}
	view := a.loginView(sanitizeRedirect(values.Get("redirect")))
	if view.Form == nil {
		return err
	}
	view.Form.fill(values)
	status, problem, ok := c.problemOf(err, view.Form)
	if !ok {
		return err
	}
	view.Problem = problem
	return c.show(status, "login", view)
}

func (a *API) loginView(redirect string) loginView {
	methods := a.Service.AuthMethods()
	view := loginView{
		frame:     frame{Title: "Sign in"},
		Providers: a.providerButtons(redirect),
		Terms:     methods.TermsOfServiceURL,
	}
	if methods.Password {
		view.Reset = true
		view.Form = &form{Action: "/login", Redirect: redirect, Submit: "Sign in", Fields: []field{
			emailField(),
			{Name: "password", Label: "Password", Type: "password", Autocomplete: "current-password"},
		}}
		view.Form.focus()
	}
	return view
}

// passwordsOff refuses what only makes sense with passwords.
func passwordsOff() error {
	return refuse(http.StatusForbidden, "Password authentication is disabled.")
}

// withRedirect is the path of a page that shall lead on to another.
func withRedirect(path, redirect string) string {
	if redirect == "/" {
		return path
	}
	return path + "?" + url.Values{"redirect": {redirect}}.Encode()
}

// shorten makes what an address says fit to be shown.
func shorten(text string, limit int) string {
	runes := []rune(strings.ToValidUTF8(text, "�"))
	if len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return string(runes)
}

// signedIn is for pages that are for users alone: it sends everyone else to the
// login page and back.
func (c *call) signedIn(show func() error) error {
	if !c.actor.IsAnonymous() {
		return show()
	}
	return c.seeOther(withRedirect("/login", c.r.URL.Path))
}

type cliAuthView struct {
	frame
	Username string
	Form     *form
}

func (a *API) showCLIAuth(c *call) error {
	return c.signedIn(func() error {
		me, err := a.Service.User(c.ctx(), c.actor, account.UserRef{Me: true})
		if err != nil {
			return err
		}
		return c.show(http.StatusOK, "cliauth", cliAuthView{
			frame:    frame{Title: "Command line"},
			Username: me.Username,
			Form:     &form{Action: "/cli-auth", Redirect: "/", Submit: "Make a session key"},
		})
	})
}

type keyView struct {
	frame
	Key string
}

// submitCLIAuth makes a key for a command line and shows it, once.
func (a *API) submitCLIAuth(c *call) error {
	return c.signedIn(func() error {
		key, err := a.Service.CreateSessionKey(c.ctx(), c.actor, account.UserRef{Me: true})
		if err != nil {
			return err
		}
		return c.show(http.StatusCreated, "key", keyView{frame: frame{Title: "Session key"}, Key: key.Reveal()})
	})
}
