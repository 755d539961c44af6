package server_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestZeroConfigMakesSense: nothing at all is a complete configuration.
func TestZeroConfigMakesSense(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/var/lib/people")
	if err := (server.Config{}).Validate(); err != nil {
		t.Errorf("the zero configuration is refused: %v", err)
	}
	got, err := server.Config{}.Filled()
	if err != nil {
		t.Fatal(err)
	}
	if got.Log == nil || got.Log.Enabled(t.Context(), slog.LevelError) {
		t.Error("without a logger something is logged, or would panic")
	}
	if got.Listen != "127.0.0.1:8080" || got.Dialect != "reference" || got.DataDir != "/var/lib/people/usher" || got.DatabaseURL != "" {
		t.Errorf("listen %q, dialect %q, data directory %q", got.Listen, got.Dialect, got.DataDir)
	}
	if got.SessionDuration != 24*time.Hour || got.DefaultTokenLifetime != 168*time.Hour {
		t.Errorf("session duration %v, token lifetime %v", got.SessionDuration, got.DefaultTokenLifetime)
	}
	if got.DisablePasswordAuth || len(got.TrustedProxies) > 0 || got.RateLimit != 0 {
		t.Errorf("passwords off: %t, trusted proxies %q, rate limit %d", got.DisablePasswordAuth, got.TrustedProxies, got.RateLimit)
	}
}

func TestDefaultDataDir(t *testing.T) {
	for _, test := range []struct{ name, data, home, want string }{
		{"the user's data directory", "/data", "/home/ada", "/data/usher"},
		{"none is set", "", "/home/ada", "/home/ada/.local/share/usher"},
		{"a relative one does not count", "data", "/home/ada", "/home/ada/.local/share/usher"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", test.data)
			t.Setenv("HOME", test.home)
			if got, err := server.DefaultDataDir(); err != nil || got != test.want {
				t.Errorf("%q, %v; want %q", got, err, test.want)
			}
		})
	}
	t.Run("nowhere", func(t *testing.T) {
		t.Setenv("XDG_DATA_HOME", "")
		t.Setenv("HOME", "")
		err := server.Config{}.Validate()
		if err == nil || !strings.Contains(err.Error(), "--data-dir") {
			t.Errorf("without a home directory: %v; want a sentence that names --data-dir", err)
		}
	})
}

// TestEveryProblemIsReportedAtOnce, each under the name of its flag.
func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	err := server.Config{
		Listen:               "nowhere",
		DataDir:              t.TempDir(),
		DatabaseURL:          "mysql://root:hunter2@localhost/db",
		AccessURL:            "ftp://usher.example.com",
		Dialect:              "klingon",
		TrustedProxies:       []string{"10.0.0.0/8", "proxy.example.com", "10.0.0.0/33"},
		TLSCertFile:          "cert.pem",
		SessionDuration:      -time.Hour,
		DefaultTokenLifetime: time.Millisecond,
		TermsOfServiceURL:    "javascript:alert(1)",
	}.Validate()
	if err == nil {
		t.Fatal("nothing of it is refused")
	}
	text := err.Error()
	for _, want := range []struct{ flag, about string }{
		{"--listen: ", `"nowhere"`},
		{"--database-url: ", "postgres://"},
		{"--access-url: ", `"ftp://usher.example.com"`},
		{"--terms-of-service-url: ", "javascript"},
		{"--dialect: ", `"klingon"`},
		{"--trusted-proxies: ", `"proxy.example.com"`},
		{"--trusted-proxies: ", `"10.0.0.0/33"`},
		{"--session-duration: ", "-1h"},
		{"--default-token-lifetime: ", "1ms"},
		{"--tls-cert-file: ", "--tls-key-file"},
	} {
		found := false
		for line := range strings.Lines(text) {
			found = found || strings.HasPrefix(line, want.flag) && strings.Contains(line, want.about)
		}
		if !found {
			t.Errorf("no line begins with %q and speaks of %q:\n%s", want.flag, want.about, text)
		}
	}
	if got := strings.Count(text, "\n") + 1; got != 10 {
		t.Errorf("%d lines, want one for each of the 10 problems:\n%s", got, text)
	}
	if strings.Contains(text, "hunter2") {
		t.Error("the problem with the database URL shows its password")
	}
}

