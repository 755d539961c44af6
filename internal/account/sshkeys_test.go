package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
)

func TestGitSSHKeyDiff(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	at := func(h int) time.Time { return time.Date(2026, 1, 1, h, 0, 0, 0, time.UTC) }
	old := account.GitSSHKey{UserID: id, PublicKey: "ssh-ed25519 AAAA\n", CreatedAt: at(1), UpdatedAt: at(1)}
	other := account.GitSSHKey{UserID: id, PublicKey: "ssh-ed25519 BBBB\n", CreatedAt: at(1), UpdatedAt: at(2)}
	private := account.DiffField{Old: "", New: "", Secret: true}
	for name, tt := range map[string]struct {
		before, after account.GitSSHKey
		want          account.Diff
	}{
		"made": {account.GitSSHKey{}, old, account.Diff{
			"user_id": {Old: "", New: id.String()}, "public_key": {Old: "", New: "ssh-ed25519 AAAA\n"}, "private_key": private,
		}},
		"replaced": {old, other, account.Diff{
			"public_key": {Old: "ssh-ed25519 AAAA\n", New: "ssh-ed25519 BBBB\n"}, "private_key": private,
		}},
		"gone": {old, account.GitSSHKey{}, account.Diff{
			"user_id": {Old: id.String(), New: ""}, "public_key": {Old: "ssh-ed25519 AAAA\n", New: ""}, "private_key": private,
		}},
		"the same": {old, old, account.Diff{}},
	} {
		if diff := cmp.Diff(tt.want, account.GitSSHKeyDiff(tt.before, tt.after)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(account.Diff{"key_id": {Old: "a", New: "b"}}, account.EncryptionKeyDiff("a", "b")); diff != "" {
		t.Error(diff)
	}
}

func TestAuthorizePrivateKey(t *testing.T) {
	t.Parallel()
	self, other := uuid.New(), uuid.New()
	unrestricted := account.APIKey{Scopes: []string{account.ScopeAll}, AllowList: account.AllowEverything()}
	scoped := account.APIKey{Scopes: []string{"user:read", "user:read_personal"}, AllowList: account.AllowEverything()}
	listed := account.APIKey{Scopes: []string{account.ScopeAll}, AllowList: account.AllowList{{Type: account.ResourceUser, ID: self}}}
	for name, tt := range map[string]struct {
		roles []string
		key   account.APIKey
		owner uuid.UUID
		lack  string // "" is allowed
	}{
		"oneself":                     {nil, unrestricted, self, ""},
		"an owner, its own":           {[]string{account.RoleOwner}, unrestricted, self, ""},
		"somebody else":               {nil, unrestricted, other, "no role"},
		"an owner, of somebody else":  {[]string{account.RoleOwner}, unrestricted, other, "no role"},
		"limited scopes":              {[]string{account.RoleOwner}, scoped, self, "scopes"},
		"an allow list with the user": {[]string{account.RoleOwner}, listed, self, "allow list"},
	} {
		actor := account.NewActor(account.User{ID: self, Roles: tt.roles}, nil, tt.key)
		err := actor.AuthorizePrivateKey(tt.owner)
		if tt.lack == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if account.KindOf(err) != account.KindForbidden || !strings.Contains(err.Error(), "user:read_personal") ||
			!strings.Contains(err.Error(), tt.lack) {
			t.Errorf("%s: %v, want a refusal for the %s", name, err, tt.lack)
		}
	}
	if account.Anonymous(account.Origin{}).AuthorizePrivateKey(uuid.Nil) == nil {
		t.Error("nobody may see the key of nobody")
	}
}
