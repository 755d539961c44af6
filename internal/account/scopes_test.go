package account_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"usher/internal/account"
)

// publicScopes is the list of auth.md, section 5.1, in its order (bytewise).
const publicScopes = `
	api_key:* api_key:create api_key:delete api_key:read api_key:update
	coder:all coder:apikeys.manage_self coder:application_connect
	coder:templates.author coder:templates.build
	coder:workspaces.access coder:workspaces.create coder:workspaces.delete coder:workspaces.operate
	file:* file:create file:read
	organization:* organization:delete organization:read organization:update
	task:* task:create task:delete task:read task:update
	template:* template:create template:delete template:read template:update template:use
	user:* user:read user:read_personal user:update_personal
	user_secret:* user_secret:create user_secret:delete user_secret:read user_secret:update
	user_skill:* user_skill:create user_skill:delete user_skill:read user_skill:update
	workspace:* workspace:application_connect workspace:create workspace:delete workspace:read
	workspace:ssh workspace:start workspace:stop workspace:update
`

func TestPublicScopesAreTheContracts(t *testing.T) {
	t.Parallel()
	want := strings.Fields(publicScopes)
	if len(want) != 55 {
		t.Fatalf("the test lists %d scopes, the contract has 55", len(want))
	}
	if diff := cmp.Diff(want, account.PublicScopes()); diff != "" {
		t.Errorf("public scopes (-contract +code):\n%s", diff)
	}
	for _, name := range want {
		if !account.IsPublicScope(name) {
			t.Errorf("IsPublicScope(%q) = false", name)
		}
	}
}

// TestEveryOtherScopeIsRefused asks for all of the vocabulary, and for words
// outside it.
func TestEveryOtherScopeIsRefused(t *testing.T) {
	t.Parallel()
	public := strings.Fields(publicScopes)
	names := []string{
		"", "all", "application_connect", "*", "*:*", ":", "user", "user:", ":read", "user.*", "User:read", " user:read",
		"user:read ", "user:Read", "unknown:read", "unknown:*", "user:unknown", "user:*:*", "coder:*", "coder:unknown", "no_user_data",
	}
	for resource, actions := range catalogued() {
		names = append(names, resource+":*")
		for _, action := range actions {
			names = append(names, resource+":"+action)
		}
	}
	for _, name := range names {
		if got, want := account.IsPublicScope(name), slices.Contains(public, name); got != want {
			t.Errorf("IsPublicScope(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestCanonicalScope(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"all":                       "coder:all",
		"application_connect":       "coder:application_connect",
		"coder:all":                 "coder:all",
		"coder:application_connect": "coder:application_connect",
		"user:read":                 "user:read",
		"All":                       "All",
		"":                          "",
	} {
		if got := account.CanonicalScope(name); got != want {
			t.Errorf("CanonicalScope(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestCompositeScopes is the table of auth.md, section 5.2.
func TestCompositeScopes(t *testing.T) {
	t.Parallel()
	all := []string{}
	for resource, actions := range catalogued() {
		for _, action := range actions {
			all = append(all, resource+":"+action)
		}
	}
	cases := map[string][]string{
		"coder:all":                 all,
		"coder:application_connect": {"workspace:application_connect"},
		"coder:workspaces.create": {
			"template:read", "template:use", "workspace:create", "workspace:read", "workspace:update",
			"workspace:start", "workspace:stop", "organization_member:read",
		},
		"coder:workspaces.operate": {
			"template:read", "workspace:read", "workspace:update", "workspace:start", "workspace:stop", "organization_member:read",
		},
		"coder:workspaces.delete": {
			"template:read", "template:use", "workspace:read", "workspace:delete", "organization_member:read",
		},
		"coder:workspaces.access": {
			"template:read", "workspace:read", "workspace:ssh", "workspace:application_connect", "organization_member:read",
		},
		"coder:templates.build": {"template:read", "file:create", "file:read", "provisioner_jobs:read"},
		"coder:templates.author": {
			"template:read", "template:create", "template:update", "template:delete", "template:view_insights", "file:create", "file:read",
		},
		"coder:apikeys.manage_self": {"api_key:read", "api_key:create", "api_key:update", "api_key:delete"},
	}
	for name, want := range cases {
		slices.Sort(want)
		if diff := cmp.Diff(want, pairNames(account.ExpandScopes([]string{name}))); diff != "" {
			t.Errorf("%s (-contract +code):\n%s", name, diff)
		}
	}
	for _, name := range account.PublicScopes() {
		if _, listed := cases[name]; strings.HasPrefix(name, "coder:") && !listed {
			t.Errorf("the composite scope %s is not in the contract", name)
		}
	}
}

// TestPairScopes: a pair grants itself and nothing more, and resource:* grants
// all of the resource, also what is not public by itself.
func TestPairScopes(t *testing.T) {
	t.Parallel()
	for resource, actions := range catalogued() {
		all := []string{}
		for _, action := range actions {
			pair := resource + ":" + action
			all = append(all, pair)
			if diff := cmp.Diff([]string{pair}, pairNames(account.ExpandScopes([]string{pair}))); diff != "" {
				t.Errorf("%s (-contract +code):\n%s", pair, diff)
			}
		}
		slices.Sort(all)
		if diff := cmp.Diff(all, pairNames(account.ExpandScopes([]string{resource + ":*"}))); diff != "" {
			t.Errorf("%s:* (-contract +code):\n%s", resource, diff)
		}
	}
}

func TestUnknownScopesGrantNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "all", "*", "*:*", "*:read", ":", "user", "user:", ":read", "user.*", "unknown:read", "unknown:*",
		"user:ssh", "debug_info:update", "user:*:*", "User:read", "user:read ", "coder:everything", "no_user_data",
	} {
		if got := pairNames(account.ExpandScopes([]string{name})); len(got) > 0 {
			t.Errorf("the scope %q grants %v", name, got)
		}
	}
	if got := pairNames(account.ExpandScopes(nil)); len(got) > 0 {
		t.Errorf("no scopes grant %v", got)
	}
	mixed := account.ExpandScopes([]string{"unknown:read", "user:read", ""})
	if diff := cmp.Diff([]string{"user:read"}, pairNames(mixed)); diff != "" {
		t.Errorf("a known scope among unknown ones (-want +got):\n%s", diff)
	}
}

// TestScopesAreAUnion: several scopes grant what each of them grants.
func TestScopesAreAUnion(t *testing.T) {
	t.Parallel()
	names := append(account.PublicScopes(), "unknown:read", "audit_log:read", "workspace:share")
	rapid.Check(t, func(t *rapid.T) {
		asked := rapid.SliceOfN(rapid.SampledFrom(names), 0, 6).Draw(t, "scopes")
		want := []string{}
		for _, name := range asked {
			want = append(want, pairNames(account.ExpandScopes([]string{name}))...)
		}
		slices.Sort(want)
		want = slices.Compact(want)
		if diff := cmp.Diff(want, pairNames(account.ExpandScopes(asked)), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("union of %v (-each +together):\n%s", asked, diff)
		}
	})
}
