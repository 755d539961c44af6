package fault_test

import (
	"fmt"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

const (
	streams = 6 // clients that create users at the same time
	perKill = 60
)

// TestKilledServerKeepsWhatItAcknowledged kills the server with SIGKILL while
// several clients create users, again and again, on the same data. Whatever was
// answered with 201 must be there afterwards, whole; the rest may be there or not,
// but nothing by halves.
func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		p := serve(t, db)
		token := createFirstUser(t, p).SessionToken()
		acknowledged := map[uuid.UUID]sdk.User{}
		lost := 0
		for round := range rounds(3, 30) {
			for _, u := range createUntilKilled(t, p, token, round) {
				acknowledged[u.ID] = u
			}
			if got := p.status(t); got != -1 {
				t.Fatalf("exit status %d, want death by a signal", got)
			}
			p = serve(t, db)
			lost += compareAfterRestart(t, p, token, acknowledged)
		}
		t.Logf("node killed %d times: users acknowledged %d, lost %d", rounds(3, 30), len(acknowledged), lost)
		p.signal(t, syscall.SIGTERM)
		if got := p.status(t); got != 0 {
			t.Errorf("exit status %d at the end, want 0\n%s", got, p.log)
		}
	})
}

// createUntilKilled creates users with several clients and kills the server once
// enough were acknowledged, while the clients go on. It returns the acknowledged
// ones.
func createUntilKilled(t *testing.T, p *process, token string, round int) []sdk.User {
	t.Helper()
	created := make(chan sdk.User)
	var group sync.WaitGroup
	for stream := range streams {
		client := p.client(t)
		client.SetSessionToken(token)
		group.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("r%d-s%d-u%d", round, stream, i)
				u, err := client.CreateUser(t.Context(), sdk.CreateUserRequest{
					Username: name, Email: name + "@example.com", LoginType: sdk.LoginTypeNone,
					OrganizationIDs: []uuid.UUID{uuid.Nil}, Roles: []string{sdk.RoleAuditor},
				})
				if err != nil {
					return // the server is dead
				}
				created <- u
			}
		})
	}
	go func() {
		group.Wait()
		close(created)
	}()
	var acknowledged []sdk.User
	for u := range created {
		acknowledged = append(acknowledged, u)
		if len(acknowledged) == perKill {
			p.signal(t, syscall.SIGKILL)
		}
	}
	if len(acknowledged) < perKill {
		t.Fatalf("only %d users were created:\n%s", len(acknowledged), p.log)
	}
	return acknowledged
}

// compareAfterRestart finds every acknowledged user as it was acknowledged, with
// its entry in the audit log; the session of before, which is one of the things
// that were acknowledged, still holds. It returns how many are lost.
func compareAfterRestart(t *testing.T, p *process, token string, acknowledged map[uuid.UUID]sdk.User) (lost int) {
	t.Helper()
	client := p.client(t)
	client.SetSessionToken(token)
	stored := map[uuid.UUID]sdk.User{}
	for u, err := range client.AllUsers(t.Context(), sdk.UsersRequest{Search: "login_type:none"}) {
		if err != nil {
			t.Fatal(err)
		}
		stored[u.ID] = u
		if len(u.OrganizationIDs) != 1 || len(u.Roles) != 1 {
			t.Errorf("%s is there by halves: organizations %v, roles %v", u.Username, u.OrganizationIDs, u.Roles)
		}
	}
	for id, want := range acknowledged {
		got, there := stored[id]
		if !there {
			t.Errorf("%s was acknowledged and is lost", want.Username)
			lost++
			continue
		}
		if got.Username != want.Username || got.Email != want.Email || !got.CreatedAt.Equal(want.CreatedAt) || got.Status != want.Status {
			t.Errorf("acknowledged as %+v, stored as %+v", want, got)
		}
	}
	log, err := client.AuditLogs(t.Context(), sdk.AuditLogsRequest{Search: "resource_type:user action:create", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := len(stored) + 1; log.Count != want { // and the first user
		t.Errorf("%d entries about created users, want %d: one each", log.Count, want)
	}
	return lost
}
