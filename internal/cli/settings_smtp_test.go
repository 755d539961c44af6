package cli

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"usher/internal/mail"
)

// smtpValues adds a value of each setting about mail, and returns what they make.
func smtpValues(values map[string]string) mail.Config {
	maps.Copy(values, map[string]string{
		"smtp-address": "mail.example.com:465", "smtp-from": "Usher <usher@example.com>", "smtp-username": "usher",
		"smtp-password": "hunter2", "smtp-tls": "tls", "smtp-hello": "usher.example.com",
	})
	return mail.Config{
		Address: "mail.example.com:465", From: "Usher <usher@example.com>", Username: "usher", Password: "hunter2",
		TLS: "tls", Hello: "usher.example.com",
	}
}

// TestSMTPPasswordFromAFile, where other programs cannot see it.
func TestSMTPPasswordFromAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := read(t, map[string]string{"USHER_SMTP_PASSWORD_FILE": file},
		"--smtp-address", "mail.example.com:587", "--smtp-from", "usher@example.com", "--smtp-username", "usher")
	if err != nil || got.config.SMTP.Password.Reveal() != "hunter2" {
		t.Errorf("%v, and the password is not that of the file", err)
	}
}
