package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"hash/crc32"
	"strings"
)

// KeyPrefix is how the id of every key of ours begins.
const KeyPrefix = "ush"

// The form of an API key: "<id>-<secret>" in base62. A key of ours has an id
// that begins with KeyPrefix and a secret that ends with a checksum, so that a
// scanner finds leaked keys by their pattern and a typing error is refused
// without a look at the database.
const (
	keyIDLength    = 10
	secretLength   = 22
	checksumLength = 6

	keyLength    = keyIDLength + 1 + secretLength
	bodyLength   = keyLength - checksumLength
	randomLength = secretLength - checksumLength
)

// Key is an API key that was just made. It prints as "[redacted]" everywhere;
// only its ID may be shown or logged.
type Key struct {
	masked

	// ID is the public half: "ush" and 7 random base62 characters.
	ID string

	// secret sits behind a pointer so that printing by reflection, which skips
	// the methods of a Key in an unexported field, shows an address.
	secret *string
}

// MintKey makes a key with 95 random bits of secret. The id has 41 random
// bits, so the caller must retry when it is taken. It fails only when the
// system has no randomness.
func MintKey() (Key, error) {
	suffix, err := RandomToken(keyIDLength - len(KeyPrefix))
	if err != nil {
		return Key{}, err
	}
	random, err := RandomToken(randomLength)
	if err != nil {
		return Key{}, err
	}
	id := KeyPrefix + suffix
	sum := checksum(id + "-" + random)
	secret := random + string(sum[:])
	return Key{ID: id, secret: &secret}, nil
}

// Reveal returns the whole key, "<id>-<secret>". It is the only way to see it
// and is meant for the one answer that shows the key to its owner. The zero Key
// has no secret and reveals an empty string.
func (k Key) Reveal() string {
	if k.secret == nil {
		return ""
	}
	return k.ID + "-" + *k.secret
}

// IsZero reports that there is no key.
func (k Key) IsZero() bool { return k.ID == "" }

// Hash returns the SHA-256 of the 22 characters of the secret, the form kept at
// rest. It is nil for the zero Key.
func (k Key) Hash() []byte {
	if k.secret == nil {
		return nil
	}
	sum := sha256.Sum256([]byte(*k.secret))
	return sum[:]
}

// PresentedKey is a well-formed key that a caller sent. It holds the hash of
// the secret and never the secret, and prints as "[redacted]".
type PresentedKey struct {
	masked

	// ID is a part of the parsed string and keeps all of it in memory: clone it
	// before storing it, for instance as the key of a cache.
	ID string

	hash [sha256.Size]byte
}

// Hash returns the SHA-256 of the 22 characters of the secret, to be compared
// with the stored hash by EqualHash.
func (k PresentedKey) Hash() [sha256.Size]byte { return k.hash }

// Legacy reports whether the key came with an import: well-formed, but without
// the prefix of our ids and therefore without a checksum.
func (k PresentedKey) Legacy() bool { return !strings.HasPrefix(k.ID, KeyPrefix) }

// ParseKey takes a presented key apart: exactly one hyphen, an id of 10 and a
// secret of 22 characters, all base62. An id that begins with "ush" also needs
// a right checksum, which one in 2^32 mistyped keys has. Any other id is a
// legacy key. Every error is a *KeyFormatError, safe to show. ParseKey does not
// allocate on success.
func ParseKey(s string) (PresentedKey, error) {
	if err := checkKeyShape(s); err != nil {
		return PresentedKey{}, err
	}
	key := PresentedKey{ID: s[:keyIDLength]}
	if !key.Legacy() && !checksumMatches(s) {
		return PresentedKey{}, &KeyFormatError{fault: badChecksum}
	}
	var secret [secretLength]byte
	copy(secret[:], s[keyIDLength+1:])
	key.hash = sha256.Sum256(secret[:])
	return key, nil
}

// IsKeyID reports whether the text could be the id of a key.
func IsKeyID(s string) bool { return len(s) == keyIDLength && isBase62(s) }

// EqualHash reports in constant time whether two SHA-256 hashes are the same.
// Anything that is not 32 bytes long equals nothing, so an empty column never
// matches.
func EqualHash(a, b []byte) bool {
	return len(a) == sha256.Size && subtle.ConstantTimeCompare(a, b) == 1
}

func checkKeyShape(s string) error {
	if n := strings.Count(s, "-"); n != 1 {
		return &KeyFormatError{fault: badHyphens, got: n}
	}
	id, secret, _ := strings.Cut(s, "-")
	if len(id) != keyIDLength {
		return &KeyFormatError{fault: badIDLength, got: len(id)}
	}
	if len(secret) != secretLength {
		return &KeyFormatError{fault: badSecretLength, got: len(secret)}
	}
	if !isBase62(id) || !isBase62(secret) {
		return &KeyFormatError{fault: badAlphabet}
	}
	return nil
}

func isBase62(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

func checksumMatches(key string) bool {
	want := checksum(key[:bodyLength])
	return key[bodyLength:] == string(want[:])
}

// checksum returns the CRC-32 (IEEE) of s as 6 base62 digits, most significant
// first. It walks the standard table itself because crc32.ChecksumIEEE takes
// bytes and would move a copy of the key to the heap at every request.
func checksum(s string) [checksumLength]byte {
	crc := ^uint32(0)
	for i := range len(s) {
		crc = crc32.IEEETable[byte(crc)^s[i]] ^ crc>>8
	}
	crc = ^crc

	var digits [checksumLength]byte
	for i := checksumLength - 1; i >= 0; i-- {
		digits[i] = base62[crc%uint32(len(base62))]
		crc /= uint32(len(base62))
	}
	return digits
}

// KeyFormatError says why a presented key is not one. Its sentence tells counts
// and never a part of the value, so it may go into an answer and a log.
type KeyFormatError struct {
	fault keyFault
	got   int
}

type keyFault int

const (
	badHyphens keyFault = iota + 1
	badIDLength
	badSecretLength
	badAlphabet
	badChecksum
)

// Error returns the sentence. Lengths count bytes, which are characters in any
// key that could be right.
func (e *KeyFormatError) Error() string {
	switch e.fault {
	case badHyphens:
		return fmt.Sprintf("invalid API key format: expected exactly 1 hyphen, got %d", e.got)
	case badIDLength:
		return fmt.Sprintf("invalid API key format: expected %d characters before the hyphen, got %d", keyIDLength, e.got)
	case badSecretLength:
		return fmt.Sprintf("invalid API key format: expected %d characters after the hyphen, got %d", secretLength, e.got)
	case badAlphabet:
		return "invalid API key format: expected only letters and digits around the hyphen"
	case badChecksum:
		return "invalid API key format: the checksum does not match, so the key was mistyped or cut"
	default:
		return "invalid API key format"
	}
}
