package secret

import (
	"fmt"

	passwordvalidator "github.com/wagslane/go-password-validator"
)

const (
	// minPasswordBits and maxPasswordBytes are fixed by the wire: clients and
	// their tests know which passwords pass.
	minPasswordBits  = 52
	maxPasswordBytes = 64
)

// WeakPasswordError says why a new password is refused, in a sentence for the
// person who chose it. It never holds the password.
type WeakPasswordError struct{ Reason string }

// Error returns the sentence.
func (e *WeakPasswordError) Error() string { return e.Reason }

// CheckPasswordStrength returns nil for an acceptable new password: not empty,
// at most 64 bytes, and at least 52 bits by the entropy estimate. Any error is
// a *WeakPasswordError. It is a rule for new passwords, not for logins.
func CheckPasswordStrength(password string) error {
	if password == "" {
		return &WeakPasswordError{Reason: "The password must not be empty."}
	}
	// The length comes first because the estimate takes quadratic time.
	if n := len(password); n > maxPasswordBytes {
		return &WeakPasswordError{Reason: fmt.Sprintf("The password is too long: at most %d bytes are allowed, this has %d.", maxPasswordBytes, n)}
	}
	if passwordvalidator.GetEntropy(password) < minPasswordBits {
		return &WeakPasswordError{Reason: "The password is too easy to guess: make it longer, or mix upper and lower case letters, digits and symbols."}
	}
	return nil
}
