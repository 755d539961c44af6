package mailtest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// patience is how long a test waits for a message.
const patience = 30 * time.Second

// Config is what a server offers and demands.
type Config struct {
	// StartTLS offers STARTTLS, ImplicitTLS speaks TLS from the first byte.
	StartTLS, ImplicitTLS bool
	// Username and Password are the account without which nothing is taken;
	// without TLS they are taken in clear.
	Username, Password string
	// UTF8 takes addresses beyond ASCII (RFC 6531).
	UTF8 bool
	// Refuse is asked about each message once its text is there; an error of
	// *smtp.SMTPError is the reply. It may be nil.
	Refuse func(attempt int, m Mail) error
	// RefuseRecipient is asked about each recipient; it may be nil.
	RefuseRecipient func(attempt int, address string) error
}

// Mail is a message as the server got it.
type Mail struct {
	Hello    string
	TLS      bool
	Username string // who authenticated, if somebody did
	From     string
	To       []string
	UTF8     bool // the sender said that addresses may be beyond ASCII
	Raw      string
	Message  *mail.Message // its Body is read already: see Text
	Text     string        // the body, decoded
}

// Server is a running mail server.
type Server struct {
	Config
	Address string
	// CA is the PEM of whoever signed the server's certificate; empty without TLS.
	CA []byte

	received chan Mail
	mu       sync.Mutex
	attempts int // messages whose text came, refused ones too
	rcpts    int
	server   *smtp.Server
	listener net.Listener
	done     chan struct{}
}

// New starts a server that ends with the test.
func New(t testing.TB, cfg Config) *Server {
	t.Helper()
	s, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Start starts a server. Close must be called at the end.
func Start(cfg Config) (*Server, error) {
	s := &Server{Config: cfg, received: make(chan Mail, 1000), done: make(chan struct{})}
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c}, nil
	}))
	s.server.Domain = "mail.example.com"
	s.server.AllowInsecureAuth = !cfg.StartTLS && !cfg.ImplicitTLS
	s.server.EnableSMTPUTF8 = cfg.UTF8
	s.server.ErrorLog = silence{}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.Address, s.listener = listener.Addr().String(), listener
	if cfg.StartTLS || cfg.ImplicitTLS {
		certificate, text, err := issue()
		if err != nil {
			return nil, err
		}
		s.CA = text
		s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	if cfg.ImplicitTLS {
		listener = tls.NewListener(listener, s.server.TLSConfig)
	}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(listener)
	}()
	return s, nil
}

// Close ends the server and its connections.
func (s *Server) Close() {
	_ = s.listener.Close() // also where it has not begun to serve
	_ = s.server.Close()
	<-s.done
}

// Next waits for the next message that was taken.
func (s *Server) Next(t testing.TB) Mail {
	t.Helper()
	m, ok := s.Wait()
	if !ok {
		t.Fatal("no message came")
	}
	return m
}

// Wait waits for the next message that was taken, for a bounded time.
func (s *Server) Wait() (Mail, bool) {
	select {
	case m := <-s.received:
		return m, true
	case <-time.After(patience):
		return Mail{}, false
	}
}

// Pending is how many messages were taken and not asked for with Next.
func (s *Server) Pending() int { return len(s.received) }

// Attempts is how many messages came with their text, refused ones too.
func (s *Server) Attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts
}

func (s *Server) count(counter *int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	*counter++
	return *counter
}

// silence is a log that nobody reads: tests look at what came.
type silence struct{}

// Printf implements smtp.Logger.
func (silence) Printf(string, ...any) {}

// Println implements smtp.Logger.
func (silence) Println(...any) {}

// session is one connection; it is of one goroutine.
type session struct {
	server *Server
	conn   *smtp.Conn
	user   string
	mail   Mail
}

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string {
	if s.server.Username == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != s.server.Username || password != s.server.Password {
			return smtp.ErrAuthFailed
		}
		s.user = username
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	if s.server.Username != "" && s.user == "" {
		return smtp.ErrAuthRequired
	}
	_, encrypted := s.conn.TLSConnectionState()
	s.mail = Mail{Hello: s.conn.Hostname(), TLS: encrypted, Username: s.user, From: from, UTF8: opts.UTF8}
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if refuse := s.server.RefuseRecipient; refuse != nil {
		if err := refuse(s.server.count(&s.server.rcpts), to); err != nil {
			return err
		}
	}
	s.mail.To = append(s.mail.To, to)
	return nil
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.Raw = string(raw)
	if err := s.mail.parse(); err != nil {
		return err
	}
	attempt := s.server.count(&s.server.attempts)
	if s.server.Refuse != nil {
		if err := s.server.Refuse(attempt, s.mail); err != nil {
			return err
		}
	}
	s.server.received <- s.mail
	return nil
}

// parse reads the message the way a mail program does.
func (m *Mail) parse() error {
	var err error
	if m.Message, err = mail.ReadMessage(strings.NewReader(m.Raw)); err != nil {
		return err
	}
	body, err := decode(m.Message)
	m.Text = strings.ReplaceAll(string(body), "\r\n", "\n")
	return err
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.mail = Mail{} }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }
