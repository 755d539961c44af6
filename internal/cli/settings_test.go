package cli

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/cobra"

	"usher/internal/idp"
	"usher/internal/server"
)

// read runs the settings through flags and environment.
func read(t *testing.T, env map[string]string, args ...string) (serverOptions, error) {
	t.Helper()
	a := &app{IO: IO{Env: func(name string) string { return env[name] }}}
	var options serverOptions
	var err error
	cmd := &cobra.Command{Use: "serve", SilenceErrors: true, SilenceUsage: true, RunE: func(cmd *cobra.Command, _ []string) error {
		options, err = a.readSettings(cmd, serverSettings())
		return nil
	}}
	addSettings(cmd.Flags(), serverSettings())
	cmd.SetArgs(append([]string{}, args...))
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return options, err
}

// exported compares what settings fill: all of the options, and of the server's
// configuration the part that is not its own.
func exported() cmp.Options {
	return cmp.Options{cmp.AllowUnexported(serverOptions{}), cmpopts.IgnoreUnexported(server.Config{})}
}

func TestSettingsWithoutAnything(t *testing.T) {
	t.Parallel()
	got, err := read(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := serverOptions{
		config: server.Config{
			Listen: "127.0.0.1:8080", Dialect: "reference", RateLimit: 512, SSHKeygenAlgorithm: "ed25519",
			SessionDuration: 24 * time.Hour, DefaultTokenLifetime: 168 * time.Hour,
			MaxTokenLifetime: 876600 * time.Hour, MaxAdminTokenLifetime: 168 * time.Hour,
			APIKeysRetention: 168 * time.Hour, DormancyThreshold: 2160 * time.Hour,
			DatabaseConfig: server.DatabaseConfig{DatabaseMaxConnections: 32, DatabaseStatementTimeout: 4 * time.Second},
			PageConfig:     server.PageConfig{SameSiteAuthCookie: "lax"},
			OIDC:           idp.OIDCConfig{AllowSignups: true}, OIDCSync: server.OIDCSync{OrganizationAssignDefault: true},
		},
		logFormat: "text",
	}
	if diff := cmp.Diff(want, got, exported()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every setting reaches its own field, from its flag and from its variable.
func TestSettingsReachTheirFields(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"listen": "127.0.0.1:0", "data-dir": "/srv/usher", "database-url": "postgres://u:p@db.example.com/usher",
		"database-max-connections": "7", "database-statement-timeout": "900ms",
		"access-url": "https://usher.example.com", "dialect": "legacy", "rate-limit": "0",
		"trusted-proxies": "10.0.0.0/8, 192.0.2.1", "session-duration": "90m", "default-token-lifetime": "48h",
		"max-token-lifetime": "1000h", "max-admin-token-lifetime": "72h", "disable-session-expiry-refresh": "true",
		"encryption-key-file": "/srv/keys", "ssh-keygen-algorithm": "rsa4096",
		"api-keys-retention": "0", "dormancy-threshold": "0", "audit-retention": "8760h",
		"disable-password-auth": "true", "terms-of-service-url": "https://example.com/terms",
		"secure-auth-cookie": "true", "samesite-auth-cookie": "none", "host-prefix-cookie": "true",
		"additional-csp-policy": "img-src https://a.example.com; font-src data:, style-src https://b.example.com", "strict-transport-security": "31536000",
		"strict-transport-security-options": "includeSubDomains, preload",
		"log-format":                        "json", "log-level": "WARN",
		"oauth2-github-client-id": "id", "oauth2-github-client-secret": "hunter2", "oauth2-github-allow-signups": "true",
		"oauth2-github-allow-everyone": "false", "oauth2-github-allowed-orgs": "acme, other", "oauth2-github-allowed-teams": "acme/doors",
		"oauth2-github-enterprise-base-url": "https://git.example.com", "oauth2-github-device-flow": "false", "debug-listen": "127.0.0.1:6060",
	}
	withOIDC := oidcValues(t, values)
	withSMTP := smtpValues(values)
	secure := true
	want := serverOptions{
		config: server.Config{
			Listen: "127.0.0.1:0", DebugListen: "127.0.0.1:6060", DataDir: "/srv/usher", DatabaseURL: "postgres://u:p@db.example.com/usher",
			DatabaseConfig: server.DatabaseConfig{DatabaseMaxConnections: 7, DatabaseStatementTimeout: 900 * time.Millisecond},
			AccessURL:      "https://usher.example.com", Dialect: "legacy", RateLimit: 0,
			TrustedProxies: []string{"10.0.0.0/8", "192.0.2.1"}, SessionDuration: 90 * time.Minute,
			EncryptionKeyFile: "/srv/keys", SSHKeygenAlgorithm: "rsa4096",
			MaxTokenLifetime: 1000 * time.Hour, MaxAdminTokenLifetime: 72 * time.Hour, DisableSessionExpiryRefresh: true,
			AuditRetention:       8760 * time.Hour,
			DefaultTokenLifetime: 48 * time.Hour, DisablePasswordAuth: true, TermsOfServiceURL: "https://example.com/terms",
			PageConfig: server.PageConfig{
				SecureAuthCookie: &secure, SameSiteAuthCookie: "none", HostPrefixCookie: true,
				AdditionalCSPPolicy:     []string{"img-src https://a.example.com; font-src data:", "style-src https://b.example.com"},
				StrictTransportSecurity: 31536000, StrictTransportSecurityOptions: []string{"includeSubDomains", "preload"},
			},
			GitHub: idp.GitHubConfig{
				ClientID: "id", ClientSecret: "hunter2", AllowSignups: true, AllowedOrgs: []string{"acme", "other"},
				AllowedTeams: []string{"acme/doors"}, EnterpriseBaseURL: "https://git.example.com",
			},
			OIDC: withOIDC.OIDC, OIDCSync: withOIDC.OIDCSync, OIDCProviderFile: withOIDC.OIDCProviderFile, CAFile: withOIDC.CAFile,
			SMTP: withSMTP,
		},
		logFormat: "json", logLevel: slog.LevelWarn,
	}
	env := map[string]string{}
	var args []string
	for _, row := range serverSettings() {
		value, ok := values[row.name]
		if !ok && !strings.HasPrefix(row.name, "tls-") && row.name != "oidc-client-key-file" && row.name != "oidc-client-cert-file" {
			t.Errorf("%s is not tested here", row.name)
		}
		env[row.variable()] = value
		if ok {
			args = append(args, "--"+row.name+"="+value)
		}
	}
	for name, given := range map[string]struct {
		env  map[string]string
		args []string
	}{"flags": {args: args}, "environment": {env: env}} {
		got, err := read(t, given.env, given.args...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, exported()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What a server can be told can be told by a setting, but for what only programs
// can say.
func TestEveryConfigFieldHasASetting(t *testing.T) {
	t.Parallel()
	withoutSetting := []string{"Log", "PasswordParams", "OnReady"}
	var filled serverOptions
	for _, row := range serverSettings() {
		// One of these is of the setting's type, and none is a zero value.
		values := []string{"1h", "7", "true", "something", `{"a":"b"}`, `{"a":["b"]}`, row.fallback}
		if !slices.ContainsFunc(values, func(value string) bool { return row.set(&filled, value) == nil }) {
			t.Errorf("%s takes none of %q", row.name, values)
		}
	}
	config := reflect.ValueOf(filled.config)
	for _, field := range reflect.VisibleFields(config.Type()) {
		if !field.IsExported() || slices.Contains(withoutSetting, field.Name) {
			continue
		}
		if config.FieldByIndex(field.Index).IsZero() {
			t.Errorf("no setting fills %s", field.Name)
		}
	}
}

// A lifetime of 0 would silently become the default.
func TestLifetimesAreNotZero(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"session-duration", "default-token-lifetime", "max-token-lifetime", "max-admin-token-lifetime", "database-statement-timeout"} {
		_, err := read(t, nil, "--"+name, "0s")
		if want := "--" + name + `: "0s" is no time at all`; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestTLSFiles(t *testing.T) {
	t.Parallel()
	// Files that are not there are named by Validate, and that under the right
	// name only where both rows filled the right field.
	_, err := read(t, map[string]string{"USHER_TLS_KEY_FILE": "/nowhere/key.pem"}, "--tls-cert-file", "/nowhere/cert.pem")
	if err == nil || !strings.Contains(err.Error(), "/nowhere/cert.pem") {
		t.Errorf("got %v", err)
	}
	if _, err = read(t, map[string]string{"USHER_TLS_KEY_FILE": "/nowhere/key.pem"}); err == nil {
		t.Error("a key without a certificate was accepted")
	}
}

func TestSettingPrecedence(t *testing.T) {
	t.Parallel()
	env := map[string]string{"USHER_RATE_LIMIT": "7", "USHER_DIALECT": "", "USHER_DISABLE_PASSWORD_AUTH": "true"}
	got, err := read(t, env, "--rate-limit", "9", "--disable-password-auth=false")
	if err != nil {
		t.Fatal(err)
	}
	if got.config.RateLimit != 9 || got.config.Dialect != "reference" || got.config.DisablePasswordAuth {
		t.Errorf("got %+v", got.config)
	}
	if got, _ = read(t, nil, "--disable-password-auth"); !got.config.DisablePasswordAuth {
		t.Error("the bare switch does nothing")
	}
}

func TestDatabaseURLFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte("postgres://u:hunter2@db.example.com/usher\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := read(t, map[string]string{"USHER_DATABASE_URL_FILE": file})
	if err != nil || got.config.DatabaseURL.Reveal() != "postgres://u:hunter2@db.example.com/usher" {
		t.Errorf("got %q, %v", got.config.DatabaseURL.Reveal(), err)
	}
	got, err = read(t, map[string]string{"USHER_DATABASE_URL_FILE": file}, "--database-url", "postgres://other.example.com/usher")
	if err != nil || got.config.DatabaseURL.Reveal() != "postgres://other.example.com/usher" {
		t.Errorf("the flag did not win: %v", err)
	}
	_, err = read(t, map[string]string{"USHER_DATABASE_URL_FILE": file, "USHER_DATABASE_URL": "postgres://u:hunter3@db.example.com/usher"})
	if want := "USHER_DATABASE_URL: is set, and so is USHER_DATABASE_URL_FILE; set one of them"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = read(t, map[string]string{"USHER_DATABASE_URL_FILE": file + "x"})
	if err == nil || !strings.HasPrefix(err.Error(), "USHER_DATABASE_URL_FILE: ") {
		t.Errorf("got %v for a file that is not there", err)
	}
}

func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"USHER_RATE_LIMIT": "many", "USHER_SESSION_DURATION": "1", "USHER_LOG_LEVEL": "loud",
		"USHER_DISABLE_PASSWORD_AUTH": "maybe", "USHER_LISTEN": "8080",
	}
	_, err := read(t, env, "--log-format", "xml", "--dialect", "klingon", "--access-url", "usher")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"these settings make no sense:\n",
		"\n  USHER_RATE_LIMIT: \"many\" is not a whole number",
		"\n  USHER_SESSION_DURATION: \"1\" is not a duration",
		"\n  USHER_DISABLE_PASSWORD_AUTH: \"maybe\" is neither true nor false",
		"\n  USHER_LOG_LEVEL: \"loud\" is not one of",
		"\n  USHER_LISTEN: ", // found by Validate under the flag's name
		"\n  --log-format: \"xml\" is not one of text, json",
		"\n  --dialect: ",
		"\n  --access-url: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}
