package server

import (
	"net/url"
	"testing"
	"time"

	"usher/internal/idp"
)

// SetCertificateCheck sets how often, at most, the TLS files are looked at.
func (c *Config) SetCertificateCheck(every time.Duration) { c.certificateCheck = every }

// Filled returns the configuration with what stands for everything that was left
// out.
func (c Config) Filled() (Config, error) { return c.withDefaults() }

// Providers makes the identity providers of a server at usher.example.com.
func (c Config) Providers(t testing.TB) (*idp.Providers, error) {
	t.Helper()
	return c.providers(&url.URL{Scheme: "https", Host: "usher.example.com"})
}
