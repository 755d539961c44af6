package api_test

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/mail"
	"usher/internal/mail/mailtest"
	"usher/internal/secret"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

const (
	requestPath = "/api/v2/users/otp/request"
	changePath  = "/api/v2/users/otp/change-password"
	badPasscode = "Incorrect email or one-time passcode"
)

// mailed lets a server send mail to a mail server of the test's.
func mailed(m *mailtest.Server) servertest.Option {
	return func(c *server.Config) {
		c.SMTP = mail.Config{Address: m.Address, From: "usher@example.com", TLS: mail.TLSNone, Pause: time.Millisecond}
	}
}

// eachMailed runs a test on each engine, with a mail server of its own: of one that
// they share, each would take the messages of the other.
func eachMailed(t *testing.T, test func(t *testing.T, s *servertest.Server, m *mailtest.Server)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		m := mailtest.New(t, mailtest.Config{})
		test(t, servertest.On(t, db, mailed(m)), m)
	})
}

var anyUUID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// passcodeIn returns the passcode of a message.
func passcodeIn(t testing.TB, m mailtest.Mail) string {
	t.Helper()
	codes := anyUUID.FindAllString(m.Text, -1)
	if len(codes) != 1 {
		t.Fatalf("the message has %d passcodes:\n%s", len(codes), m.Text)
	}
	return codes[0]
}

