package secret

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckPasswordStrength(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, password string
		wantReason     string // a part of the sentence; empty when the password passes
	}{
		{"the wire's good example", "SomeSecurePassword!", ""},
		{"the wire's bad example", "notstrong", "too easy to guess"},
		{"empty", "", "must not be empty"},
		{"spaces only", "          ", "too easy to guess"},
		{"64 bytes", strings.Repeat("aB3$xY7!", 8), ""},
		{"65 bytes", strings.Repeat("aB3$xY7!", 8) + "q", "at most 64 bytes are allowed, this has 65"},
		{"64 characters of 2 bytes", strings.Repeat("éüñö", 16), "this has 128"},
		{"long but one letter", strings.Repeat("a", 64), "too easy to guess"},
		{"long sequence", "abcdefghijklmnopqrstuvwxyz", "too easy to guess"},
		{"lower case, 11 of 26", "kwzptxbvmqg", "too easy to guess"},
		{"lower case, 12 of 26", "kwzptxbvmqgd", ""},
		{"not UTF-8", "\xff\xfe", "too easy to guess"},
		{"a megabyte", strings.Repeat("x", 1<<20), "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := CheckPasswordStrength(tt.password)
			if tt.wantReason == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			var weak *WeakPasswordError
			if !errors.As(err, &weak) {
				t.Fatalf("error %v of type %T, want a *WeakPasswordError", err, err)
			}
			if !strings.Contains(weak.Reason, tt.wantReason) {
				t.Errorf("reason %q, want it to contain %q", weak.Reason, tt.wantReason)
			}
		})
	}
}

func FuzzCheckPasswordStrength(f *testing.F) {
	for _, seed := range []string{"", "SomeSecurePassword!", "notstrong", "0123456789", "\xff\x00é", strings.Repeat("qwertyuiop", 7)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, password string) {
		err := CheckPasswordStrength(password)
		if err == nil && (password == "" || len(password) > 64) {
			t.Errorf("%d bytes were accepted", len(password))
		}
	})
}
