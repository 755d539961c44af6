package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/sdk"
)

const (
	hour = time.Hour
	day  = 24 * hour
)

// tokens is the path of a user's tokens, or of something below it.
func tokens(ref any, below ...string) string {
	return path(ref, append([]string{"keys", "tokens"}, below...)...)
}

// mint makes a token and returns its secret.
func mint(t testing.TB, c client, ref any, b body) string {
	t.Helper()
	return decode[sdk.GenerateAPIKeyResponse](t, c.post(t, tokens(ref), b).want(t, http.StatusCreated)).Key
}

// idOf is the public half of a key.
func idOf(key string) string {
	id, _, _ := strings.Cut(key, "-")
	return id
}

// lookUp reads a key by its id.
func lookUp(t testing.TB, c client, key string) sdk.APIKey {
	t.Helper()
	return decode[sdk.APIKey](t, c.get(t, path("me", "keys", idOf(key))).want(t, http.StatusOK))
}

// list reads tokens, in the order of their making.
func list(t testing.TB, c client, ref any, query string) []sdk.APIKeyWithOwner {
	t.Helper()
	return decode[[]sdk.APIKeyWithOwner](t, c.get(t, tokens(ref)+query).want(t, http.StatusOK))
}

func ns(d time.Duration) int64 { return int64(d) }

func TestTokenDefaults(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann")
		if a := ann.get(t, tokens("me")).want(t, http.StatusOK); string(a.body) != "[]\n" {
			t.Errorf("no tokens are %s", a.body)
		}
		a := ann.post(t, tokens("me"), body{}).want(t, http.StatusCreated)
		if len(a.header.Values("Set-Cookie")) > 0 {
			t.Error("a token came with a cookie")
		}
		key := decode[sdk.GenerateAPIKeyResponse](t, a).Key
		if !regexp.MustCompile(`^ush[0-9A-Za-z]{7}-[0-9A-Za-z]{22}$`).MatchString(key) {
			t.Error("the key is not of the form that scanners look for")
		}
		got := list(t, ann.client, "me", "")
		if len(got) != 1 {
			t.Fatalf("%d tokens, want 1", len(got))
		}
		k := got[0]
		want := sdk.APIKeyWithOwner{Username: "ann", APIKey: sdk.APIKey{
			ID: idOf(key), UserID: ann.ID, LoginType: "token", Scope: "all", Scopes: []sdk.APIKeyScope{"coder:all"},
			LifetimeSeconds: 604800, AllowList: []sdk.AllowListEntry{{Type: "*", ID: "*"}}, LastUsed: time.Unix(0, 0).UTC(),
			TokenName: k.TokenName, CreatedAt: k.CreatedAt, UpdatedAt: k.CreatedAt, ExpiresAt: k.CreatedAt.Add(7 * day),
		}}
		if diff := cmp.Diff(want, k); diff != "" {
			t.Error(diff)
		}
		if since := time.Since(k.CreatedAt); since < 0 || since > time.Minute {
			t.Errorf("made %s ago", since)
		}
		if !regexp.MustCompile(`^[a-z]+_[a-z]+\d\d$`).MatchString(k.TokenName) || len(k.TokenName) > 32 {
			t.Errorf("the made-up name is %q", k.TokenName)
		}
		guest(s).as(key).get(t, path("me")).user(t, http.StatusOK)
	})
}

// TestMadeUpNames: nobody who names nothing meets a conflict.
func TestMadeUpNames(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	names := map[string]bool{}
	for range 40 {
		mint(t, owner(s), "me", body{})
	}
	for _, k := range list(t, owner(s), "me", "") {
		names[k.TokenName] = true
	}
	if len(names) != 40 {
		t.Errorf("40 tokens have %d names", len(names))
	}
}

