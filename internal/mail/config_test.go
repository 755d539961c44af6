package mail_test

import (
	"slices"
	"strings"
	"testing"

	"usher/internal/mail"
	"usher/internal/secret"
)

// TestWhatAConfigurationMayBe is one field at a time.
func TestWhatAConfigurationMayBe(t *testing.T) {
	t.Parallel()
	account := func(c *mail.Config) { c.Username, c.Password = "usher", "hunter2" }
	for _, test := range []struct {
		name   string
		set    func(*mail.Config)
		faults []string // the fields that are complained about
	}{
		{"the least", func(*mail.Config) {}, nil},
		{"nothing", func(c *mail.Config) { *c = mail.Config{} }, []string{"Address", "From"}},
		{"an IPv6 address", func(c *mail.Config) { c.Address = "[2001:db8::1]:25" }, nil},
		{"no port", func(c *mail.Config) { c.Address = "mail.example.com" }, []string{"Address"}},
		{"port 0", func(c *mail.Config) { c.Address = "mail.example.com:0" }, []string{"Address"}},
		{"a port of no sense", func(c *mail.Config) { c.Address = "mail.example.com:65536" }, []string{"Address"}},
		{"no host", func(c *mail.Config) { c.Address = ":25" }, []string{"Address"}},
		{"a host with a line break", func(c *mail.Config) { c.Address = "mail\r\n.example.com:25" }, []string{"Address"}},
		{"a sender with a name", func(c *mail.Config) { c.From = "Usher <usher@example.com>" }, nil},
		{"a sender with a name of another script", func(c *mail.Config) { c.From = "Türsteher <usher@example.com>" }, nil},
		{"a sender that is none", func(c *mail.Config) { c.From = "usher" }, []string{"From"}},
		{"two senders", func(c *mail.Config) { c.From = "a@example.com, b@example.com" }, []string{"From"}},
		{"a sender with a header", func(c *mail.Config) { c.From = "a@example.com\r\nBcc: b@example.com" }, []string{"From"}},
		{"a sender whose name hides a header", func(c *mail.Config) { c.From = "=?utf-8?q?a=0D=0ABcc:_b@example.com?= <a@example.com>" }, []string{"From"}},
		{"a name", func(c *mail.Config) { c.Hello = "usher.example.com" }, nil},
		{"an address for a name", func(c *mail.Config) { c.Hello = "[192.0.2.1]" }, nil},
		{"two words for a name", func(c *mail.Config) { c.Hello = "usher example" }, []string{"Hello"}},
		{"a name with a command", func(c *mail.Config) { c.Hello = "usher\r\nQUIT" }, []string{"Hello"}},
		{"TLS", func(c *mail.Config) { c.TLS = "tls" }, nil},
		{"TLS if it can be had", func(c *mail.Config) { c.TLS = "opportunistic" }, []string{"TLS"}},
		{"no TLS and no password", func(c *mail.Config) { c.TLS = mail.TLSNone }, nil},
		{"an account", account, nil},
		{"a user without password", func(c *mail.Config) { c.Username = "usher" }, []string{"Username"}},
		{"a password without user", func(c *mail.Config) { c.Password = "hunter2" }, []string{"Username"}},
		{"a password with a line break", func(c *mail.Config) { c.Username, c.Password = "usher", "hunter2\nQUIT" }, []string{"Username"}},
		{"a password in clear", func(c *mail.Config) { account(c); c.TLS = mail.TLSNone }, []string{"Username"}},
		{"to an address that begins like this machine's", func(c *mail.Config) {
			account(c)
			c.TLS, c.Address = mail.TLSNone, "localhost.example.com:25"
		}, []string{"Username"}},
		{"a password that stays on this machine", func(c *mail.Config) {
			account(c)
			c.TLS, c.Address = mail.TLSNone, "127.0.0.1:25"
		}, nil},
		{"by name", func(c *mail.Config) { account(c); c.TLS, c.Address = mail.TLSNone, "localhost:25" }, nil},
		{"by IPv6", func(c *mail.Config) { account(c); c.TLS, c.Address = mail.TLSNone, "[::1]:25" }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := mail.Config{Address: "mail.example.com:587", From: "usher@example.com"}
			test.set(&cfg)
			var got []string
			for _, fault := range cfg.Validate() {
				got = append(got, fault.Field)
				if strings.Contains(fault.Error(), "hunter2") {
					t.Errorf("%s: the fault shows the password", fault.Field)
				}
			}
			if !slices.Equal(got, test.faults) {
				t.Errorf("complains about %q, want %q", got, test.faults)
			}
			if _, err := mail.New(cfg); (err == nil) != (test.faults == nil) {
				t.Errorf("a sender of it: %v", err)
			}
		})
	}
}

func TestExposed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		address string
		mode    string
		want    bool
	}{
		{"mail.example.com:25", mail.TLSNone, true},
		{"mail.example.com:25", mail.TLSStart, false},
		{"mail.example.com:25", "", false},
		{"127.0.0.1:25", mail.TLSNone, false},
	} {
		if got := (mail.Config{Address: test.address, TLS: test.mode}).Exposed(); got != test.want {
			t.Errorf("%s with %q: %t", test.address, test.mode, got)
		}
	}
}

// TestPasswordIsNotPrinted, whatever prints the configuration.
func TestPasswordIsNotPrinted(t *testing.T) {
	t.Parallel()
	cfg := mail.Config{Password: secret.Redacted("hunter2")}
	if text := sprint(cfg); strings.Contains(text, "hunter2") {
		t.Errorf("%s", text)
	}
}
