package mail

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/mail"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"usher/internal/secret"
)

// How the connection to the mail server is protected. There is no way that uses
// TLS where the server offers it: whoever sits in between could take the offer
// away.
const (
	TLSStart    = "starttls" // STARTTLS (RFC 3207), or no mail
	TLSImplicit = "tls"      // TLS from the first byte (RFC 8314), port 465 by custom
	TLSNone     = "none"     // in clear; with a password only on this machine
)

func checkTLS(name string) error {
	switch name {
	case "", TLSStart, TLSImplicit, TLSNone:
		return nil
	}
	return fmt.Errorf("%q is none of starttls, tls and none", name)
}

// The bounds of a sender whose configuration leaves them out.
const (
	DefaultTimeout = 30 * time.Second
	DefaultGiveUp  = 10 * time.Minute
	DefaultPause   = 5 * time.Second
	DefaultQueue   = 256

	// longestPause bounds the pause between two attempts.
	longestPause = time.Minute
	// connections bounds how many messages are on their way at once.
	connections = 4
)

// Config is what a sender needs to know. Address and From are required.
type Config struct {
	// Address is that of the mail server, as host:port.
	Address string
	// From is the sender of every message, as an address or "Name <address>".
	From string
	// Hello is the name by which this machine introduces itself; empty means its
	// host name.
	Hello string
	// Username and Password are the account at the mail server; both or neither.
	Username string
	Password secret.Redacted
	// TLS is how the connection is protected: starttls, tls or none; empty means
	// TLSStart.
	TLS string
	// Roots are whose word is taken for the server's certificate; nil means the
	// system's.
	Roots *x509.CertPool
	// Log hears of what was sent, and of what was not; nil means nobody does.
	Log *slog.Logger
	// Timeout bounds one attempt from the first to the last byte; 0 means
	// DefaultTimeout.
	Timeout time.Duration
	// GiveUp is how long a message is tried for; 0 means DefaultGiveUp.
	GiveUp time.Duration
	// Pause is the first one between two attempts, and doubles up to a minute;
	// 0 means DefaultPause.
	Pause time.Duration
	// Queue is how many messages may wait at once; 0 means DefaultQueue.
	Queue int
}

// IsSet reports whether anything is said about a mail server.
func (c Config) IsSet() bool {
	return c.Address != "" || c.From != "" || c.Hello != "" || c.Username != "" || c.Password != "" || c.TLS != ""
}

func (c Config) withDefaults() Config {
	if c.TLS == "" {
		c.TLS = TLSStart
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.GiveUp == 0 {
		c.GiveUp = DefaultGiveUp
	}
	if c.Pause == 0 {
		c.Pause = DefaultPause
	}
	if c.Queue == 0 {
		c.Queue = DefaultQueue
	}
	return c
}

// Fault is what is wrong with one field of a configuration.
type Fault struct {
	Field string // as Config has it
	Err   error
}

// Error implements error.
func (f *Fault) Error() string { return f.Field + ": " + f.Err.Error() }

// Unwrap returns what is wrong.
func (f *Fault) Unwrap() error { return f.Err }

// Validate returns everything that is wrong with the configuration; each error
// is a *Fault. None of them holds the password.
func (c Config) Validate() []*Fault {
	var faults []*Fault
	check := func(field string, err error) {
		if err != nil {
			faults = append(faults, &Fault{Field: field, Err: err})
		}
	}
	check("Address", checkAddress(c.Address))
	_, err := parseFrom(c.From)
	check("From", err)
	check("Hello", checkHello(c.Hello))
	check("TLS", checkTLS(c.TLS))
	check("Username", c.checkAccount())
	return faults
}

// checkAccount refuses half an account, and one whose password would cross a
// network in clear.
func (c Config) checkAccount() error {
	switch {
	case c.Username == "" && c.Password == "":
		return nil
	case c.Username == "" || c.Password == "":
		return errors.New("a user name needs a password, and the other way round")
	case strings.ContainsFunc(c.Username+c.Password.Reveal(), unicode.IsControl):
		return errors.New("the user name or the password has control characters")
	case c.Exposed():
		return errors.New("the password would cross the network in clear; use TLS, or a mail server on this machine")
	}
	return nil
}

// isLocal reports whether the mail server is on this machine.
func (c Config) isLocal() bool {
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// Exposed reports whether the text of messages crosses a network in clear.
func (c Config) Exposed() bool { return c.TLS == TLSNone && !c.isLocal() }

func checkAddress(address string) error {
	if address == "" {
		return errors.New("is needed: mail must go somewhere")
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || strings.ContainsFunc(host, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return fmt.Errorf("%q is not host:port", address)
	}
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > math.MaxUint16 {
		return fmt.Errorf("%q has no port from 1 to %d", address, math.MaxUint16)
	}
	return nil
}

// parseFrom reads the sender of messages.
func parseFrom(from string) (*mail.Address, error) {
	if from == "" {
		return nil, errors.New("is needed: mail must come from somebody")
	}
	parsed, err := mail.ParseAddress(from)
	if err != nil || strings.ContainsFunc(parsed.Address+parsed.Name, unicode.IsControl) {
		return nil, fmt.Errorf("%q is neither an e-mail address nor of the form Name <address>", from)
	}
	return parsed, nil
}

// helloPattern is a host name, or an address in brackets (RFC 5321, section
// 4.1.3).
var helloPattern = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Za-z.:]+\])$`)

func checkHello(name string) error {
	if name == "" || len(name) <= 253 && helloPattern.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%q is no host name", name)
}