func TestTokenScopes(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	all := account.PublicScopes()
	for _, c := range []struct {
		body   body
		scope  sdk.APIKeyScope
		scopes []string
	}{
		{body{"scope": "all"}, "all", []string{"coder:all"}},
		{body{"scope": "coder:all"}, "all", []string{"coder:all"}},
		{body{"scope": "application_connect"}, "application_connect", []string{"coder:application_connect"}},
		{body{"scope": "workspace:read"}, "", []string{"workspace:read"}},
		{body{"scope": ""}, "all", []string{"coder:all"}},
		{body{"scopes": []string{"all"}}, "all", []string{"coder:all"}},
		{body{"scopes": []string{"application_connect"}}, "application_connect", []string{"coder:application_connect"}},
		{body{"scopes": nil}, "all", []string{"coder:all"}},
		{body{"scopes": []string{}, "scope": "user:read"}, "", []string{"user:read"}},
		{body{"scopes": []string{"user:read"}, "scope": "all"}, "", []string{"user:read"}},
		{body{"scopes": []string{"user:read"}, "scope": "nonsense"}, "", []string{"user:read"}},
		{body{"scopes": []string{"workspace:*", "user:read", "user:*"}}, "", []string{"workspace:*", "user:read", "user:*"}},
		{body{"scopes": []string{"user:read", "user:read"}}, "", []string{"user:read"}},
		{body{"scopes": []string{"coder:all", "coder:application_connect"}}, "application_connect", []string{"coder:all", "coder:application_connect"}},
		{body{"scopes": all}, "application_connect", all},
	} {
		k := lookUp(t, owner(s), mint(t, owner(s), "me", c.body))
		got := make([]string, len(k.Scopes))
		for i, scope := range k.Scopes {
			got[i] = string(scope)
		}
		if k.Scope != c.scope || !slices.Equal(got, c.scopes) {
			t.Errorf("%v: scope %q, scopes %q", c.body, k.Scope, got)
		}
	}
	before := len(list(t, owner(s), "me", ""))
	for _, name := range []string{
		"debug_info:read", "unknown:read", "user:create", "user:delete", "user.*", "assign_role:assign", "audit_log:read", "organization:create",
		"organization_member:read", "no_user_data", "coder:ALL", "ALL", "*", "*:*", "user", "user:", ":read", " user:read", "user:read ", "user:READ",
		"", "user:read\x00", "coder:nothing",
	} {
		for _, b := range []body{{"scopes": []string{"user:read", name}}, {"scope": name}} {
			if b["scope"] == "" {
				continue // absent
			}
			refused := owner(s).post(t, tokens("me"), b).refused(t, http.StatusBadRequest, "", "scopes")
			if !strings.Contains(refused.Detail, fmt.Sprintf("%q", name)) {
				t.Errorf("%q: the detail %q does not quote it", name, refused.Detail)
			}
		}
	}
	if after := len(list(t, owner(s), "me", "")); after != before {
		t.Errorf("%d tokens came of it", after-before)
	}
}

// TestListScopes: everybody may know what can be asked for.
func TestListScopes(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	got := decode[sdk.ExternalAPIKeyScopes](t, guest(s).get(t, "/api/v2/auth/scopes").want(t, http.StatusOK)).External
	names := make([]string, len(got))
	for i, scope := range got {
		names[i] = string(scope)
	}
	if !slices.IsSorted(names) || len(names) != 55 || !slices.Equal(names, account.PublicScopes()) {
		t.Errorf("%d names: %q", len(names), names)
	}
	for _, name := range names {
		mint(t, owner(s), "me", body{"scopes": []string{name}})
	}
}

