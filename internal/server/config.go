package server

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"usher/internal/api"
	"usher/internal/idp"
	"usher/internal/mail"
	"usher/internal/secret"
	"usher/internal/store"
)

// The defaults of settings whose zero value stands for them.
const (
	DefaultListen        = "127.0.0.1:8080"
	DefaultRateLimit     = 512 // requests a minute
	DefaultSession       = 24 * time.Hour
	DefaultTokenLifetime = 168 * time.Hour
	DefaultMaxLifetime   = 876600 * time.Hour // a hundred years
	DefaultKeyRetention  = 7 * 24 * time.Hour
	DefaultDormancy      = 2160 * time.Hour // ninety days

	DefaultDatabaseMaxConnections   = store.DefaultMaxConnections
	DefaultDatabaseStatementTimeout = store.Patience
)

// Config is everything that a server can be told. Its zero value is a server on
// loopback with an embedded database in the user's data directory and without
// rate limits.
type Config struct {
	// Listen is the address to serve on; empty means DefaultListen.
	Listen string
	// DebugListen is a loopback address on which the process serves its profiles;
	// empty means none.
	DebugListen string
	// DataDir holds the embedded database and other files of this node; empty
	// means DefaultDataDir. It is created with mode 0700.
	DataDir string
	// DatabaseURL is a postgres:// URL; empty means the embedded database.
	DatabaseURL secret.Redacted
	DatabaseConfig
	// AccessURL is how clients reach the server, such as https://usher.example.com;
	// empty means the listen address. An https URL makes cookies Secure.
	AccessURL string
	// Dialect is the dialect of clients that do not say which they speak:
	// reference, coder or legacy; empty means reference.
	Dialect string
	// RateLimit is how many requests a minute each user, or each address without
	// one, may send to each route; 0 or less turns every rate limit off.
	RateLimit int
	// TrustedProxies are the networks (CIDR, or single addresses) of the proxies
	// whose X-Forwarded-For is believed.
	TrustedProxies []string
	// TLSCertFile and TLSKeyFile are PEM files; both or neither. They are read
	// again when they change.
	TLSCertFile, TLSKeyFile string
	// EncryptionKeyFile holds the keys that seal what the database must not show;
	// empty means EncryptionKeyFile in the data directory. All nodes share it.
	EncryptionKeyFile string
	// SSHKeygenAlgorithm is of the SSH keys that are made: ed25519, ecdsa or
	// rsa4096; empty means ed25519.
	SSHKeygenAlgorithm string
	// SessionDuration is how long an unused login lasts; 0 means DefaultSession.
	SessionDuration time.Duration
	// DefaultTokenLifetime is the life of keys made without one; 0 means
	// DefaultTokenLifetime.
	DefaultTokenLifetime time.Duration
	// MaxTokenLifetime bounds the life of tokens; 0 means DefaultMaxLifetime.
	MaxTokenLifetime time.Duration
	// MaxAdminTokenLifetime bounds that of owners' tokens instead, whether it is
	// the longer or the shorter one; 0 means DefaultTokenLifetime.
	MaxAdminTokenLifetime time.Duration
	// DisableSessionExpiryRefresh keeps sessions from getting longer by use.
	DisableSessionExpiryRefresh bool
	// APIKeysRetention is how long expired keys are kept; 0 keeps them for ever.
	APIKeysRetention time.Duration
	// AuditRetention is how long audit entries are kept; 0 keeps them for ever.
	AuditRetention time.Duration
	// DormancyThreshold is how long a person must not have been seen to become
	// dormant; 0 means that nobody ever does.
	DormancyThreshold time.Duration
	// DisablePasswordAuth turns password logins off, for owners too.
	DisablePasswordAuth bool
	// TermsOfServiceURL is shown by login pages; may be empty.
	TermsOfServiceURL string
	PageConfig
	// GitHub is about logins with GitHub, of which there are none without a client
	// id. Its AccessURL and Roots are filled in.
	GitHub idp.GitHubConfig
	// OIDC is about logins with the default OpenID Connect provider, of which there
	// are none without an issuer and a client id. Its Name, AccessURL, Roots and Now
	// are filled in.
	OIDC idp.OIDCConfig
	// OIDCSync is about the roles and organizations of people who come from there.
	OIDCSync OIDCSync
	// OIDCProviderFile holds further OpenID Connect providers, as a list in JSON of
	// objects with the names of the flags, without oidc and with underscores; each
	// has a name of its own, and its secret may be in a client_secret_file.
	OIDCProviderFile string
	// SMTP is the mail server through which people get one-time passcodes; without
	// an address there is none. Its Roots and Log are filled in.
	SMTP mail.Config
	// CAFile holds authorities, in PEM, whose certificates are believed beside the
	// system's wherever the server itself asks somebody.
	CAFile string

	// Log receives the server's log; nil means a logger that discards.
	Log *slog.Logger
	// PasswordParams are the costs of password hashing; zero means the
	// recommended ones. Only tests set it.
	PasswordParams secret.PasswordParams
	// OnReady is called with the address once the server answers; may be nil.
	OnReady func(Ready)

	// certificateCheck is how often, at most, the TLS files are looked at for a
	// change; only tests set it.
	certificateCheck time.Duration
}

