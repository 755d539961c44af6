package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

func identity(userID uuid.UUID, provider, subject string) store.Identity {
	return store.Identity{
		Identity: account.Identity{
			ID: uuid.New(), UserID: userID, Provider: provider, Issuer: "https://id.example.com", Subject: subject,
			Email: subject + "@example.com", CreatedAt: instant, LastLoginAt: instant.Add(time.Hour),
		},
		Claims: account.Claims{
			IDToken: map[string]any{"sub": subject}, UserInfo: map[string]any{"name": "N"}, Merged: map[string]any{"sub": subject, "name": "N"},
		},
		Tokens: store.IdentityTokens{SealedRefresh: "sealed-1:a:x", ExpireAt: instant.Add(2 * time.Hour)},
	}
}

func insertIdentities(t *testing.T, s *store.Store, list ...store.Identity) {
	t.Helper()
	for _, i := range list {
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertIdentity(ctx, i) })
	}
}

func storedIdentity(t *testing.T, s *store.Store, id uuid.UUID) store.Identity {
	t.Helper()
	got, err := s.Direct().StoredIdentity(t.Context(), id)
	if err != nil {
		t.Fatalf("read identity %s: %v", id, err)
	}
	return got
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		first, second := identity(alice.ID, "oidc", "a1"), identity(alice.ID, "google", "a1")
		second.CreatedAt, second.Tokens = instant.Add(time.Minute), store.IdentityTokens{}
		insertIdentities(t, s, first, second, identity(bob.ID, "oidc", "b1"))

		if diff := cmp.Diff(first, storedIdentity(t, s, first.ID)); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		if got := storedIdentity(t, s, second.ID); !got.Tokens.ExpireAt.IsZero() {
			t.Errorf("tokens that never end came back as ending at %s", got.Tokens.ExpireAt)
		}
		found, err := s.Direct().IdentityBySubject(t.Context(), "google", second.Issuer, "a1")
		if err != nil || found.ID != second.ID {
			t.Errorf("by subject: %v, %v", found.ID, err)
		}
		_, err = s.Direct().IdentityBySubject(t.Context(), "oidc", "https://other.example.com", "a1")
		wantKind(t, err, account.KindNotFound)
		list, err := s.Direct().ListIdentities(t.Context(), alice.ID)
		if diff := cmp.Diff([]account.Identity{first.Identity, second.Identity}, list); err != nil || diff != "" {
			t.Errorf("listed (%v, -want +got):\n%s", err, diff)
		}
		err = s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertIdentity(ctx, identity(bob.ID, "oidc", "a1"))
		})
		wantConflict(t, err, "identity")

		first.Email, first.LastLoginAt, first.Claims.Merged = "new@example.com", instant.Add(5*time.Hour), map[string]any{"x": "y"}
		first.Tokens = store.IdentityTokens{}
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateIdentity(ctx, first) })
		if diff := cmp.Diff(first, storedIdentity(t, s, first.ID)); diff != "" {
			t.Errorf("updated (-want +got):\n%s", diff)
		}
	})
}

func TestDeletedIdentitiesTakeTheirSessionsAlong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice := person("alice")
		insert(t, s, alice)
		gone, kept := identity(alice.ID, "oidc", "a1"), identity(alice.ID, "github", "7")
		insertIdentities(t, s, gone, kept)
		opened, other, plain := key("opened0000", alice.ID), key("other00000", alice.ID), key("plain00000", alice.ID)
		opened.IdentityID, other.IdentityID = gone.ID, kept.ID
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, k := range []account.APIKey{opened, other, plain} {
				if err := tx.InsertKey(ctx, k, []byte(k.ID), ""); err != nil {
					return err
				}
			}
			return nil
		})
		c, err := s.Direct().CredentialByKeyID(t.Context(), opened.ID)
		if err != nil || c.Provider != "oidc" || !c.TokensExpireAt.Equal(gone.Tokens.ExpireAt) || c.Key.IdentityID != gone.ID {
			t.Errorf("the credential says %q, %s, %v", c.Provider, c.TokensExpireAt, err)
		}
		c, err = s.Direct().CredentialByKeyID(t.Context(), plain.ID)
		if err != nil || c.Provider != "" || !c.TokensExpireAt.IsZero() {
			t.Errorf("a key without an identity says %q, %s, %v", c.Provider, c.TokensExpireAt, err)
		}
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteIdentity(ctx, gone.Identity) })
		for id, want := range map[string]account.Kind{opened.ID: account.KindNotFound, other.ID: "", plain.ID: ""} {
			if _, err := s.Direct().KeyByID(t.Context(), id); account.KindOf(err) != want {
				t.Errorf("key %s: %v", id, err)
			}
		}
		write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteUserIdentities(ctx, alice.ID) })
		list, err := s.Direct().ListIdentities(t.Context(), alice.ID)
		if err != nil || len(list) != 0 {
			t.Errorf("left: %v, %v", list, err)
		}
	})
}

