package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// first is the request for the first user.
func first() body {
	return body{"username": "admin", "email": "admin@example.com", "name": "The Admin", "password": servertest.Password}
}

// eachEmpty runs a test against a server without a user on each engine.
func eachEmpty(t *testing.T, test func(t *testing.T, s *servertest.Server), options ...servertest.Option) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		test(t, servertest.Start(t, cfg, options...))
	})
}

func TestFirstUser(t *testing.T) {
	t.Parallel()

	eachEmpty(t, func(t *testing.T, s *servertest.Server) {
		c := guest(s)
		c.get(t, "/api/v2/users/first").refused(t, http.StatusNotFound, "The initial user has not been created!")

		// What older clients send besides has no effect.
		request := first().but("trial", true).but("onboarding_info", nil).
			but("trial_info", body{"first_name": "A", "developers": "1-10"})
		answered := c.post(t, "/api/v2/users/first", request).want(t, http.StatusCreated)
		if len(answered.header.Values("Set-Cookie")) > 0 {
			t.Error("a session was opened")
		}
		made := decode[sdk.CreateFirstUserResponse](t, answered)

		a := c.get(t, "/api/v2/users/first").want(t, http.StatusOK)
		if got := decode[sdk.Response](t, a).Message; got != "The initial user has already been created!" {
			t.Errorf("message %q", got)
		}

		admin := login(t, s, "admin@example.com", servertest.Password)
		me := admin.get(t, path("me")).user(t, http.StatusOK)
		if me.ID != made.UserID || me.Username != "admin" || me.Email != "admin@example.com" || me.Name != "The Admin" {
			t.Errorf("the user differs from the request: %+v", me)
		}
		if me.Status != sdk.UserStatusActive || me.LoginType != sdk.LoginTypePassword {
			t.Errorf("status %s, login type %s", me.Status, me.LoginType)
		}
		if len(me.Roles) != 1 || me.Roles[0] != (sdk.SlimRole{Name: "owner", DisplayName: "Owner"}) {
			t.Errorf("roles %v, want owner alone", me.Roles)
		}
		if len(me.OrganizationIDs) != 1 || me.OrganizationIDs[0] != made.OrganizationID {
			t.Errorf("organizations %v, want %s", me.OrganizationIDs, made.OrganizationID)
		}
	})
}

// TestFirstUserChecks: fields, then whether there is a user, then the password.
func TestFirstUserChecks(t *testing.T) {
	t.Parallel()

	eachEmpty(t, func(t *testing.T, s *servertest.Server) {
		c, at := guest(s), "/api/v2/users/first"
		c.post(t, at, nil).refused(t, http.StatusBadRequest, badJSON)
		c.post(t, at, body{}).refused(t, http.StatusBadRequest, badFields, "email", "username", "password")
		c.post(t, at, first().but("username", "no spaces")).refused(t, http.StatusBadRequest, badFields, "username")
		c.post(t, at, first().but("email", "nobody")).refused(t, http.StatusBadRequest, badFields, "email")
		c.post(t, at, first().but("name", " space")).refused(t, http.StatusBadRequest, badFields, "name")
		c.post(t, at, first().but("password", "weak")).refused(t, http.StatusBadRequest, "", "password")
		c.get(t, at).want(t, http.StatusNotFound)

		c.post(t, at, first()).want(t, http.StatusCreated)
		c.post(t, at, first()).refused(t, http.StatusConflict, "already been created")
		c.post(t, at, first().but("password", "weak")).refused(t, http.StatusConflict, "already been created")
		c.post(t, at, first().but("email", "nobody")).refused(t, http.StatusBadRequest, badFields, "email")
	})
}

func TestFirstUserRace(t *testing.T) {
	t.Parallel()

	eachEmpty(t, func(t *testing.T, s *servertest.Server) {
		const racers = 16
		var mu sync.Mutex
		outcomes := map[int]int{}
		var wait sync.WaitGroup
		for range racers {
			name := "racer-" + strings.ReplaceAll(uuid.NewString(), "-", "")[:8]
			wait.Go(func() {
				a, err := guest(s).try(t, http.MethodPost, "/api/v2/users/first",
					first().but("username", name).but("email", name+"@example.com"))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				outcomes[a.status]++
			})
		}
		wait.Wait()
		if outcomes[http.StatusCreated] != 1 || outcomes[http.StatusConflict] != racers-1 {
			t.Errorf("%v, want one 201 and %d 409", outcomes, racers-1)
		}
	})
}
