package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"usher/internal/api"
	"usher/internal/buildinfo"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
)

const (
	// drainTime is how long requests under way may take after the signal to end.
	drainTime = 20 * time.Second

	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	idleTimeout       = 2 * time.Minute
)

// Run serves until ctx is done, then lets the requests under way end and closes
// everything. It returns nil after an orderly end.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	release, err := cfg.prepareDataDir()
	if err != nil {
		return err
	}
	defer release()
	db, err := store.Open(ctx, cfg.storeConfig())
	if err != nil {
		return err
	}
	defer func() { cfg.logError("the database could not be closed", db.Close()) }()

	keys, err := cfg.openKeys(ctx, db)
	if err != nil {
		return err
	}
	listener, err := cfg.listen(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()

	settings := cfg.serviceConfig(db)
	closeOutside, err := cfg.addOutside(ctx, &settings, cfg.accessURL(listener.Addr()))
	if err != nil {
		return err
	}
	defer closeOutside()
	cases := service.New(settings)
	defer cases.Close()
	cases.Sealer = keys
	if err := cfg.claimEncryption(ctx, cases); err != nil {
		return err
	}
	defer cfg.reloadOnHangup(ctx, cases)()
	if err := cases.Watch(ctx); err != nil {
		return err
	}
	stopBeside, err := cfg.runBeside(ctx, cases)
	if err != nil {
		return err
	}
	defer stopBeside()
	handler, err := cfg.handler(ctx, cases, listener.Addr())
	if err != nil {
		return err
	}
	if err := cfg.announce(ctx, cases, listener.Addr()); err != nil {
		return err
	}
	return cfg.serve(ctx, listener, handler)
}

// announce says that the server is there, and what the operator should know.
func (c Config) announce(ctx context.Context, cases *service.Service, address net.Addr) error {
	hasUsers, err := cases.HasFirstUser(ctx)
	if err != nil {
		return err
	}
	c.warnAboutExposure(address)
	c.warnAboutDatabase()
	c.Log.Info("serving", "address", address.String(), "version", buildinfo.Version())
	if c.OnReady != nil {
		c.OnReady(Ready{URL: c.accessURL(address).String(), DataDir: c.DataDir, HasUsers: hasUsers})
	}
	return nil
}

// addOutside gives the use cases what they reach other servers by: identity
// providers and mail.
func (c Config) addOutside(ctx context.Context, settings *service.Config, access *url.URL) (closeOutside func(), err error) {
	if err := c.addProviders(settings, access); err != nil {
		return nil, err
	}
	closeMail, err := c.addMail(ctx, settings, access)
	if err != nil {
		return nil, err
	}
	stopWatching := c.watchProviders(ctx, settings.Providers)
	return func() {
		stopWatching()
		closeMail()
	}, nil
}

// runBeside begins what goes on beside the requests.
func (c Config) runBeside(ctx context.Context, cases *service.Service) (stop func(), err error) {
	stopDebug, err := c.serveDebug(ctx)
	if err != nil {
		return nil, err
	}
	stopJobs := c.runJobs(ctx, cases.Jobs())
	return func() {
		stopJobs()
		stopDebug()
	}, nil
}

func (c Config) serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	c.Log.Info("stopping: waiting for the requests under way")
	drained, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(drained); err != nil {
		c.Log.Warn("some requests did not end in time and were cut off", "error", err)
		return server.Close()
	}
	return nil
}

// prepareDataDir creates the directory and, for the embedded database, takes it
// for this server alone.
func (c Config) prepareDataDir() (release func(), err error) {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	if c.DatabaseURL != "" {
		return func() {}, nil
	}
	return store.LockDataDir(c.DataDir)
}

func (c Config) serviceConfig(db *store.Store) service.Config {
	return service.Config{
		Store:                       db,
		Hasher:                      secret.NewHasher(secret.HasherConfig{Params: c.PasswordParams}),
		Log:                         c.Log,
		SSHKeys:                     secret.NewSSHKeyMaker(secret.SSHKeyAlgorithm(c.SSHKeygenAlgorithm)),
		SessionDuration:             c.SessionDuration,
		DefaultTokenLifetime:        c.DefaultTokenLifetime,
		MaxTokenLifetime:            c.MaxTokenLifetime,
		MaxAdminTokenLifetime:       c.MaxAdminTokenLifetime,
		DisableSessionExpiryRefresh: c.DisableSessionExpiryRefresh,
		KeyRetention:                c.APIKeysRetention,
		AuditRetention:              c.AuditRetention,
		DormancyThreshold:           c.DormancyThreshold,
		DisablePasswordAuth:         c.DisablePasswordAuth,
		TermsOfServiceURL:           c.TermsOfServiceURL,
	}
}

