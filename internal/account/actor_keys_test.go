package account_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"usher/internal/account"
)

// TestMint is decisions D5: a key may not make a wider one.
func TestMint(t *testing.T) {
	t.Parallel()
	onUsers := account.AllowListEntry{Type: account.ResourceUser}
	onOne := account.AllowListEntry{Type: account.ResourceUser, ID: someID(1)}
	cases := []struct {
		name    string
		key     account.APIKey
		scopes  []string
		entries account.AllowList
		lack    string // what the refusal names, "" for none
	}{
		{"everything by everything", fullKey(), []string{"coder:all"}, account.AllowEverything(), ""},
		{"less by everything", fullKey(), []string{"user:read"}, account.AllowList{onOne}, ""},
		{"the same", narrowKey([]string{"user:read", "api_key:*"}, onUsers), []string{"user:read"}, account.AllowList{onUsers}, ""},
		{"a composite within pairs", narrowKey([]string{"api_key:*"}, onUsers), []string{"coder:apikeys.manage_self"}, account.AllowList{onOne}, ""},
		{"everything by little", narrowKey([]string{"user:read", "api_key:*"}, account.AllowListEntry{}), []string{"coder:all"}, account.AllowEverything(), "scope"},
		{"one action more", narrowKey([]string{"user:read"}, onUsers), []string{"user:read", "user:read_personal"}, account.AllowList{onUsers}, "scope"},
		{"all actions by the public ones", narrowKey([]string{"user:read", "user:read_personal", "user:update_personal"}, onUsers), []string{"user:*"}, account.AllowList{onUsers}, "scope"},
		{"no restriction by a restricted key", narrowKey([]string{"coder:all"}, onUsers), []string{"coder:all"}, account.AllowEverything(), "allow list"},
		{"all users by one", narrowKey([]string{"coder:all"}, onOne), []string{"user:read"}, account.AllowList{onUsers}, "allow list"},
		{"an id of any type by one of users", narrowKey([]string{"coder:all"}, onUsers), []string{"user:read"}, account.AllowList{{ID: someID(1)}}, "allow list"},
	}
	for _, c := range cases {
		err := account.NewActor(account.User{ID: someID(1)}, nil, c.key).AuthorizeMint(c.scopes, c.entries)
		if c.lack == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		var refusal *account.Error
		if !errors.As(err, &refusal) || refusal.Kind != account.KindForbidden || !strings.Contains(refusal.Detail, c.lack) {
			t.Errorf("%s: %v, want a forbidden error that names the %s", c.name, err, c.lack)
		}
	}
}

// TestMintedKeyIsWithinItsMaker: whatever a minted key may do, the key that made
// it may do.
func TestMintedKeyIsWithinItsMaker(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		child := narrowKey(rapid.SliceOfN(rapid.SampledFrom(append(account.PublicScopes(), w.key.Scopes...)), 0, 2).Draw(t, "new scopes"),
			rapid.OneOf(rapid.Just(w.key.AllowList), drawList()).Draw(t, "new allow list")...)
		maker := account.NewActor(w.user, w.memberships, w.key)
		if maker.AuthorizeMint(child.Scopes, child.AllowList) != nil {
			return
		}
		minted := account.NewActor(w.user, w.memberships, child)
		action, object := rapid.SampledFrom(everyAction()).Draw(t, "action"), drawObject(t)
		if minted.Can(action, object) && !maker.Can(action, object) {
			t.Fatalf("the minted key may %s %v, its maker may not", action, object)
		}
	})
}

// TestUserAdminsManageServiceAccountKeys is decisions D5: keys of service
// accounts that hold no role that a user-admin could not assign.
func TestUserAdminsManageServiceAccountKeys(t *testing.T) {
	t.Parallel()
	robot := func(roles ...string) account.User {
		return account.User{ID: someID(2), IsServiceAccount: true, Roles: roles}
	}
	person := account.User{ID: someID(2)}
	plain := []account.Membership{membership(someID(100))}
	admin := []account.Membership{membership(someID(100)), membership(someID(101), "organization-admin")}
	cases := []struct {
		name        string
		held        string
		key         account.APIKey
		target      account.User
		memberships []account.Membership
		want        bool
	}{
		{"plain", "user-admin", fullKey(), robot(), plain, true},
		{"in no organization", "user-admin", fullKey(), robot(), nil, true},
		{"that is a member", "user-admin", fullKey(), robot("member"), plain, true},
		{"that is an auditor", "user-admin", fullKey(), robot("auditor"), plain, false},
		{"that is an owner", "user-admin", fullKey(), robot("member", "owner"), plain, false},
		{"that is an organization's admin", "user-admin", fullKey(), robot(), admin, false},
		{"a person", "user-admin", fullKey(), person, plain, false},
		{"by a template admin", "template-admin", fullKey(), robot(), plain, false},
		{"by a member", "member", fullKey(), robot(), plain, false},
		{"by a key with the scope", "user-admin", narrowKey([]string{"api_key:create"}, account.AllowListEntry{}), robot(), plain, true},
		{"by a key without the scope", "user-admin", narrowKey([]string{"api_key:read"}, account.AllowListEntry{}), robot(), plain, false},
		{"by a key for keys", "user-admin", narrowKey([]string{"coder:all"}, account.AllowListEntry{Type: account.ResourceAPIKey}), robot(), plain, true},
		{"by a key for users", "user-admin", narrowKey([]string{"coder:all"}, account.AllowListEntry{Type: account.ResourceUser}), robot(), plain, false},
	}
	for _, c := range cases {
		actor := account.NewActor(account.User{ID: someID(1), Roles: []string{c.held}}, nil, c.key)
		if got := actor.MayManageKeysOf(account.ActionCreate, c.target, c.memberships); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
