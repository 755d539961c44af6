package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// sealingKeyBytes is the length of an AES-256 key.
const sealingKeyBytes = 32

// ErrSealed says that a sealed value is damaged, was sealed with another key of
// the same id, or was moved here from another place.
var ErrSealed = errors.New("the sealed value cannot be opened: it is damaged, was moved, or was sealed with another key of the same id")

// UnknownSealingKeyError says that a value was sealed with a key that the
// keyring does not have. The id is not secret.
type UnknownSealingKeyError struct{ ID string }

// Error names the key.
func (e *UnknownSealingKeyError) Error() string {
	return fmt.Sprintf("the encryption key %q is not in the key file", e.ID)
}

// Keyring is a set of sealing keys: the first seals, all open. It prints as
// "[redacted]" everywhere.
type Keyring struct {
	masked
	keys *[]sealingKey // behind a pointer, as in Key
}

type sealingKey struct {
	id   string
	aead cipher.AEAD // AES-256-GCM, which draws a random nonce for each value
}

// keyLine is a line of the file. The id is a part of every sealed value.
var keyLine = regexp.MustCompile(`^([a-zA-Z0-9_-]{1,32})[ \t]+(\S+)$`)

// ParseKeyring reads a key file: lines "<id> <base64 of 32 bytes>", of which the
// first seals. Empty lines and lines that begin with # are left out. An error
// names the line and never shows a part of it but the id.
func ParseKeyring(text []byte) (Keyring, error) {
	var keys []sealingKey
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := parseKeyLine(line)
		if err != nil {
			return Keyring{}, fmt.Errorf("line %d: %w", number, err)
		}
		for _, other := range keys {
			if other.id == key.id {
				return Keyring{}, fmt.Errorf("line %d: the id %q is there twice", number, key.id)
			}
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return Keyring{}, errors.New("there is no key in it")
	}
	return Keyring{keys: &keys}, nil
}

