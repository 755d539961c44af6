package api_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// TestWhereCredentialsAreRead: header, bearer, cookie, query, query; the first
// that is not empty counts, whether it holds or not.
func TestWhereCredentialsAreRead(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	names := []string{"by-header", "by-bearer", "by-cookie", "by-query", "by-access"}
	keys := map[string]string{}
	for _, name := range names {
		keys[name] = join(t, s, name).header.Get(sdk.SessionTokenHeader)
	}
	const bad = "nonsense"
	// present puts a key into each place that has one.
	present := func(keys map[string]string) (client, string) {
		c, query := guest(s), url.Values{}
		if key, ok := keys["by-header"]; ok {
			c = c.as(key)
		}
		if key, ok := keys["by-bearer"]; ok {
			c = c.with("Authorization", key)
		}
		if key, ok := keys["by-cookie"]; ok {
			c = c.cookie(key)
		}
		if key, ok := keys["by-query"]; ok {
			query.Set(sdk.SessionTokenCookie, key)
		}
		if key, ok := keys["by-access"]; ok {
			query.Set("access_token", key)
		}
		return c, path("me") + "?" + query.Encode()
	}
	keys["by-bearer"] = "Bearer " + keys["by-bearer"]

	rest := map[string]string{}
	for i := len(names) - 1; i >= 0; i-- { // from the last place to all of them
		rest[names[i]] = keys[names[i]]
		c, at := present(rest)
		if got := c.get(t, at).user(t, http.StatusOK).Username; got != names[i] {
			t.Errorf("with a key in %d places it was %s, want %s", len(rest), got, names[i])
		}
		// A bad one in front is not passed over; an empty one is.
		spoilt, value := clone(rest), bad
		if names[i] == "by-bearer" {
			value = "Bearer " + bad
		}
		spoilt[names[i]] = value
		c, at = present(spoilt)
		c.get(t, at).refused(t, http.StatusUnauthorized, signedOut)
		if i < len(names)-1 {
			spoilt[names[i]] = ""
			c, at = present(spoilt)
			if got := c.get(t, at).user(t, http.StatusOK).Username; got != names[i+1] {
				t.Errorf("with an empty %s it was %s, want %s", names[i], got, names[i+1])
			}
		}
	}
	key := s.Owner.SessionToken()
	for _, header := range []string{"bearer " + key, "BEARER " + key, "Bearer   " + key + " "} {
		guest(s).with("Authorization", header).get(t, path("me")).user(t, http.StatusOK)
	}
	guest(s).with("Authorization", "Basic "+key).get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
	guest(s).with("Authorization", "Basic x").cookie(key).get(t, path("me")).user(t, http.StatusOK)
	guest(s).get(t, path("me")+"?access_token=+"+key+"+").user(t, http.StatusOK)
	guest(s).with("Cookie", "__Host-coder_session_token="+key).get(t, path("me")).want(t, http.StatusUnauthorized)
	guest(s).with("Cookie", "coder_path_app_session_token="+key).get(t, path("me")).want(t, http.StatusUnauthorized)
}

func clone(m map[string]string) map[string]string {
	copied := map[string]string{}
	for k, v := range m {
		copied[k] = v
	}
	return copied
}

// TestCredentialsRefused walks the reasons why a key does not hold.
func TestCredentialsRefused(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		key := s.Owner.SessionToken()
		minted, err := secret.MintKey()
		if err != nil {
			t.Fatal(err)
		}
		expired := insertKey(t, s, account.APIKey{Scopes: []string{account.ScopeAll}, AllowList: account.AllowEverything(), ExpiresAt: time.Now().Add(-time.Minute)})
		for name, test := range map[string]struct{ key, detail string }{
			"none":            {"", "coder_session_token"},
			"no hyphen":       {"nonsense", ""},
			"two hyphens":     {"ab-cd-ef", ""},
			"short id":        {key[1:], ""},
			"short secret":    {key[:len(key)-1], ""},
			"mistyped":        {mistyped(key), ""},
			"unknown":         {minted.Reveal(), ""},
			"an older form":   {"abcdefghij-abcdefghijklmnopqrstuv", ""},
			"expired":         {expired, "API key expired"},
			"not base62":      {strings.Repeat("é", 5) + "-" + strings.Repeat("x", 22), ""},
			"very long":       {strings.Repeat("x", 5000), ""},
			"quotes and more": {`"'; --`, ""},
		} {
			a := guest(s).as(test.key).get(t, path("me"))
			body := a.refused(t, http.StatusUnauthorized, signedOut)
			if body.Detail == "" || !strings.HasPrefix(body.Detail, test.detail) && test.detail != "coder_session_token" || !strings.Contains(body.Detail, test.detail) {
				t.Errorf("%s: detail %q", name, body.Detail)
			}
			if test.key != "" && strings.Contains(string(a.body), test.key) {
				t.Errorf("%s: the answer repeats the key", name)
			}
			challenge := a.header.Get("WWW-Authenticate")
			for _, part := range []string{`Bearer realm="coder"`, `error="invalid_token"`, "expired", `resource_metadata="` + s.URL + `/.well-known/oauth-protected-resource"`} {
				if !strings.Contains(challenge, part) {
					t.Errorf("%s: WWW-Authenticate %q has no %s", name, challenge, part)
				}
			}
			if len(a.header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s: a refusal changes the cookie", name)
			}
			// Where no credential is needed, a bad one is of no consequence.
			guest(s).as(test.key).get(t, "/api/v2/users/first").want(t, http.StatusOK)
		}
	})
}

