package server_test

import (
	"strings"
	"testing"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
)

// TestWhatPageSettingsMayBe is one setting at a time.
func TestWhatPageSettingsMayBe(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, test := range []struct {
		name string
		set  func(*server.Config)
		flag string // that is complained about; empty for none
	}{
		{"cookies for every site, over TLS", func(c *server.Config) {
			c.AccessURL, c.SameSiteAuthCookie = "https://usher.example.com", "none"
		}, ""},
		{"cookies for every site, said to be secure", func(c *server.Config) { c.SameSiteAuthCookie, c.SecureAuthCookie = "none", &yes }, ""},
		{"cookies for every site, over HTTP", func(c *server.Config) {
			c.AccessURL, c.SameSiteAuthCookie = "http://usher.example.com", "none"
		}, "--samesite-auth-cookie"},
		{"cookies for every site, at the listen address", func(c *server.Config) { c.SameSiteAuthCookie = "none" }, "--samesite-auth-cookie"},
		{"cookies for every site, said not to be secure", func(c *server.Config) {
			c.AccessURL, c.SameSiteAuthCookie, c.SecureAuthCookie = "https://usher.example.com", "none", &no
		}, "--samesite-auth-cookie"},
		{"strict", func(c *server.Config) { c.SameSiteAuthCookie = "strict" }, "--samesite-auth-cookie"},
		{"lax", func(c *server.Config) { c.SameSiteAuthCookie = "lax" }, ""},
		{"the prefix", func(c *server.Config) { c.HostPrefixCookie = true }, ""},
		{"the prefix and no TLS", func(c *server.Config) { c.HostPrefixCookie, c.SecureAuthCookie = true, &no }, "--host-prefix-cookie"},
		{"a policy", func(c *server.Config) {
			c.AdditionalCSPPolicy = []string{"img-src https://a.example.com", "font-src data:"}
		}, ""},
		{"a policy that is none", func(c *server.Config) { c.AdditionalCSPPolicy = []string{"https://a.example.com"} }, "--additional-csp-policy"},
		{"a year of TLS", func(c *server.Config) {
			c.StrictTransportSecurity, c.StrictTransportSecurityOptions = 31536000, []string{"includeSubDomains", "preload"}
		}, ""},
		{"less than no TLS", func(c *server.Config) { c.StrictTransportSecurity = -1 }, "--strict-transport-security"},
		{"another option", func(c *server.Config) { c.StrictTransportSecurityOptions = []string{"max-age=1"} }, "--strict-transport-security-options"},
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
			}
		})
	}
}

// TestSecureCookiesWithoutTLS are warned about.
func TestSecureCookiesWithoutTLS(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for name, test := range map[string]struct {
		access   string
		settings server.PageConfig
		warned   bool
	}{
		"plain":                  {"http://usher.example.com", server.PageConfig{}, false},
		"plain, secure cookies":  {"http://usher.example.com", server.PageConfig{SecureAuthCookie: &yes}, true},
		"plain, prefix":          {"http://usher.example.com", server.PageConfig{HostPrefixCookie: true}, true},
		"TLS":                    {"https://usher.example.com", server.PageConfig{HostPrefixCookie: true}, false},
		"TLS, no secure cookies": {"https://usher.example.com", server.PageConfig{SecureAuthCookie: &no}, false},
	} {
		s := servertest.Start(t, storetest.Database(t), func(c *server.Config) { c.AccessURL, c.PageConfig = test.access, test.settings })
		if got := strings.Contains(s.Log.String(), "browsers forget every login"); got != test.warned {
			t.Errorf("%s: warned is %t, want %t", name, got, test.warned)
		}
	}
}
