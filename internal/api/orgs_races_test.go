package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"usher/internal/server/servertest"
)

// together sends requests of the owner at the same moment.
func together(t *testing.T, s *servertest.Server, requests ...auditCase) []answer {
	t.Helper()
	answers := make([]answer, len(requests))
	var wait sync.WaitGroup
	for i, r := range requests {
		wait.Go(func() {
			var err error
			if answers[i], err = owner(s).try(t, r.method, r.at, r.body); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	return answers
}

// TestDeletingRacesJoining: nobody ever joins an organization that is gone, and
// none goes that somebody joined.
func TestDeletingRacesJoining(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := create(t, s, newUser("ann"))
		for round := range 10 {
			other := found(t, s, fmt.Sprintf("other-%d", round))
			answers := together(t, s,
				auditCase{method: http.MethodDelete, at: orgPath(other.ID)},
				auditCase{method: http.MethodPost, at: orgPath(other.ID, "members", ann.ID.String())})
			deleted, added := answers[0], answers[1]
			in := slices.Contains(owner(s).get(t, path("ann")).user(t, http.StatusOK).OrganizationIDs, other.ID)
			switch {
			case deleted.status == 200 && added.status == 404 && !in:
			case deleted.status == 409 && added.status == 200 && in:
			default:
				t.Errorf("round %d: deleting %s, joining %s, is a member: %t", round, deleted, added, in)
			}
		}
	})
}

// TestRolesRaceTheirDeletion: nobody ever holds a role that is gone.
func TestRolesRaceTheirDeletion(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := create(t, s, newUser("ann"))
		roles := orgPath("default", "members/roles")
		for round := range 10 {
			appoint(t, s, s.OrganizationID, ann.ID)
			owner(s).post(t, roles, roleNamed("custom")).want(t, http.StatusOK)
			answers := together(t, s,
				auditCase{method: http.MethodDelete, at: roles + "/custom"},
				auditCase{method: http.MethodPut, at: orgPath("default", "members/ann/roles"), body: body{"roles": []string{"custom"}}})
			if answers[0].status != http.StatusNoContent || answers[1].status != http.StatusOK && answers[1].status != http.StatusBadRequest {
				t.Errorf("round %d: deleting %s, giving %s", round, answers[0], answers[1])
			}
			owner(s).post(t, roles, roleNamed("custom")).want(t, http.StatusOK) // would be its holder's at once
			if held := slimNames(members(t, owner(s), "default", "user_id:"+ann.ID.String())[0].Roles); len(held) != 0 {
				t.Fatalf("round %d: a member holds %v, which was deleted", round, held)
			}
			owner(s).delete(t, roles+"/custom").want(t, http.StatusNoContent)
		}
	})
}

// TestTheSameTwice: of two requests for the same thing one wins, and the other
// is told what it would have been told a moment later.
func TestTheSameTwice(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		for round := range 6 {
			user := create(t, s, newUser(fresh()))
			for _, c := range []struct {
				request   auditCase
				won, lost int
			}{
				{auditCase{method: http.MethodPost, at: orgsPath, body: body{"name": fresh()}}, 201, 409},
				{auditCase{method: http.MethodPost, at: orgPath(other.ID, "members/roles"), body: roleNamed(fresh())}, 200, 409},
				{auditCase{method: http.MethodPost, at: orgPath(other.ID, "members", user.ID.String())}, 200, 400},
				{auditCase{method: http.MethodDelete, at: orgPath(other.ID, "members", user.ID.String())}, 204, 404},
			} {
				answers := together(t, s, c.request, c.request)
				got := []int{answers[0].status, answers[1].status}
				slices.Sort(got)
				if !slices.Equal(got, []int{c.won, c.lost}) {
					t.Errorf("round %d: %s %s twice: %v", round, c.request.method, c.request.at, answers)
				}
			}
		}
	})
}