// Ready says where a server that has started can be reached.
type Ready struct {
	URL      string // with scheme, without a trailing slash
	DataDir  string
	HasUsers bool
}

// DefaultDataDir returns the directory where the user's programs keep data:
// $XDG_DATA_HOME/usher, or ~/.local/share/usher.
func DefaultDataDir() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "usher"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home directory is known; set --data-dir: %w", err)
	}
	return filepath.Join(home, ".local", "share", "usher"), nil
}

// withDefaults fills in what was left empty.
func (c Config) withDefaults() (Config, error) {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.SessionDuration == 0 {
		c.SessionDuration = DefaultSession
	}
	if c.DefaultTokenLifetime == 0 {
		c.DefaultTokenLifetime = DefaultTokenLifetime
	}
	if c.MaxTokenLifetime == 0 {
		c.MaxTokenLifetime = DefaultMaxLifetime
	}
	if c.MaxAdminTokenLifetime == 0 {
		c.MaxAdminTokenLifetime = DefaultTokenLifetime
	}
	if c.DatabaseMaxConnections == 0 {
		c.DatabaseMaxConnections = DefaultDatabaseMaxConnections
	}
	if c.DatabaseStatementTimeout == 0 {
		c.DatabaseStatementTimeout = DefaultDatabaseStatementTimeout
	}
	if c.Dialect == "" {
		c.Dialect = string(api.Reference)
	}
	if c.certificateCheck == 0 {
		c.certificateCheck = certificateCheck
	}
	if c.SSHKeygenAlgorithm == "" {
		c.SSHKeygenAlgorithm = string(secret.SSHEd25519)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.DataDir == "" {
		dir, err := DefaultDataDir()
		if err != nil {
			return c, err
		}
		c.DataDir = dir
	}
	return c, nil
}

// Validate reports every setting that makes no sense, all at once, each under
// the name of its flag.
func (c Config) Validate() error {
	c, dirErr := c.withDefaults()
	problems := []error{dirErr}
	check := func(flag string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("--%s: %w", flag, err))
		}
	}
	check("listen", checkListen(c.Listen))
	check("debug-listen", checkDebugListen(c.DebugListen))
	c.validateDatabase(check)
	check("access-url", checkAccessURL(c.AccessURL))
	check("terms-of-service-url", checkWebURL(c.TermsOfServiceURL))
	_, err := api.ParseDialect(c.Dialect)
	check("dialect", err)
	for _, text := range c.TrustedProxies {
		_, err := parseNetwork(text)
		check("trusted-proxies", err)
	}
	_, err = secret.ParseSSHKeyAlgorithm(c.SSHKeygenAlgorithm)
	check("ssh-keygen-algorithm", err)
	check("session-duration", checkLifetime(c.SessionDuration))
	check("default-token-lifetime", checkLifetime(c.DefaultTokenLifetime))
	check("max-token-lifetime", checkLifetime(c.MaxTokenLifetime))
	check("max-admin-token-lifetime", checkLifetime(c.MaxAdminTokenLifetime))
	check("api-keys-retention", checkNotNegative(c.APIKeysRetention))
	check("audit-retention", checkNotNegative(c.AuditRetention))
	check("dormancy-threshold", checkNotNegative(c.DormancyThreshold))
	c.validatePages(check)
	c.validateGitHub(check)
	c.validateOIDC(check)
	c.validateSMTP(check)
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		check("tls-cert-file", errors.New("needs --tls-key-file, and the other way round"))
	}
	if c.TLSCertFile != "" && c.TLSKeyFile != "" {
		_, err := loadCertificate(c.TLSCertFile, c.TLSKeyFile)
		check("tls-cert-file", err)
	}
	return errors.Join(problems...)
}

func checkListen(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not host:port", address)
	}
	if number, err := strconv.Atoi(port); err != nil || number < 0 || number > math.MaxUint16 {
		return fmt.Errorf("%q has no port from 0 to %d", address, math.MaxUint16)
	}
	return nil
}

// checkAccessURL refuses a path: everything is served at the root.
func checkAccessURL(address string) error {
	if err := checkWebURL(address); err != nil {
		return err
	}
	parsed, err := url.Parse(address)
	if err != nil || strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" || parsed.Fragment != "" {
		return fmt.Errorf("%q has more than a host and a port", address)
	}
	return nil
}

func checkWebURL(address string) error {
	if address == "" {
		return nil
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.User != nil { // not repeated, for it may hold a password
		return errors.New("is not a URL, or one with a user name")
	}
	if parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return fmt.Errorf("%q is not an http or https URL", address)
	}
	return nil
}

func checkLifetime(d time.Duration) error {
	if d < time.Second {
		return fmt.Errorf("%s is too short; at least 1s is needed", d)
	}
	return nil
}

func checkNotNegative(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("%s is negative", d)
	}
	return nil
}

// trustedProxies parses the list.
func (c Config) trustedProxies() ([]netip.Prefix, error) {
	list := make([]netip.Prefix, len(c.TrustedProxies))
	for i, text := range c.TrustedProxies {
		network, err := parseNetwork(text)
		if err != nil {
			return nil, err
		}
		list[i] = network
	}
	return list, nil
}

// parseNetwork reads a network; a single address is a network of one.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither a network such as 10.0.0.0/8 nor an address", text)
	}
	return network.Masked(), nil
}
