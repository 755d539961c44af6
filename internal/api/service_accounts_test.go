package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// TestServiceAccounts goes with one from its making to its end.
func TestServiceAccounts(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, fault := range []body{
			robot("r").but("password", servertest.Password), robot("r").but("email", "r@example.com"), robot("r").but("login_type", "password"),
			robot("r").but("login_type", "oidc"), robot("r").but("organization_ids", nil),
		} {
			owner(s).post(t, usersPath, fault).want(t, http.StatusBadRequest)
		}
		bot := create(t, s, robot("bot"))
		if !bot.IsServiceAccount || bot.Email != "" || bot.LoginType != "none" || len(bot.OrganizationIDs) != 1 {
			t.Errorf("%+v", bot)
		}
		create(t, s, robot("another").but("login_type", "none")) // no address is no address twice

		// It cannot sign in, nor be given what it would take.
		for _, email := range []string{"bot", "", "bot@example.com"} {
			if a := guest(s).post(t, loginPath, credentials(email, servertest.Password)); a.status != http.StatusBadRequest && a.status != http.StatusUnauthorized {
				t.Errorf("a login as %q: %s", email, a)
			}
		}
		owner(s).put(t, path("bot", "password"), body{"password": nextPassword}).want(t, http.StatusBadRequest)
		owner(s).put(t, path("bot", "email"), body{"email": "bot@example.com"}).want(t, http.StatusBadRequest)

		// Its keys do what those of people do.
		key := guest(s).as(mint(t, owner(s), "bot", body{"token_name": "ci", "lifetime": ns(365 * day)}))
		session := guest(s).as(decode[sdk.GenerateAPIKeyResponse](t, owner(s).post(t, path("bot", "keys"), nil).want(t, http.StatusCreated)).Key)
		for _, c := range []client{key, session} {
			if me := c.get(t, path("me")).user(t, http.StatusOK); me.ID != bot.ID || !me.IsServiceAccount {
				t.Errorf("%+v", me)
			}
		}
		mint(t, key, "me", body{"scopes": []string{"user:read"}})
		if got := len(list(t, key, "me", "")); got != 2 {
			t.Errorf("it sees %d of its tokens", got)
		}
		key.get(t, path("owner")).refused(t, http.StatusNotFound, notFound)

		// All roles are usable.
		for _, role := range []string{"auditor", "template-admin", "user-admin", "owner"} {
			owner(s).put(t, path("bot", "roles"), body{"roles": []string{role}}).want(t, http.StatusOK)
			key.get(t, path("owner")).user(t, http.StatusOK)
		}

		found := func(q string) (names []string) {
			for _, u := range users(t, owner(s), q).Users {
				names = append(names, u.Username)
			}
			return names
		}
		if got := fmt.Sprint(found("service_account:true"), found("service_account:false")); got != "[another bot] [owner]" {
			t.Errorf("the search finds %s", got)
		}

		// An owner that is none keeps no deployment.
		owner(s).post(t, usersPath, newUser("second", "owner")).want(t, http.StatusCreated)
		second := login(t, s, "second@example.com", servertest.Password)
		second.put(t, path("owner", "roles"), body{"roles": []string{}}).want(t, http.StatusOK)
		key.delete(t, path("second")).refused(t, http.StatusConflict, "last owner")
		key.put(t, path("second", "roles"), body{"roles": []string{}}).refused(t, http.StatusConflict, "last owner")
		second.delete(t, path("bot")).want(t, http.StatusOK)
		for _, c := range []client{key, session} {
			c.get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
		}
	})
}

