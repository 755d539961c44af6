package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// TestNoKeyMakesAWiderOne: scopes and allow list of a new key lie within those
// of the presented one. Nothing said means everything, also then.
func TestNoKeyMakesAWiderOne(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		one, other := "user:"+s.OwnerID.String(), "user:"+uuid.NewString()
		keys := []string{"api_key:create"}
		for _, c := range []struct {
			name   string
			maker  body
			wanted body
			lacks  string // "" where it is allowed
		}{
			{"the same scopes", body{"scopes": keys}, body{"scopes": keys}, ""},
			{"nothing said", body{"scopes": keys}, body{}, "scopes"},
			{"all", body{"scopes": keys}, body{"scope": "all"}, "scopes"},
			{"one action more", body{"scopes": keys}, body{"scopes": []string{"api_key:create", "api_key:read"}}, "api_key:read"},
			{"all actions", body{"scopes": keys}, body{"scopes": []string{"api_key:*"}}, "api_key:read"},
			{"another resource", body{"scopes": keys}, body{"scopes": []string{"user:read"}}, "user:read"},
			{"all of several", body{"scopes": []string{"api_key:*", "user:read"}}, body{"scopes": []string{"coder:apikeys.manage_self", "user:read"}}, ""},
			{"a bundle by its parts", body{"scopes": []string{"api_key:*"}}, body{"scopes": []string{"coder:apikeys.manage_self"}}, ""},
			{"a bundle by less", body{"scopes": keys}, body{"scopes": []string{"coder:apikeys.manage_self"}}, "api_key:read"},
			{"a resource by what is public of it", body{"scopes": []string{"api_key:create", "user:read", "user:read_personal", "user:update_personal"}}, body{"scopes": []string{"user:*"}}, "user:create"},
			{"less by everything", body{}, body{"scopes": keys, "allow_list": []string{one}}, ""},
			{"everything by everything", body{}, body{}, ""},
			{"everything by a list of everything", body{"allow_list": []string{"*:*", one}}, body{}, ""},
			{"nothing said with a list", body{"allow_list": []string{"api_key:*", one}}, body{}, "allow list"},
			{"the same list", body{"allow_list": []string{"api_key:*", one}}, body{"allow_list": []string{one, "api_key:*"}}, ""},
			{"a part of the list", body{"allow_list": []string{"api_key:*", one}}, body{"allow_list": []string{one}}, ""},
			{"another object", body{"allow_list": []string{"api_key:*", one}}, body{"allow_list": []string{other}}, "allow list"},
			{"all objects of a type", body{"allow_list": []string{"api_key:*", one}}, body{"allow_list": []string{"user:*"}}, "allow list"},
			{"one of a type", body{"allow_list": []string{"api_key:*", "user:*"}}, body{"allow_list": []string{one}}, ""},
			{"one of any type", body{"allow_list": []string{"api_key:*", "user:*"}}, body{"allow_list": []string{"*:" + s.OwnerID.String()}}, "allow list"},
			{"keys out of reach", body{"allow_list": []string{one}}, body{"allow_list": []string{one}}, "api_key:create"},
		} {
			maker := guest(s).as(mint(t, owner(s), "me", c.maker))
			before := len(list(t, owner(s), "me", ""))
			a := maker.post(t, tokens("me"), c.wanted)
			made := len(list(t, owner(s), "me", "")) - before
			if c.lacks == "" {
				a.want(t, http.StatusCreated)
				continue
			}
			detail := a.refused(t, http.StatusForbidden, forbidden).Detail
			if !strings.Contains(detail, c.lacks) || made != 0 {
				t.Errorf("%s: %q, and %d tokens were made", c.name, detail, made)
			}
		}
	})
}

// TestNoNarrowKeyMakesASession: a session can do everything.
func TestNoNarrowKeyMakesASession(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann")
		for name, b := range map[string]body{
			"scope":      {"scopes": []string{"api_key:*", "user:read"}},
			"allow list": {"allow_list": []string{"api_key:*", "user:*"}},
		} {
			narrow := guest(s).as(mint(t, ann.client, "me", b))
			detail := narrow.post(t, path("me", "keys"), nil).refused(t, http.StatusForbidden, forbidden).Detail
			if !strings.Contains(detail, name) {
				t.Errorf("narrowed by its %s: %q", name, detail)
			}
			// Nor for anybody else, whom an owner's key could serve.
			bossy := guest(s).as(mint(t, owner(s), "me", b))
			bossy.post(t, path(ann.ID, "keys"), nil).refused(t, http.StatusForbidden, forbidden)
			bossy.post(t, tokens(ann.ID), body{}).refused(t, http.StatusForbidden, forbidden)
		}
		full := guest(s).as(mint(t, ann.client, "me", body{}))
		full.post(t, path("me", "keys"), nil).want(t, http.StatusCreated)
	})
}

// TestChainOfKeys: each key of a chain can only be as wide as the one before.
func TestChainOfKeys(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	link := owner(s)
	for _, scopes := range [][]string{
		{"api_key:*", "user:*", "organization:read"}, {"api_key:*", "user:read", "organization:read"}, {"api_key:create", "user:read"}, {"api_key:create"},
	} {
		wider := link
		link = guest(s).as(mint(t, wider, "me", body{"scopes": scopes}))
		link.post(t, tokens("me"), body{}).refused(t, http.StatusForbidden, forbidden)
		if wider.header.Get(sdk.SessionTokenHeader) != s.Owner.SessionToken() {
			k := lookUp(t, owner(s), wider.header.Get(sdk.SessionTokenHeader))
			link.post(t, tokens("me"), body{"scopes": k.Scopes}).refused(t, http.StatusForbidden, forbidden)
		}
		link.post(t, tokens("me"), body{"scopes": scopes}).want(t, http.StatusCreated)
	}
}
