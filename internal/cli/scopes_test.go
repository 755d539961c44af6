package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/internal/account"
	"usher/sdk"
)

// The words about a scope are about what the server makes of it.
func TestScopesExpandAsOnTheServer(t *testing.T) {
	t.Parallel()
	for _, name := range account.PublicScopes() {
		granted, unknown := expand([]sdk.APIKeyScope{sdk.APIKeyScope(name)})
		if unknown != nil {
			t.Errorf("%s: unknown %v", name, unknown)
		}
		var got []string
		for resource, actions := range granted {
			for _, action := range actions {
				got = append(got, resource+":"+action)
			}
		}
		var want []string
		permissions := account.ExpandScopes([]string{name})
		for _, permission := range permissions.List() {
			want = append(want, permission.String())
		}
		if prefix, wild := strings.CutSuffix(name, ":*"); wild {
			want = []string{prefix + ":*"}
		}
		if name == account.ScopeAll {
			want = []string{"*:*"}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-server +words):\n%s", name, diff)
		}
	}
}

// What a person can ask for is described in words of its own, not by the names
// of the API.
func TestPublicScopesHaveWords(t *testing.T) {
	t.Parallel()
	for _, name := range account.PublicScopes() {
		got := permitted([]sdk.APIKeyScope{sdk.APIKeyScope(name)})
		if words := strings.Join(got, " "); words == "" || strings.ContainsAny(words, "_%") || strings.Contains(words, "of type") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestPermitted(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		scopes []sdk.APIKeyScope
		want   []string
	}{
		"nothing":      {},
		"all":          {scopes: []sdk.APIKeyScope{"coder:all"}, want: []string{"do everything that its owner may"}},
		"all and more": {scopes: []sdk.APIKeyScope{"user:read", "coder:all"}, want: []string{"do everything that its owner may"}},
		"a pair":       {scopes: []sdk.APIKeyScope{"user:read"}, want: []string{"read users"}},
		"verbs in order": {
			scopes: []sdk.APIKeyScope{"task:delete", "task:read", "task:create", "task:read"},
			want:   []string{"create, read and delete tasks"},
		},
		"verbs and phrases": {
			scopes: []sdk.APIKeyScope{"coder:workspaces.access", "workspace:stop"},
			want: []string{
				"read members of organizations", "read templates",
				"read and stop workspaces, connect to applications in them and open SSH sessions in them",
			},
		},
		"phrases only": {
			scopes: []sdk.APIKeyScope{"user:update_personal", "user:read_personal"},
			want:   []string{"read the personal data of users and change the personal data of them"},
		},
		"a whole resource": {
			scopes: []sdk.APIKeyScope{"api_key:read", "api_key:*"},
			want:   []string{"do everything with sessions and tokens"},
		},
		"rare": {
			scopes: []sdk.APIKeyScope{"audit_log:read", "license:make_up"},
			want:   []string{"read objects of type audit_log", "make up objects of type license"},
		},
		"unknown": {
			scopes: []sdk.APIKeyScope{"coder:everything.new", "what"},
			want: []string{
				`do what the scope "coder:everything.new" says, which this program does not know`,
				`do what the scope "what" says, which this program does not know`,
			},
		},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, permitted(test.scopes)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestScopesInShort(t *testing.T) {
	t.Parallel()
	everywhere := []sdk.AllowListEntry{{Type: "*", ID: "*"}}
	tests := []struct {
		key  sdk.APIKey
		want string
	}{
		{key: sdk.APIKey{Scopes: []sdk.APIKeyScope{"coder:all"}, AllowList: everywhere}, want: "coder:all"},
		{key: sdk.APIKey{Scopes: []sdk.APIKeyScope{"a:b", "c:d"}, AllowList: everywhere}, want: "a:b, c:d"},
		{key: sdk.APIKey{Scopes: []sdk.APIKeyScope{"a:b", "c:d", "e:f"}, AllowList: everywhere}, want: "a:b, c:d and 1 more"},
		{
			key:  sdk.APIKey{Scopes: []sdk.APIKeyScope{"a:b"}, AllowList: []sdk.AllowListEntry{{Type: "user", ID: "*"}}},
			want: "a:b (1 object)",
		},
		{key: sdk.APIKey{}, want: "- (0 objects)"},
	}
	for _, test := range tests {
		if got := scopesInShort(test.key); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestObjectInWords(t *testing.T) {
	t.Parallel()
	for entry, want := range map[sdk.AllowListEntry]string{
		{Type: "workspace", ID: "*"}:     "every workspace",
		{Type: "workspace", ID: "1234"}:  "the workspace with the id 1234",
		{Type: "*", ID: "1234"}:          "whatever has the id 1234",
		{Type: "chat", ID: "*"}:          "every object of type chat",
		{Type: "\x1b[2J", ID: "\x1b[2J"}: "the object of type \uFFFD[2J with the id \uFFFD[2J",
	} {
		if got := objectInWords(entry); got != want {
			t.Errorf("%v: got %q, want %q", entry, got, want)
		}
	}
}