func TestTokenAllowLists(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	a, b := uuid.MustParse("0a000000-0000-4000-8000-00000000000a"), uuid.MustParse("0b000000-0000-4000-8000-00000000000b")
	entryOf := func(i int) string { return fmt.Sprintf("user:0c000000-0000-4000-8000-%012x", i) }
	many := func(n int) []string {
		texts := make([]string, n)
		for i := range texts {
			texts[i] = entryOf(i)
		}
		return texts
	}
	for name, c := range map[string]struct {
		in   any
		want []string
	}{
		"absent":           {nil, []string{"*:*"}},
		"empty":            {[]string{}, []string{"*:*"}},
		"everything":       {[]string{"*:*", "user:" + a.String()}, []string{"*:*"}},
		"all of a type":    {[]string{"user:" + a.String(), "user:*"}, []string{"user:*"}},
		"sorted":           {[]string{"workspace:*", "user:" + b.String(), "user:" + a.String()}, []string{"user:" + a.String(), "user:" + b.String(), "workspace:*"}},
		"one for any type": {[]string{"*:" + a.String()}, []string{"*:" + a.String()}},
		"twice":            {[]string{"user:" + a.String(), "user:" + a.String()}, []string{"user:" + a.String()}},
		"upper case":       {[]string{"USER:" + strings.ToUpper(a.String())}, []string{"user:" + a.String()}},
		"spaces":           {[]string{"  user : " + a.String() + " "}, []string{"user:" + a.String()}},
		"other UUIDs":      {[]string{"user:urn:uuid:" + a.String(), "user:{" + b.String() + "}"}, []string{"user:" + a.String(), "user:" + b.String()}},
		"objects":          {[]body{{"type": "user", "id": a}, {"type": "template", "id": "*"}}, []string{"template:*", "user:" + a.String()}},
		"both forms":       {[]any{body{"type": "user", "id": a}, "user:" + b.String()}, []string{"user:" + a.String(), "user:" + b.String()}},
		"128 entries":      {many(128), many(128)},
	} {
		k := lookUp(t, owner(s), mint(t, owner(s), "me", body{"allow_list": c.in}))
		got := make([]string, len(k.AllowList))
		for i, entry := range k.AllowList {
			got[i] = entry.String()
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	before := len(list(t, owner(s), "me", ""))
	for name, c := range map[string]struct {
		in   any
		says string
	}{
		"129 entries":     {many(129), "128"},
		"no colon":        {[]string{"user"}, "type:id"},
		"empty text":      {[]string{""}, "unknown resource type"},
		"unknown type":    {[]string{"planet:*"}, "unknown resource type"},
		"no type":         {[]string{":*"}, "unknown resource type"},
		"no id":           {[]string{"user:"}, "type:id"},
		"a name":          {[]string{"user:owner"}, "neither"},
		"two colons":      {[]string{"user:*:*"}, "neither"},
		"the nil UUID":    {[]string{"user:" + uuid.Nil.String()}, "neither"},
		"an empty object": {[]body{{}}, "unknown resource type"},
		"half an object":  {[]body{{"type": "user"}}, "type:id"},
	} {
		refused := owner(s).post(t, tokens("me"), body{"allow_list": c.in}).refused(t, http.StatusBadRequest, "", "allow_list")
		if !strings.Contains(refused.Validations[0].Detail, c.says) {
			t.Errorf("%s: %q does not say %q", name, refused.Validations[0].Detail, c.says)
		}
	}
	for _, in := range []string{`{"allow_list":"user:*"}`, `{"allow_list":[1]}`, `{"allow_list":[["user","*"]]}`, `{"allow_list":[{"type":1}]}`, `{"allow_list":{}}`} {
		owner(s).post(t, tokens("me"), in).refused(t, http.StatusBadRequest, badJSON)
	}
	if after := len(list(t, owner(s), "me", "")); after != before {
		t.Errorf("%d tokens came of it", after-before)
	}
}

// TestTokenFaultsAtOnce: every fault of a request is named, and nothing is
// stored.
func TestTokenFaultsAtOnce(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		owner(s).post(t, tokens("me"), body{
			"scopes": []string{"user:read", "nonsense", "more nonsense"}, "allow_list": []string{"planet:*", "user:x", "user:*"},
			"lifetime": -1, "token_name": "a\nb",
		}).refused(t, http.StatusBadRequest, "", "scopes", "scopes", "allow_list", "allow_list", "lifetime", "token_name")
		for _, text := range []string{"", "[]", "{", `{"lifetime":"1h"}`, `{"lifetime":1.5}`, `{"lifetime":9223372036854775808}`, `{"scopes":"all"}`, `{"token_name":1}`} {
			owner(s).post(t, tokens("me"), text).refused(t, http.StatusBadRequest, badJSON)
		}
		if n := len(list(t, owner(s), "me", "?include_all=true&include_expired=true")); n != 0 {
			t.Errorf("%d tokens came of it", n)
		}
	})
}

