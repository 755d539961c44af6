package cli

import (
	"strconv"

	"usher/internal/server"
)

// pageSettings are about browsers: cookies, and the headers of pages.
func pageSettings() []setting {
	return []setting{
		{
			name: "secure-auth-cookie", usage: "send cookies over TLS alone",
			otherwise: "true where the access URL is https",
			set: func(o *serverOptions, value string) error {
				secure := false
				o.config.SecureAuthCookie = &secure
				return boolean(func(*serverOptions) *bool { return &secure })(o, value)
			},
		},
		{
			name: "samesite-auth-cookie", kind: "NAME", usage: "whether other sites' pages send cookies: lax, or none for yes",
			fallback: server.SameSiteLax,
			set:      text(func(o *serverOptions) *string { return &o.config.SameSiteAuthCookie }),
		},
		{
			name: "host-prefix-cookie", usage: "name the session's cookie __Host-..., which binds it to this host and TLS",
			fallback: "false",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.HostPrefixCookie }),
		},
		{
			name: "additional-csp-policy", kind: "RULE,...", usage: "add sources to the Content-Security-Policy of pages, as directives",
			otherwise: "none",
			set:       list(func(o *serverOptions) *[]string { return &o.config.AdditionalCSPPolicy }),
		},
		{
			name: "strict-transport-security", kind: "SECONDS", usage: "for how long browsers shall use TLS alone; 0 leaves it unsaid",
			fallback: strconv.Itoa(0),
			set:      number(func(o *serverOptions) *int { return &o.config.StrictTransportSecurity }),
		},
		{
			name: "strict-transport-security-options", kind: "NAME,...", usage: "includeSubDomains, preload or both",
			otherwise: "none",
			set:       list(func(o *serverOptions) *[]string { return &o.config.StrictTransportSecurityOptions }),
		},
	}
}
