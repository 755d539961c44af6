package service

import (
	"fmt"
	"net/url"
	"time"

	"usher/internal/account"
	"usher/internal/mail"
	"usher/internal/secret"
)

// sendPasscode hands the passcode to the mail, which does not keep anybody
// waiting.
func (s *Service) sendPasscode(user account.User, passcode secret.Passcode) {
	if s.Mail == nil {
		s.Log.Warn("a one-time passcode was asked for and no mail could be sent: no mail server is set (--smtp-address)",
			"user_id", user.ID)
		return
	}
	s.Mail.Send(mail.Message{
		UserID:  user.ID,
		To:      user.Email,
		Subject: "Your one-time passcode for Usher",
		Body:    s.passcodeMail(user, passcode),
		Secrets: []secret.Redacted{passcode.Reveal()},
	})
}

// passcodeMail is the text. The passcode is not in the link: links are kept in
// histories and logs, and opened by programs that look for harm.
func (s *Service) passcodeMail(user account.User, passcode secret.Passcode) secret.Redacted {
	page := s.AccessURL + "/reset-password?email=" + url.QueryEscape(user.Email)
	return secret.Redacted(fmt.Sprintf(`Hello %s,

somebody asked to reset the password of your account at %s.
If that was you, enter this one-time passcode and a new password at
%s

    %s

It can be used once, within %s. Only the passcode of the newest
message is good. A new password ends all sessions and tokens of the account.

If you did not ask for it, ignore this message: your password stays as it is.
`, user.Username, s.AccessURL, page, passcode.Reveal().Reveal(), inWords(s.PasscodeValidity)))
}

// inWords says how long, in minutes where that is all.
func inWords(d time.Duration) string {
	switch {
	case d == time.Minute:
		return "one minute"
	case d%time.Minute == 0:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return d.String()
}
