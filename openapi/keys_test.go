package openapi_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"usher/internal/account"
)

// TestKeySchemas asks the schemas of keys, scopes, allow lists and permission
// checks about values at the edges of what they allow.
func TestKeySchemas(t *testing.T) {
	t.Parallel()

	const id = `"497f6eca-6276-4993-bfeb-53cbbbba6f08"`
	key := func(member, value string) string {
		fields := map[string]string{
			"id": `"ush0000000"`, "user_id": id, "login_type": `"token"`, "token_name": `"ci"`, "scope": `"all"`,
			"scopes": `["coder:all"]`, "allow_list": `[{"type":"*","id":"*"}]`, "lifetime_seconds": `604800`,
			"expires_at": `"2026-01-31T09:00:00.5Z"`, "last_used": `"1970-01-01T00:00:00Z"`,
			"created_at": `"2026-01-31T09:00:00Z"`, "updated_at": `"2026-01-31T09:00:00Z"`, "username": `"new-user"`,
		}
		if fields[member] = value; value == "" {
			delete(fields, member)
		}
		var members []string
		for name, value := range fields {
			members = append(members, `"`+name+`":`+value)
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	entries := func(n int) string {
		return `{"allow_list":[` + strings.TrimSuffix(strings.Repeat(`"user:*",`, n), ",") + `]}`
	}
	check := func(object string) string { return `{"checks":{"a":{"object":{` + object + `},"action":"read"}}}` }
	rotated := func(previous string) string {
		return `{"key":"ush0000000-0000000000000000000000","id":"ush0000000","expires_at":"2026-01-31T09:00:00Z",
			"previous":` + previous + `}`
	}

	checkSchemas(t, []schemaCase{
		{name: "ours", schema: "Key", value: `"ush0000000-0000000000000000000000"`, valid: true},
		{name: "another prefix", schema: "Key", value: `"abc0000000-0000000000000000000000"`},
		{name: "short", schema: "Key", value: `"ush0000000-000000000000000000000"`},

		{name: "token", schema: "APIKey", value: key("", ""), valid: true},
		{name: "session", schema: "APIKey", value: key("login_type", `"oidc"`), valid: true},
		{name: "imported", schema: "APIKey", value: key("id", `"0123456789"`), valid: true},
		{name: "rotated", schema: "APIKey", value: key("replaced_by", `"ush0000001"`), valid: true},
		{name: "narrow", schema: "APIKey", value: key("scope", `""`), valid: true},
		{name: "scope of an import", schema: "APIKey", value: key("scopes", `["debug_info:read"]`), valid: true},
		{name: "allows nothing", schema: "APIKey", value: key("allow_list", `[]`), valid: true},
		{name: "one object", schema: "APIKey", value: key("allow_list", `[{"type":"user_skill","id":`+id+`}]`), valid: true},
		{name: "whole key as id", schema: "APIKey", value: key("id", `"ush0000000-0000000000000000000000"`)},
		{name: "canonical name as legacy scope", schema: "APIKey", value: key("scope", `"coder:all"`)},
		{name: "null scopes", schema: "APIKey", value: key("scopes", `null`)},
		{name: "null allow list", schema: "APIKey", value: key("allow_list", `null`)},
		{name: "allow list of another dialect", schema: "APIKey", value: key("allow_list", `["*:*"]`)},
		{name: "unknown type", schema: "APIKey", value: key("allow_list", `[{"type":"users","id":"*"}]`)},
		{name: "name as object id", schema: "APIKey", value: key("allow_list", `[{"type":"user","id":"me"}]`)},
		{name: "not replaced is absent", schema: "APIKey", value: key("replaced_by", `""`)},
		{name: "never used is no null", schema: "APIKey", value: key("last_used", `null`)},
		{name: "no lifetime", schema: "APIKey", value: key("lifetime_seconds", `0`)},
		{name: "with owner", schema: "APIKeyWithOwner", value: key("", ""), valid: true},
		{name: "no owner", schema: "APIKeyWithOwner", value: key("username", "")},
		{name: "owner without key", schema: "APIKeyWithOwner", value: `{"username":"new-user"}`},
		{name: "no id", schema: "APIKeyWithOwner", value: key("id", "")},

		{name: "nothing", schema: "CreateTokenRequest", value: `{}`, valid: true},
		{name: "nulls", schema: "CreateTokenRequest", value: `{"scopes":null,"allow_list":null}`, valid: true},
		{name: "empty", schema: "CreateTokenRequest", value: `{"scopes":[],"allow_list":[],"token_name":"","scope":"","lifetime":0}`, valid: true},
		{name: "legacy scopes", schema: "CreateTokenRequest", value: `{"scopes":["all","application_connect"]}`, valid: true},
		{name: "all of a resource", schema: "CreateTokenRequest", value: `{"scopes":["user:*"]}`, valid: true},
		{name: "scope that cannot be asked for", schema: "CreateTokenRequest", value: `{"scopes":["debug_info:read"]}`},
		{name: "both forms of an entry", schema: "CreateTokenRequest", value: `{"allow_list":["*:*",{"type":"user","id":` + id + `}]}`, valid: true},
		{name: "entry without id", schema: "CreateTokenRequest", value: `{"allow_list":["user"]}`},
		{name: "entry without type", schema: "CreateTokenRequest", value: `{"allow_list":[{"id":"*"}]}`},
		{name: "128 entries", schema: "CreateTokenRequest", value: entries(account.MaxAllowListEntries), valid: true},
		{name: "129 entries", schema: "CreateTokenRequest", value: entries(account.MaxAllowListEntries + 1)},
		{name: "a hundred years", schema: "CreateTokenRequest", value: `{"lifetime":3155760000000000000}`, valid: true},
		{name: "negative lifetime", schema: "CreateTokenRequest", value: `{"lifetime":-1}`},
		{name: "lifetime in words", schema: "CreateTokenRequest", value: `{"lifetime":"1h"}`},
		{name: "64 bytes", schema: "CreateTokenRequest", value: `{"token_name":"` + strings.Repeat("a", 64) + `"}`, valid: true},
		{name: "65 bytes", schema: "CreateTokenRequest", value: `{"token_name":"` + strings.Repeat("a", 65) + `"}`},
		{name: "any letters", schema: "CreateTokenRequest", value: `{"token_name":"Büro / 2 ✓"}`, valid: true},
		{name: "line break", schema: "CreateTokenRequest", value: `{"token_name":"a\nb"}`},
		{name: "next line", schema: "CreateTokenRequest", value: `{"token_name":"a\u0085b"}`},

		{name: "an hour", schema: "RotateKeyRequest", value: `{}`, valid: true},
		{name: "null", schema: "RotateKeyRequest", value: `{"overlap":null}`, valid: true},
		{name: "at once", schema: "RotateKeyRequest", value: `{"overlap":0}`, valid: true},
		{name: "seven days", schema: "RotateKeyRequest", value: `{"overlap":604800000000000}`, valid: true},
		{name: "longer", schema: "RotateKeyRequest", value: `{"overlap":604800000001000}`},
		{name: "negative", schema: "RotateKeyRequest", value: `{"overlap":-1}`},
		{name: "both tokens", schema: "RotateKeyResponse", value: rotated(`{"id":"ush0000001","expires_at":"2026-01-31T09:00:00Z"}`), valid: true},
		{name: "old one without end", schema: "RotateKeyResponse", value: rotated(`{"id":"ush0000001"}`)},
		{name: "only the new one", schema: "RotateKeyResponse", value: rotated(`null`)},

		{name: "a hundred years", schema: "TokenConfig", value: `{"max_token_lifetime":3155760000000000000}`, valid: true},
		{name: "none", schema: "TokenConfig", value: `{"max_token_lifetime":0}`},
		{name: "a part of them", schema: "ExternalAPIKeyScopes", value: `{"external":["coder:all"]}`},

		{name: "no checks", schema: "AuthorizationRequest", value: `{"checks":{}}`, valid: true},
		{name: "all objects", schema: "AuthorizationRequest", value: check(`"resource_type":"user"`), valid: true},
		{name: "own objects", schema: "AuthorizationRequest", value: check(`"resource_type":"api_key","owner_id":"me"`), valid: true},
		{name: "any organization", schema: "AuthorizationRequest", value: check(`"resource_type":"group","any_org":true`), valid: true},
		{name: "a type from the future", schema: "AuthorizationRequest", value: check(`"resource_type":"spaceship"`), valid: true},
		{name: "no type", schema: "AuthorizationRequest", value: check(`"owner_id":"me"`)},
		{name: "empty type", schema: "AuthorizationRequest", value: check(`"resource_type":""`)},
		{name: "no object", schema: "AuthorizationRequest", value: `{"checks":{"a":{"action":"read"}}}`},
		{name: "no answers", schema: "AuthorizationResponse", value: `{}`, valid: true},
		{name: "any name", schema: "AuthorizationResponse", value: `{"may I?":false}`, valid: true},
		{name: "reasons", schema: "AuthorizationResponse", value: `{"a":"yes"}`},
		{name: "null", schema: "AuthorizationResponse", value: `{"a":null}`},
	})
}

// TestVocabulary holds the names that the document lists to those that the
// server knows. The answers that tests happen to see would not show a gap.
func TestVocabulary(t *testing.T) {
	t.Parallel()

	schemas := load(t).Components.Schemas
	if diff := cmp.Diff(account.PublicScopes(), enum(t, schemas["PublicScope"])); diff != "" {
		t.Errorf("PublicScope: %s", diff)
	}
	all := account.ExpandScopes([]string{account.ScopeAll})
	resources := map[string]bool{account.ResourceWildcard.String(): true}
	for _, permission := range all.List() {
		resources[permission.Resource.String()] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(resources)), enum(t, schemas["ResourceType"])); diff != "" {
		t.Errorf("ResourceType: %s", diff)
	}
	external := schemas["ExternalAPIKeyScopes"].Value.Properties["external"].Value
	if got, want := external.MinItems, uint64(len(account.PublicScopes())); got != want {
		t.Errorf("ExternalAPIKeyScopes has at least %d scopes, want %d", got, want)
	}
}

// TestBundles: the table that explains the bundles says what they permit.
func TestBundles(t *testing.T) {
	t.Parallel()

	got := map[string][]string{}
	for line := range strings.Lines(load(t).Components.Schemas["PublicScope"].Value.Description) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 4 || !strings.Contains(cells[1], "`coder:") {
			continue
		}
		got[strings.Trim(cells[1], " `")] = explained(cells[2])
	}
	want := map[string][]string{account.ScopeAll: {"everything"}}
	for _, name := range account.PublicScopes() {
		if !strings.HasPrefix(name, "coder:") || name == account.ScopeAll {
			continue
		}
		granted := account.ExpandScopes([]string{name})
		for _, permission := range granted.List() {
			want[name] = append(want[name], permission.String())
		}
		slices.Sort(want[name])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// explained reads "`a`: x, y; `b`: z" as the sorted a:x, a:y and b:z.
func explained(cell string) []string {
	var permissions []string
	for part := range strings.SplitSeq(strings.ReplaceAll(cell, "`", ""), ";") {
		resource, actions, found := strings.Cut(strings.TrimSpace(part), ": ")
		if !found {
			permissions = append(permissions, resource)
			continue
		}
		for action := range strings.SplitSeq(actions, ", ") {
			permissions = append(permissions, resource+":"+action)
		}
	}
	slices.Sort(permissions)
	return permissions
}

func enum(t *testing.T, schema *openapi3.SchemaRef) []string {
	t.Helper()
	var names []string
	for _, value := range schema.Value.Enum {
		name, ok := value.(string)
		if !ok {
			t.Errorf("%v is no string", value)
		}
		names = append(names, name)
	}
	return names
}
