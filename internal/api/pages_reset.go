package api

import (
	"net/http"
	"net/url"
	"strings"

	"usher/internal/secret"
	"usher/internal/service"
)

// requestPasscodePath is the operation that a request from the page counts as,
// too.
const requestPasscodePath = "/api/v2/users/otp/request"

// resetView is either step of a reset: asking for a passcode, and using it.
type resetView struct {
	frame
	Text  []string
	Form  *form
	Other pageLink // the other step
}

type pageLink struct{ URL, Text string }

func (a *API) askView() resetView {
	view := resetView{
		frame: frame{Title: "Reset your password"},
		Text:  []string{"We send a one-time passcode to your e-mail address. With it you can choose a new password."},
		Form:  &form{Action: "/reset-password", Redirect: "/", Submit: "Send the passcode", Fields: []field{emailField()}},
		Other: pageLink{URL: "/reset-password?email=", Text: "I have a passcode"},
	}
	if a.Service.Mail == nil {
		view.Text = []string{withoutMail}
	}
	view.Form.focus()
	return view
}

// withoutMail is for servers to which the operator gave no mail server.
const withoutMail = "This server cannot send mail. Ask an administrator for a new password."

func (a *API) changeView(email string) resetView {
	view := resetView{
		frame: frame{Title: "Choose a new password"},
		Form: &form{Action: "/reset-password", Redirect: "/", Submit: "Set the password", Fields: []field{
			emailField(),
			{Name: "one_time_passcode", Label: "One-time passcode", Type: "text", Autocomplete: "one-time-code", Hint: "From the newest message that we have sent."},
			newPasswordField(),
		}},
		Other: pageLink{URL: "/reset-password", Text: "Send another passcode"},
	}
	view.Form.fill(url.Values{"email": {email}})
	return view
}

// showReset shows the second step to who comes with an address, from the message
// with the passcode.
func (a *API) showReset(c *call) error {
	if !a.Service.AuthMethods().Password {
		return passwordsOff()
	}
	query := c.r.URL.Query()
	if query.Has("email") {
		return c.show(http.StatusOK, "reset", a.changeView(shorten(query.Get("email"), maxNotice)))
	}
	return c.show(http.StatusOK, "reset", a.askView())
}

// submitReset takes either step: the form with a passcode is the second.
func (a *API) submitReset(c *call) error {
	values, err := c.form()
	if err != nil {
		return err
	}
	if values.Has("one_time_passcode") {
		return a.useCode(c, values)
	}
	return a.askForCode(c, values)
}

func (a *API) askForCode(c *call, values url.Values) error {
	if err := c.checkRateOf(requestPasscodePath); err != nil {
		return err
	}
	email := strings.TrimSpace(values.Get("email"))
	if err := a.Service.RequestPasscode(c.ctx(), c.actor, email, nil); err != nil {
		return a.resetAgain(c, a.askView(), values, err)
	}
	view := a.changeView(email)
	view.Text = []string{"If there is an account with this address and a password, a one-time passcode is on its way to it."}
	if a.Service.Mail == nil {
		view.Text = []string{withoutMail}
	}
	return c.show(http.StatusOK, "reset", view)
}

func (a *API) useCode(c *call, values url.Values) error {
	err := a.Service.ResetPasswordByPasscode(c.ctx(), c.actor, service.PasscodeReset{
		Email:    strings.TrimSpace(values.Get("email")),
		Passcode: secret.Redacted(strings.TrimSpace(values.Get("one_time_passcode"))),
		Password: secret.Redacted(values.Get("password")),
	}, nil)
	if err != nil {
		return a.resetAgain(c, a.changeView(""), values, err)
	}
	said := url.Values{"message": {"Your password has been changed. Sign in with the new one."}}
	return c.seeOther("/login?" + said.Encode())
}

func (a *API) resetAgain(c *call, view resetView, values url.Values, refused error) error {
	view.Form.fill(values)
	status, problem, ok := c.problemOf(refused, view.Form)
	if !ok {
		return refused
	}
	view.Problem = problem
	return c.show(status, "reset", view)
}
