package api_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// TestOwnersRace: two owners get rid of each other at the same moment. One of
// them must stay, or nobody could administer the deployment any more.
func TestOwnersRace(t *testing.T) {
	t.Parallel()

	for name, act := range map[string]func(t *testing.T, by client, on sdk.User) (answer, error){
		"delete": func(t *testing.T, by client, on sdk.User) (answer, error) {
			return by.try(t, http.MethodDelete, path(on.ID), nil)
		},
		"demote": func(t *testing.T, by client, on sdk.User) (answer, error) {
			return by.try(t, http.MethodPut, path(on.ID, "roles"), body{"roles": []string{}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servertest.Each(t, func(t *testing.T, s *servertest.Server) {
				last := person{client: owner(s), User: owner(s).get(t, path("me")).user(t, http.StatusOK)}
				for round := range 6 {
					last = raceOwners(t, s, last, round, act)
				}
			})
		})
	}
}

// raceOwners makes a second owner, lets both act on each other, and returns the
// one that is left.
func raceOwners(t *testing.T, s *servertest.Server, a person, round int, act func(*testing.T, client, sdk.User) (answer, error)) person {
	t.Helper()
	made := a.post(t, usersPath, newUser(fmt.Sprintf("rival-%d", round), "owner")).user(t, http.StatusCreated)
	b := person{client: login(t, s, made.Email, servertest.Password), User: made}
	pair := []person{a, b}
	answers := make([]answer, 2)
	var wait sync.WaitGroup
	for i := range pair {
		wait.Go(func() {
			var err error
			if answers[i], err = act(t, pair[i].client, pair[1-i].User); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	left := -1
	for i := range pair {
		me := pair[i].get(t, path("me"))
		if me.status != http.StatusOK {
			continue
		}
		if roles := roleNames(me.user(t, http.StatusOK)); len(roles) == 1 && roles[0] == "owner" {
			if left >= 0 {
				t.Fatalf("round %d: both are still owners: %s, %s", round, answers[0], answers[1])
			}
			left = i
		}
	}
	if left < 0 {
		t.Fatalf("round %d: nobody is left: %s, %s", round, answers[0], answers[1])
	}
	if answers[left].status != http.StatusOK {
		t.Errorf("round %d: the one who stays got %s", round, answers[left])
	}
	// The other comes too late: it is signed out, no owner any more, or refused.
	if status := answers[1-left].status; status != 401 && status != 403 && status != 404 && status != 409 {
		t.Errorf("round %d: the other got %s", round, answers[1-left])
	}
	return pair[left]
}

// TestManyAtOnce: readers and writers of one user all get an answer that makes
// sense, and the last state is one that somebody wrote.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		user := create(t, s, newUser("ann"))
		var wait sync.WaitGroup
		for i := range 24 {
			wait.Go(func() {
				method, at, request := http.MethodGet, path(user.ID), any(nil)
				switch i % 4 {
				case 0:
					method, at, request = http.MethodPut, path(user.ID, "profile"), body{"username": "ann", "name": fmt.Sprintf("Ann %d", i)}
				case 1:
					method, at = http.MethodPut, path(user.ID, []string{"status/suspend", "status/activate"}[i/4%2])
				case 2:
					method, at, request = http.MethodPut, path(user.ID, "roles"), body{"roles": []string{"auditor"}}
				}
				a, err := owner(s).try(t, method, at, request)
				if err != nil || a.status != http.StatusOK {
					t.Errorf("%s %s: %s %v", method, at, a, err)
				}
			})
		}
		wait.Wait()
		after := owner(s).get(t, path(user.ID)).user(t, http.StatusOK)
		if len(after.Roles) != 1 || after.Name == "" {
			t.Errorf("a change was lost: %+v", after)
		}
		if n := len(audit(t, s, "action:write resource_id:"+user.ID.String())); n != 18 {
			t.Errorf("%d entries, want one for each of 18 changes", n)
		}
	})
}
