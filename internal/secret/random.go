package secret

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
)

const (
	// base62 is the alphabet of keys and tokens; a digit's value is its index.
	base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

	// passwordSymbols leaves out the characters that a POSIX shell, a quoted
	// string or an HTML page would take for something else, and the hyphen, so
	// that a generated password can be pasted anywhere.
	passwordSymbols = "@%_+:.,"

	generatedPasswordLength = 20
)

// RandomToken returns n random base62 characters, 5.95 bits each, from
// crypto/rand. It fails for n < 1 and when the system has no randomness.
func RandomToken(n int) (string, error) {
	if n < 1 {
		return "", errors.New("a random token needs at least one character")
	}
	return randomString(rand.Reader, base62, n)
}

// GeneratePassword returns a random password of 20 characters, letters, digits
// and symbols, about 122 bits. It always passes CheckPasswordStrength.
func GeneratePassword() (string, error) {
	for {
		password, err := randomString(rand.Reader, base62+passwordSymbols, generatedPasswordLength)
		if err != nil {
			return "", err
		}
		// A run such as "abcdef" can come up by chance and counts for little in
		// the estimate; such a draw is thrown away.
		if CheckPasswordStrength(password) == nil {
			return password, nil
		}
	}
}

// randomString draws n characters of alphabet, each equally likely. A byte at
// or past the last whole multiple of the alphabet's length is drawn again,
// because taking it modulo the length would favour the first characters.
func randomString(source io.Reader, alphabet string, n int) (string, error) {
	limit := 256 / len(alphabet) * len(alphabet)
	text := make([]byte, 0, n)
	draw := make([]byte, n)
	for len(text) < n {
		batch := draw[:n-len(text)]
		if _, err := io.ReadFull(source, batch); err != nil {
			return "", fmt.Errorf("read random bytes: %w", err)
		}
		for _, b := range batch {
			if int(b) < limit {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text), nil
}
