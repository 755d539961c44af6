package idptest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// signingKey is a key of a provider: RSA the first one, ECDSA those after it.
type signingKey struct {
	id        string
	algorithm jose.SignatureAlgorithm
	key       any
	public    any
}

// SignatureAlgorithm implements op.SigningKey.
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return k.algorithm }

// Key implements op.SigningKey.
func (k signingKey) Key() any { return k.key }

// ID implements op.SigningKey.
func (k signingKey) ID() string { return k.id }

// publicKey is the published half.
type publicKey struct{ signingKey }

// Algorithm implements op.Key.
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return k.algorithm }

// Use implements op.Key.
func (publicKey) Use() string { return "sig" }

// Key implements op.Key.
func (k publicKey) Key() any { return k.public }

// firstKey is the one that the example's storage has made.
func firstKey(s *storage.Storage) signingKey {
	made, errKey := s.SigningKey(context.Background())
	published, errSet := s.KeySet(context.Background())
	if errKey != nil || errSet != nil || len(published) != 1 {
		panic("the example's storage has no key")
	}
	return signingKey{id: made.ID(), algorithm: made.SignatureAlgorithm(), key: made.Key(), public: published[0].Key()}
}

func newKey(id string) (signingKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return signingKey{}, err
	}
	return signingKey{id: id, algorithm: jose.ES256, key: key, public: &key.PublicKey}, nil
}

func (s *providerStorage) rotate() error {
	key, err := newKey(uuid.NewString())
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signing, s.published = key, []signingKey{key}
	return nil
}

// SigningKey implements op.Storage.
func (s *providerStorage) SigningKey(context.Context) (op.SigningKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signing, nil
}

// SignatureAlgorithms implements op.Storage: those of all keys to come, too.
func (s *providerStorage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256, jose.ES256}, nil
}

// KeySet implements op.Storage.
func (s *providerStorage) KeySet(context.Context) ([]op.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []op.Key
	for _, key := range s.published {
		keys = append(keys, publicKey{key})
	}
	return keys, nil
}

// sign makes a JWT of claims, with the key of the provider or with a foreign one
// that goes by its name.
func (s *providerStorage) sign(claims map[string]any, foreign bool) string {
	s.mu.Lock()
	key := s.signing
	s.mu.Unlock()
	if foreign {
		key = must(newKey(key.id))
	}
	signer := must(op.SignerFromKey(key))
	signed := must(signer.Sign(must(json.Marshal(claims))))
	return must(signed.CompactSerialize())
}

// payloadOf returns the claims of a JWT, without a look at its signature.
func payloadOf(token string) map[string]any {
	_, rest, _ := strings.Cut(token, ".")
	middle, _, _ := strings.Cut(rest, ".")
	decoder := json.NewDecoder(base64.NewDecoder(base64.RawURLEncoding, strings.NewReader(middle)))
	decoder.UseNumber()
	claims := map[string]any{}
	if err := decoder.Decode(&claims); err != nil {
		panic(fmt.Sprintf("the provider made a token that is none: %v", err))
	}
	return claims
}

// must is for what cannot fail with the keys and claims of a test.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
