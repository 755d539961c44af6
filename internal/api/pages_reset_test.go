package api_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"usher/internal/mail/mailtest"
	"usher/internal/server"
	"usher/internal/server/servertest"
)

const passwordChanged = "/login?message=Your+password+has+been+changed.+Sign+in+with+the+new+one."

// TestResetByPage is the whole way of somebody who has forgotten the password.
func TestResetByPage(t *testing.T) {
	t.Parallel()
	m := mailtest.New(t, mailtest.Config{})
	s := servertest.New(t, mailed(m))
	ada := create(t, s, newUser("ada"))
	old := login(t, s, ada.Email, servertest.Password)

	visit(s).get(t, "/reset-password").want(t, http.StatusOK).
		has(t, `action="/reset-password"`, `name="email"`, `href="/login"`).lacks(t, `name="one_time_passcode"`, "cannot send mail")
	asked := visit(s).post(t, "/reset-password", "email", " ada@example.com ").want(t, http.StatusOK)
	asked.has(t, "is on its way", `name="email" type="text" value="ada@example.com"`, `name="one_time_passcode"`, `autocomplete="one-time-code"`)
	code := passcodeIn(t, m.Next(t))

	weak := visit(s).post(t, "/reset-password", "email", ada.Email, "one_time_passcode", code, "password", "abc")
	weak.want(t, http.StatusBadRequest).problem(t, "The password is too easy to guess").has(t, code, `value="ada@example.com"`).lacks(t, `value="abc"`)
	visit(s).post(t, "/reset-password", "email", ada.Email, "one_time_passcode", " "+code+"\n", "password", nextPassword).leads(t, passwordChanged)
	visit(s).get(t, passwordChanged).has(t, "Your password has been changed.")
	old.get(t, path("me")).want(t, http.StatusUnauthorized)
	visit(s).post(t, "/login", "email", ada.Email, "password", nextPassword).leads(t, "/")

	again := visit(s).post(t, "/reset-password", "email", ada.Email, "one_time_passcode", code, "password", servertest.Password)
	again.want(t, http.StatusBadRequest).problem(t, badPasscode).lacks(t, servertest.Password)
}

// TestResetPageOfTheMail: the link of the message leads to the second step.
func TestResetPageOfTheMail(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	p := visit(s).get(t, "/reset-password?"+url.Values{"email": {`ada"><b>@example.com`}}.Encode()).want(t, http.StatusOK)
	p.has(t, `name="one_time_passcode"`, `name="password" type="password"`, `value="ada&#34;&gt;&lt;b&gt;@example.com"`).lacks(t, "<b>")
	visit(s).get(t, "/reset-password?email=").want(t, http.StatusOK).has(t, `name="one_time_passcode"`, `name="email" type="text" value=""`)
}

// TestResetPageTellsNothing about who has an account.
func TestResetPageTellsNothing(t *testing.T) {
	t.Parallel()
	m := mailtest.New(t, mailtest.Config{})
	s := servertest.New(t, mailed(m))
	known := visit(s).post(t, "/reset-password", "email", "owner@example.com").want(t, http.StatusOK)
	unknown := visit(s).post(t, "/reset-password", "email", "nobody@example.com").want(t, http.StatusOK)
	if got := len(known.text) - len("owner"); got != len(unknown.text)-len("nobody") {
		t.Errorf("the pages differ:\n%s\n%s", known.text, unknown.text)
	}
	bad := visit(s).post(t, "/reset-password", "email", "nobody").want(t, http.StatusBadRequest)
	bad.problem(t, "E-mail must be an e-mail address.").has(t, `value="nobody"`).lacks(t, `name="one_time_passcode"`)
	planted := plant(t, s, s.OwnerID, time.Minute)
	for _, email := range []string{"nobody@example.com", "owner@example.com"} {
		p := visit(s).post(t, "/reset-password", "email", email, "one_time_passcode", "00000000-0000-4000-8000-000000000000", "password", nextPassword)
		p.want(t, http.StatusBadRequest).problem(t, badPasscode)
	}
	empty := visit(s).post(t, "/reset-password", "email", "", "one_time_passcode", "", "password", "").want(t, http.StatusBadRequest)
	empty.problem(t, "E-mail must not be empty.", "One-time passcode must not be empty.", "New password must not be empty.")
	visit(s).post(t, "/reset-password", "email", "owner@example.com", "one_time_passcode", planted, "password", nextPassword).leads(t, passwordChanged)
}

func TestResetPageWithoutMail(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	visit(s).get(t, "/reset-password").want(t, http.StatusOK).has(t, "cannot send mail")
	visit(s).post(t, "/reset-password", "email", "owner@example.com").want(t, http.StatusOK).has(t, "cannot send mail").lacks(t, "on its way")
}

func TestResetPageWithoutPasswords(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	s.Stop()
	s = servertest.Start(t, s.Store, func(c *server.Config) { c.DisablePasswordAuth = true })
	visit(s).get(t, "/reset-password").want(t, http.StatusForbidden).has(t, "Password authentication is disabled")
	for _, fields := range [][]string{
		{"email", "owner@example.com"}, {"email", "owner@example.com", "one_time_passcode", "x", "password", nextPassword},
	} {
		visit(s).post(t, "/reset-password", fields...).want(t, http.StatusForbidden).has(t, "Password authentication is disabled")
	}
}

// TestResetLimitsAreShared with the operations of the API.
func TestResetLimitsAreShared(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, limited(500))
	settle(t)
	const perMinute = 60
	v := visit(s).with("X-Forwarded-For", "192.0.2.7")
	c := guest(s).from("192.0.2.7")
	for range perMinute {
		c.post(t, changePath, body{"email": "x", "one_time_passcode": "x", "password": "x"}).want(t, http.StatusBadRequest)
	}
	v.post(t, "/reset-password", "email", "x", "one_time_passcode", "x", "password", "x").want(t, http.StatusTooManyRequests)
	v.get(t, "/reset-password").want(t, http.StatusOK)

	v, c = visit(s).with("X-Forwarded-For", "192.0.2.8"), guest(s).from("192.0.2.8")
	for range perMinute - 1 {
		c.post(t, requestPath, body{"email": "x"}).want(t, http.StatusBadRequest)
	}
	v.post(t, "/reset-password", "email", "x").want(t, http.StatusBadRequest)
	v.post(t, "/reset-password", "email", "x").want(t, http.StatusTooManyRequests)
	c.post(t, requestPath, body{"email": "x"}).want(t, http.StatusTooManyRequests)
}
