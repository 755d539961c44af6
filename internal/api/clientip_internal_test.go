package api

import (
	"net/http"
	"net/netip"
	"testing"
)

// TestClientIP: of the addresses in X-Forwarded-For only those are believed that
// a trusted proxy added.
func TestClientIP(t *testing.T) {
	t.Parallel()

	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, test := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"no proxy":               {"192.0.2.1:1", nil, "192.0.2.1"},
		"a stranger forwards":    {"192.0.2.1:1", []string{"203.0.113.1"}, "192.0.2.1"},
		"a proxy":                {"10.0.0.1:1", []string{"192.0.2.1"}, "192.0.2.1"},
		"a proxy says nothing":   {"10.0.0.1:1", nil, "10.0.0.1"},
		"two proxies":            {"10.0.0.1:1", []string{"192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		"two headers":            {"10.0.0.1:1", []string{"192.0.2.1", "10.0.0.2"}, "192.0.2.1"},
		"the client adds itself": {"10.0.0.1:1", []string{"203.0.113.9, 192.0.2.1"}, "192.0.2.1"},
		"a client inside":        {"10.0.0.1:1", []string{"10.0.0.7"}, "10.0.0.7"},
		"nonsense":               {"10.0.0.1:1", []string{"192.0.2.1, nonsense"}, "10.0.0.1"},
		"nonsense further left":  {"10.0.0.1:1", []string{"nonsense, 192.0.2.1"}, "192.0.2.1"},
		"IPv4 in IPv6":           {"[::ffff:10.0.0.1]:1", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		"IPv6":                   {"[fd00::1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		"a zone":                 {"[fe80::1%eth0]:1", nil, "fe80::1"},
		"no address":             {"@", nil, ""},
	} {
		r := &http.Request{RemoteAddr: test.peer, Header: http.Header{"X-Forwarded-For": test.forwarded}}
		if got := clientIP(r, trusted); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
