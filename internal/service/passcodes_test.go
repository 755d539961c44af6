package service_test

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"usher/internal/account"
	"usher/internal/mail"
	"usher/internal/mail/mailtest"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

const newPassword = secret.Redacted("Another-Good-Passphrase")

var passcodeForm = regexp.MustCompile(`\n {4}([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\n`)

// post is a world that sends mail, and the server that it comes to.
func post(t *testing.T, options ...func(*service.Config)) (*world, *mailtest.Server) {
	t.Helper()
	server := mailtest.New(t, mailtest.Config{})
	sender, err := mail.New(mail.Config{Address: server.Address, From: "usher@example.com", TLS: mail.TLSNone})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sender.Close(context.WithoutCancel(t.Context())) })
	return newWorld(t, append(options, func(c *service.Config) {
		c.Mail, c.AccessURL = sender, "https://usher.example.com"
	})...), server
}

func somebody() *account.Actor { return account.Anonymous(account.Origin{IP: "192.0.2.9"}) }

// ask requests a passcode and returns the one that comes.
func (w *world) ask(t *testing.T, server *mailtest.Server, email string) secret.Redacted {
	t.Helper()
	wantKind(t, w.RequestPasscode(t.Context(), somebody(), email, nil), "")
	m := server.Next(t)
	found := passcodeForm.FindStringSubmatch(m.Text)
	if found == nil {
		t.Fatalf("the message has no passcode on a line of its own:\n%s", m.Text)
	}
	return secret.Redacted(found[1])
}

func (w *world) reset(t *testing.T, email string, password, passcode secret.Redacted) error {
	t.Helper()
	return w.ResetPasswordByPasscode(t.Context(), somebody(), service.PasscodeReset{Email: email, Password: password, Passcode: passcode}, nil)
}

// TestPasscodeExpires after its validity, to the microsecond.
func TestPasscodeExpires(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		configured, validity time.Duration
		words                string
	}{
		"as it is":      {0, 20 * time.Minute, "20 minutes"},
		"a minute":      {time.Minute, time.Minute, "one minute"},
		"an odd length": {90 * time.Second, 90 * time.Second, "1m30s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, server := post(t, func(c *service.Config) { c.PasscodeValidity = test.configured })
			ann := w.user(t, "ann")
			late := w.ask(t, server, ann.Email)
			w.clock.advance(test.validity)
			refusal := w.reset(t, ann.Email, newPassword, late)
			if wantKind(t, refusal, account.KindInvalid); asError(refusal).Message != "Incorrect email or one-time passcode." {
				t.Errorf("%v", refusal)
			}
			good := w.ask(t, server, ann.Email)
			w.clock.advance(test.validity - time.Microsecond)
			wantKind(t, w.reset(t, ann.Email, newPassword, good), "")

			wantKind(t, w.RequestPasscode(t.Context(), somebody(), ann.Email, nil), "")
			if text := server.Next(t).Text; !strings.Contains(text, "within "+test.words+".") {
				t.Errorf("the message does not say %q:\n%s", test.words, text)
			}
		})
	}
}

// TestPasscodeMail: the link leads to the page of this person, whose address may
// have anything in it, and has no passcode.
func TestPasscodeMail(t *testing.T) {
	t.Parallel()
	w, server := post(t)
	const email = "o'hara+a&b=c%20#x@example.com"
	ann := w.user(t, "ann")
	if _, err := w.UpdateEmail(t.Context(), w.owner, byID(ann), email, nil); err != nil {
		t.Fatal(err)
	}
	wantKind(t, w.RequestPasscode(t.Context(), somebody(), email, nil), "")
	m := server.Next(t)
	if len(m.To) != 1 || m.To[0] != email {
		t.Errorf("it went to %q", m.To)
	}
	link := regexp.MustCompile(`\nhttps://\S+\n`).FindString(m.Text)
	parsed, err := url.Parse(strings.TrimSpace(link))
	if err != nil || parsed.Host != "usher.example.com" || parsed.Path != "/reset-password" || parsed.Query().Get("email") != email ||
		len(parsed.Query()) != 1 || parsed.Fragment != "" {
		t.Errorf("the link is %q: %v", link, err)
	}
	for line := range strings.Lines(m.Text) {
		if len(line) > 200 || strings.ContainsAny(line, "\t\r") {
			t.Errorf("the line %q", line)
		}
	}
}

// TestRequestGoesOnBehindItsAnswer: a caller that has left changes nothing, and
// Close waits for what it began.
func TestRequestGoesOnBehindItsAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.user(t, "ann")
	ctx, leave := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() { answered <- w.RequestPasscode(ctx, somebody(), ann.Email, nil) }()
	for {
		if _, err := w.Store.Direct().PasswordReset(t.Context(), ann.ID); err == nil {
			break
		}
	}
	leave()
	wantKind(t, <-answered, "")
	w.stop()
	w.start(t)
	if entries := w.entries(t, "action:request_password_reset"); len(entries) != 1 || entries[0].ResourceID != ann.ID || entries[0].ActorID != ann.ID {
		t.Errorf("%+v", entries)
	}
	// Somebody who is signed in asks as itself.
	asked := w.RequestPasscode(t.Context(), w.owner, ann.Email, nil)
	wantKind(t, asked, "")
	w.flush(t)
	if entries := w.entries(t, "action:request_password_reset"); len(entries) != 2 || entries[0].ActorID != w.owner.User.ID {
		t.Errorf("%+v", entries)
	}
}

// TestDamagedHashIsReplaced: a password that cannot even be compared can be
// replaced all the same.
func TestDamagedHashIsReplaced(t *testing.T) {
	t.Parallel()
	w, server := post(t)
	ann := w.user(t, "ann")
	err := w.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.UpdatePasswordHash(ctx, ann.ID, "$argon2id$nonsense")
	})
	wantKind(t, err, "")
	wantKind(t, w.reset(t, ann.Email, password, w.ask(t, server, ann.Email)), "")
	w.login(t, ann.Email)
}

// TestPurgePasscodes: what has expired is removed, what is good stays.
func TestPurgePasscodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db)
		w.begin(t)
		ann, ben := w.user(t, "ann"), w.user(t, "ben")
		for _, user := range []account.User{ann, ben} {
			wantKind(t, w.RequestPasscode(t.Context(), somebody(), user.Email, nil), "")
			w.flush(t)
			w.clock.advance(10 * time.Minute)
		}
		kept := func() (count int) {
			for _, user := range []account.User{ann, ben} {
				if _, err := w.Store.Direct().PasswordReset(t.Context(), user.ID); err == nil {
					count++
				}
			}
			return count
		}
		wantKind(t, w.PurgePasscodes(t.Context()), "") // one ends at this very moment
		if n := kept(); n != 2 {
			t.Errorf("%d are left, want 2", n)
		}
		w.clock.advance(time.Microsecond)
		wantKind(t, w.PurgePasscodes(t.Context()), "")
		if n := kept(); n != 1 {
			t.Errorf("%d are left, want 1", n)
		}
	})
}
