package account_test

import (
	"errors"
	"strings"
	"testing"

	"usher/internal/account"
)

func TestHasAISeat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		user account.User
		want bool
	}{
		{account.User{AISeatTaken: true, Status: account.StatusActive}, true},
		{account.User{Status: account.StatusActive}, false},
		{account.User{AISeatTaken: true, Status: account.StatusDormant}, false},
		{account.User{AISeatTaken: true, Status: account.StatusSuspended}, false},
		{account.User{AISeatTaken: true, Status: account.StatusActive, Deleted: true}, false},
	} {
		if got := test.user.HasAISeat(); got != test.want {
			t.Errorf("%+v: got %t", test.user, got)
		}
	}
}

func TestCheckAIEvent(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{"aibridge": true, "task": true, "": false, "Task": false, "chat": false} {
		if err := account.CheckAIEvent(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAuthorizeAISeat(t *testing.T) {
	t.Parallel()
	self, other := someID(1), someID(2)
	narrow := account.AllowList{{Type: account.ResourceAISeat}, {Type: account.ResourceUser}}
	for name, test := range map[string]struct {
		role  string
		key   account.APIKey
		lacks string // a word of the detail; "" for none
	}{
		"owner":               {"owner", fullKey(), ""},
		"user-admin":          {"user-admin", fullKey(), ""},
		"template-admin":      {"template-admin", fullKey(), ""},
		"auditor":             {"auditor", fullKey(), "no role"},
		"member":              {"member", fullKey(), "no role"},
		"every public scope":  {"owner", narrowKey(account.PublicScopes(), narrow...), "allow list"},
		"a narrow scope":      {"owner", narrowKey([]string{"user:*"}, account.AllowEverything()...), "scopes"},
		"the very permission": {"owner", narrowKey([]string{"ai_seat:create"}, account.AllowEverything()...), "scopes"},
		"a narrow allow list": {"owner", narrowKey([]string{"coder:all"}, narrow...), "allow list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			actor := account.NewActor(account.User{ID: self, Roles: []string{test.role}},
				[]account.Membership{membership(someID(100), "organization-admin")}, test.key)
			for _, id := range []byte{1, 2} {
				err := actor.AuthorizeAISeat(someID(id))
				if test.lacks == "" {
					if err != nil {
						t.Errorf("of %d: %v", id, err)
					}
					continue
				}
				refusal, ok := errors.AsType[*account.Error](err)
				if !ok || refusal.Kind != account.KindForbidden || !strings.Contains(refusal.Detail, "ai_seat:create") || !strings.Contains(refusal.Detail, test.lacks) {
					t.Errorf("of %d: %v, want a refusal for want of the %s", id, err, test.lacks)
				}
			}
		})
	}
	if err := account.Anonymous(account.Origin{}).AuthorizeAISeat(other); account.KindOf(err) != account.KindForbidden {
		t.Errorf("anonymous: %v", err)
	}
}
