package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher/internal/mail"
	"usher/internal/mail/mailtest"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// TestSMTPSettings are the problems of each, under the names of their flags.
func TestSMTPSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		cfg  mail.Config
		want []string // how the problems begin
	}{
		{"nothing", mail.Config{}, nil},
		{"enough", mail.Config{Address: "mail.example.com:587", From: "usher@example.com"}, nil},
		{"a sender alone", mail.Config{From: "usher@example.com"}, []string{"--smtp-address: "}},
		{"an address alone", mail.Config{Address: "mail.example.com:587"}, []string{"--smtp-from: "}},
		{
			"everything at once",
			mail.Config{Address: "mail", From: "nobody", Hello: "a b", Username: "usher", TLS: "maybe"},
			[]string{"--smtp-address: ", "--smtp-from: ", "--smtp-hello: ", "--smtp-tls: ", "--smtp-username: "},
		},
		{
			"a password in clear",
			mail.Config{Address: "mail.example.com:25", From: "usher@example.com", Username: "usher", Password: "hunter2", TLS: "none"},
			[]string{"--smtp-username: "},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := server.Config{DataDir: t.TempDir(), SMTP: test.cfg}.Validate()
			var lines []string
			if err != nil {
				lines = strings.Split(err.Error(), "\n")
			}
			if len(lines) != len(test.want) {
				t.Fatalf("%d problems, want %d: %v", len(lines), len(test.want), err)
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, test.want[i]) || strings.Contains(line, "hunter2") {
					t.Errorf("got %s, want %s...", line, test.want[i])
				}
			}
		})
	}
}

// TestMailThroughAnAuthorityOfOnesOwn: the authorities of the CA file are believed
// for mail too, and nobody else is.
func TestMailThroughAnAuthorityOfOnesOwn(t *testing.T) {
	t.Parallel()
	m := mailtest.New(t, mailtest.Config{StartTLS: true, Username: "usher", Password: "hunter2"})
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, m.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, ca := range map[string]string{"believed": file, "unknown": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servertest.New(t, func(c *server.Config) {
				c.CAFile = ca
				c.SMTP = mail.Config{Address: m.Address, From: "usher@example.com", Username: "usher", Password: "hunter2"}
			})
			if err := s.Client(t).RequestOneTimePasscode(t.Context(), sdk.RequestOneTimePasscodeRequest{Email: "owner@example.com"}); err != nil {
				t.Fatal(err)
			}
			if ca != "" {
				if got := m.Next(t); !got.TLS || got.Username != "usher" {
					t.Errorf("TLS %t, user %q", got.TLS, got.Username)
				}
			}
			s.Stop()
			log, want := s.Log.String(), "a mail was sent"
			if ca == "" {
				want = "certificate"
			}
			if !strings.Contains(log, want) || strings.Contains(log, "hunter2") {
				t.Errorf("the log does not say %q, or has the password:\n%s", want, log)
			}
		})
	}
}

// TestStopSendsWhatIsOnItsWay: a message that was promised does not get lost when
// the server is told to stop right after.
func TestStopSendsWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	m := mailtest.New(t, mailtest.Config{})
	s := servertest.New(t, func(c *server.Config) {
		c.SMTP = mail.Config{Address: m.Address, From: "usher@example.com", TLS: "none"}
	})
	if err := s.Client(t).RequestOneTimePasscode(t.Context(), sdk.RequestOneTimePasscodeRequest{Email: "owner@example.com"}); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if m.Pending() != 1 {
		t.Errorf("%d messages came before the end, want 1", m.Pending())
	}
}

// TestMailInClearIsWarnedAbout, where it leaves this machine.
func TestMailInClearIsWarnedAbout(t *testing.T) {
	t.Parallel()
	for address, warned := range map[string]bool{"mail.example.com:25": true, "127.0.0.1:25": false} {
		s := servertest.Start(t, storetest.Database(t), func(c *server.Config) {
			c.SMTP = mail.Config{Address: address, From: "usher@example.com", TLS: "none"}
		})
		if got := strings.Contains(s.Log.String(), "mail goes to its server without TLS"); got != warned {
			t.Errorf("%s: warned %t, want %t", address, got, warned)
		}
	}
}
