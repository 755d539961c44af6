package server

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"usher/internal/mail"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
)

// Verdict says how serious a finding is.
type Verdict string

// The verdicts. A problem keeps the server, or something that people use, from
// working; a warning does not yet, or not for everybody.
const (
	Fine    Verdict = "ok"
	Warning Verdict = "warning"
	Problem Verdict = "problem"
)

// Finding is what a look at one part of a deployment has found.
type Finding struct {
	Part    string  `json:"part"`
	Verdict Verdict `json:"verdict"`
	Found   string  `json:"found"`
	// Advice says what to do; empty where nothing is to be done.
	Advice string `json:"advice,omitempty"`
}

const (
	// clockTolerance is how far clocks may differ before sessions end too early or
	// too late for anybody to notice.
	clockTolerance = 5 * time.Second
	// clockLimit is from where on logins through providers fail.
	clockLimit = time.Minute
	// certificateNotice is how long before its end a certificate is told.
	certificateNotice = 14 * 24 * time.Hour
)

// Examine looks at everything that a server with this configuration would need,
// and changes nothing. Settings that make no sense are the error.
func (c Config) Examine(ctx context.Context) ([]Finding, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &examination{Config: c}
	e.access()
	e.cookieSettings()
	e.certificate()
	e.dataDir()
	e.database(ctx)
	e.loginProviders(ctx)
	e.mail(ctx)
	return e.findings, nil
}

// examination collects findings.
type examination struct {
	Config
	findings []Finding
}

func (e *examination) add(part string, verdict Verdict, advice, format string, a ...any) {
	e.findings = append(e.findings, Finding{Part: part, Verdict: verdict, Found: fmt.Sprintf(format, a...), Advice: advice})
}

// access looks at how clients reach the server.
func (e *examination) access() {
	const part = "access URL"
	host, _, _ := net.SplitHostPort(e.Listen)
	switch {
	case e.AccessURL == "" && (e.hasProviders() || !isLoopback(host)):
		e.add(part, Warning, "set --access-url to the address that people use",
			"is not set; links and logins through providers lead to the listen address %s", e.Listen)
	case e.AccessURL == "":
		e.add(part, Fine, "", "the listen address, %s", e.Listen)
	default:
		e.add(part, Fine, "", "%s", e.AccessURL)
	}
	if !isLoopback(host) && e.TLSCertFile == "" && len(e.TrustedProxies) == 0 {
		e.add("transport", Warning, "set --tls-cert-file and --tls-key-file, or --trusted-proxies for a proxy that does TLS",
			"passwords and keys can be read on the way: %s is served without TLS", e.Listen)
	}
}