// TestWhatASettingMayBe is one setting at a time.
func TestWhatASettingMayBe(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		set  func(*server.Config)
		flag string // that is complained about; empty for none
	}{
		{"any port", func(c *server.Config) { c.Listen = ":0" }, ""},
		{"an IPv6 address", func(c *server.Config) { c.Listen = "[::1]:8080" }, ""},
		{"a name", func(c *server.Config) { c.Listen = "localhost:8080" }, ""},
		{"no port", func(c *server.Config) { c.Listen = "127.0.0.1" }, "--listen"},
		{"a port of no sense", func(c *server.Config) { c.Listen = "127.0.0.1:99999" }, "--listen"},
		{"a port that is a word", func(c *server.Config) { c.Listen = "127.0.0.1:web" }, "--listen"},
		{"an https URL", func(c *server.Config) { c.AccessURL = "https://usher.example.com" }, ""},
		{"with a port and a slash", func(c *server.Config) { c.AccessURL = "http://localhost:8080/" }, ""},
		{"a URL without scheme", func(c *server.Config) { c.AccessURL = "usher.example.com" }, "--access-url"},
		{"a URL with a password", func(c *server.Config) { c.AccessURL = "https://ada:secret@usher.example.com" }, "--access-url"},
		{"a URL with a path", func(c *server.Config) { c.AccessURL = "https://example.com/usher" }, "--access-url"},
		{"a URL with a query", func(c *server.Config) { c.AccessURL = "https://example.com/?a=b" }, "--access-url"},
		{"terms with a path", func(c *server.Config) { c.TermsOfServiceURL = "https://example.com/terms" }, ""},
		{"PostgreSQL", func(c *server.Config) { c.DatabaseURL = "postgresql://db.example.com/usher" }, ""},
		{"no URL", func(c *server.Config) { c.DatabaseURL = "host=localhost dbname=usher" }, "--database-url"},
		{"proxies", func(c *server.Config) {
			c.TrustedProxies = []string{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1"}
		}, ""},
		{"an empty proxy", func(c *server.Config) { c.TrustedProxies = []string{""} }, "--trusted-proxies"},
		{"no rate limit", func(c *server.Config) { c.RateLimit = -1 }, ""},
		{"legacy", func(c *server.Config) { c.Dialect = "legacy" }, ""},
		{"another spelling", func(c *server.Config) { c.Dialect = "Coder" }, "--dialect"},
		{"a second", func(c *server.Config) { c.SessionDuration = time.Second }, ""},
		{"less", func(c *server.Config) { c.SessionDuration = time.Second - 1 }, "--session-duration"},
		{"a key without certificate", func(c *server.Config) { c.TLSKeyFile = "key.pem" }, "--tls-cert-file"},
		{"a certificate that is not there", func(c *server.Config) {
			c.TLSCertFile, c.TLSKeyFile = "/no/such/cert.pem", "/no/such/key.pem"
		}, "--tls-cert-file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := server.Config{DataDir: t.TempDir()}
			test.set(&cfg)
			err := cfg.Validate()
			switch {
			case test.flag == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.flag != "" && (err == nil || !strings.HasPrefix(err.Error(), test.flag+": ") || strings.Contains(err.Error(), "\n")):
				t.Errorf("%v; want one line that begins with %s", err, test.flag)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("the problem shows a password: %v", err)
			}
		})
	}
}

// TestRunRefusesNonsense before it touches anything.
func TestRunRefusesNonsense(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	err := server.Run(t.Context(), server.Config{DataDir: dir, Listen: "nowhere", Dialect: "klingon"})
	if err == nil || !strings.Contains(err.Error(), "--listen") || !strings.Contains(err.Error(), "--dialect") {
		t.Errorf("%v; want both problems", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the data directory was made all the same: %v", err)
	}
}

// TestDataDirectoryIsTheServersAlone on either engine.
func TestDataDirectoryIsTheServersAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		dir := filepath.Join(t.TempDir(), "some", "where")
		servertest.Start(t, db, func(cfg *server.Config) { cfg.DataDir = dir })
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o700 {
			t.Errorf("mode %v, want 0700", got)
		}
	})
}