func TestOneNodeRenewsTheTokensOfALogin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice := person("alice")
		insert(t, s, alice)
		i := identity(alice.ID, "oidc", "a1")
		insertIdentities(t, s, i)
		now := i.Tokens.ExpireAt.Add(time.Second)
		lease := func(expireAt, now time.Time) (taken bool) {
			t.Helper()
			write(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
				taken, err = tx.LeaseRenewal(ctx, i.ID, expireAt, now, now.Add(time.Minute))
				return err
			})
			return taken
		}
		if !lease(i.Tokens.ExpireAt, now) {
			t.Fatal("nobody has the lease, and it could not be taken")
		}
		if lease(i.Tokens.ExpireAt, now.Add(time.Second)) {
			t.Error("two have the lease")
		}
		if lease(i.Tokens.ExpireAt, now.Add(-50*time.Second)) {
			t.Error("a node whose clock is a little behind takes another's lease")
		}
		if !lease(i.Tokens.ExpireAt, now.Add(-time.Hour)) {
			t.Error("a lease from before the clock was set back cannot be taken")
		}
		if !lease(i.Tokens.ExpireAt, now.Add(2*time.Minute)) {
			t.Error("a lease that ran out cannot be taken")
		}
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.ReleaseRenewal(ctx, i.ID, now.Add(3*time.Minute))
		})
		if !lease(i.Tokens.ExpireAt, now) {
			t.Error("a lease that was given back cannot be taken")
		}
		next := store.IdentityTokens{SealedRefresh: "sealed-1:a:next", ExpireAt: now.Add(time.Hour)}
		for range 2 { // the second finds that it comes too late
			write(t, s, func(ctx context.Context, tx *store.Tx) error {
				return tx.RenewTokens(ctx, i.ID, i.Tokens.ExpireAt, next)
			})
			next.SealedRefresh = "sealed-1:a:late"
		}
		if got := storedIdentity(t, s, i.ID).Tokens; got.SealedRefresh != "sealed-1:a:next" || !got.ExpireAt.Equal(next.ExpireAt) {
			t.Errorf("renewed tokens are %+v", got)
		}
		if lease(i.Tokens.ExpireAt, now) {
			t.Error("tokens that were renewed can be renewed again")
		}
	})
}

func TestSealedRefreshTokensAreFound(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice := person("alice")
		insert(t, s, alice)
		old, none := identity(alice.ID, "oidc", "a1"), identity(alice.ID, "oidc", "a2")
		none.Tokens.SealedRefresh = ""
		insertIdentities(t, s, old, none)
		count := func() int {
			n, err := s.Direct().CountSealedOtherwise(t.Context(), "sealed-1:b:")
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if count() != 1 {
			t.Errorf("%d values are sealed otherwise, not 1", count())
		}
		list, err := s.Direct().ListRefreshTokens(t.Context(), uuid.Nil, 10)
		want := []store.SealedToken{{IdentityID: old.ID, Sealed: "sealed-1:a:x"}}
		if diff := cmp.Diff(want, list); err != nil || diff != "" {
			t.Errorf("listed (%v, -want +got):\n%s", err, diff)
		}
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.ResealRefreshToken(ctx, old.ID, "sealed-1:b:x")
		})
		if count() != 0 {
			t.Errorf("%d values are sealed otherwise, not 0", count())
		}
	})
}