func (c Config) hasProviders() bool {
	return c.OIDC.IsSet() || c.GitHub.IsSet() || c.OIDCProviderFile != ""
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// cookieSettings looks at whether browsers keep the session, and to themselves.
func (e *examination) cookieSettings() {
	const part = "cookies"
	access, secure := e.accessURL(listenAddress(e.Listen)), e.secureCookies() || e.HostPrefixCookie
	switch {
	case secure && access.Scheme != "https" && !isLoopback(access.Hostname()):
		e.add(part, Problem, "set --access-url to an https address, or --secure-auth-cookie=false",
			"are Secure, but %s is reached without TLS: browsers do not send them, and nobody stays signed in", access)
	case !secure && access.Scheme == "https":
		e.add(part, Warning, "leave --secure-auth-cookie out",
			"are not Secure although %s is https: a request without TLS would give a session away", access)
	case !secure && !isLoopback(access.Hostname()):
		e.add(part, Warning, "put TLS in front of the server and set --access-url to the https address",
			"cross the network without TLS at %s", access)
	default:
		e.add(part, Fine, "", "are as secure as %s", access)
	}
}

// listenAddress is where the server would listen, without listening.
type listenAddress string

// Network implements net.Addr.
func (listenAddress) Network() string { return "tcp" }

// String implements net.Addr.
func (a listenAddress) String() string { return string(a) }

// certificate looks at how long the TLS certificate is good.
func (e *examination) certificate() {
	if e.TLSCertFile == "" {
		return
	}
	const part, advice = "certificate", "renew it; the server takes the new files without a restart"
	pair, err := loadCertificate(e.TLSCertFile, e.TLSKeyFile)
	if err != nil {
		e.add(part, Problem, "check --tls-cert-file and --tls-key-file", "cannot be read: %v", err)
		return
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	left := time.Duration(0)
	if err == nil {
		left = time.Until(leaf.NotAfter)
	}
	switch {
	case err != nil:
		e.add(part, Problem, advice, "cannot be read: %v", err)
	case left <= 0:
		e.add(part, Problem, advice, "expired on %s", leaf.NotAfter.Format(time.DateOnly))
	case left < certificateNotice:
		e.add(part, Warning, advice, "expires on %s", leaf.NotAfter.Format(time.DateOnly))
	default:
		e.add(part, Fine, "", "good until %s", leaf.NotAfter.Format(time.DateOnly))
	}
}

// dataDir looks at who can read the server's files.
func (e *examination) dataDir() {
	const part = "data directory"
	info, err := os.Stat(e.DataDir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		e.add(part, Fine, "", "%s is not there yet; the first start makes it", e.DataDir)
	case err != nil:
		e.add(part, Problem, "run as the user that runs the server", "%v", err)
	case !info.IsDir():
		e.add(part, Problem, "set --data-dir to a directory", "%s is no directory", e.DataDir)
	case info.Mode().Perm()&0o077 != 0:
		e.add(part, Warning, "chmod 700 "+e.DataDir, "%s can be read by others on this machine", e.DataDir)
	default:
		e.add(part, Fine, "", "%s", e.DataDir)
	}
}

// database looks at the database, its clock, and the key file that belongs to it.
func (e *examination) database(ctx context.Context) {
	const part = "database"
	found, err := store.Inspect(ctx, e.storeConfig())
	if errors.Is(err, store.ErrNoDatabase) {
		e.add(part, Fine, "", "there is none yet; the first start makes it")
		e.keyFile("")
		return
	}
	if err != nil {
		e.add(part, Problem, "check --database-url, or --data-dir, and that the database runs and lets this machine in", "%v", err)
		return
	}
	switch {
	case found.Schema > found.Known:
		e.add(part, Problem, "run the newer Usher that made it", "%s has schema %d; this Usher knows schemas up to %d", found.Engine, found.Schema, found.Known)
	case found.Schema == 0:
		e.add(part, Fine, "", "%s is empty; the first start fills it", found.Engine)
	case found.Schema < found.Known:
		e.add(part, Warning, "back it up; the next start brings it up to date", "%s has schema %d, and the newest is %d", found.Engine, found.Schema, found.Known)
	default:
		e.add(part, Fine, "", "%s with schema %d, the newest", found.Engine, found.Schema)
	}
	if e.DatabaseURL != "" {
		e.clock(found.Ahead)
	}
	e.keyFile(found.EncryptionCheck)
}

func (e *examination) clock(ahead time.Duration) {
	const part, advice = "clock", "let all machines keep time by NTP"
	off := ahead.Abs().Round(time.Millisecond)
	switch {
	case off >= clockLimit:
		e.add(part, Problem, advice, "differs by %s from the database's: sessions and tokens end at the wrong time", off)
	case off >= clockTolerance:
		e.add(part, Warning, advice, "differs by %s from the database's", off)
	default:
		e.add(part, Fine, "", "within %s of the database's", off)
	}
}

// keyFile looks at whether the key file opens what the database has sealed.
func (e *examination) keyFile(check string) {
	const part = "encryption key"
	file := e.encryptionKeyFile()
	exists, err := file.exists()
	switch {
	case err != nil:
		e.add(part, Problem, "run as the user that runs the server", "%v", err)
		return
	case !exists && check == "":
		e.add(part, Fine, "", "%s is not there yet; the first start makes it", file)
		return
	case !exists:
		e.add(part, Problem, "bring the file back from its backup, or set --encryption-key-file",
			"%s is not there, and the database is sealed with the key %q", file, secret.SealedWith(check))
		return
	}
	keys, err := file.open()
	if err == nil && check != "" {
		err = service.OpensCheck(keys, check)
	}
	switch {
	case err != nil:
		e.add(part, Problem, "bring the right file back, or set --encryption-key-file", "%s does not open the database: %v", file, err)
	case file.readableByOthers():
		e.add(part, Warning, fmt.Sprintf("chmod 600 %s", file), "%s can be read by others on this machine", file)
	default:
		e.add(part, Fine, "", "%s", file)
	}
}

// loginProviders asks each identity provider.
func (e *examination) loginProviders(ctx context.Context) {
	providers, err := e.providers(e.accessURL(listenAddress(e.Listen)))
	if err != nil {
		e.add("identity providers", Problem, "check the settings", "%v", err)
		return
	}
	for _, p := range providers.All() {
		part := "provider " + p.Name
		if err := p.Ping(ctx); err != nil {
			e.add(part, Problem, "check the address, --ca-file and the way there; nobody can log in with it until it answers", "cannot be reached: %v", err)
			continue
		}
		e.add(part, Fine, "", "answers; people come back to %s", p.CallbackURL())
	}
}

// mail asks the mail server.
func (e *examination) mail(ctx context.Context) {
	const part = "mail"
	if !e.SMTP.IsSet() {
		if !e.DisablePasswordAuth {
			e.add(part, Warning, "set --smtp-address and --smtp-from", "no mail server is set: nobody can reset a forgotten password")
		}
		return
	}
	cfg := e.SMTP
	var err error
	if cfg.Roots, err = e.roots(); err == nil {
		err = mail.Ping(ctx, cfg)
	}
	if err != nil {
		e.add(part, Problem, "check the --smtp settings, --ca-file and the way there", "%s cannot be used: %v", cfg.Address, err)
		return
	}
	e.add(part, Fine, "", "%s takes mail", cfg.Address)
}
