package api_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// named are the tokens of a list as "owner/name".
func named(keys []sdk.APIKeyWithOwner) []string {
	names := []string{}
	for _, k := range keys {
		names = append(names, k.Username+"/"+k.TokenName)
	}
	return names
}

func wantNamed(t *testing.T, what string, keys []sdk.APIKeyWithOwner, want ...string) {
	t.Helper()
	if got := named(keys); !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func robot(username string, roles ...string) body {
	return body{
		"username": username, "service_account": true, "user_status": "active",
		"organization_ids": []uuid.UUID{uuid.Nil}, "roles": roles,
	}
}

// TestListTokens: one's own without more, everybody's where one may read them;
// expired ones where they are asked for; sessions never.
func TestListTokens(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann, bob := join(t, s, "ann"), join(t, s, "bob")
		mint(t, owner(s), "me", body{"token_name": "o"})
		mint(t, bob.client, "me", body{"token_name": "b"})
		over := mint(t, ann.client, "me", body{"token_name": "over"})
		mint(t, ann.client, "me", body{"token_name": "a"})
		ann.post(t, path("me", "keys"), nil).want(t, http.StatusCreated)
		ann.put(t, path("me", "keys", idOf(over), "expire"), nil).want(t, http.StatusNoContent)

		wantNamed(t, "ann's own", list(t, ann.client, "me", ""), "ann/a")
		wantNamed(t, "with the expired", list(t, ann.client, "me", "?include_expired=true"), "ann/over", "ann/a")
		wantNamed(t, "all that ann may see", list(t, ann.client, "me", "?include_all=true"), "ann/a")
		wantNamed(t, "ann's, for the owner", list(t, owner(s), "ann", ""), "ann/a")
		wantNamed(t, "the owner's", list(t, owner(s), "me", ""), "owner/o")
		wantNamed(t, "everybody's", list(t, owner(s), "me", "?include_all=true"), "owner/o", "bob/b", "ann/a")
		wantNamed(t, "everybody's, whoever is in the path", list(t, owner(s), "bob", "?include_all=true&include_expired=true"),
			"owner/o", "bob/b", "ann/over", "ann/a")
		for _, role := range []string{"auditor", "template-admin", "user-admin"} {
			p := join(t, s, "a-"+role, role)
			mint(t, p.client, "me", body{"token_name": role})
			wantNamed(t, role, list(t, p.client, "me", "?include_all=true&include_expired=true"), p.Username+"/"+role)
			wantNamed(t, role+" of ann", list(t, p.client, "ann", ""))
		}
		ann.get(t, tokens("bob")).refused(t, http.StatusNotFound, notFound)
		ann.get(t, tokens("bob")+"?include_all=true").refused(t, http.StatusNotFound, notFound)
		owner(s).get(t, tokens("nobody")+"?include_all=true").refused(t, http.StatusNotFound, notFound)

		owner(s).delete(t, path("bob")).want(t, http.StatusOK)
		for _, name := range []string{"a-auditor", "a-template-admin", "a-user-admin"} {
			owner(s).delete(t, path(name)).want(t, http.StatusOK)
		}
		wantNamed(t, "without the deleted", list(t, owner(s), "me", "?include_all=true&include_expired=true"), "owner/o", "ann/over", "ann/a")
	})
}

// TestListFlags: booleans as Go reads them, and what is none means false.
func TestListFlags(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	key := mint(t, owner(s), "me", body{"token_name": "over"})
	owner(s).put(t, path("me", "keys", idOf(key), "expire"), nil).want(t, http.StatusNoContent)
	for text, want := range map[string]int{
		"1": 1, "t": 1, "T": 1, "true": 1, "TRUE": 1, "True": 1,
		"0": 0, "f": 0, "false": 0, "": 0, "yes": 0, "on": 0, "2": 0, "tRUE": 0,
	} {
		if got := len(list(t, owner(s), "me", "?include_expired="+text)); got != want {
			t.Errorf("%q: %d tokens, want %d", text, got, want)
		}
	}
	if got := len(list(t, owner(s), "me", "?include_expired")); got != 0 {
		t.Errorf("without a value: %d tokens", got)
	}
}

// TestListWithNarrowKeys: what a key may not read is left out, not refused.
func TestListWithNarrowKeys(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	mint(t, owner(s), "me", body{"token_name": "plain"})
	for name, c := range map[string]struct {
		scopes, allow []string
		want          int // of the tokens before it and itself
	}{
		"reads keys":     {[]string{"api_key:read"}, nil, 2},
		"manages itself": {[]string{"coder:apikeys.manage_self"}, nil, 2},
		"reads users":    {[]string{"user:read"}, nil, 0},
		"makes keys":     {[]string{"api_key:create"}, nil, 0},
		"on all keys":    {[]string{"api_key:read"}, []string{"api_key:*"}, 2},
		"on users":       {[]string{"coder:all"}, []string{"user:*"}, 0},
	} {
		key := mint(t, owner(s), "me", body{"token_name": name, "scopes": c.scopes, "allow_list": c.allow})
		for _, query := range []string{"", "?include_all=true"} {
			if got := len(list(t, guest(s).as(key), "me", query)); got != c.want {
				t.Errorf("a key that %s lists %d tokens, want %d", name, got, c.want)
			}
		}
		owner(s).delete(t, path("me", "keys", idOf(key))).want(t, http.StatusNoContent)
	}
}

// TestAllowListDialects: objects as the reference has them, strings as deployed
// clients decode them, in every answer that has a key.
func TestAllowListDialects(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	entry := uuid.NewString()
	key := mint(t, owner(s), "me", body{"token_name": "ci", "allow_list": []string{"user:" + entry}})
	for dialect, want := range map[string]any{
		sdk.DialectReference: map[string]any{"type": "user", "id": entry},
		sdk.DialectCoder:     "user:" + entry,
		sdk.DialectLegacy:    "user:" + entry,
	} {
		c := owner(s).with(sdk.DialectHeader, dialect)
		keys := []map[string]any{
			decode[map[string]any](t, c.get(t, tokens("me", "ci"))),
			decode[map[string]any](t, c.get(t, path("me", "keys", idOf(key)))),
		}
		for _, query := range []string{"", "?include_all=true"} {
			keys = append(keys, decode[[]map[string]any](t, c.get(t, tokens("me")+query))...)
		}
		for i, k := range keys {
			got, _ := k["allow_list"].([]any)
			if len(got) != 1 || !equalJSON(got[0], want) {
				t.Errorf("%s, answer %d: %v", dialect, i, k["allow_list"])
			}
			if _, has := k["username"]; has != (i >= 2) {
				t.Errorf("%s, answer %d: username %v", dialect, i, k["username"])
			}
			if scopes, ok := k["scopes"].([]any); !ok || len(scopes) != 1 || k["scope"] != "all" {
				t.Errorf("%s, answer %d: %v", dialect, i, k)
			}
		}
	}
	// A command line of Coder's is known by its name.
	cli := owner(s).with("User-Agent", "coder-cli/v2.33.1 (linux/amd64; coder tokens list)")
	k := decode[[]map[string]any](t, cli.get(t, tokens("me")))[0]
	if got := k["allow_list"].([]any)[0]; got != "user:"+entry {
		t.Errorf("the command line gets %v", got)
	}
}

func equalJSON(a, b any) bool {
	left, isMap := a.(map[string]any)
	right, _ := b.(map[string]any)
	if !isMap {
		return a == b
	}
	return len(left) == len(right) && left["type"] == right["type"] && left["id"] == right["id"]
}