func parseKeyLine(line string) (sealingKey, error) {
	parts := keyLine.FindStringSubmatch(line)
	if parts == nil {
		return sealingKey{}, errors.New("it must be an id of 1 to 32 letters, digits, hyphens and underscores, a space, and a key in base64")
	}
	key, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return sealingKey{}, fmt.Errorf("the key %q is not in base64", parts[1])
	}
	if len(key) != sealingKeyBytes {
		return sealingKey{}, fmt.Errorf("the key %q has %d bytes instead of %d", parts[1], len(key), sealingKeyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealingKey{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealingKey{id: parts[1], aead: aead}, err
}

// NewSealingKey makes a key and returns its id and its line of a key file.
func NewSealingKey() (id string, line Redacted) {
	key := make([]byte, sealingKeyBytes)
	_, _ = rand.Read(key) // it never fails: the program ends instead
	id = "k" + strings.ToLower(rand.Text()[:9])
	return id, Redacted(id + " " + base64.StdEncoding.EncodeToString(key) + "\n")
}

// Current returns the id of the key that seals; empty for the zero Keyring.
func (r Keyring) Current() string {
	if r.keys == nil {
		return ""
	}
	return (*r.keys)[0].id
}

// IDs returns the ids of all keys, in the order of the file.
func (r Keyring) IDs() []string {
	if r.keys == nil {
		return nil
	}
	ids := make([]string, len(*r.keys))
	for i, key := range *r.keys {
		ids[i] = key.id
	}
	return ids
}

// Has reports whether the keyring has that key.
func (r Keyring) Has(id string) bool { return r.find(id) != nil }

func (r Keyring) find(id string) *sealingKey {
	if r.keys == nil {
		return nil
	}
	for i := range *r.keys {
		if (*r.keys)[i].id == id {
			return &(*r.keys)[i]
		}
	}
	return nil
}

// sealedForm begins every sealed value; the id of the key, a colon and base64
// follow. The base64 is nonce, ciphertext and tag of AES-256-GCM.
const sealedForm = "sealed-1:"

// SealedPrefix returns how every value begins that the key has sealed.
func SealedPrefix(id string) string { return sealedForm + id + ":" }

// SealedWith returns the id of the key that sealed a value, "" for what is no
// sealed value.
func SealedWith(sealed string) string {
	rest, isSealed := strings.CutPrefix(sealed, sealedForm)
	id, _, found := strings.Cut(rest, ":")
	if !isSealed || !found {
		return ""
	}
	return id
}

// Seal encrypts a value with the first key. The place says where the value is
// kept, such as "table/row": it opens there and nowhere else.
func (r Keyring) Seal(place string, value Redacted) (string, error) {
	if r.keys == nil {
		return "", errors.New("there is no encryption key")
	}
	return (*r.keys)[0].seal(place, value), nil
}

func (k sealingKey) seal(place string, value Redacted) string {
	prefix := SealedPrefix(k.id)
	text := k.aead.Seal(nil, nil, []byte(value), associated(prefix, place))
	return prefix + base64.StdEncoding.EncodeToString(text)
}

// Open decrypts a value that Seal made for the same place. It fails with
// ErrSealed, or with an UnknownSealingKeyError.
func (r Keyring) Open(place, sealed string) (Redacted, error) {
	id := SealedWith(sealed)
	if id == "" {
		return "", ErrSealed
	}
	key := r.find(id)
	if key == nil {
		return "", &UnknownSealingKeyError{ID: id}
	}
	prefix := SealedPrefix(id)
	text, err := base64.StdEncoding.Strict().DecodeString(sealed[len(prefix):])
	if err != nil {
		return "", ErrSealed
	}
	value, err := key.aead.Open(nil, nil, text, associated(prefix, place))
	if err != nil {
		return "", ErrSealed
	}
	return Redacted(value), nil
}

// associated binds a value to the form, the key and the place. The prefix has no
// NUL, so that no two pairs give the same bytes.
func associated(prefix, place string) []byte { return []byte(prefix + "\x00" + place) }

// Sealer seals and opens with the keyring of a file that may change while it is
// used. It is safe for concurrent use.
type Sealer struct {
	read func() ([]byte, error)

	mu   sync.RWMutex
	ring Keyring
}

// NewSealer returns a Sealer for what read returns, the text of a key file. It
// is read now, at each Reload, and when a key turns out to be missing.
func NewSealer(read func() ([]byte, error)) (*Sealer, error) {
	s := &Sealer{read: read}
	if err := s.Reload(func(Keyring) error { return nil }); err != nil {
		return nil, err
	}
	return s, nil
}

// Keyring returns the keys as they were read last.
func (s *Sealer) Keyring() Keyring {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ring
}

// Reload reads the keys again. Keys that cannot be read, or that accept refuses,
// leave the old ones in place.
func (s *Sealer) Reload(accept func(Keyring) error) error {
	text, err := s.read()
	if err != nil {
		return err
	}
	ring, err := ParseKeyring(text)
	if err != nil {
		return err
	}
	if err := accept(ring); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ring = ring
	return nil
}

// Knowing returns a keyring that has the key with that id, reading the file
// again if need be.
func (s *Sealer) Knowing(id string) (Keyring, error) {
	if ring := s.Keyring(); ring.Has(id) {
		return ring, nil
	}
	err := s.Reload(func(ring Keyring) error {
		if !ring.Has(id) {
			return &UnknownSealingKeyError{ID: id}
		}
		return nil
	})
	return s.Keyring(), err
}

// Seal is Keyring.Seal. Deployed is the id of the key that the deployment seals
// with by now; "" for none. A node that does not seal with that one reads the
// file again first, so that it seals nothing with a key that is on its way out.
func (s *Sealer) Seal(place string, value Redacted, deployed string) (string, error) {
	ring := s.Keyring()
	if deployed == "" || ring.Current() == deployed {
		return ring.Seal(place, value)
	}
	err := s.Reload(func(read Keyring) error {
		if !read.Has(deployed) {
			return &UnknownSealingKeyError{ID: deployed}
		}
		return nil
	})
	if err == nil {
		return s.Keyring().Seal(place, value)
	}
	if key := ring.find(deployed); key != nil { // the file is being changed, or is broken
		return key.seal(place, value), nil
	}
	return "", err
}

// Open is Keyring.Open, which reads the file again for a key that it does not
// know.
func (s *Sealer) Open(place, sealed string) (Redacted, error) {
	id := SealedWith(sealed)
	if id == "" {
		return "", ErrSealed
	}
	ring, err := s.Knowing(id)
	if err != nil {
		return "", err
	}
	return ring.Open(place, sealed)
}