// mistyped is a key with another letter at the beginning of its secret.
func mistyped(key string) string {
	id, rest, _ := strings.Cut(key, "-")
	letter := "a"
	if rest[:1] == letter {
		letter = "b"
	}
	return id + "-" + letter + rest[1:]
}

// insertKey stores a key of the owner's behind the server's back, for kinds of
// keys that no endpoint makes, and returns it.
func insertKey(t *testing.T, s *servertest.Server, key account.APIKey) string {
	t.Helper()
	minted, err := secret.MintKey()
	if err != nil {
		t.Fatal(err)
	}
	key.ID, key.LoginType, key.Lifetime = minted.ID, account.LoginToken, time.Hour
	if key.UserID == (account.APIKey{}).UserID {
		key.UserID = s.OwnerID
	}
	key.CreatedAt, key.UpdatedAt, key.LastUsed = time.Now(), time.Now(), account.NeverUsed()
	if key.ExpiresAt.IsZero() {
		key.ExpiresAt = time.Now().Add(time.Hour)
	}
	err = storetest.Open(t, s.Store).Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertKey(ctx, key, minted.Hash(), "")
	})
	if err != nil {
		t.Fatal(err)
	}
	return minted.Reveal()
}

// TestSuspendedAreRefused: their keys are kept, and work again afterwards.
func TestSuspendedAreRefused(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		sue := join(t, s, "sue")
		owner(s).put(t, path(sue.ID, "status/suspend"), nil).want(t, http.StatusOK)
		a := sue.get(t, path("me"))
		if body := a.refused(t, http.StatusUnauthorized, "Contact an admin"); !strings.Contains(body.Message, "suspended") {
			t.Errorf("message %q", body.Message)
		}
		if !strings.Contains(a.header.Get("WWW-Authenticate"), "is invalid") {
			t.Errorf("WWW-Authenticate %q", a.header.Get("WWW-Authenticate"))
		}
		owner(s).put(t, path(sue.ID, "status/activate"), nil).want(t, http.StatusOK)
		sue.get(t, path("me")).user(t, http.StatusOK)
		owner(s).delete(t, path(sue.ID)).want(t, http.StatusOK)
		sue.get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
	})
}

