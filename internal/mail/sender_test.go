package mail_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"usher/internal/mail"
	"usher/internal/mail/mailtest"
	"usher/internal/secret"
)

const passcode = "3f0f5c1e-8a34-4a57-9b63-0a3c8a6a3f11"

func sprint(v any) string { return fmt.Sprintf("%v %+v %#v", v, v, v) }

// transcript is a log.
type transcript struct {
	mu      sync.Mutex
	text    strings.Builder
	written *sync.Cond
}

func newTranscript() *transcript {
	l := &transcript{}
	l.written = sync.NewCond(&l.mu)
	return l
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written.Broadcast()
	return l.text.Write(p)
}

// await returns when the log says so.
func (l *transcript) await(word string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !strings.Contains(l.text.String(), word) {
		l.written.Wait()
	}
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// outbox is a sender with its log.
type outbox struct {
	*mail.Sender
	log *transcript
}

// newOutbox is a sender for the server that is in a hurry: it tries again after a
// millisecond.
func newOutbox(t *testing.T, s *mailtest.Server, options ...func(*mail.Config)) *outbox {
	t.Helper()
	o := &outbox{log: newTranscript()}
	cfg := mail.Config{
		Address: s.Address, From: "Usher <usher@example.com>", TLS: mail.TLSNone, Pause: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(o.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if len(s.CA) > 0 {
		cfg.TLS, cfg.Roots = mail.TLSStart, x509.NewCertPool()
		cfg.Roots.AppendCertsFromPEM(s.CA)
	}
	for _, option := range options {
		option(&cfg)
	}
	var err error
	if o.Sender, err = mail.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.end(t) })
	return o
}

// end closes the sender and returns what was logged. What must not be logged
// never is.
func (o *outbox) end(t *testing.T) string {
	t.Helper()
	o.Close(context.WithoutCancel(t.Context()))
	text := o.log.String()
	for _, private := range []string{passcode, "hunter2", "The code is", "ann@example.com"} {
		if strings.Contains(text, private) {
			t.Errorf("the log has %q:\n%s", private, text)
		}
	}
	return text
}

// letter is a message to somebody.
func letter(to string) mail.Message {
	return mail.Message{
		UserID: uuid.MustParse("497f6eca-6276-4993-bfeb-53cbbbba6f08"), To: to, Subject: "A code for you",
		Body:    secret.Redacted("Hello,\n\nThe code is " + passcode + ".\n.\nGrüße\n"),
		Secrets: []secret.Redacted{passcode},
	}
}

// finished are the ends that a message can come to.
const (
	taken = "a mail was sent"
	given = "will not be tried again"
	again = "will be tried again"
)

// expect waits until the message has come to this end, closes the outbox, and
// wants each of the words in its log.
func (o *outbox) expect(t *testing.T, end string, words ...string) {
	t.Helper()
	o.log.await(end)
	text := o.end(t)
	for _, word := range append(words, "user_id=497f6eca-6276-4993-bfeb-53cbbbba6f08") {
		if !strings.Contains(text, word) {
			t.Errorf("the log does not say %q:\n%s", word, text)
		}
	}
}

func sslMode(mode string) func(*mail.Config) {
	return func(c *mail.Config) { c.TLS = mode }
}

func account(c *mail.Config) { c.Username, c.Password = "usher", "hunter2" }

// TestConnections: each way to reach a server, with and without an account.
func TestConnections(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		server  mailtest.Config
		options []func(*mail.Config)
	}{
		{"in clear", mailtest.Config{}, nil},
		{"STARTTLS", mailtest.Config{StartTLS: true}, nil},
		{"TLS", mailtest.Config{ImplicitTLS: true}, []func(*mail.Config){sslMode(mail.TLSImplicit)}},
		{"an account over STARTTLS", mailtest.Config{StartTLS: true, Username: "usher", Password: "hunter2"}, []func(*mail.Config){account}},
		{"an account over TLS", mailtest.Config{ImplicitTLS: true, Username: "usher", Password: "hunter2"}, []func(*mail.Config){sslMode(mail.TLSImplicit), account}},
		{"an account on this machine", mailtest.Config{Username: "usher", Password: "hunter2"}, []func(*mail.Config){account}},
		{"a name", mailtest.Config{StartTLS: true}, []func(*mail.Config){func(c *mail.Config) { c.Hello = "usher.example.com" }}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.New(t, test.server)
			o := newOutbox(t, s, test.options...)
			o.Send(letter("ann@example.com"))
			got := s.Next(t)
			if want := test.server.StartTLS || test.server.ImplicitTLS; got.TLS != want || got.Username != test.server.Username {
				t.Errorf("TLS %t, user %q", got.TLS, got.Username)
			}
			if test.name == "a name" && got.Hello != "usher.example.com" || got.Hello == "" {
				t.Errorf("it said hello as %q", got.Hello)
			}
			o.expect(t, taken, "attempts=1")
		})
	}
}