func (c Config) handler(ctx context.Context, cases *service.Service, address net.Addr) (http.Handler, error) {
	proxies, err := c.trustedProxies()
	if err != nil {
		return nil, err
	}
	deployment, err := cases.DeploymentID(ctx)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return api.New(api.Config{
		Service:        cases,
		Log:            c.Log,
		Registry:       registry,
		AccessURL:      c.accessURL(address),
		Dialect:        api.Dialect(c.Dialect),
		RateLimit:      c.RateLimit,
		TrustedProxies: proxies,
		Cookies:        c.cookies(),
		PageHeaders:    c.pageHeaders(),
		Settings:       c.publicSettings(),
		DeploymentID:   deployment.String(),
	})
}

func (c Config) listen(ctx context.Context) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil || c.TLSCertFile == "" {
		return listener, err
	}
	pair, err := c.watchCertificate()
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return tls.NewListener(listener, &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: pair.get,
	}), nil
}

// accessURL is how clients reach the server: as configured, or at the address
// it listens on.
func (c Config) accessURL(address net.Addr) *url.URL {
	if parsed, err := url.Parse(c.AccessURL); err == nil && c.AccessURL != "" {
		return &url.URL{Scheme: parsed.Scheme, Host: parsed.Host}
	}
	scheme := "http"
	if c.TLSCertFile != "" {
		scheme = "https"
	}
	host := address.String()
	if bound, err := netip.ParseAddrPort(host); err == nil && bound.Addr().IsUnspecified() {
		host = net.JoinHostPort("localhost", fmt.Sprint(bound.Port()))
	}
	return &url.URL{Scheme: scheme, Host: host}
}

// warnAboutExposure says once that passwords would cross a network in clear, or
// that browsers cannot keep a login.
func (c Config) warnAboutExposure(address net.Addr) {
	c.warnAboutCookies(c.accessURL(address))
	bound, err := netip.ParseAddrPort(address.String())
	if err != nil || bound.Addr().IsLoopback() || c.TLSCertFile != "" || len(c.TrustedProxies) > 0 {
		return
	}
	c.Log.Warn("serving beyond this machine without TLS: passwords and keys can be read on the way; " +
		"set --tls-cert-file and --tls-key-file, or --trusted-proxies for a proxy that does it")
}

func (c Config) logError(message string, err error) {
	if err != nil {
		c.Log.Error(message, "error", err)
	}
}

// publicSettings are the settings that an administrator may see over the API.
func (c Config) publicSettings() map[string]any {
	database := "sqlite"
	if c.DatabaseURL != "" {
		database = "postgres"
	}
	return map[string]any{
		"listen":                         c.Listen,
		"access_url":                     c.AccessURL,
		"database":                       database,
		"database_max_connections":       c.DatabaseMaxConnections,
		"database_statement_timeout":     c.DatabaseStatementTimeout,
		"dialect":                        c.Dialect,
		"rate_limit":                     c.RateLimit,
		"trusted_proxies":                append([]string{}, c.TrustedProxies...),
		"tls":                            c.TLSCertFile != "",
		"session_duration":               c.SessionDuration,
		"default_token_lifetime":         c.DefaultTokenLifetime,
		"max_token_lifetime":             c.MaxTokenLifetime,
		"max_admin_token_lifetime":       c.MaxAdminTokenLifetime,
		"disable_session_expiry_refresh": c.DisableSessionExpiryRefresh,
		"api_keys_retention":             c.APIKeysRetention,
		"audit_retention":                c.AuditRetention,
		"dormancy_threshold":             c.DormancyThreshold,
		"disable_password_auth":          c.DisablePasswordAuth,
		"terms_of_service_url":           c.TermsOfServiceURL,
		"ssh_keygen_algorithm":           c.SSHKeygenAlgorithm,
		"secure_auth_cookie":             c.secureCookies(),
		"samesite_auth_cookie":           cmp.Or(c.SameSiteAuthCookie, SameSiteLax),
		"host_prefix_cookie":             c.HostPrefixCookie,
		"strict_transport_security":      c.StrictTransportSecurity,
		// Clients take a missing field for a provider that decides about roles.
		"oidc": c.publicOIDC(),
		"smtp": c.publicSMTP(),
	}
}
