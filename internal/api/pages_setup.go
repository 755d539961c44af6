package api

import (
	"net/http"
	"strings"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
)

type setupView struct {
	frame
	Form      *form // nil where passwords are turned off
	Providers []providerButton
}

func (a *API) setupView(redirect string) setupView {
	view := setupView{frame: frame{Title: "Set up"}, Providers: a.providerButtons(redirect)}
	if a.Service.AuthMethods().Password {
		view.Form = setupForm(redirect)
	}
	return view
}

func setupForm(redirect string) *form {
	password := newPasswordField()
	password.Label = "Password"
	f := &form{Action: "/setup", Redirect: redirect, Submit: "Create the first user", Fields: []field{
		emailField(),
		{Name: "username", Label: "Username", Type: "text", Autocomplete: "nickname", Hint: "Letters and digits, in groups joined by hyphens."},
		{Name: "name", Label: "Full name", Type: "text", Autocomplete: "name", Optional: true},
		password,
	}}
	f.focus()
	return f
}

// showSetup is for a server without users alone.
func (a *API) showSetup(c *call) error {
	redirect := sanitizeRedirect(c.r.URL.Query().Get("redirect"))
	has, err := a.Service.HasFirstUser(c.ctx())
	if err != nil {
		return err
	}
	if has {
		return c.seeOther(withRedirect("/login", redirect))
	}
	return c.show(http.StatusOK, "setup", a.setupView(redirect))
}

// submitSetup makes the first user and signs the browser in as that user.
func (a *API) submitSetup(c *call) error {
	if !a.Service.AuthMethods().Password {
		return passwordsOff()
	}
	values, err := c.form()
	if err != nil {
		return err
	}
	first := service.NewUser{
		Email: strings.TrimSpace(values.Get("email")), Username: strings.TrimSpace(values.Get("username")),
		Name: strings.TrimSpace(values.Get("name")), Password: secret.Redacted(values.Get("password")),
		Status: account.StatusActive,
	}
	_, err = a.Service.CreateFirstUser(c.ctx(), c.actor, first, nil)
	if account.KindOf(err) == account.KindConflict {
		return err // somebody else was first: no form helps
	}
	if err != nil {
		return a.setupAgain(c, err)
	}
	redirect := sanitizeRedirect(values.Get("redirect"))
	key, err := a.Service.Login(c.ctx(), c.actor, service.Login{Email: first.Email, Password: first.Password}, nil)
	if err != nil {
		return c.seeOther(withRedirect("/login", redirect)) // the account is there, whatever keeps it out
	}
	c.setSession(key.Reveal())
	return c.seeOther(redirect)
}

func (a *API) setupAgain(c *call, refused error) error {
	view := a.setupView("/")
	view.Form.fill(c.r.PostForm)
	status, problem, ok := c.problemOf(refused, view.Form)
	if !ok {
		return refused
	}
	view.Problem = problem
	return c.show(status, "setup", view)
}