// TestNarrowKeys: what a key may not do its user may not do with it, and a
// refusal says so.
func TestNarrowKeys(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ted := create(t, s, newUser("ted"))
		scoped := func(allow account.AllowList, scopes ...string) client {
			return guest(s).as(insertKey(t, s, account.APIKey{Scopes: scopes, AllowList: allow}))
		}
		everything := account.AllowEverything()

		reader := scoped(everything, "user:read")
		reader.get(t, path("me")).user(t, http.StatusOK)
		reader.get(t, path(ted.ID)).user(t, http.StatusOK)
		reader.put(t, path(ted.ID, "status/suspend"), nil).lacks(t, "user:update", "scope")
		reader.delete(t, path(ted.ID)).lacks(t, "user:delete", "scope")
		reader.put(t, path(ted.ID, "password"), body{"password": "x"}).refused(t, http.StatusNotFound, notFound)
		reader.get(t, path(ted.ID, "roles")).refused(t, http.StatusNotFound, notFound)
		reader.post(t, path("me", "keys"), nil).lacks(t, "api_key:create", "scope")
		reader.get(t, auditPath).lacks(t, "audit_log:read", "scope")
		reader.get(t, "/api/v2/users/roles").lacks(t, "assign_role:read", "scope")
		reader.get(t, "/api/v2/organizations/default").refused(t, http.StatusNotFound, notFound)
		a := reader.post(t, "/api/v2/users/logout", nil)
		a.lacks(t, "api_key:delete", "scope")
		if !strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0") {
			t.Error("a logout that is refused keeps the cookie")
		}
		reader.get(t, path("me")).user(t, http.StatusOK)

		// "me" is found without user:read; only its own GET needs it.
		apps := scoped(everything, account.ScopeApplicationConnect)
		apps.get(t, path("me")).refused(t, http.StatusNotFound, notFound)
		apps.get(t, path(ted.ID)).refused(t, http.StatusNotFound, notFound)
		apps.get(t, path("me", "login-type")).want(t, http.StatusOK)
		if list := users(t, apps, ""); list.Count != 0 || len(list.Users) != 0 {
			t.Errorf("it lists %d users", list.Count)
		}
		minter := scoped(everything, "api_key:create")
		minter.post(t, path("me", "keys"), nil).refused(t, http.StatusForbidden, forbidden)

		// With an allow list the rest does not exist.
		list := account.AllowList{entry(t, "user:"+ted.ID.String())}
		narrow := scoped(list, account.ScopeAll)
		narrow.get(t, path("ted")).user(t, http.StatusOK)
		narrow.put(t, path("ted", "status/suspend"), nil).user(t, http.StatusOK)
		narrow.get(t, path("owner")).refused(t, http.StatusNotFound, notFound)
		narrow.get(t, path("me")).refused(t, http.StatusNotFound, notFound)
		narrow.post(t, "/api/v2/users", newUser("new-one")).refused(t, http.StatusNotFound, notFound)
		narrow.get(t, "/api/v2/users/roles").lacks(t, "assign_role:read", "allow list")
		if list := users(t, narrow, ""); list.Count != 1 || len(list.Users) != 1 || list.Users[0].ID != ted.ID {
			t.Errorf("it lists %d users", list.Count)
		}
	})
}

func entry(t *testing.T, text string) account.AllowListEntry {
	t.Helper()
	e, err := account.ParseAllowListEntry(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestLogoutEndsApplicationKeys: those of the same user that were made to open
// applications, and no others.
func TestLogoutEndsApplicationKeys(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann, bob := join(t, s, "ann"), join(t, s, "bob")
		key := func(user person, scopes ...string) client {
			return guest(s).as(insertKey(t, s, account.APIKey{UserID: user.ID, Scopes: scopes, AllowList: account.AllowEverything()}))
		}
		app, both := key(ann, account.ScopeApplicationConnect), key(ann, "user:read", account.ScopeApplicationConnect)
		other, foreign := key(ann, "user:read"), key(bob, account.ScopeApplicationConnect)
		ann.post(t, "/api/v2/users/logout", nil).want(t, http.StatusOK)
		for name, test := range map[string]struct {
			c      client
			status int
		}{
			"its application key":        {app, 401},
			"a key that is one as well":  {both, 401},
			"its other key":              {other, 200},
			"another's application key":  {foreign, 200},
			"the session of another one": {bob.client, 200},
		} {
			if a := test.c.get(t, path("me", "login-type")); a.status != test.status {
				t.Errorf("%s: got %s, want %d", name, a, test.status)
			}
		}
	})
}

// TestLastSeen: never for who made no request, and within a second for the
// caller.
func TestLastSeen(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		idle := create(t, s, newUser("idle"))
		begin := time.Now().Add(-time.Millisecond)
		cal := join(t, s, "cal")
		if seen := owner(s).get(t, path(cal.ID)).user(t, http.StatusOK).LastSeenAt; !seen.IsZero() {
			t.Errorf("a login alone counts: seen at %s", seen)
		}
		cal.get(t, path("me")).want(t, http.StatusOK)
		deadline := time.Now().Add(time.Second)
		for {
			seen := owner(s).get(t, path(cal.ID)).user(t, http.StatusOK).LastSeenAt
			if seen.After(begin) && !seen.After(time.Now()) {
				break
			}
			if time.Now().After(deadline.Add(2 * time.Second)) { // generous where tests compete for the machine
				t.Fatalf("seen at %s, want after %s", seen, begin)
			}
		}
		for _, user := range users(t, owner(s), "").Users {
			if zero := user.LastSeenAt.IsZero(); zero != (user.ID == idle.ID) {
				t.Errorf("%s was seen at %s", user.Username, user.LastSeenAt)
			}
		}
		list := users(t, owner(s), `last_seen_before:"0001-01-01T00:00:00Z"`).Users
		if len(list) != 1 || list[0].ID != idle.ID {
			t.Errorf("never seen are %d users, want idle alone", len(list))
		}
	})
}
