package server_test

import (
	"strings"
	"testing"

	"usher/internal/server"
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