// TestUserAdminsManageServiceAccounts is decisions D5: their keys, if they hold
// no role that a user-admin could not assign; nobody else's.
func TestUserAdminsManageServiceAccounts(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		una := join(t, s, "una", "user-admin")
		ann := create(t, s, newUser("ann"))
		plain, member := create(t, s, robot("plain")), create(t, s, robot("member", "member"))
		for _, bot := range []sdk.User{plain, member} {
			key := mint(t, una.client, bot.ID, body{"token_name": "made by una"})
			theirs := mint(t, owner(s), bot.ID, body{"token_name": "made by the owner"})
			session := una.post(t, path(bot.ID, "keys"), nil).want(t, http.StatusCreated)
			guest(s).as(decode[sdk.GenerateAPIKeyResponse](t, session).Key).get(t, path("me")).user(t, http.StatusOK)
			wantNamed(t, "a list", list(t, una.client, bot.ID, ""), bot.Username+"/made by una", bot.Username+"/made by the owner")
			una.get(t, path("me", "keys", idOf(theirs))).want(t, http.StatusOK)
			una.get(t, tokens(bot.ID, url.PathEscape("made by una"))).want(t, http.StatusOK)
			una.get(t, tokens(bot.ID, "tokenconfig")).want(t, http.StatusOK)
			una.put(t, path("me", "keys", idOf(key), "expire"), nil).want(t, http.StatusNoContent)
			una.delete(t, path("me", "keys", idOf(key))).want(t, http.StatusNoContent)
			got := rotate(t, una.client, theirs, body{"overlap": 0})
			guest(s).as(got.Key).get(t, path("me")).user(t, http.StatusOK)
		}
		mighty := map[string]sdk.User{"a person": ann}
		for _, role := range []string{"auditor", "template-admin", "user-admin", "owner"} {
			mighty[role] = create(t, s, robot("bot-"+role, role, "member"))
		}
		for name, of := range mighty {
			key := mint(t, owner(s), of.ID, body{"token_name": "kept"})
			una.post(t, tokens(of.ID), body{}).lacks(t, "api_key:create", "role")
			una.post(t, path(of.ID, "keys"), nil).lacks(t, "api_key:create", "role")
			wantNamed(t, name, list(t, una.client, of.ID, ""))
			for _, a := range []answer{
				una.get(t, path("me", "keys", idOf(key))), una.get(t, tokens(of.ID, "kept")), una.delete(t, path(of.ID, "keys", idOf(key))),
				una.put(t, path("me", "keys", idOf(key), "expire"), nil), una.post(t, rotation(key), nil),
			} {
				a.refused(t, http.StatusNotFound, notFound)
			}
			guest(s).as(key).get(t, path("me")).user(t, http.StatusOK)
		}
		wantNamed(t, "all that una sees", list(t, una.client, "me", "?include_all=true"), "plain/made by the owner", "member/made by the owner")

		// The role is what counts, and only as far as her key goes.
		for _, role := range []string{"auditor", "template-admin"} {
			p := join(t, s, "a-"+role, role)
			p.post(t, tokens(plain.ID), body{}).lacks(t, "api_key:create", "role")
			wantNamed(t, role, list(t, p.client, plain.ID, ""))
		}
		reader := guest(s).as(mint(t, una.client, "me", body{"scopes": []string{"api_key:read", "user:read"}}))
		reader.post(t, tokens(plain.ID), body{"scopes": []string{"user:read"}}).refused(t, http.StatusForbidden, forbidden)
		if got := len(list(t, reader, plain.ID, "")); got != 1 {
			t.Errorf("a key that reads keys lists %d", got)
		}
		maker := guest(s).as(mint(t, una.client, "me", body{"scopes": []string{"api_key:create", "user:read"}}))
		mint(t, maker, plain.ID, body{"scopes": []string{"user:read"}})
		maker.post(t, tokens(plain.ID), body{}).refused(t, http.StatusForbidden, forbidden)

		// A role that the account is given later takes it out of reach.
		owner(s).put(t, path(plain.ID, "roles"), body{"roles": []string{"auditor"}}).want(t, http.StatusOK)
		una.post(t, tokens(plain.ID), body{}).lacks(t, "api_key:create", "role")
		wantNamed(t, "after the role", list(t, una.client, plain.ID, ""))
	})
}

// TestLoginTypeNone: a person that only keys can use.
func TestLoginTypeNone(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	kay := create(t, s, newUser("kay").but("password", nil).but("login_type", "none"))
	guest(s).post(t, loginPath, credentials(kay.Email, servertest.Password)).refused(t, http.StatusUnauthorized, badLogin)
	key := guest(s).as(mint(t, owner(s), "kay", body{}))
	if me := key.get(t, path("me")).user(t, http.StatusOK); me.ID != kay.ID || me.IsServiceAccount {
		t.Errorf("%+v", me)
	}
	// The keys of people are their own and the owners'.
	join(t, s, "una", "user-admin").post(t, tokens(kay.ID), body{}).lacks(t, "api_key:create", "role")
}
