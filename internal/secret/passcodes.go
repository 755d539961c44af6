package secret

import (
	"crypto/sha256"

	"github.com/google/uuid"
)

// Passcode is a one-time passcode that was just made: a random UUID (RFC 9562,
// version 4), which has 122 random bits. It prints as "[redacted]" everywhere.
type Passcode struct {
	masked

	// text sits behind a pointer for the reason that Key has.
	text *string
}

// MintPasscode makes a passcode. It fails only when the system has no
// randomness.
func MintPasscode() (Passcode, error) {
	random, err := uuid.NewRandom()
	if err != nil {
		return Passcode{}, err
	}
	text := random.String()
	return Passcode{text: &text}, nil
}

// Reveal returns the passcode itself, for the one message that carries it. The
// zero Passcode reveals an empty string.
func (p Passcode) Reveal() Redacted {
	if p.text == nil {
		return ""
	}
	return Redacted(*p.text)
}

// Hash returns the SHA-256 of the passcode, the form kept at rest. It is nil for
// the zero Passcode.
func (p Passcode) Hash() []byte {
	if p.text == nil {
		return nil
	}
	return HashPasscode(p.Reveal())
}

// HashPasscode returns the SHA-256 of a passcode that somebody sent, to be
// compared with the stored hash by EqualHash.
func HashPasscode(presented Redacted) []byte {
	sum := sha256.Sum256([]byte(presented.Reveal()))
	return sum[:]
}
