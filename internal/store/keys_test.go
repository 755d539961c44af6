package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

func insertKeys(t *testing.T, s *store.Store, keys ...account.APIKey) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, k := range keys {
			if err := tx.InsertKey(ctx, k, []byte("hash of "+k.ID), "192.0.2.1"); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestCredential(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		home, other := defaultOrganization(t, s), organization(t, s, "other")
		alice, bob := person("alice"), person("bob")
		alice.Roles = []string{account.RoleAuditor, account.RoleOwner}
		alice.OrganizationIDs = []uuid.UUID{home.ID, other.ID}
		insert(t, s, alice, bob)
		execute(t, cfg, `INSERT INTO organization_member_roles (user_id, organization_id, role)
			VALUES ($1, $2, 'organization-admin'), ($1, $2, 'custom')`, alice.ID.String(), other.ID.String())

		token := key("usAAAAAAAA", alice.ID)
		token.LoginType, token.Name = account.LoginToken, "ci"
		token.Scopes = []string{"user:read", "api_key:*"}
		token.AllowList = account.AllowList{{Type: account.ResourceTemplate}, {Type: account.ResourceUser, ID: alice.ID}}
		token.Lifetime = 90 * time.Minute
		token.LastUsed = instant.Add(time.Minute)
		insertKeys(t, s, token, key("usaaaaaaaa", bob.ID))

		got, err := s.Direct().CredentialByKeyID(t.Context(), token.ID)
		if err != nil {
			t.Fatal(err)
		}
		want := store.Credential{
			Key:        token,
			SecretHash: []byte("hash of " + token.ID),
			User:       alice,
			Memberships: []account.Membership{
				{OrganizationID: home.ID, Roles: []string{}},
				{OrganizationID: other.ID, Roles: []string{"custom", "organization-admin"}},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		for _, id := range []string{"", "usAAAAAAA", "USAAAAAAAA", "us%", "usAAAAAAAA\x00", "\xff"} {
			_, err := s.Direct().CredentialByKeyID(t.Context(), id)
			wantKind(t, err, account.KindNotFound)
		}

		deleteUser(t, s, alice.ID)
		_, err = s.Direct().CredentialByKeyID(t.Context(), token.ID)
		wantKind(t, err, account.KindNotFound)
	})
}

// The hash is bytes, whatever they are.
func TestSecretHashIsKeptByteForByte(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice := person("alice")
		insert(t, s, alice)
		hash := []byte{0, 0xff, 0xfe, '\'', '\\', 0, 0x80}
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertKey(ctx, key("usAAAAAAAA", alice.ID), hash, "")
		})
		got, err := s.Direct().CredentialByKeyID(t.Context(), "usAAAAAAAA")
		if err != nil || !slices.Equal(got.SecretHash, hash) {
			t.Errorf("the hash is %v (%v), want %v", got.SecretHash, err, hash)
		}
	})
}

// A type that this version does not know is one that it does not allow: the
// list never becomes wider, and one that names nothing else allows nothing.
func TestAllowListWithUnknownTypes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		alice := person("alice")
		insert(t, s, alice)
		insertKeys(t, s, key("usAAAAAAAA", alice.ID))
		for stored, want := range map[string]account.AllowList{
			`["user:*","from_the_future:*","template:` + alice.ID.String() + `"]`: {
				{Type: account.ResourceUser}, {Type: account.ResourceTemplate, ID: alice.ID},
			},
			`["from_the_future:*"]`:  {},
			`["user:not-an-id","*"]`: {},
			`[]`:                     {},
		} {
			execute(t, cfg, `UPDATE api_keys SET allow_list = $1`, stored)
			got, err := s.Direct().CredentialByKeyID(t.Context(), "usAAAAAAAA")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.Key.AllowList); diff != "" {
				t.Errorf("%s (-want +got):\n%s", stored, diff)
			}
		}
	})
}

func TestRecordKeyUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		alice := person("alice")
		insert(t, s, alice)
		session, bystander := key("usAAAAAAAA", alice.ID), key("usBBBBBBBB", alice.ID)
		insertKeys(t, s, session, bystander)
		now, expiry := instant.Add(time.Hour), session.ExpiresAt
		for _, c := range []struct {
			name       string
			use        store.KeyUse
			used, ends time.Time
			ip         string
		}{
			{"the first use", store.KeyUse{At: now, IP: "::1"}, now, expiry, "::1"},
			{"an earlier one", store.KeyUse{At: now.Add(-time.Second), IP: "late"}, now, expiry, "::1"},
			{"the same moment", store.KeyUse{At: now, IP: "late"}, now, expiry, "::1"},
			{"a slid expiry", store.KeyUse{At: now.Add(1), IP: "::2", SlidFrom: expiry, ExpiresAt: expiry.Add(time.Hour)}, now, expiry.Add(time.Hour), "::1"},
			{"a later use", store.KeyUse{At: now.Add(time.Minute), IP: "::3"}, now.Add(time.Minute), expiry.Add(time.Hour), "::3"},
			{"an earlier expiry", store.KeyUse{At: now.Add(time.Hour), IP: "::4", SlidFrom: expiry.Add(time.Hour), ExpiresAt: expiry}, now.Add(time.Hour), expiry.Add(time.Hour), "::4"},
			{"a late report", store.KeyUse{At: now, IP: "late", SlidFrom: expiry.Add(time.Hour), ExpiresAt: expiry.Add(2 * time.Hour)}, now.Add(time.Hour), expiry.Add(2 * time.Hour), "::4"},
			// A key that was ended after it was used, or had ended before, must not
			// come back to life.
			{"an expiry that was changed", store.KeyUse{At: now.Add(time.Hour), IP: "late", SlidFrom: expiry, ExpiresAt: expiry.Add(3 * time.Hour)}, now.Add(time.Hour), expiry.Add(2 * time.Hour), "::4"},
			{"an expired key", store.KeyUse{At: expiry.AddDate(1, 0, 0), IP: "::5", SlidFrom: expiry.Add(2 * time.Hour), ExpiresAt: expiry.AddDate(2, 0, 0)}, expiry.AddDate(1, 0, 0), expiry.Add(2 * time.Hour), "::5"},
		} {
			c.use.KeyID, c.use.UserID = session.ID, alice.ID
			write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RecordKeyUse(ctx, c.use) })
			got, err := s.Direct().CredentialByKeyID(t.Context(), session.ID)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Key.LastUsed.Equal(c.used) || !got.Key.ExpiresAt.Equal(c.ends) {
				t.Errorf("after %s: used %v, expires %v; want %v, %v", c.name, got.Key.LastUsed, got.Key.ExpiresAt, c.used, c.ends)
			}
			var ip string
			if err := raw(t, cfg).QueryRowContext(t.Context(), `SELECT ip FROM api_keys WHERE id = $1`, session.ID).Scan(&ip); err != nil || ip != c.ip {
				t.Errorf("after %s: the address is %q (%v), want %q", c.name, ip, err, c.ip)
			}
		}
		got, err := s.Direct().CredentialByKeyID(t.Context(), bystander.ID)
		if diff := cmp.Diff(bystander, got.Key); err != nil || diff != "" {
			t.Errorf("another key has changed (%v, -want +got):\n%s", err, diff)
		}
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.RecordKeyUse(ctx, store.KeyUse{KeyID: "gone", At: now, ExpiresAt: now})
		})
		_, err = s.Direct().CredentialByKeyID(t.Context(), "gone")
		wantKind(t, err, account.KindNotFound)
	})
}

// keyIDs returns which of the keys are there.
func keyIDs(t *testing.T, s *store.Store, keys ...account.APIKey) string {
	t.Helper()
	var left []string
	for _, k := range keys {
		_, err := s.Direct().CredentialByKeyID(t.Context(), k.ID)
		if err == nil {
			left = append(left, k.ID)
		} else {
			wantKind(t, err, account.KindNotFound)
		}
	}
	return strings.Join(left, " ")
}

func TestDeleteKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		keys := []account.APIKey{key("a1", alice.ID), key("a2", alice.ID), key("A2", alice.ID), key("b1", bob.ID)}
		insertKeys(t, s, keys...)
		remove := func(id string) error {
			return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.DeleteKey(ctx, id) })
		}
		wantKind(t, remove("a2"), "")
		wantKind(t, remove("a2"), account.KindNotFound)
		wantKind(t, remove("a%"), account.KindNotFound)
		if left := keyIDs(t, s, keys...); left != "a1 A2 b1" {
			t.Errorf("left are %s", left)
		}
		for range 2 { // the second time there is nothing to do
			write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteUserKeys(ctx, alice.ID) })
			if left := keyIDs(t, s, keys...); left != "b1" {
				t.Errorf("left are %s", left)
			}
		}
	})
}

func TestDeleteScopedKeysIsLiteral(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		scopes := map[string][]string{
			"connect":  {"coder:application_connect"},
			"both":     {"user:read", "coder:application_connect"},
			"wildcard": {"coder:applicationXconnect"},
			"longer":   {"coder:application_connect_too"},
			"prefixed": {"not_coder:application_connect"},
			"percent":  {"%"},
			"slash":    {`a\b`},
			"none":     {},
		}
		var keys []account.APIKey
		for _, id := range []string{"connect", "both", "wildcard", "longer", "prefixed", "percent", "slash", "none", "bobs"} {
			k := key(id, alice.ID)
			k.Scopes = scopes[id]
			if id == "bobs" {
				k.UserID, k.Scopes = bob.ID, scopes["connect"]
			}
			keys = append(keys, k)
		}
		insertKeys(t, s, keys...)
		for _, c := range []struct{ scope, left string }{
			{"coder:%", "connect both wildcard longer prefixed percent slash none bobs"},
			{"coder", "connect both wildcard longer prefixed percent slash none bobs"},
			{"coder:application_connect", "wildcard longer prefixed percent slash none bobs"},
			{"%", "wildcard longer prefixed slash none bobs"},
			{"", "wildcard longer prefixed slash none bobs"},
		} {
			write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteScopedKeys(ctx, alice.ID, c.scope) })
			if left := keyIDs(t, s, keys...); left != c.left {
				t.Errorf("without %q: %s, want %s", c.scope, left, c.left)
			}
		}
	})
}

// A key that points nowhere would be nobody's.
func TestKeyNeedsAUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertKey(ctx, key("orphan", uuid.New()), []byte{1}, "")
		})
		if err == nil {
			t.Fatal("a key of nobody was stored")
		}
		if _, ok := errors.AsType[*account.Error](err); ok {
			t.Errorf("a bug of the caller is reported as something that a person could mend: %v", err)
		}
	})
}