// TestMessage: what arrives is what was written, and says where it comes from.
func TestMessage(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Config{})
	o := newOutbox(t, s, func(c *mail.Config) { c.From = "Türsteher <usher@example.com>" })
	m := letter("ann@example.com")
	m.Subject = "Ein Schlüssel für dich"
	o.Send(m)
	got := s.Next(t)
	if got.Text != m.Body.Reveal() || got.Subject() != m.Subject {
		t.Errorf("subject %q, text %q", got.Subject(), got.Text)
	}
	if got.From != "usher@example.com" || !slices.Equal(got.To, []string{"ann@example.com"}) || got.UTF8 {
		t.Errorf("from %q to %q, beyond ASCII %t", got.From, got.To, got.UTF8)
	}
	from, err := got.Message.Header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != "Türsteher" || from[0].Address != "usher@example.com" {
		t.Errorf("From: %v, %v", from, err)
	}
	if to := got.Message.Header.Get("To"); to != "<ann@example.com>" {
		t.Errorf("To: %s", to)
	}
	if date, err := got.Message.Header.Date(); err != nil || time.Since(date) > time.Minute {
		t.Errorf("Date: %s, %v", date, err)
	}
	if id := got.Message.Header.Get("Message-Id"); !strings.HasSuffix(id, "@example.com>") {
		t.Errorf("Message-ID: %q", id)
	}
	if auto := got.Message.Header.Get("Auto-Submitted"); auto != "auto-generated" {
		t.Errorf("Auto-Submitted: %q", auto)
	}
	for name := range got.Message.Header {
		known := []string{"From", "To", "Subject", "Date", "Message-Id", "Auto-Submitted", "Mime-Version", "Content-Type", "Content-Transfer-Encoding"}
		if !slices.Contains(known, name) {
			t.Errorf("the header %s is not ours", name)
		}
	}
}

// TestTemporaryRefusals: the message comes through in the end, as the same one.
func TestTemporaryRefusals(t *testing.T) {
	t.Parallel()
	greylisted := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "come back later, " + passcode + " for ann@example.com"}
	for name, cfg := range map[string]mailtest.Config{
		"of the recipient": {RefuseRecipient: func(attempt int, _ string) error {
			if attempt < 3 {
				return greylisted
			}
			return nil
		}},
		"of the text": {Refuse: func(attempt int, _ mailtest.Mail) error {
			if attempt < 3 {
				return greylisted
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ids []string
			if refuse := cfg.Refuse; refuse != nil {
				cfg.Refuse = func(attempt int, m mailtest.Mail) error {
					ids = append(ids, m.Message.Header.Get("Message-Id"))
					return refuse(attempt, m)
				}
			}
			s := mailtest.New(t, cfg)
			o := newOutbox(t, s)
			o.Send(letter("ann@example.com"))
			s.Next(t)
			if slices.Sort(ids); len(slices.Compact(ids)) > 1 {
				t.Errorf("it was another message each time: %q", ids)
			}
			o.expect(t, taken, again, "4.7.1 come back later, [redacted] for [recipient]", "attempt=2", "attempts=3")
			if s.Pending() > 0 {
				t.Error("it came more than once")
			}
		})
	}
}

// TestFinalRefusals are not argued with.
func TestFinalRefusals(t *testing.T) {
	t.Parallel()
	unknown := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "<ann@example.com> is nobody here"}
	spam := &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "looks like spam:\n" + passcode + strings.Repeat(" spam", 200)}
	for _, test := range []struct {
		name    string
		server  mailtest.Config
		options []func(*mail.Config)
		reason  string
	}{
		{"the recipient", mailtest.Config{RefuseRecipient: func(int, string) error { return unknown }}, nil, "5.1.1 <[recipient]> is nobody here"},
		{"the text", mailtest.Config{Refuse: func(int, mailtest.Mail) error { return spam }}, nil, "[redacted] spam spam"},
		{"the password", mailtest.Config{StartTLS: true, Username: "usher", Password: "another"}, []func(*mail.Config){account}, "5.7.8"},
		{"that there is no account", mailtest.Config{StartTLS: true, Username: "usher", Password: "hunter2"}, nil, "5.7.0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.New(t, test.server)
			o := newOutbox(t, s, test.options...)
			o.Send(letter("ann@example.com"))
			o.expect(t, given, test.reason, "attempts=1")
			if text := o.log.String(); strings.Contains(text, again) || len(text) > 1000 {
				t.Errorf("%s", text)
			}
			if s.Attempts() > 1 || s.Pending() > 0 {
				t.Errorf("%d attempts, %d messages", s.Attempts(), s.Pending())
			}
		})
	}
}