func TestTokenNames(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann")
		for _, name := range []string{
			"ci", "CI", "a b", "a/b", "%2F", "a?b#c", "..a", "ключ", strings.Repeat("x", 64), strings.Repeat("ä", 32), "tokenconfigs", "<&>\"'\\", " ",
		} {
			key := mint(t, ann.client, "me", body{"token_name": name})
			a := ann.get(t, tokens("ann", url.PathEscape(name))).want(t, http.StatusOK)
			if k := decode[sdk.APIKey](t, a); k.ID != idOf(key) || k.TokenName != name {
				t.Errorf("%q is found as %s %q", name, k.ID, k.TokenName)
			}
		}
		before := len(list(t, ann.client, "me", ""))
		for _, name := range []string{strings.Repeat("x", 65), strings.Repeat("ä", 33), "a\nb", "\x00", "tab\t", "\u007f", "\u0085"} {
			ann.post(t, tokens("me"), body{"token_name": name}).refused(t, http.StatusBadRequest, "", "token_name")
			ann.get(t, tokens("me", url.PathEscape(name))).refused(t, http.StatusNotFound, notFound)
		}
		// A name is its user's, and taken until the token is gone, expired or not.
		taken := func() {
			t.Helper()
			ann.post(t, tokens("me"), body{"token_name": "ci"}).refused(t, http.StatusConflict, `A token with name "ci" already exists.`, "name")
		}
		taken()
		mint(t, owner(s), "me", body{"token_name": "ci"})
		id := decode[sdk.APIKey](t, ann.get(t, tokens("me", "ci"))).ID
		ann.put(t, path("me", "keys", id, "expire"), nil).want(t, http.StatusNoContent)
		taken()
		if after := len(list(t, ann.client, "me", "?include_expired=true")); after != before {
			t.Errorf("%d tokens came of what was refused", after-before)
		}
		ann.delete(t, path("me", "keys", id)).want(t, http.StatusNoContent)
		mint(t, ann.client, "me", body{"token_name": "ci"})
	})
}

func TestTokenLifetimes(t *testing.T) {
	t.Parallel()

	const century = 876600 * hour
	for name, c := range map[string]struct {
		option              func(*server.Config)
		usual, member, boss time.Duration
	}{
		"as it comes":      {func(*server.Config) {}, 7 * day, century, 7 * day},
		"shorter":          {func(c *server.Config) { c.DefaultTokenLifetime, c.MaxTokenLifetime = 12*hour, day }, 12 * hour, day, 7 * day},
		"owners longer":    {func(c *server.Config) { c.MaxTokenLifetime, c.MaxAdminTokenLifetime = 7*day, 14*day }, 7 * day, 7 * day, 14 * day},
		"owners shorter":   {func(c *server.Config) { c.MaxTokenLifetime, c.MaxAdminTokenLifetime = 7*day, hour }, 7 * day, 7 * day, hour},
		"default above it": {func(c *server.Config) { c.MaxTokenLifetime, c.MaxAdminTokenLifetime = hour, hour }, 7 * day, hour, hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servertest.New(t, c.option)
			ann := join(t, s, "ann")
			for _, of := range []struct {
				who     client
				ref     string
				longest time.Duration
			}{{ann.client, "me", c.member}, {owner(s), "ann", c.member}, {owner(s), "me", c.boss}} {
				config := decode[sdk.TokenConfig](t, of.who.get(t, tokens(of.ref, "tokenconfig")).want(t, http.StatusOK))
				if config.MaxTokenLifetime != ns(of.longest) {
					t.Errorf("%s: the longest life is %d", of.ref, config.MaxTokenLifetime)
				}
				for _, life := range []time.Duration{0, time.Second, 90 * time.Minute / 2, of.longest} {
					want := life
					if life == 0 {
						want = c.usual
					}
					k := lookUp(t, owner(s), mint(t, of.who, of.ref, body{"lifetime": ns(life)}))
					if k.LifetimeSeconds != int64(want/time.Second) || k.ExpiresAt.Sub(k.CreatedAt) != want {
						t.Errorf("%s: %s became %d s, until %s", of.ref, life, k.LifetimeSeconds, k.ExpiresAt)
					}
				}
				for _, life := range []time.Duration{of.longest + 1, 1<<63 - 1, -1, -1 << 63, time.Second - 1} {
					refused := of.who.post(t, tokens(of.ref), body{"lifetime": ns(life)}).refused(t, http.StatusBadRequest, "", "lifetime")
					if life > of.longest && !strings.Contains(refused.Detail, "lifetime must be less") {
						t.Errorf("%s: %s is refused with %q", of.ref, life, refused.Detail)
					}
				}
			}
		})
	}
}

