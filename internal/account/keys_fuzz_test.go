package account_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
)

// FuzzParseAllowListEntry: what is taken can be written and read again, matches
// what it names and nothing of another type, and never becomes wider than it
// was written.
func FuzzParseAllowListEntry(f *testing.F) {
	for _, seed := range []string{
		"", ":", "*:*", "user:*", "*:" + idA, "user:" + idA, " USER : " + strings.ToUpper(idA) + " ", "user:{" + idA + "}",
		"user:urn:uuid:" + idA, "user:" + strings.ReplaceAll(idA, "-", ""), "user:" + uuid.Nil.String(), "user:*:*", "planet:*", "user:\x00", "ſ:*",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		entry, err := account.ParseAllowListEntry(text)
		if err != nil {
			if entry != (account.AllowListEntry{}) {
				t.Fatalf("%q is refused and becomes %v", text, entry)
			}
			return
		}
		again, err := account.ParseAllowListEntry(entry.String())
		if err != nil || again != entry {
			t.Fatalf("%q is %v, which is read as %v (%v)", text, entry, again, err)
		}
		typeName, id, _ := strings.Cut(text, ":")
		if all := entry.ID == uuid.Nil; all != (strings.TrimSpace(id) == "*") {
			t.Fatalf("%q is all of a type: %v", text, all)
		}
		if anything := entry.Type == account.ResourceWildcard; anything != (strings.TrimSpace(typeName) == "*") {
			t.Fatalf("%q is of any type: %v", text, anything)
		}
		list, err := account.NormalizeAllowList([]account.AllowListEntry{entry})
		if err != nil || !slices.Equal(list, account.AllowList{entry}) {
			t.Fatalf("%q alone is normalised to %v (%v)", text, list, err)
		}
		for _, resource := range every() {
			for _, object := range []uuid.UUID{uuid.Nil, uuid.MustParse(idA), uuid.MustParse(idB), entry.ID} {
				want := (entry.Type == account.ResourceWildcard || entry.Type == resource) && (entry.ID == uuid.Nil || entry.ID == object)
				if list.Matches(resource, object) != want {
					t.Fatalf("%q matches %s %s: %v", text, resource, object, !want)
				}
			}
		}
	})
}

// FuzzExpandScopes: a name grants what is in the catalogue under it and nothing
// else, whatever stands beside it, and what a person may ask for grants
// something.
func FuzzExpandScopes(f *testing.F) {
	for _, seed := range []string{
		"", "coder:all", "all", "user:read", "user:*", "user:*\nworkspace:ssh", "*:*", "user:read_personal\ndebug_info:read", "user", "user:", ":read",
		"coder:workspaces.create", "coder:*", "no_user_data", "USER:READ", "user:read ", "user:\x00", "chat:share\ncoder:templates.author",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names := strings.Split(text, "\n")
		granted := account.ExpandScopes(names)
		var union account.Permissions
		for _, name := range names {
			alone := account.ExpandScopes([]string{name})
			union.Union(&alone)
			if account.IsPublicScope(name) && len(alone.List()) == 0 {
				t.Fatalf("%q can be asked for and grants nothing", name)
			}
			checkPair(t, name, alone)
		}
		if diff := cmp.Diff(union, granted); diff != "" {
			t.Fatalf("%q together are not their union:\n%s", names, diff)
		}
		for _, p := range granted.List() {
			if !p.Resource.Actions().Has(p.Action) || p.Resource == account.ResourceWildcard {
				t.Fatalf("%q grant %s, which does not exist", names, p)
			}
		}
	})
}

// checkPair holds a name of the form resource:action to that one pair.
func checkPair(t *testing.T, name string, granted account.Permissions) {
	t.Helper()
	resourceName, actionName, found := strings.Cut(name, ":")
	if resourceName == "coder" {
		return // a bundle, or nothing
	}
	resource, isResource := account.ParseResource(resourceName)
	action, isAction := account.ParseAction(actionName)
	var want account.Permissions
	switch {
	case !found || !isResource || resource == account.ResourceWildcard:
	case actionName == "*":
		want[resource] = resource.Actions()
	case isAction && resource.Actions().Has(action):
		want[resource] = 1 << action
	}
	if granted != want {
		t.Fatalf("%q grants %v", name, granted.List())
	}
}
