package mail

import (
	"context"
	"errors"
	netmail "net/mail"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Sender sends messages, one connection for each. It is safe for concurrent use.
type Sender struct {
	cfg  Config
	from *netmail.Address
	host string
	port int

	places  chan struct{} // one for each message that waits or is on its way
	lines   chan struct{} // one for each connection
	closing chan struct{} // closed when no pause is waited for any more
	cut     context.Context
	cutOff  context.CancelFunc

	mu      sync.Mutex
	closed  bool
	pending sync.WaitGroup
}

// New returns a sender, which connects to nothing yet. Close must be called at
// the end.
func New(cfg Config) (*Sender, error) {
	faults := cfg.Validate()
	problems := make([]error, len(faults))
	for i, fault := range faults {
		problems[i] = fault
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	from, err := parseFrom(cfg.From)
	if err != nil {
		return nil, err
	}
	host, port, err := split(cfg.Address)
	if err != nil {
		return nil, err
	}
	s := &Sender{
		cfg: cfg, from: from, host: host, port: port,
		places: make(chan struct{}, cfg.Queue), lines: make(chan struct{}, connections), closing: make(chan struct{}),
	}
	s.cut, s.cutOff = context.WithCancel(context.Background())
	return s, nil
}

// Send takes a message and returns at once. What cannot be sent is said in the
// log, under the id of the user and with the reason: what the server refuses for
// good, what it has not taken after [Config.GiveUp], and what finds the queue
// full or the sender closed.
func (s *Sender) Send(m Message) {
	msg, err := s.compose(m, time.Now())
	if err != nil {
		s.gaveUp(m, 0, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.gaveUp(m, 0, errors.New("the server is stopping"))
		return
	}
	select {
	case s.places <- struct{}{}:
		s.pending.Go(func() {
			defer func() { <-s.places }()
			s.insist(m, msg)
		})
	default:
		s.gaveUp(m, 0, errors.New("too many messages are waiting already"))
	}
}

// insist tries until the message is taken or given up.
func (s *Sender) insist(m Message, msg *gomail.Msg) {
	end := time.Now().Add(s.cfg.GiveUp)
	pause := s.cfg.Pause
	for attempt := 1; ; attempt++ {
		err := s.attempt(msg)
		if err == nil {
			s.cfg.Log.Info("a mail was sent", "user_id", m.UserID, "attempts", attempt)
			return
		}
		if isFinal(err) || s.stopping() || time.Now().Add(pause).After(end) {
			s.gaveUp(m, attempt, err)
			return
		}
		s.cfg.Log.Warn("a mail could not be sent and will be tried again",
			"user_id", m.UserID, "reason", m.reason(err), "attempt", attempt, "pause", pause)
		s.wait(pause)
		pause = min(2*pause, longestPause)
	}
}

func (s *Sender) attempt(msg *gomail.Msg) error {
	s.lines <- struct{}{}
	defer func() { <-s.lines }()
	return s.deliver(s.cut, msg)
}

// wait waits for the next attempt, which comes at once where the sender closes.
func (s *Sender) wait(pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closing:
	}
}

func (s *Sender) stopping() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

func (s *Sender) gaveUp(m Message, attempts int, err error) {
	s.cfg.Log.Error("a mail was not sent and will not be tried again",
		"user_id", m.UserID, "reason", m.reason(err), "attempts", attempts)
}

// Close takes no more messages, tries those that wait once more, and returns when
// all of them are sent or given up. When ctx ends first, the connections are cut.
func (s *Sender) Close(ctx context.Context) {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	defer context.AfterFunc(ctx, s.cutOff)()
	s.pending.Wait()
	s.cutOff()
}
