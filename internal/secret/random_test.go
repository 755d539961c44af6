package secret

import (
	"bytes"
	"strings"
	"testing"
)

// Every byte value once is the ideal source: a fair draw takes each character
// equally often from it and throws away the rest.
func TestRandomStringIsUnbiased(t *testing.T) {
	t.Parallel()
	for _, alphabet := range []string{base62, base62 + passwordSymbols, "ab"} {
		source := make([]byte, 256)
		for i := range source {
			source[i] = byte(i)
		}
		each := 256 / len(alphabet)
		text, err := randomString(bytes.NewReader(source), alphabet, each*len(alphabet))
		if err != nil {
			t.Fatalf("alphabet of %d: %v", len(alphabet), err)
		}
		for _, c := range alphabet {
			if got := strings.Count(text, string(c)); got != each {
				t.Errorf("alphabet of %d: %q was drawn %d times, want %d", len(alphabet), c, got, each)
			}
		}
		if _, err := randomString(bytes.NewReader(source), alphabet, each*len(alphabet)+1); err == nil {
			t.Errorf("alphabet of %d: a character was made of no randomness", len(alphabet))
		}
	}
}

func TestRandomToken(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, n := range []int{12, 22, 32, 300} {
		for range 100 {
			token, err := RandomToken(n)
			if err != nil {
				t.Fatal(err)
			}
			if len(token) != n || !isBase62(token) {
				t.Errorf("RandomToken(%d) has %d characters, base62 %v", n, len(token), isBase62(token))
			}
			if seen[token] {
				t.Errorf("a token of %d characters came twice", n)
			}
			seen[token] = true
		}
	}
	for _, n := range []int{0, -1} {
		if token, err := RandomToken(n); err == nil || token != "" {
			t.Errorf("RandomToken(%d) gave %q, %v, want an error", n, token, err)
		}
	}
}

func TestGeneratePassword(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 2000 {
		password, err := GeneratePassword()
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckPasswordStrength(password); err != nil {
			t.Errorf("a generated password is weak: %v", err)
		}
		if len(password) != 20 || strings.Trim(password, base62+passwordSymbols) != "" {
			t.Error("a generated password is not 20 letters, digits and symbols")
		}
		if seen[password] {
			t.Error("a generated password came twice")
		}
		seen[password] = true
	}
}
