package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"strconv"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// errAddressNotTaken is final: the server will not learn it in minutes.
var errAddressNotTaken = errors.New("the mail server does not take addresses beyond ASCII (SMTPUTF8)")

// deliver makes one attempt, within the timeout. A server that has taken the
// message has taken it, whatever goes wrong after that.
func (s *Sender) deliver(ctx context.Context, msg *gomail.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	line, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = line.Close() }()
	// The client's own deadlines begin anew with each step: this one does not.
	defer context.AfterFunc(ctx, func() { _ = line.Close() })()

	err = s.converse(ctx, line, msg)
	if err == nil || msg.IsDelivered() {
		return nil
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return err
}

// dial connects, with TLS where that comes first.
func (s *Sender) dial(ctx context.Context) (net.Conn, error) {
	if s.cfg.TLS == TLSImplicit {
		return (&tls.Dialer{Config: s.tlsConfig()}).DialContext(ctx, "tcp", s.cfg.Address)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", s.cfg.Address)
}

func (s *Sender) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.host, RootCAs: s.cfg.Roots, MinVersion: tls.VersionTLS12}
}

// converse speaks SMTP on the line (RFC 5321), from the greeting to the farewell.
func (s *Sender) converse(ctx context.Context, line net.Conn, msg *gomail.Msg) error {
	client, err := gomail.NewClient(s.host, s.clientOptions(line, msg)...)
	if err != nil {
		return err
	}
	server, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	if needsUTF8(msg) {
		if known, _ := server.Extension("SMTPUTF8"); !known {
			return errAddressNotTaken
		}
	}
	err = client.SendWithSMTPClient(server, msg)
	quit(server)
	return err
}

// quit takes leave. A server that does not answer has lost nothing.
func quit(server *smtp.Client) { _ = server.Quit() }

func (s *Sender) clientOptions(line net.Conn, msg *gomail.Msg) []gomail.Option {
	options := []gomail.Option{
		gomail.WithPort(s.port),
		gomail.WithTimeout(s.cfg.Timeout),
		gomail.WithTLSConfig(s.tlsConfig()),
		gomail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return line, nil }),
		gomail.WithoutNoop(),
		gomail.WithoutRset(),
	}
	switch s.cfg.TLS {
	case TLSStart:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case TLSImplicit:
		options = append(options, gomail.WithSSL())
	case TLSNone:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.cfg.Hello != "" {
		options = append(options, gomail.WithHELO(s.cfg.Hello))
	}
	if !needsUTF8(msg) {
		options = append(options, gomail.WithoutSMTPUTF8())
	}
	if s.cfg.Username != "" {
		options = append(options, gomail.WithUsername(s.cfg.Username), gomail.WithPassword(s.cfg.Password.Reveal()),
			gomail.WithOpportunisticSMTPAuth(s.mechanisms()...))
	}
	return options
}

// mechanisms are the ways to authenticate, the best first. Without TLS, which is
// on this machine only, the password may be sent as it is.
func (s *Sender) mechanisms() []gomail.SMTPAuthType {
	if s.cfg.TLS == TLSNone {
		return []gomail.SMTPAuthType{
			gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc,
		}
	}
	return []gomail.SMTPAuthType{
		gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin,
	}
}

func needsUTF8(msg *gomail.Msg) bool {
	from, _ := msg.GetSender(false)
	to, _ := msg.GetRecipients()
	for _, address := range append(to, from) {
		if beyondASCII(address) {
			return true
		}
	}
	return false
}

// isFinal reports that another attempt would be told the same: the server said
// so with a reply of the 500s (RFC 5321, section 4.2.1). Everything else, such as
// a network that is down, may pass.
func isFinal(err error) bool {
	if errors.Is(err, errAddressNotTaken) {
		return true
	}
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		return reply.Code >= 500
	}
	if failed, ok := errors.AsType[*gomail.SendError](err); ok {
		return failed.ErrorCode() >= 500
	}
	return false
}

// split takes an address apart that was checked before.
func split(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	return host, port, err
}

// Ping connects to the mail server as for a message, with TLS and the account
// where they are set, and takes leave again.
func Ping(ctx context.Context, cfg Config) error {
	s, err := New(cfg)
	if err != nil {
		return err
	}
	defer s.cutOff()
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	line, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = line.Close() }()
	defer context.AfterFunc(ctx, func() { _ = line.Close() })()
	client, err := gomail.NewClient(s.host, s.clientOptions(line, gomail.NewMsg())...)
	if err != nil {
		return err
	}
	server, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	quit(server)
	return nil
}
