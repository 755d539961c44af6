package api_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// TestAISeat follows a seat through the life of a user, as every answer about
// the user shows it.
func TestAISeat(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		mia, ted := join(t, s, "mia"), create(t, s, newUser("ted"))
		seat, event := path(mia.ID, "ai-seat"), body{"event": "task"}
		shows := func(name string, got sdk.User, want bool) {
			t.Helper()
			if got.HasAISeat != want {
				t.Errorf("%s shows a seat: %t, want %t", name, got.HasAISeat, want)
			}
		}
		everywhere := func(want bool) {
			t.Helper()
			shows("me", mia.get(t, path("me")).user(t, http.StatusOK), want)
			shows("get", owner(s).get(t, path("mia")).user(t, http.StatusOK), want)
			shows("list", users(t, owner(s), "mia").Users[0], want)
			shows("roles", owner(s).get(t, path("mia", "roles")).user(t, http.StatusOK), want)
			shows("new roles", owner(s).put(t, path("mia", "roles"), body{"roles": []string{"auditor"}}).user(t, http.StatusOK), want)
			shows("profile", mia.put(t, path("me", "profile"), body{"username": "mia"}).user(t, http.StatusOK), want)
			shows("status", owner(s).put(t, path("mia", "status/activate"), nil).user(t, http.StatusOK), want)
			shows("another", owner(s).get(t, path(ted.ID)).user(t, http.StatusOK), false)
			shows("me again", mia.get(t, path("me")).user(t, http.StatusOK), want) // so that it is remembered
		}
		everywhere(false)
		owner(s).delete(t, seat).want(t, http.StatusNoContent)
		owner(s).post(t, seat, body{"event": "aibridge"}).want(t, http.StatusNoContent)
		everywhere(true)
		owner(s).post(t, seat, event).want(t, http.StatusNoContent)
		everywhere(true)

		shows("suspension", owner(s).put(t, path("mia", "status/suspend"), nil).user(t, http.StatusOK), false)
		shows("get, suspended", owner(s).get(t, path("mia")).user(t, http.StatusOK), false)
		shows("list, suspended", users(t, owner(s), "mia").Users[0], false)
		owner(s).post(t, seat, event).want(t, http.StatusNoContent)
		shows("use while suspended", owner(s).get(t, path("mia")).user(t, http.StatusOK), false)
		shows("activation", owner(s).put(t, path("mia", "status/activate"), nil).user(t, http.StatusOK), true)
		everywhere(true)

		owner(s).delete(t, seat).want(t, http.StatusNoContent)
		everywhere(false)
		owner(s).post(t, seat, event).want(t, http.StatusNoContent)
		owner(s).delete(t, path("mia")).want(t, http.StatusOK)
		shows("get, deleted", owner(s).get(t, path(mia.ID)).user(t, http.StatusOK), false)
		owner(s).post(t, seat, event).refused(t, http.StatusNotFound, notFound)
		owner(s).delete(t, seat).refused(t, http.StatusNotFound, notFound)
	})
}

func TestAISeatRefusals(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	c := newCast(t, s)
	seat, event := path(c.self.ID, "ai-seat"), body{"event": "aibridge"}
	for name, who := range c.others {
		for _, a := range []answer{who.post(t, seat, event), who.delete(t, seat)} {
			switch name {
			case "owner", "user-admin", "template-admin":
				a.want(t, http.StatusNoContent)
			case "member":
				a.refused(t, http.StatusNotFound, notFound)
			default:
				a.lacks(t, "ai_seat:create", "role")
			}
		}
	}
	c.self.post(t, path("me", "ai-seat"), event).lacks(t, "ai_seat:create", "role")
	c.self.delete(t, path("me", "ai-seat")).lacks(t, "ai_seat:create", "role")
	guest(s).post(t, seat, event).refused(t, http.StatusUnauthorized, signedOut)
	owner(s).post(t, path(uuid.New(), "ai-seat"), event).refused(t, http.StatusNotFound, notFound)

	owner(s).post(t, seat, body{}).refused(t, http.StatusBadRequest, badFields, "event")
	owner(s).post(t, seat, body{"event": "chat"}).refused(t, http.StatusBadRequest, badFields, "event")
	owner(s).post(t, seat, "").refused(t, http.StatusBadRequest, badJSON)
	c.others["auditor"].post(t, seat, "").lacks(t, "ai_seat:create", "role")
	if owner(s).get(t, path(c.self.ID)).user(t, http.StatusOK).HasAISeat {
		t.Error("a refusal gave a seat")
	}

	for lack, token := range map[string]body{
		"scopes":     {"scopes": []string{"user:read", "workspace:*"}},
		"allow list": {"allow_list": []string{"ai_seat:*", "user:*"}},
	} {
		key := decode[sdk.GenerateAPIKeyResponse](t, owner(s).post(t, path("me", "keys/tokens"), token).want(t, http.StatusCreated)).Key
		guest(s).as(key).post(t, seat, event).lacks(t, "ai_seat:create", lack)
		guest(s).as(key).delete(t, seat).lacks(t, "ai_seat:create", lack)
	}
	whole := decode[sdk.GenerateAPIKeyResponse](t, owner(s).post(t, path("me", "keys/tokens"), body{}).want(t, http.StatusCreated)).Key
	guest(s).as(whole).post(t, seat, event).want(t, http.StatusNoContent)
}
