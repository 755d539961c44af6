package secret

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/semaphore"
)

// SSHKeyAlgorithm is a kind of SSH key pair.
type SSHKeyAlgorithm string

// The algorithms.
const (
	SSHEd25519 SSHKeyAlgorithm = "ed25519" // RFC 8709
	SSHECDSA   SSHKeyAlgorithm = "ecdsa"   // on the curve P-256, RFC 5656
	SSHRSA4096 SSHKeyAlgorithm = "rsa4096" // RFC 4253, for hosts that know nothing newer
)

// ParseSSHKeyAlgorithm finds an algorithm by its name.
func ParseSSHKeyAlgorithm(name string) (SSHKeyAlgorithm, error) {
	switch algorithm := SSHKeyAlgorithm(name); algorithm {
	case SSHEd25519, SSHECDSA, SSHRSA4096:
		return algorithm, nil
	}
	return "", fmt.Errorf("%q is not one of ed25519, ecdsa and rsa4096", name)
}

// SSHKeyPair is an SSH key in both halves.
type SSHKeyPair struct {
	// Public is a line of an authorized_keys file (sshd(8)): the type, a space
	// and base64, without a comment, ended by a newline.
	Public string
	// Private is the file that ssh reads, in OpenSSH's own PEM format without a
	// passphrase.
	Private Redacted
}

// ErrSSHKeysBusy says that a key pair could not be begun in time, because others
// were being made.
var ErrSSHKeysBusy = errors.New("the making of SSH keys is at its limit")

// sshKeyWait is how long a request waits for others' keys to be made.
const sshKeyWait = 4 * time.Second

// SSHKeyMaker makes SSH key pairs. An RSA key costs seconds of a core, so that
// only half of the cores ever do this. It is safe for concurrent use.
type SSHKeyMaker struct {
	algorithm SSHKeyAlgorithm
	places    *semaphore.Weighted
	wait      time.Duration
}

// NewSSHKeyMaker returns a maker of keys of that algorithm.
func NewSSHKeyMaker(algorithm SSHKeyAlgorithm) *SSHKeyMaker {
	places := max(1, runtime.GOMAXPROCS(0)/2)
	return &SSHKeyMaker{algorithm: algorithm, places: semaphore.NewWeighted(int64(places)), wait: sshKeyWait}
}

// Make returns a new key pair. It fails with ErrSSHKeysBusy when too many others are
// being made, and when ctx ends.
func (m *SSHKeyMaker) Make(ctx context.Context) (SSHKeyPair, error) {
	waiting, cancel := context.WithTimeout(ctx, m.wait)
	defer cancel()
	if m.places.Acquire(waiting, 1) != nil {
		if err := ctx.Err(); err != nil {
			return SSHKeyPair{}, err
		}
		return SSHKeyPair{}, ErrSSHKeysBusy
	}
	defer m.places.Release(1)
	return makeSSHKey(m.algorithm)
}

func makeSSHKey(algorithm SSHKeyAlgorithm) (SSHKeyPair, error) {
	signer, err := makeSigner(algorithm)
	if err != nil {
		return SSHKeyPair{}, fmt.Errorf("make an SSH key: %w", err)
	}
	public, err := ssh.NewPublicKey(signer.Public())
	if err != nil {
		return SSHKeyPair{}, fmt.Errorf("encode an SSH key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(signer, "")
	if err != nil {
		return SSHKeyPair{}, fmt.Errorf("encode an SSH key: %w", err)
	}
	return SSHKeyPair{
		Public:  string(ssh.MarshalAuthorizedKey(public)),
		Private: Redacted(pem.EncodeToMemory(block)),
	}, nil
}

func makeSigner(algorithm SSHKeyAlgorithm) (crypto.Signer, error) {
	switch algorithm {
	case SSHEd25519:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case SSHECDSA:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case SSHRSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	}
	return nil, fmt.Errorf("there is no algorithm %q", algorithm)
}
