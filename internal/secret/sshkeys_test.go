package secret

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/crypto/ssh"
)

func TestSSHKeys(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		algorithm SSHKeyAlgorithm
		wireType  string
	}{
		{SSHEd25519, "ssh-ed25519"}, {SSHECDSA, "ecdsa-sha2-nistp256"}, {SSHRSA4096, "ssh-rsa"},
	} {
		t.Run(string(tt.algorithm), func(t *testing.T) {
			t.Parallel()
			pair, err := NewSSHKeyMaker(tt.algorithm).Make(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			checkPublicLine(t, pair.Public, tt.wireType)
			if !strings.HasPrefix(pair.Private.Reveal(), "-----BEGIN OPENSSH PRIVATE KEY-----\n") ||
				!strings.HasSuffix(pair.Private.Reveal(), "\n-----END OPENSSH PRIVATE KEY-----\n") {
				t.Error("the private half is not in OpenSSH's format")
			}
			checkHidden(t, "a pair", fmt.Sprintf("%v %+v %#v", pair, pair, pair), []string{"PRIVATE KEY"})

			// The two halves belong together: what one signs, the other verifies.
			signer, err := ssh.ParsePrivateKey([]byte(pair.Private.Reveal()))
			if err != nil {
				t.Fatal("the private half cannot be read")
			}
			public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(pair.Public))
			if err != nil {
				t.Fatal(err)
			}
			signature, err := signer.Sign(rand.Reader, []byte("message"))
			if err != nil || public.Verify([]byte("message"), signature) != nil {
				t.Error("the halves are not of one key")
			}
		})
	}
}

func checkPublicLine(t *testing.T, line, wireType string) {
	t.Helper()
	if fields := strings.Split(line, " "); len(fields) != 2 || fields[0] != wireType {
		t.Errorf("%q is not a type and base64", line)
	}
	if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
		t.Errorf("%q is not one line", line)
	}
}

func TestRSAKeysHave4096Bits(t *testing.T) {
	t.Parallel()
	signer, err := makeSigner(SSHRSA4096)
	if err != nil {
		t.Fatal(err)
	}
	if public, ok := signer.Public().(interface{ Size() int }); !ok || public.Size()*8 != 4096 {
		t.Errorf("the key is a %T of another size", signer.Public())
	}
	signer, err = makeSigner(SSHECDSA)
	if err != nil {
		t.Fatal(err)
	}
	if public, ok := signer.Public().(interface{ Params() *elliptic.CurveParams }); ok && public.Params().BitSize != 256 {
		t.Errorf("the curve has %d bits", public.Params().BitSize)
	}
}

func TestEverySSHKeyIsAnother(t *testing.T) {
	t.Parallel()
	maker := NewSSHKeyMaker(SSHEd25519)
	one, err := maker.Make(t.Context())
	two, err2 := maker.Make(t.Context())
	if err != nil || err2 != nil || one.Public == two.Public || bytes.Equal([]byte(one.Private), []byte(two.Private)) {
		t.Errorf("two keys are alike (%v, %v)", err, err2)
	}
}

// Who makes many keys waits, and is turned away in the end.
func TestSSHKeyMakerIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		maker := NewSSHKeyMaker(SSHEd25519)
		for maker.places.TryAcquire(1) {
		}
		if _, err := maker.Make(t.Context()); !errors.Is(err, ErrSSHKeysBusy) {
			t.Errorf("got %v, want ErrSSHKeysBusy", err)
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := maker.Make(canceled); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v for a caller that has left", err)
		}
		maker.places.Release(1)
		if _, err := maker.Make(t.Context()); err != nil {
			t.Errorf("a free place is not taken: %v", err)
		}
	})
}

func TestParseSSHKeyAlgorithm(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ed25519", "ecdsa", "rsa4096"} {
		if got, err := ParseSSHKeyAlgorithm(name); err != nil || string(got) != name {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "rsa", "rsa2048", "ED25519", "dsa"} {
		if _, err := ParseSSHKeyAlgorithm(name); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
	if _, err := makeSSHKey("dsa"); err == nil {
		t.Error("a key of an unknown algorithm was made")
	}
}