// plant stores a passcode of a user, as if it had been sent.
func plant(t testing.TB, s *servertest.Server, userID uuid.UUID, validity time.Duration) string {
	t.Helper()
	code, now := uuid.NewString(), time.Now()
	err := storetest.Open(t, s.Store).Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.PutPasswordReset(ctx, store.PasswordReset{
			UserID: userID, CodeHash: secret.HashPasscode(secret.Redacted(code)), ExpiresAt: now.Add(validity), CreatedAt: now,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func reset(email, password, passcode string) body {
	return body{"email": email, "password": password, "one_time_passcode": passcode}
}

// laterEntry is the entry of a request, which may be written after its answer.
func laterEntry(t testing.TB, s *servertest.Server, a answer) sdk.AuditLog {
	t.Helper()
	q := "request_id:" + a.header.Get(sdk.RequestIDHeader)
	for deadline := time.Now().Add(20 * time.Second); len(audit(t, s, q)) == 0 && time.Now().Before(deadline); {
		continue
	}
	return entryOf(t, s, a)
}

// TestForgottenPassword is the whole way, from the request to the new password.
func TestForgottenPassword(t *testing.T) {
	t.Parallel()

	eachMailed(t, func(t *testing.T, s *servertest.Server, m *mailtest.Server) {
		name := fresh()
		ann, other := join(t, s, name), join(t, s, "other")
		token := guest(s).as(mint(t, ann.client, "me", body{}))
		begin := time.Now()
		asked := guest(s).with("User-Agent", "forgetful/1").post(t, requestPath, body{"email": strings.ToUpper(ann.Email)}).want(t, http.StatusNoContent)
		message := m.Next(t)
		code := passcodeIn(t, message)
		checkPasscodeMail(t, s, message, ann.User)

		// Until it is used, nothing has changed.
		ann.get(t, path("me")).user(t, http.StatusOK)
		login(t, s, ann.Email, servertest.Password)
		done := guest(s).post(t, changePath, reset(ann.Email, nextPassword, code)).want(t, http.StatusNoContent)
		for what, c := range map[string]client{"the session": ann.client, "the token": token} {
			if got := c.get(t, path("me")); got.status != http.StatusUnauthorized {
				t.Errorf("%s: %s, want 401", what, got)
			}
		}
		other.get(t, path("me")).user(t, http.StatusOK)
		guest(s).post(t, loginPath, credentials(ann.Email, servertest.Password)).refused(t, http.StatusUnauthorized, badLogin)
		login(t, s, ann.Email, nextPassword)
		// It was for once.
		again := guest(s).post(t, changePath, reset(ann.Email, servertest.Password, code))
		again.refused(t, http.StatusBadRequest, badPasscode)
		login(t, s, ann.Email, nextPassword)

		checkResetEntries(t, s, ann.User, begin, asked, done, again)
		for _, line := range storetest.Dump(t, s.Store) {
			if strings.Contains(line, code) {
				t.Errorf("the passcode is in the database: %s", line)
			}
		}
		s.Stop()
		if log := s.Log.String(); strings.Contains(log, code) || !strings.Contains(log, `msg="a mail was sent" user_id=`+ann.ID.String()) {
			t.Errorf("the log has the passcode, or not the mail:\n%s", log)
		}
	})
}

func checkPasscodeMail(t *testing.T, s *servertest.Server, m mailtest.Mail, user sdk.User) {
	t.Helper()
	if m.From != "usher@example.com" || len(m.To) != 1 || m.Subject() != "Your one-time passcode for Usher" {
		t.Errorf("from %s to %q about %q", m.From, m.To, m.Subject())
	}
	for _, want := range []string{
		"Hello " + user.Username + ",", "account at " + s.URL, "20 minutes", "did not ask", "ignore",
		"\n" + s.URL + "/reset-password?email=" + url.QueryEscape(user.Email) + "\n",
	} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the message does not say %q:\n%s", want, m.Text)
		}
	}
}

// checkResetEntries looks at what a request, a reset and a refused one leave.
func checkResetEntries(t *testing.T, s *servertest.Server, user sdk.User, begin time.Time, asked, done, again answer) {
	t.Helper()
	e := laterEntry(t, s, asked)
	if e.Action != "request_password_reset" || e.ResourceType != "user" || e.ResourceID != user.ID || e.StatusCode != http.StatusNoContent ||
		e.ResourceTarget != user.Username || e.User == nil || e.User.ID != user.ID || e.UserAgent != "forgetful/1" ||
		e.Description != "password reset requested for {target}" {
		t.Errorf("the request left %+v", e)
	}
	expiry := e.Diff["one_time_passcode_expires_at"]
	text, _ := expiry.New.(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if in := at.Sub(begin); err != nil || in < 20*time.Minute || in > 21*time.Minute || unlessEmpty(expiry.Old) != nil || len(e.Diff) != 1 {
		t.Errorf("the request left the difference %+v", e.Diff)
	}
	e = entryOf(t, s, done)
	if e.Action != "write" || e.ResourceType != "user" || e.ResourceID != user.ID || e.StatusCode != http.StatusNoContent || e.User.ID != user.ID {
		t.Errorf("the reset left %+v", e)
	}
	if got := slices.Sorted(maps.Keys(e.Diff)); !slices.Equal(got, []string{"hashed_password", "one_time_passcode_expires_at"}) ||
		!e.Diff["hashed_password"].Secret || e.Diff["one_time_passcode_expires_at"].Old != expiry.New {
		t.Errorf("the reset left the difference %+v", e.Diff)
	}
	e = laterEntry(t, s, again)
	if e.Action != "write" || e.ResourceID != user.ID || e.StatusCode != http.StatusBadRequest || len(e.Diff) != 0 || e.User.ID != user.ID {
		t.Errorf("the refused reset left %+v", e)
	}
}

// TestNewPasscodeReplacesTheOlder: only the last message is good, and a failed
// attempt does not use it up.
func TestNewPasscodeReplacesTheOlder(t *testing.T) {
	t.Parallel()

	eachMailed(t, func(t *testing.T, s *servertest.Server, m *mailtest.Server) {
		ann := create(t, s, newUser(fresh()))
		var codes []string
		for range 2 {
			guest(s).post(t, requestPath, body{"email": ann.Email}).want(t, http.StatusNoContent)
			codes = append(codes, passcodeIn(t, m.Next(t)))
		}
		if codes[0] == codes[1] {
			t.Fatal("the same passcode came twice")
		}
		change := func(password, code string) answer {
			return guest(s).post(t, changePath, reset(ann.Email, password, code))
		}
		change(nextPassword, codes[0]).refused(t, http.StatusBadRequest, badPasscode)
		change("weak", codes[1]).refused(t, http.StatusBadRequest, "Invalid password.", "password")
		change(servertest.Password, codes[1]).refused(t, http.StatusBadRequest, "New password cannot match old password.")
		change(nextPassword, codes[1]).want(t, http.StatusNoContent)
		login(t, s, ann.Email, nextPassword)
	})
}

// TestWhoGetsAPasscode: the answers are alike, and take as long, for everybody and
// nobody; mail gets who has a password that can be replaced.
func TestWhoGetsAPasscode(t *testing.T) {
	t.Parallel()

	storetest.Each(t, func(t *testing.T, db store.Config) {
		m := mailtest.New(t, mailtest.Config{})
		s := servertest.Start(t, db, mailed(m))
		s.CreateFirstUser(t)
		create(t, s, newUser("pia"))
		create(t, s, newUser("out").but("user_status", "suspended"))
		create(t, s, newUser("sleepy").but("user_status", nil))
		create(t, s, newUser("git").but("password", nil).but("login_type", "github"))
		create(t, s, newUser("keys-only").but("password", nil).but("login_type", "none"))
		owner(s).delete(t, path(create(t, s, newUser("gone")).ID)).want(t, http.StatusOK)
		wanted := []string{"out@example.com", "pia@example.com", "sleepy@example.com"}
		asked := map[string]answer{}
		var first answer
		for _, name := range []string{"pia", "nobody", "out", "sleepy", "git", "keys-only", "gone"} {
			begin := time.Now()
			a := guest(s).post(t, requestPath, body{"email": name + "@example.com"}).want(t, http.StatusNoContent)
			if took := time.Since(begin); took < 300*time.Millisecond {
				t.Errorf("%s: the answer came after %s, which tells something", name, took)
			}
			asked[name] = a
			a.header = a.header.Clone()
			for _, varies := range []string{sdk.RequestIDHeader, "Date"} {
				a.header.Del(varies)
			}
			if first.header == nil {
				first = a
			}
			if diff := cmp.Diff(first.header, a.header); diff != "" || len(a.body) > 0 {
				t.Errorf("%s gets another answer: %s%s", name, diff, a.body)
			}
		}
		for _, name := range []string{"pia", "out", "sleepy", "git", "keys-only"} {
			e := laterEntry(t, s, asked[name])
			_, ignored := e.AdditionalFields["ignored"]
			if password := slices.Contains(wanted, name+"@example.com"); e.Action != "request_password_reset" || ignored == password || (len(e.Diff) == 0) == password {
				t.Errorf("%s: %+v", name, e)
			}
		}
		s.Stop() // everything that was to be sent is sent
		for _, name := range []string{"nobody", "gone"} {
			if strings.Contains(s.Log.String(), name+"@example.com") {
				t.Errorf("the log has the address of %s", name)
			}
		}
		if got := strings.Count(s.Log.String(), "a mail was sent"); got != len(wanted) {
			t.Errorf("%d messages were sent, want %d", got, len(wanted))
		}
		var got []string
		for range wanted {
			got = append(got, m.Next(t).To...)
		}
		if slices.Sort(got); !slices.Equal(got, wanted) {
			t.Errorf("mail went to %q, want %q", got, wanted)
		}
	})
}

// TestSuspendedMayReset, and is let in no more than before.
func TestSuspendedMayReset(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	sue := create(t, s, newUser("sue").but("user_status", "suspended"))
	guest(s).post(t, changePath, reset(sue.Email, nextPassword, plant(t, s, sue.ID, time.Hour))).want(t, http.StatusNoContent)
	guest(s).post(t, loginPath, credentials(sue.Email, nextPassword)).refused(t, http.StatusUnauthorized, "suspended")
	owner(s).put(t, path("sue", "status/activate"), nil).user(t, http.StatusOK)
	login(t, s, sue.Email, nextPassword)
}

// TestWithoutMailServer: the answer is the same, and the log says why nothing
// came. What was stored is the hash of nothing that the log has.
func TestWithoutMailServer(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := create(t, s, newUser("ann"))
		a := guest(s).post(t, requestPath, body{"email": ann.Email}).want(t, http.StatusNoContent)
		laterEntry(t, s, a)
		kept, err := storetest.Open(t, s.Store).Direct().PasswordReset(t.Context(), ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		s.Stop()
		log := s.Log.String()
		if !strings.Contains(log, "no mail could be sent: no mail server is set") || !strings.Contains(log, "user_id="+ann.ID.String()) {
			t.Errorf("the log does not say why there is no mail:\n%s", log)
		}
		for _, text := range anyUUID.FindAllString(log, -1) {
			if secret.EqualHash(kept.CodeHash, secret.HashPasscode(secret.Redacted(text))) {
				t.Error("the log has the passcode")
			}
		}
	})
}

// TestMailServerRefuses: neither what it says nor what it was told is a secret in
// the log.
func TestMailServerRefuses(t *testing.T) {
	t.Parallel()

	var codes []string
	m := mailtest.New(t, mailtest.Config{Refuse: func(_ int, m mailtest.Mail) error {
		code := anyUUID.FindString(m.Text)
		codes = append(codes, code)
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "we do not like " + code}
	}})
	s := servertest.New(t, mailed(m))
	ann := create(t, s, newUser("ann"))
	guest(s).post(t, requestPath, body{"email": ann.Email}).want(t, http.StatusNoContent)
	s.Stop()
	log := s.Log.String()
	if len(codes) != 1 || strings.Contains(log, codes[0]) {
		t.Errorf("%d messages, and the log has the passcode:\n%s", len(codes), log)
	}
	for _, want := range []string{"will not be tried again", "we do not like [redacted]", "user_id=" + ann.ID.String()} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}
