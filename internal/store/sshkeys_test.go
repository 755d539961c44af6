package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

func sshKey(userID uuid.UUID, sealed string) store.GitSSHKey {
	return store.GitSSHKey{
		GitSSHKey: account.GitSSHKey{
			UserID: userID, PublicKey: "ssh-ed25519 AAAA\n", CreatedAt: instant, UpdatedAt: instant.Add(time.Hour),
		},
		SealedPrivateKey: sealed,
	}
}

func putSSHKeys(t *testing.T, s *store.Store, keys ...store.GitSSHKey) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, k := range keys {
			if err := tx.PutGitSSHKey(ctx, k); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestGitSSHKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		_, err := s.Direct().GitSSHKey(t.Context(), alice.ID)
		wantKind(t, err, account.KindNotFound)

		want, other := sshKey(alice.ID, "sealed-1:a:x"), sshKey(bob.ID, "sealed-1:a:y")
		putSSHKeys(t, s, want, other)
		expect := func(what string, want store.GitSSHKey) {
			t.Helper()
			got, err := s.Direct().GitSSHKey(t.Context(), want.UserID)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s (%v, -want +got):\n%s", what, err, diff)
			}
		}
		expect("a new key", want)

		want.PublicKey, want.SealedPrivateKey = "ssh-ed25519 BBBB\n", "sealed-1:b:z"
		want.CreatedAt, want.UpdatedAt = instant.Add(-time.Hour), instant.Add(2*time.Hour)
		putSSHKeys(t, s, want)
		expect("a replaced key", want)

		want.SealedPrivateKey = "sealed-1:c:z"
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.ResealGitSSHKey(ctx, alice.ID, want.SealedPrivateKey)
		})
		expect("a key sealed anew", want)

		// The key of a deleted user stays, and its user's other rows go.
		deleteUser(t, s, alice.ID)
		expect("the key of a deleted user", want)

		remove := func() error {
			return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.DeleteGitSSHKey(ctx, alice.ID) })
		}
		wantKind(t, remove(), "")
		wantKind(t, remove(), account.KindNotFound)
		err = s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.ResealGitSSHKey(ctx, alice.ID, "x") })
		wantKind(t, err, account.KindNotFound)
		expect("the key of somebody else", other)
	})
}

func TestListGitSSHKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		const n = 7
		for i := range n {
			u := person(fmt.Sprintf("user%d", i))
			insert(t, s, u)
			putSSHKeys(t, s, sshKey(u.ID, fmt.Sprintf("sealed-1:%c:%d", "aAb"[i%3], i)))
		}
		var seen []string
		for after := uuid.Nil; ; {
			keys, err := s.Direct().ListGitSSHKeys(t.Context(), after, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				if after = k.UserID; len(seen) > 0 && seen[len(seen)-1] >= after.String() {
					t.Errorf("%s comes after %s", after, seen[len(seen)-1])
				}
				seen = append(seen, after.String())
			}
			if len(keys) < 3 {
				break
			}
		}
		if len(seen) != n {
			t.Errorf("%d keys, want %d", len(seen), n)
		}
		// Prefixes are compared as they are: with their case, and without wildcards.
		for prefix, want := range map[string]int{
			"sealed-1:a:": 4, "sealed-1:A:": 5, "sealed-1:b:": 5, "sealed-1:": 0, "sealed-1:_:": 7, "%": 7,
			"sealed-1:a:" + strings.Repeat("x", 100): 7,
		} {
			if got, err := s.Direct().CountSealedOtherwise(t.Context(), prefix); err != nil || got != want {
				t.Errorf("%q: %d (%v), want %d", prefix, got, err, want)
			}
		}
	})
}

func TestEncryptionCheck(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		_, err := s.Direct().EncryptionCheck(t.Context())
		wantKind(t, err, account.KindNotFound)
		deployment, err := s.Direct().DeploymentID(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, sealed := range []string{"sealed-1:a:x", "sealed-1:b:y"} {
			write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.PutEncryptionCheck(ctx, sealed) })
			if got, err := s.Direct().EncryptionCheck(t.Context()); err != nil || got != sealed {
				t.Errorf("got %q (%v), want %q", got, err, sealed)
			}
		}
		if got, err := s.Direct().DeploymentID(t.Context()); err != nil || got != deployment {
			t.Errorf("the deployment has become %s (%v)", got, err)
		}
	})
}

// A key that points nowhere would be nobody's.
func TestGitSSHKeyNeedsAUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.PutGitSSHKey(ctx, sshKey(uuid.New(), "x"))
		})
		wantKind(t, err, account.KindInternal)
	})
}
