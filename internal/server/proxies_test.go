package server_test

import (
	"net/http"
	"strings"
	"testing"

	"usher/internal/server"
	"usher/internal/server/servertest"
)

// TestAddressOfTheClient behind proxies: the right-most address that is no
// trusted proxy. What stands left of it, the client may have written itself.
func TestAddressOfTheClient(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, func(cfg *server.Config) {
		cfg.TrustedProxies = []string{"127.0.0.1", "10.0.0.0/8", "2001:db8::/32"}
	})
	for _, test := range []struct {
		name      string
		forwarded []string
		want      string
	}{
		{"no header", nil, "127.0.0.1"},
		{"one hop", []string{"203.0.113.7"}, "203.0.113.7"},
		{"two proxies", []string{"203.0.113.7, 10.1.1.1"}, "203.0.113.7"},
		{"no spaces", []string{"203.0.113.7,10.1.1.1,10.2.2.2"}, "203.0.113.7"},
		{"several headers", []string{"203.0.113.7", "10.1.1.1"}, "203.0.113.7"},
		{"the client pretends", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		{"the client pretends to be a proxy", []string{"10.9.9.9, 203.0.113.7, 10.1.1.1"}, "203.0.113.7"},
		{"the client pretends in a header of its own", []string{"198.51.100.1", "203.0.113.7, 10.1.1.1"}, "203.0.113.7"},
		{"only proxies", []string{"10.1.1.1, 10.2.2.2"}, "10.1.1.1"},
		{"IPv6", []string{"2001:db9::7, 2001:db8::1"}, "2001:db9::7"},
		{"IPv6 in another spelling", []string{"2001:DB9:0:0:0:0:0:7"}, "2001:db9::7"},
		{"IPv6 with a zone", []string{"fe80::1%eth0"}, "fe80::1"},
		{"IPv4 as IPv6", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{"a proxy's IPv4 as IPv6", []string{"203.0.113.7, ::ffff:10.1.1.1"}, "203.0.113.7"},
		{"nonsense at the right end", []string{"203.0.113.7, unknown"}, "127.0.0.1"},
		{"nonsense in the middle", []string{"203.0.113.7, unknown, 10.1.1.1"}, "10.1.1.1"},
		{"nonsense at the left end", []string{"<script>, 203.0.113.7"}, "203.0.113.7"},
		{"nothing between commas", []string{"203.0.113.7,,10.1.1.1"}, "10.1.1.1"},
		{"an empty header", []string{""}, "127.0.0.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if test.forwarded != nil {
				header["X-Forwarded-For"] = test.forwarded
			}
			wantAddress(t, s, login(t, http.DefaultClient, s.URL, header), test.want)
		})
	}
}

// TestHeadersOfStrangersAreIgnored: without trusted proxies, and of a peer that
// is none.
func TestHeadersOfStrangersAreIgnored(t *testing.T) {
	t.Parallel()
	for _, proxies := range [][]string{nil, {"10.0.0.0/8", "::1"}} {
		s := servertest.New(t, func(cfg *server.Config) { cfg.TrustedProxies = proxies })
		header := http.Header{
			"X-Forwarded-For": {"203.0.113.7"}, "X-Real-Ip": {"203.0.113.7"}, "Forwarded": {"for=203.0.113.7"}, "Cf-Connecting-Ip": {"203.0.113.7"},
		}
		wantAddress(t, s, login(t, http.DefaultClient, s.URL, header), "127.0.0.1")
	}
}

// wantAddress finds the address in the audit log and in the server's own.
func wantAddress(t *testing.T, s *servertest.Server, r reply, want string) {
	t.Helper()
	if r.status != http.StatusCreated {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	id := r.header.Get("X-Coder-Request-Id")
	if got := audited(t, s, s.Owner, "action:login request_id:"+id).IP; got != want {
		t.Errorf("the audit log has the address %q, want %q", got, want)
	}
	for line := range strings.Lines(s.Log.String()) {
		if strings.Contains(line, id) && !strings.Contains(line, " ip="+want+" ") && !strings.Contains(line, ` ip="`+want+`" `) {
			t.Errorf("the server's log has another address than %s: %s", want, line)
		}
	}
}
