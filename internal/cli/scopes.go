package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"usher/sdk"
)

// bundles are the composite scopes and the pairs that each stands for. The
// server expands scopes by its own table; this one is for words only, and a test
// compares the two.
var bundles = map[string]string{
	"coder:all":                 "*:*",
	"coder:application_connect": "workspace:application_connect",
	"coder:workspaces.create": "template:read template:use workspace:create workspace:read workspace:update " +
		"workspace:start workspace:stop organization_member:read",
	"coder:workspaces.operate": "template:read workspace:read workspace:update workspace:start workspace:stop " +
		"organization_member:read",
	"coder:workspaces.delete": "template:read template:use workspace:read workspace:delete organization_member:read",
	"coder:workspaces.access": "template:read workspace:read workspace:ssh workspace:application_connect organization_member:read",
	"coder:templates.build":   "template:read file:create file:read provisioner_jobs:read",
	"coder:templates.author": "template:create template:read template:update template:delete template:view_insights " +
		"file:create file:read",
	"coder:apikeys.manage_self": "api_key:create api_key:read api_key:update api_key:delete",
}

// noun names the objects of a resource.
type noun struct{ one, many string }

var nouns = map[string]noun{
	"*":                   {one: "object", many: "objects of all kinds"},
	"api_key":             {one: "session or token", many: "sessions and tokens"},
	"file":                {one: "file", many: "files"},
	"organization":        {one: "organization", many: "organizations"},
	"organization_member": {one: "member of an organization", many: "members of organizations"},
	"provisioner_jobs":    {one: "provisioner job", many: "provisioner jobs"},
	"task":                {one: "task", many: "tasks"},
	"template":            {one: "template", many: "templates"},
	"user":                {one: "user", many: "users"},
	"user_secret":         {one: "secret of a user", many: "secrets of users"},
	"user_skill":          {one: "skill of a user", many: "skills of users"},
	"workspace":           {one: "workspace", many: "workspaces"},
}

// nounOf names resources that no table knows by what the API calls them.
func nounOf(resource string) noun {
	if known, ok := nouns[resource]; ok {
		return known
	}
	return noun{one: "object of type " + printable(resource), many: "objects of type " + printable(resource)}
}

// verbs are the actions that need no more words, in the order of a sentence.
var verbs = []string{"create", "read", "update", "delete", "use", "start", "stop"}

// phrases are the actions that do.
var phrases = map[string]string{
	"read_personal":       "read the personal data of %s",
	"update_personal":     "change the personal data of %s",
	"view_insights":       "see insights into %s",
	"ssh":                 "open SSH sessions in %s",
	"application_connect": "connect to applications in %s",
}

// expand returns the actions that scopes grant, by resource; "*" is all of them.
// What is no scope that this program knows comes back as unknown.
func expand(scopes []sdk.APIKeyScope) (granted map[string][]string, unknown []string) {
	granted = map[string][]string{}
	for _, scope := range scopes {
		pairs := cmp.Or(bundles[string(scope)], string(scope))
		for pair := range strings.FieldsSeq(pairs) {
			resource, action, found := strings.Cut(pair, ":")
			if !found || resource == "" || resource == "coder" || action == "" {
				unknown = append(unknown, string(scope))
				break
			}
			if !slices.Contains(granted[resource], action) {
				granted[resource] = append(granted[resource], action)
			}
		}
	}
	return granted, unknown
}

// permitted says what scopes let a token do: a clause for each resource, all of
// which complete "the token may …".
func permitted(scopes []sdk.APIKeyScope) []string {
	granted, unknown := expand(scopes)
	if len(granted["*"]) > 0 {
		return []string{"do everything that its owner may"}
	}
	var clauses []string
	for _, resource := range slices.Sorted(maps.Keys(granted)) {
		clauses = append(clauses, clause(nounOf(resource).many, granted[resource]))
	}
	for _, scope := range unknown {
		clauses = append(clauses, fmt.Sprintf("do what the scope %q says, which this program does not know", scope))
	}
	return clauses
}

// clause says what may be done to objects: "read and stop workspaces and open SSH
// sessions in them".
func clause(objects string, actions []string) string {
	if slices.Contains(actions, "*") {
		return "do everything with " + objects
	}
	var simple, parts []string
	for _, verb := range verbs {
		if slices.Contains(actions, verb) {
			simple = append(simple, verb)
		}
	}
	if len(simple) > 0 {
		parts = append(parts, enumerate(simple)+" "+objects)
		objects = "them"
	}
	for _, action := range slices.Sorted(slices.Values(actions)) {
		if slices.Contains(verbs, action) {
			continue
		}
		phrase := cmp.Or(phrases[action], strings.ReplaceAll(printable(action), "_", " ")+" %s")
		parts = append(parts, strings.ReplaceAll(phrase, "%s", objects))
		objects = "them"
	}
	return enumerate(parts)
}

// groupTitle names what the scopes with this prefix are about.
func groupTitle(prefix string) string {
	if prefix == "coder" {
		return "bundles"
	}
	return nounOf(prefix).many
}

// scopesInShort fits what a token may do into a cell of a table.
func scopesInShort(key sdk.APIKey) string {
	const most = 2
	var names []string
	for _, scope := range key.Scopes[:min(len(key.Scopes), most)] {
		names = append(names, string(scope))
	}
	short := orDash(strings.Join(names, ", "))
	if more := len(key.Scopes) - most; more > 0 {
		short += fmt.Sprintf(" and %d more", more)
	}
	if !unrestricted(key.AllowList) {
		short += fmt.Sprintf(" (%s)", count(len(key.AllowList), "object"))
	}
	return short
}

func unrestricted(list []sdk.AllowListEntry) bool {
	return slices.Contains(list, sdk.AllowListEntry{Type: "*", ID: "*"})
}

// objectInWords says which objects an entry of an allow list names.
func objectInWords(entry sdk.AllowListEntry) string {
	switch {
	case entry.ID == "*":
		return "every " + nounOf(entry.Type).one
	case entry.Type == "*":
		return "whatever has the id " + printable(entry.ID)
	}
	return fmt.Sprintf("the %s with the id %s", nounOf(entry.Type).one, printable(entry.ID))
}
