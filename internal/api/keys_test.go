package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// TestGetKey: by the id that everybody may know, whoever is in the path; by its
// name only below its user.
func TestGetKey(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann, bob := join(t, s, "ann"), join(t, s, "bob")
		token := mint(t, ann.client, "me", body{"token_name": "ci"})
		session := decode[sdk.GenerateAPIKeyResponse](t, ann.post(t, path("me", "keys"), nil).want(t, http.StatusCreated)).Key
		for _, ref := range []any{"me", "ann", ann.ID} {
			k := decode[sdk.APIKey](t, ann.get(t, path(ref, "keys", idOf(token))).want(t, http.StatusOK))
			if k.TokenName != "ci" || k.LoginType != "token" || k.UserID != ann.ID {
				t.Errorf("by %v: %+v", ref, k)
			}
			k = decode[sdk.APIKey](t, ann.get(t, path(ref, "keys", idOf(session))).want(t, http.StatusOK))
			if k.TokenName != "" || k.LoginType != "password" || k.LifetimeSeconds != 604800 {
				t.Errorf("by %v: %+v", ref, k)
			}
			ann.get(t, tokens(ref, "ci")).want(t, http.StatusOK)
		}
		browser := decode[sdk.APIKey](t, ann.get(t, path("me", "keys", idOf(ann.header.Get(sdk.SessionTokenHeader)))).want(t, http.StatusOK))
		if browser.LifetimeSeconds != 86400 || browser.Scope != "all" {
			t.Errorf("the session of a login: %+v", browser)
		}

		for _, ref := range []any{"me", "bob", "ann", s.OwnerID} {
			owner(s).get(t, path(ref, "keys", idOf(token))).want(t, http.StatusOK)
		}
		owner(s).get(t, tokens("ann", "ci")).want(t, http.StatusOK)
		owner(s).get(t, tokens("me", "ci")).refused(t, http.StatusNotFound, notFound)
		bob.get(t, path("me", "keys", idOf(token))).refused(t, http.StatusNotFound, notFound)
		bob.get(t, path("ann", "keys", idOf(token))).refused(t, http.StatusNotFound, notFound)
		bob.get(t, tokens("ann", "ci")).refused(t, http.StatusNotFound, notFound)
		bob.get(t, tokens("me", "ci")).refused(t, http.StatusNotFound, notFound)
		for _, role := range []string{"auditor", "template-admin", "user-admin"} {
			p := join(t, s, "a-"+role, role)
			p.get(t, path("ann", "keys", idOf(token))).refused(t, http.StatusNotFound, notFound)
			p.get(t, tokens("ann", "ci")).refused(t, http.StatusNotFound, notFound)
		}

		for _, id := range []string{"ush0000000", idOf(token)[:9], idOf(token) + "0", strings.ToUpper(idOf(token)), "ush-000000", "%00000000000", uuid.NewString(), "x"} {
			for _, below := range []string{id, id + "/expire", id + "/rotate"} {
				method := map[bool]string{true: http.MethodPut, false: http.MethodGet}[strings.HasSuffix(below, "expire")]
				if strings.HasSuffix(below, "rotate") {
					method = http.MethodPost
				}
				owner(s).do(t, method, path("me", "keys", below), nil).refused(t, http.StatusNotFound, notFound)
			}
			owner(s).delete(t, path("me", "keys", id)).refused(t, http.StatusNotFound, notFound)
		}
		// A whole key is no id: nobody should put one into a path.
		owner(s).get(t, path("me", "keys", token)).refused(t, http.StatusNotFound, notFound)
		for _, name := range []string{"CI", "ci%20", "c_", "%25", "nothing"} {
			ann.get(t, tokens("me", name)).refused(t, http.StatusNotFound, notFound)
		}
	})
}

