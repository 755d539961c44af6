package api_test

import (
	"net/http"
	"strings"
	"testing"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/sdk"
)

func sshKey(t testing.TB, a answer) sdk.GitSSHKey {
	t.Helper()
	return decode[sdk.GitSSHKey](t, a.want(t, http.StatusOK))
}

// TestGitSSHKey is the life of a key as its owner sees it.
func TestGitSSHKey(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ada := join(t, s, "ada")
		made := ada.get(t, path("me", "gitsshkey"))
		first := sshKey(t, made)
		if first.UserID != ada.ID || !strings.HasPrefix(first.PublicKey, "ssh-ed25519 ") || !first.CreatedAt.Equal(first.UpdatedAt) {
			t.Errorf("%+v", first)
		}
		if e := entryOf(t, s, made); e.Action != sdk.AuditActionCreate || e.ResourceType != "git_ssh_key" ||
			e.StatusCode != http.StatusOK || e.Description != "{user} created git ssh key" || !e.Diff["private_key"].Secret {
			t.Errorf("%+v", e)
		}
		for _, ref := range []any{"me", ada.ID, "ADA"} {
			again := ada.get(t, path(ref, "gitsshkey"))
			if sshKey(t, again) != first {
				t.Errorf("%v: got %s, want %+v", ref, again, first)
			}
			if n := len(audit(t, s, "request_id:"+again.header.Get(sdk.RequestIDHeader))); n != 0 {
				t.Errorf("reading left %d entries", n)
			}
		}

		put := ada.put(t, path("me", "gitsshkey"), nil)
		second := sshKey(t, put)
		if second.PublicKey == first.PublicKey || !second.CreatedAt.Equal(first.CreatedAt) || second.UpdatedAt.Before(first.UpdatedAt) {
			t.Errorf("from %+v to %+v", first, second)
		}
		if e := entryOf(t, s, put); e.Action != sdk.AuditActionWrite || e.ResourceID != ada.ID ||
			e.ResourceTarget != strings.TrimSpace(second.PublicKey) || e.Diff["public_key"].New != second.PublicKey {
			t.Errorf("%+v", e)
		}

		opened := ada.get(t, path("me", "gitsshkey/private"))
		private := decode[sdk.GitSSHPrivateKey](t, opened.want(t, http.StatusOK)).PrivateKey
		if !strings.HasPrefix(private, "-----BEGIN OPENSSH PRIVATE KEY-----\n") || opened.header.Get("Cache-Control") != "no-store" {
			t.Errorf("the private half is of another kind, or may be stored: %v", opened.header)
		}
		if e := entryOf(t, s, opened); e.Action != sdk.AuditActionOpen || e.StatusCode != http.StatusOK || len(e.Diff) != 0 {
			t.Errorf("%+v", e)
		}
		if sshKey(t, owner(s).get(t, path(ada.ID, "gitsshkey"))) != second {
			t.Error("an owner sees another key")
		}
	})
}

// TestGitSSHPrivateKeyIsForOneself: by no role, and by no narrow token.
func TestGitSSHPrivateKeyIsForOneself(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	ada := join(t, s, "ada")
	refused := owner(s).get(t, path(ada.ID, "gitsshkey/private"))
	refused.lacks(t, "user:read_personal", "role")
	if e := entryOf(t, s, refused); e.Action != sdk.AuditActionOpen || e.StatusCode != http.StatusForbidden || e.ResourceID != ada.ID {
		t.Errorf("%+v", e)
	}
	narrow := ada.post(t, path("me", "keys/tokens"), body{"scopes": []string{"user:read", "user:read_personal"}})
	token := decode[sdk.GenerateAPIKeyResponse](t, narrow.want(t, http.StatusCreated)).Key
	guest(s).as(token).get(t, path("me", "gitsshkey/private")).lacks(t, "user:read_personal", "scopes")
	guest(s).as(token).put(t, path("me", "gitsshkey"), nil).lacks(t, "user:update_personal", "scopes")
	guest(s).as(token).get(t, path("me", "gitsshkey")).want(t, http.StatusOK)
	guest(s).get(t, path("me", "gitsshkey/private")).want(t, http.StatusUnauthorized)
	owner(s).get(t, path("nobody", "gitsshkey")).refused(t, http.StatusNotFound, notFound)
}

// TestGitSSHKeyAlgorithms: the server makes the keys that it is told to make.
func TestGitSSHKeyAlgorithms(t *testing.T) {
	t.Parallel()

	for algorithm, kind := range map[string]string{"ecdsa": "ecdsa-sha2-nistp256 ", "rsa4096": "ssh-rsa "} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			s := servertest.New(t, func(c *server.Config) { c.SSHKeygenAlgorithm = algorithm })
			if key := sshKey(t, owner(s).get(t, path("me", "gitsshkey"))); !strings.HasPrefix(key.PublicKey, kind) {
				t.Errorf("the key is %q", key.PublicKey)
			}
		})
	}
}