// TestNothingGoesWithoutTLS where TLS was asked for.
func TestNothingGoesWithoutTLS(t *testing.T) {
	t.Parallel()
	brief := func(c *mail.Config) { c.GiveUp = time.Millisecond }
	for _, test := range []struct {
		name    string
		server  mailtest.Config
		options []func(*mail.Config)
		reason  string
	}{
		{"STARTTLS is not offered", mailtest.Config{}, []func(*mail.Config){sslMode(mail.TLSStart)}, "does not support STARTTLS"},
		{"not even with an account", mailtest.Config{Username: "usher", Password: "hunter2"}, []func(*mail.Config){sslMode(mail.TLSStart), account}, "does not support STARTTLS"},
		{"TLS is not spoken", mailtest.Config{}, []func(*mail.Config){sslMode(mail.TLSImplicit)}, "tls"},
		{"an unknown authority", mailtest.Config{StartTLS: true}, []func(*mail.Config){func(c *mail.Config) { c.Roots = x509.NewCertPool() }}, "certificate"},
		{"another name", mailtest.Config{ImplicitTLS: true}, []func(*mail.Config){sslMode(mail.TLSImplicit), func(c *mail.Config) {
			c.Address = strings.Replace(c.Address, "127.0.0.1", "localhost", 1)
		}}, "certificate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.New(t, test.server)
			o := newOutbox(t, s, append(test.options, brief)...)
			o.Send(letter("ann@example.com"))
			o.expect(t, given, test.reason)
			if s.Attempts() > 0 {
				t.Error("the text was sent all the same")
			}
		})
	}
}

// TestHangingServer: an attempt ends with its timeout, wherever the server stops
// to answer, and is made again on another connection.
func TestHangingServer(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"", "220 hello\r\n", "220 hello\r\n250 mail.example.com\r\n", "220 hello\r\n250 a\r\n250 b\r\n250 c\r\n354 go on\r\n"} {
		t.Run(fmt.Sprint(strings.Count(stage, "\n")), func(t *testing.T) {
			t.Parallel()
			address, lines := hanging(t, stage)
			o := newOutbox(t, &mailtest.Server{Address: address}, func(c *mail.Config) {
				c.Timeout, c.GiveUp = 50*time.Millisecond, 300*time.Millisecond
			})
			begin := time.Now()
			o.Send(letter("ann@example.com"))
			if took := time.Since(begin); took > time.Second {
				t.Errorf("sending held its caller for %s", took)
			}
			o.expect(t, given, again)
			if n := lines(); n < 2 {
				t.Errorf("%d connections, want some", n)
			}
		})
	}
}

// hanging is a server that says its piece, reads, and never says more. The count
// is of connections; all of them were ended by the client.
func hanging(t *testing.T, piece string) (address string, connections func() int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	var mu sync.Mutex
	count := 0
	serving.Go(func() {
		for {
			line, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			count++
			mu.Unlock()
			serving.Go(func() {
				defer func() { _ = line.Close() }()
				_, _ = line.Write([]byte(piece))
				buffer := make([]byte, 1024)
				for err == nil {
					_, err = line.Read(buffer)
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return count
	}
}

// TestNobodyListens: mail waits for the server, but not for ever.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	o := newOutbox(t, &mailtest.Server{Address: address}, func(c *mail.Config) { c.GiveUp = 50 * time.Millisecond })
	o.Send(letter("ann@example.com"))
	o.expect(t, given, again, "refused")
}

// TestAddressesBeyondASCII go to servers that take them, and to no other.
func TestAddressesBeyondASCII(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Config{UTF8: true})
	o := newOutbox(t, s)
	o.Send(letter("jörg@exämple.com"))
	if got := s.Next(t); !slices.Equal(got.To, []string{"jörg@exämple.com"}) || !got.UTF8 {
		t.Errorf("to %q, beyond ASCII %t", got.To, got.UTF8)
	}
	o.Send(letter("ann@example.com"))
	if s.Next(t).UTF8 {
		t.Error("an address of ASCII asks for more than it needs")
	}
	other := mailtest.New(t, mailtest.Config{})
	o = newOutbox(t, other)
	o.Send(letter("jörg@example.com"))
	o.expect(t, given, "SMTPUTF8", "attempts=1")
	if strings.Contains(o.log.String(), "jörg") {
		t.Error("the address is in the log")
	}
}

// TestNoHeaderIsInjected: what would be a second header or a second recipient is
// no message.
func TestNoHeaderIsInjected(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Config{UTF8: true})
	o := newOutbox(t, s)
	for _, change := range []func(*mail.Message){
		func(m *mail.Message) { m.Subject = "hello\r\nBcc: eve@example.com" },
		func(m *mail.Message) { m.Subject = "hello\nBcc: eve@example.com" },
		func(m *mail.Message) { m.To = "ann@example.com\r\nRCPT TO:<eve@example.com>" },
		func(m *mail.Message) { m.To = "ann@example.com, eve@example.com" },
		func(m *mail.Message) { m.To = "Eve <eve@example.com>" },
		func(m *mail.Message) { m.To = "" },
		func(m *mail.Message) { m.To = "nobody" },
	} {
		m := letter("ann@example.com")
		change(&m)
		o.Send(m)
	}
	o.expect(t, given, "control characters", "the address of the recipient is none")
	if got := strings.Count(o.log.String(), given); got != 7 || s.Attempts() > 0 {
		t.Errorf("%d messages were refused, want 7", got)
		t.Errorf("%d messages were sent", s.Attempts())
	}
	if strings.Contains(o.log.String(), "eve@") {
		t.Error("the log has an address")
	}
}