func TestDeleteKey(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann, bob := join(t, s, "ann"), join(t, s, "bob")
		token := mint(t, ann.client, "me", body{"token_name": "ci"})
		at := path("me", "keys", idOf(token))
		bob.delete(t, at).refused(t, http.StatusNotFound, notFound)
		bob.delete(t, path("ann", "keys", idOf(token))).refused(t, http.StatusNotFound, notFound)
		join(t, s, "una", "user-admin").delete(t, path("ann", "keys", idOf(token))).refused(t, http.StatusNotFound, notFound)
		guest(s).as(token).get(t, path("me")).user(t, http.StatusOK)

		e := entryOf(t, s, ann.delete(t, at).want(t, http.StatusNoContent))
		if e.Action != "delete" || e.ResourceType != "api_key" || e.ResourceID != ann.ID || e.ResourceTarget != "ci" ||
			e.StatusCode != http.StatusNoContent || e.Diff["token_name"].Old != "ci" || e.Diff["expires_at"].Old == nil {
			t.Errorf("%+v", e)
		}
		guest(s).as(token).get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			ann.do(t, method, at, nil).refused(t, http.StatusNotFound, notFound)
		}
		ann.put(t, at+"/expire", nil).refused(t, http.StatusNotFound, notFound)

		// An expired key, a session, the key in use, and anybody's for an owner.
		expired := mint(t, ann.client, "me", body{})
		ann.put(t, path("me", "keys", idOf(expired), "expire"), nil).want(t, http.StatusNoContent)
		ann.delete(t, path("me", "keys", idOf(expired))).want(t, http.StatusNoContent)
		for _, c := range []client{login(t, s, ann.Email, servertest.Password), guest(s).as(mint(t, ann.client, "me", body{}))} {
			c.delete(t, path("me", "keys", idOf(c.header.Get(sdk.SessionTokenHeader)))).want(t, http.StatusNoContent)
			c.get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
		}
		other := mint(t, bob.client, "me", body{})
		owner(s).delete(t, path("me", "keys", idOf(other))).want(t, http.StatusNoContent)
		guest(s).as(other).get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
	})
}

// TestExpireKey: the key ends now and stays in sight; doing it again changes
// nothing.
func TestExpireKey(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann, bob := join(t, s, "ann"), join(t, s, "bob")
		token := mint(t, ann.client, "me", body{"token_name": "ci"})
		at := path("me", "keys", idOf(token), "expire")
		bob.put(t, at, nil).refused(t, http.StatusNotFound, notFound)
		bob.put(t, path("ann", "keys", idOf(token), "expire"), nil).refused(t, http.StatusNotFound, notFound)
		join(t, s, "una", "user-admin").put(t, path("ann", "keys", idOf(token), "expire"), nil).refused(t, http.StatusNotFound, notFound)
		bossy := mint(t, owner(s), "me", body{})
		ann.put(t, path("owner", "keys", idOf(bossy), "expire"), nil).refused(t, http.StatusNotFound, notFound)

		begin := time.Now()
		e := entryOf(t, s, ann.put(t, at, nil).want(t, http.StatusNoContent))
		if e.Action != "write" || e.ResourceType != "api_key" || e.ResourceID != ann.ID || e.ResourceTarget != "ci" ||
			e.StatusCode != http.StatusNoContent || len(e.Diff) != 1 || e.Diff["expires_at"].New == nil {
			t.Errorf("%+v", e)
		}
		k := lookUp(t, ann.client, token)
		if k.ExpiresAt.Before(begin.Truncate(time.Microsecond)) || k.ExpiresAt.After(time.Now()) || k.TokenName != "ci" {
			t.Errorf("%+v", k)
		}
		a := guest(s).as(token).get(t, path("me"))
		if refused := a.refused(t, http.StatusUnauthorized, signedOut); !strings.HasPrefix(refused.Detail, "API key expired") {
			t.Errorf("the detail is %q", refused.Detail)
		}
		if challenge := a.header.Get("WWW-Authenticate"); !strings.Contains(challenge, "invalid_token") || !strings.Contains(challenge, "expired") {
			t.Errorf("the challenge is %q", challenge)
		}
		again := ann.put(t, at, nil).want(t, http.StatusNoContent)
		if n := len(audit(t, s, "request_id:"+again.header.Get(sdk.RequestIDHeader))); n != 0 {
			t.Errorf("expiring it again left %d entries", n)
		}
		if after := lookUp(t, ann.client, token); !after.ExpiresAt.Equal(k.ExpiresAt) {
			t.Errorf("it ended at %s, and now at %s", k.ExpiresAt, after.ExpiresAt)
		}

		for _, c := range []client{login(t, s, ann.Email, servertest.Password), guest(s).as(mint(t, ann.client, "me", body{}))} {
			c.put(t, path("me", "keys", idOf(c.header.Get(sdk.SessionTokenHeader)), "expire"), nil).want(t, http.StatusNoContent)
			c.get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
		}
		other := mint(t, bob.client, "me", body{})
		owner(s).put(t, path("me", "keys", idOf(other), "expire"), nil).want(t, http.StatusNoContent)
		guest(s).as(other).get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
	})
}

