package server

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"usher/internal/api"
)

// PageConfig is what a server can be told about browsers.
type PageConfig struct {
	// SecureAuthCookie keeps cookies from being sent without TLS; nil means: where
	// the access URL is https.
	SecureAuthCookie *bool
	// SameSiteAuthCookie is lax or none; empty means lax. With none, which needs
	// Secure cookies, pages of other sites send them too.
	SameSiteAuthCookie string
	// HostPrefixCookie gives the session's cookie the prefix __Host-, with which
	// browsers take it from this host over TLS alone, and makes it Secure.
	HostPrefixCookie bool
	// AdditionalCSPPolicy are directives that are added to the
	// Content-Security-Policy of pages, such as "img-src https://cdn.example.com".
	AdditionalCSPPolicy []string
	// StrictTransportSecurity is for how many seconds browsers that have seen a
	// page shall use TLS alone; 0 leaves it unsaid.
	StrictTransportSecurity int
	// StrictTransportSecurityOptions are includeSubDomains and preload.
	StrictTransportSecurityOptions []string
}

// The values of SameSiteAuthCookie.
const (
	SameSiteLax  = "lax"
	SameSiteNone = "none"
)

// secureCookies reports whether cookies are Secure.
func (c Config) secureCookies() bool {
	if c.SecureAuthCookie != nil {
		return *c.SecureAuthCookie
	}
	if c.AccessURL == "" {
		return c.TLSCertFile != ""
	}
	access, err := url.Parse(c.AccessURL)
	return err == nil && access.Scheme == "https"
}

func (c Config) cookies() api.Cookies {
	return api.Cookies{
		Secure:     c.secureCookies(),
		CrossSite:  c.SameSiteAuthCookie == SameSiteNone,
		HostPrefix: c.HostPrefixCookie,
	}
}

// warnAboutCookies says once that browsers will keep no login: they take Secure
// cookies over TLS alone.
func (c Config) warnAboutCookies(access *url.URL) {
	if access.Scheme != "https" && (c.secureCookies() || c.HostPrefixCookie) {
		c.Log.Warn("cookies are Secure, and the access URL has no TLS: browsers forget every login; set --access-url to the https address")
	}
}

func (p PageConfig) pageHeaders() api.PageHeaders {
	return api.PageHeaders{
		ContentSecurityPolicy:          p.AdditionalCSPPolicy,
		StrictTransportSecurity:        p.StrictTransportSecurity,
		StrictTransportSecurityOptions: p.StrictTransportSecurityOptions,
	}
}

// validatePages hands every problem to check, under the name of its flag.
func (c Config) validatePages(check func(flag string, err error)) {
	check("samesite-auth-cookie", c.checkSameSite())
	if c.HostPrefixCookie && c.SecureAuthCookie != nil && !*c.SecureAuthCookie {
		check("host-prefix-cookie", errors.New("needs Secure cookies, and --secure-auth-cookie is false"))
	}
	for _, text := range c.AdditionalCSPPolicy {
		check("additional-csp-policy", api.CheckPolicy(text))
	}
	if c.StrictTransportSecurity < 0 {
		check("strict-transport-security", fmt.Errorf("%d seconds are fewer than none", c.StrictTransportSecurity))
	}
	for _, option := range c.StrictTransportSecurityOptions {
		if !slices.Contains(transportOptions(), option) {
			check("strict-transport-security-options", fmt.Errorf("%q is none of %q", option, transportOptions()))
		}
	}
}

// transportOptions are the directives of RFC 6797, section 6.1, that have no
// value, and what lists of browsers ask for.
func transportOptions() []string { return []string{"includeSubDomains", "preload"} }

func (c Config) checkSameSite() error {
	switch c.SameSiteAuthCookie {
	case "", SameSiteLax:
		return nil
	case SameSiteNone:
		if !c.secureCookies() {
			return errors.New("none needs Secure cookies: an --access-url with https, or --secure-auth-cookie")
		}
		return nil
	}
	return fmt.Errorf("%q is neither lax nor none", c.SameSiteAuthCookie)
}
