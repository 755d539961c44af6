package idp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is defined as SHA-1 and tells certificates apart, it proves nothing
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"usher/internal/secret"
)

const (
	// assertionType is of RFC 7523, section 2.2.
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// assertionTime is the life of an assertion.
	assertionTime = 5 * time.Minute
	// assertionID is the length of an assertion's name.
	assertionID = 22
)

// assertions prove to a provider who this server is: short-lived JWTs, signed
// with a key whose certificate the provider knows.
type assertions struct {
	signer   jose.Signer
	clientID string
	audience string
	now      func() time.Time
}

// newAssertions reads the key and its certificate.
func newAssertions(cfg OIDCConfig) (*assertions, error) {
	pair, err := tls.LoadX509KeyPair(cfg.ClientCertFile, cfg.ClientKeyFile)
	if err != nil {
		return nil, err
	}
	algorithm, err := algorithmOf(pair.PrivateKey)
	if err != nil {
		return nil, err
	}
	weak, strong := sha1.Sum(pair.Certificate[0]), sha256.Sum256(pair.Certificate[0]) //nolint:gosec // see the import
	options := (&jose.SignerOptions{}).WithType("JWT").
		WithHeader("x5t", base64.RawURLEncoding.EncodeToString(weak[:])).
		WithHeader("x5t#S256", base64.RawURLEncoding.EncodeToString(strong[:]))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: pair.PrivateKey}, options)
	if err != nil {
		return nil, fmt.Errorf("sign with the client's key: %w", err)
	}
	return &assertions{signer: signer, clientID: cfg.ClientID, audience: cfg.IssuerURL, now: cfg.Now}, nil
}

func algorithmOf(key crypto.PrivateKey) (jose.SignatureAlgorithm, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return jose.RS256, nil
	case *ecdsa.PrivateKey:
		if key.Curve == elliptic.P256() {
			return jose.ES256, nil
		}
	}
	return "", errors.New("is neither an RSA key nor one of the curve P-256")
}

// options are the parameters of a request to the token endpoint, good for one.
func (a *assertions) options() ([]oauth2.AuthCodeOption, error) {
	id, err := secret.RandomToken(assertionID)
	if err != nil {
		return nil, err
	}
	now := a.now()
	// The audience is the issuer alone: an assertion for several could be used by
	// one of them at another.
	claims, err := json.Marshal(map[string]any{
		"iss": a.clientID, "sub": a.clientID, "aud": a.audience, "jti": id,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(assertionTime).Unix(),
	})
	if err != nil {
		return nil, err
	}
	signed, err := a.signer.Sign(claims)
	if err != nil {
		return nil, fmt.Errorf("sign a client assertion: %w", err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return nil, fmt.Errorf("write a client assertion: %w", err)
	}
	return []oauth2.AuthCodeOption{
		oauth2.SetAuthURLParam("client_assertion_type", assertionType),
		oauth2.SetAuthURLParam("client_assertion", token),
	}, nil
}
