package mail_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"usher/internal/mail"
	"usher/internal/mail/mailtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gate holds messages up at the server until it is opened.
func gate() (open func(), refuse func(int, mailtest.Mail) error, arrived chan struct{}) {
	held, arrived := make(chan struct{}), make(chan struct{}, 1000)
	return func() { close(held) }, func(int, mailtest.Mail) error {
		arrived <- struct{}{}
		<-held
		return nil
	}, arrived
}

// TestQueueIsBounded: what does not fit in is said in the log and forgotten, and
// nobody waits.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	open, refuse, _ := gate()
	s := mailtest.New(t, mailtest.Config{Refuse: refuse})
	o := newOutbox(t, s, func(c *mail.Config) { c.Queue = 10 })
	for range 25 {
		o.Send(letter("ann@example.com"))
	}
	if got := strings.Count(o.log.String(), "too many messages are waiting"); got != 15 {
		t.Errorf("%d messages did not fit in, want 15", got)
	}
	open()
	for range 10 {
		s.Next(t)
	}
	o.end(t)
	if s.Pending() > 0 {
		t.Errorf("%d messages too many", s.Pending())
	}
}

// TestConnectionsAreBounded: not more than four at a time, however many wait.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	open, refuse, arrived := gate()
	s := mailtest.New(t, mailtest.Config{Refuse: refuse})
	o := newOutbox(t, s)
	for range 12 {
		o.Send(letter("ann@example.com"))
	}
	for range 4 {
		<-arrived
	}
	if s.Attempts() != 4 {
		t.Errorf("%d messages are on their way at once", s.Attempts())
	}
	open()
	for range 12 {
		s.Next(t)
	}
	o.end(t)
}

// TestOneDoesNotHoldUpTheOthers: while a recipient is refused for the time being,
// others get theirs.
func TestOneDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Config{RefuseRecipient: func(_ int, address string) error {
		if strings.HasPrefix(address, "slow") {
			return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "later"}
		}
		return nil
	}})
	o := newOutbox(t, s, func(c *mail.Config) { c.Pause = time.Minute })
	for range 20 {
		o.Send(letter("slow@example.com"))
	}
	o.Send(letter("ann@example.com"))
	if got := s.Next(t); got.To[0] != "ann@example.com" {
		t.Errorf("%q came through", got.To)
	}
	if text := o.end(t); strings.Count(text, given) != 20 || !strings.Contains(text, "4.2.1 later") {
		t.Errorf("%s", text)
	}
}

// TestClose: what is on its way arrives, what waits is tried once more at once,
// and what comes later is refused.
func TestClose(t *testing.T) {
	t.Parallel()
	refused := make(chan struct{}, 10)
	s := mailtest.New(t, mailtest.Config{Refuse: func(attempt int, _ mailtest.Mail) error {
		if attempt == 1 {
			refused <- struct{}{}
			return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "later"}
		}
		return nil
	}})
	o := newOutbox(t, s, func(c *mail.Config) { c.Pause = time.Hour; c.GiveUp = 24 * time.Hour })
	o.Send(letter("ann@example.com"))
	<-refused
	o.log.await(again)
	if text := o.end(t); !strings.Contains(text, taken) || !strings.Contains(text, "attempts=2") {
		t.Errorf("%s", text)
	}
	o.Send(letter("ann@example.com"))
	o.expect(t, given, "the server is stopping")
	if s.Attempts() != 2 {
		t.Errorf("%d attempts, want 2", s.Attempts())
	}
}

// TestCloseHasADeadline: a server that hangs does not keep the sender.
func TestCloseHasADeadline(t *testing.T) {
	t.Parallel()
	address, _ := hanging(t, "220 hello\r\n")
	o := newOutbox(t, &mailtest.Server{Address: address}, func(c *mail.Config) { c.Timeout = time.Hour })
	for range 10 {
		o.Send(letter("ann@example.com"))
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("enough"))
	defer cancel()
	begin := time.Now()
	o.Close(ctx)
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if got := strings.Count(o.log.String(), given); got != 10 {
		t.Errorf("%d messages were given up, want 10", got)
	}
}