// TestLifetimesAreExactToTheMicrosecond: which is what times are, everywhere.
func TestLifetimesAreExactToTheMicrosecond(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	a := owner(s).post(t, tokens("me"), body{"lifetime": ns(90*time.Second + 1234567)}).want(t, http.StatusCreated)
	k := lookUp(t, owner(s), decode[sdk.GenerateAPIKeyResponse](t, a).Key)
	if k.LifetimeSeconds != 90 || k.ExpiresAt.Sub(k.CreatedAt) != 90*time.Second+1234*time.Microsecond {
		t.Errorf("%d s, from %s until %s", k.LifetimeSeconds, k.CreatedAt, k.ExpiresAt)
	}
	if at, ok := entryOf(t, s, a).Diff["expires_at"].New.(string); !ok || at != k.ExpiresAt.Format(time.RFC3339Nano) {
		t.Errorf("the audit log says %v, the key %s", at, k.ExpiresAt)
	}
}

// TestLifetimeFollowsTheRole: the limit is that of the target's roles now.
func TestLifetimeFollowsTheRole(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	ann := join(t, s, "ann")
	longest := func() int64 {
		return decode[sdk.TokenConfig](t, owner(s).get(t, tokens("ann", "tokenconfig")).want(t, http.StatusOK)).MaxTokenLifetime
	}
	if longest() != 3155760000000000000 {
		t.Errorf("a member's is %d", longest())
	}
	mint(t, ann.client, "me", body{"lifetime": ns(30 * day)})
	owner(s).put(t, path("ann", "roles"), body{"roles": []string{"owner"}}).want(t, http.StatusOK)
	if longest() != 604800000000000 {
		t.Errorf("an owner's is %d", longest())
	}
	ann.post(t, tokens("me"), body{"lifetime": ns(30 * day)}).refused(t, http.StatusBadRequest, "", "lifetime")
}

// TestWhoMakesTokens: one's own everybody, anybody's an owner. A target that
// cannot be read does not exist.
func TestWhoMakesTokens(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := create(t, s, newUser("ann"))
		for _, role := range []string{"member", "auditor", "template-admin", "user-admin"} {
			p := join(t, s, "a-"+role, rolesOf(role)...)
			for _, ref := range []any{"me", p.ID, p.Username} {
				mint(t, p.client, ref, body{})
				p.get(t, tokens(ref, "tokenconfig")).want(t, http.StatusOK)
			}
			if role == "member" {
				for _, a := range []answer{p.post(t, tokens("ann"), body{}), p.get(t, tokens("ann", "tokenconfig")), p.get(t, tokens("ann"))} {
					a.refused(t, http.StatusNotFound, notFound)
				}
				continue
			}
			p.post(t, tokens("ann"), body{}).lacks(t, "api_key:create", "role")
			p.get(t, tokens("ann", "tokenconfig")).want(t, http.StatusOK)
			if got := list(t, p.client, "ann", ""); len(got) != 0 {
				t.Errorf("%s sees %d tokens of ann", role, len(got))
			}
		}
		if k := lookUp(t, owner(s), mint(t, owner(s), ann.ID, body{})); k.UserID != ann.ID {
			t.Errorf("the token is %s's", k.UserID)
		}
		owner(s).delete(t, path("ann")).want(t, http.StatusOK)
		for _, ref := range []any{"ann", ann.ID, uuid.New(), "nobody", "not a name"} {
			owner(s).post(t, path(url.PathEscape(fmt.Sprint(ref)), "keys", "tokens"), body{}).refused(t, http.StatusNotFound, notFound)
		}
		guest(s).post(t, tokens("me"), body{}).refused(t, http.StatusUnauthorized, signedOut)
	})
}