// TestKeyRights: reading a key that one may not change is no reason to be told
// more than that it cannot be done here.
func TestKeyRights(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	target := mint(t, owner(s), "me", body{})
	for _, c := range []struct {
		scopes, allow       []string
		get, expire, delete int
	}{
		{[]string{"api_key:read"}, nil, 200, 404, 404},
		{[]string{"api_key:update"}, nil, 404, 404, 404},
		{[]string{"api_key:read", "api_key:update"}, nil, 200, 204, 404},
		{[]string{"api_key:delete"}, nil, 404, 404, 204},
		{[]string{"coder:apikeys.manage_self"}, nil, 200, 204, 204},
		{[]string{"api_key:*"}, []string{"api_key:*"}, 200, 204, 204},
		{[]string{"coder:all"}, []string{"user:*"}, 404, 404, 404},
		{[]string{"user:read"}, nil, 404, 404, 404},
	} {
		key := guest(s).as(mint(t, owner(s), "me", body{"scopes": c.scopes, "allow_list": c.allow}))
		got := fmt.Sprint(key.get(t, path("me", "keys", idOf(target))).status,
			key.put(t, path("me", "keys", idOf(target), "expire"), nil).status,
			key.delete(t, path("me", "keys", idOf(target))).status)
		if want := fmt.Sprint(c.get, c.expire, c.delete); got != want {
			t.Errorf("%q on %q: %s, want %s", c.scopes, c.allow, got, want)
		}
		if c.delete == http.StatusNoContent || c.expire == http.StatusNoContent {
			target = mint(t, owner(s), "me", body{})
		}
	}
}

// TestKeyAudit: one entry for each change, with what it was about and never with
// the key.
func TestKeyAudit(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann")
		a := owner(s).post(t, tokens("ann"), body{"token_name": "ci", "scopes": []string{"user:read"}}).want(t, http.StatusCreated)
		e := entryOf(t, s, a)
		key := decode[sdk.GenerateAPIKeyResponse](t, a).Key
		if e.Action != "create" || e.ResourceType != "api_key" || e.ResourceID != ann.ID || e.ResourceTarget != "ci" ||
			e.StatusCode != http.StatusCreated || e.User == nil || e.User.ID != s.OwnerID || e.Description != "{user} created token {target}" {
			t.Errorf("%+v", e)
		}
		for _, field := range []string{"user_id", "token_name", "expires_at", "created_at", "last_used"} {
			if _, ok := e.Diff[field]; !ok {
				t.Errorf("the diff has no %s: %v", field, e.Diff)
			}
		}
		made := ann.post(t, path("me", "keys"), nil).want(t, http.StatusCreated)
		session := decode[sdk.GenerateAPIKeyResponse](t, made).Key
		if e := entryOf(t, s, made); e.ResourceTarget != "" || e.Action != "create" || e.ResourceID != ann.ID {
			t.Errorf("%+v", e)
		}
		rotated := owner(s).post(t, path("me", "keys", idOf(key), "rotate"), nil).want(t, http.StatusCreated)
		next := decode[sdk.RotateKeyResponse](t, rotated).Key
		owner(s).delete(t, path("me", "keys", idOf(next))).want(t, http.StatusNoContent)
		text := fmt.Sprint(audit(t, s, "resource_type:api_key")) + s.Log.String()
		for _, secret := range []string{key, session, next} {
			_, half, _ := strings.Cut(secret, "-")
			if strings.Contains(text, half) {
				t.Error("the secret of a key is in the audit log or the server's log")
			}
		}
		// Looking changes nothing.
		for _, at := range []string{tokens("me"), tokens("me", "tokenconfig"), "/api/v2/auth/scopes", path("me", "keys", idOf(session))} {
			a := ann.get(t, at).want(t, http.StatusOK)
			if n := len(audit(t, s, "request_id:"+a.header.Get(sdk.RequestIDHeader))); n != 0 {
				t.Errorf("%s left %d entries", at, n)
			}
		}
	})
}
