package idp

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"usher/internal/account"
)

// redirect says where logins come back to.
type redirect struct {
	base *url.URL // scheme and host
	path string
	// hosts are those that a login may begin at and then returns to, in small
	// letters; without any it always returns to base.
	hosts []string
}

// to returns the address for a login that began at the host, and whether it
// depends on the host.
func (r redirect) to(host string) (uri string, dynamic bool, err error) {
	back := r.registered()
	if len(r.hosts) == 0 {
		return back.String(), false, nil
	}
	if !slices.Contains(r.hosts, strings.ToLower(hostname(host))) {
		return "", false, account.Invalid("Nobody can log in at this address of the server.")
	}
	back.Host = host
	return back.String(), true, nil
}

// registered is the address for a login that may begin anywhere.
func (r redirect) registered() url.URL {
	return url.URL{Scheme: r.base.Scheme, Host: r.base.Host, Path: r.path}
}

// hostname drops the port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// CallbackPath is where logins through the provider begin and end, on this
// server.
func (p *Provider) CallbackPath() string { return p.redirect.path }

// CallbackURL is what has to be registered at the provider.
func (p *Provider) CallbackURL() string {
	back := p.redirect.registered()
	return back.String()
}
