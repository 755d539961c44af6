package fault_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// nodes are several servers on one PostgreSQL database, with one key file.
type nodes struct {
	list   []*process
	owners []*sdk.Client // one at each node, all in one session
}

// startNodes starts one node for each URL, which are ways to one database, and
// makes the first user at the first of them.
func startNodes(t *testing.T, urls ...string) *nodes {
	t.Helper()
	n := &nodes{}
	dir := t.TempDir()
	for _, url := range urls {
		n.list = append(n.list, serve(t, store.Config{DatabaseURL: url, DataDir: dir}))
	}
	token := createFirstUser(t, n.list[0]).SessionToken()
	for _, node := range n.list {
		owner := node.client(t)
		owner.SetSessionToken(token)
		n.owners = append(n.owners, owner)
	}
	return n
}

// right is something that can be taken away from somebody.
type right struct {
	name string
	// use does what the right is good for, and an error says that it is none.
	use func(ctx context.Context, as *sdk.Client) error
	// revoke takes it from the user of that key.
	revoke func(ctx context.Context, by *sdk.Client, user sdk.User, keyID string) error
	status int // of the refusal
}

func rights() []right {
	me := func(ctx context.Context, as *sdk.Client) error {
		_, err := as.User(ctx, sdk.Me)
		return err
	}
	return []right{
		{"key deleted", me, func(ctx context.Context, by *sdk.Client, u sdk.User, keyID string) error {
			return by.DeleteAPIKey(ctx, u.ID.String(), keyID)
		}, http.StatusUnauthorized},
		{"user suspended", me, func(ctx context.Context, by *sdk.Client, u sdk.User, _ string) error {
			_, err := by.SuspendUser(ctx, u.ID.String())
			return err
		}, http.StatusUnauthorized},
		{
			"role removed",
			func(ctx context.Context, as *sdk.Client) error {
				_, err := as.AuditLogs(ctx, sdk.AuditLogsRequest{Limit: 1})
				return err
			},
			func(ctx context.Context, by *sdk.Client, u sdk.User, _ string) error {
				_, err := by.UpdateUserRoles(ctx, u.ID.String(), sdk.UpdateRolesRequest{Roles: []string{}})
				return err
			}, http.StatusForbidden,
		},
		{"key expired", me, func(ctx context.Context, by *sdk.Client, u sdk.User, keyID string) error {
			return by.ExpireAPIKey(ctx, u.ID.String(), keyID)
		}, http.StatusUnauthorized},
		{"user deleted", me, func(ctx context.Context, by *sdk.Client, u sdk.User, _ string) error {
			return by.DeleteUser(ctx, u.ID.String())
		}, http.StatusUnauthorized},
	}
}

// holder makes a user with the role of an auditor and a key.
func (n *nodes) holder(t *testing.T, name string) (u sdk.User, key string) {
	t.Helper()
	n.insist(t, 0, "create a holder", func(attempt int) (err error) {
		name := fmt.Sprintf("%s-%d", name, attempt) // that of an attempt that was refused may be taken all the same
		u, err = n.owners[0].CreateUser(t.Context(), sdk.CreateUserRequest{
			Username: name, Email: name + "@example.com", LoginType: sdk.LoginTypeNone,
			OrganizationIDs: []uuid.UUID{uuid.Nil}, Roles: []string{sdk.RoleAuditor},
		})
		return err
	})
	n.insist(t, 0, "create a token", func(int) error {
		made, err := n.owners[0].CreateToken(t.Context(), u.ID.String(), sdk.CreateTokenRequest{})
		key = made.Key
		return err
	})
	return u, key
}

// revoke takes a right from its holder, and returns when that is acknowledged. A
// refused attempt may have happened all the same, which the next one finds.
func (n *nodes) revoke(t *testing.T, at int, r right, user sdk.User, key string) {
	t.Helper()
	n.insist(t, at, "revoke: "+r.name, func(attempt int) error {
		err := r.revoke(t.Context(), n.owners[at], user, idOf(key))
		var answer *sdk.Error
		if attempt > 0 && errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
			return nil
		}
		return err
	})
}

// insist asks a node again while it answers that the database is overloaded, which
// is what clients are told to do: a machine on which everything is tested at once
// stops the database for seconds. What the node says of it is in the test's log.
func (n *nodes) insist(t *testing.T, at int, what string, ask func(attempt int) error) {
	t.Helper()
	for attempt, deadline := 0, time.Now().Add(patience); ; attempt++ {
		err := ask(attempt)
		if err == nil {
			return
		}
		if !isRefusal(err) || time.Now().After(deadline) {
			t.Errorf("%s: %v", what, err)
			return
		}
		t.Logf("%s: %v\n%s", what, err, n.list[at].log.last("status=503"))
		<-time.After(time.Second) // as its Retry-After says
	}
}

func idOf(key string) string {
	id, _, _ := strings.Cut(key, "-")
	return id
}

// presenter uses a right at one node, again and again, and notes when it worked
// last. One goroutine does so at a time.
type presenter struct {
	client *sdk.Client
	right  right

	sent     int
	accepted int
	refused  int       // with the right's own status
	down     int       // with 503
	last     time.Time // when the last request was sent that was accepted
	stall    time.Duration
	fault    error
}

func (n *nodes) presenter(t *testing.T, node int, r right, key string) *presenter {
	t.Helper()
	p := &presenter{client: n.list[node].client(t), right: r}
	p.client.SetSessionToken(key)
	p.client.HTTPClient = &http.Client{Transport: &http.Transport{}}
	t.Cleanup(p.client.HTTPClient.CloseIdleConnections)
	return p
}

// present uses the right once.
func (p *presenter) present(ctx context.Context) {
	sent := time.Now()
	err := p.right.use(ctx, p.client)
	p.stall = max(p.stall, time.Since(sent))
	p.sent++
	var answer *sdk.Error
	switch {
	case err == nil:
		p.accepted++
		p.last = sent
	case errors.As(err, &answer) && answer.StatusCode == p.right.status:
		p.refused++
	case isRefusal(err):
		p.down++
	default:
		p.fault = err
	}
}

// until presents without a pause until the function says so.
func (p *presenter) until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); {
		p.present(t.Context())
		if time.Now().After(deadline) {
			t.Fatalf("it does not come to this: %s; sent %d, accepted %d, refused %d, 503 %d, %v", what, p.sent, p.accepted, p.refused, p.down, p.fault)
		}
	}
}

// remembered presents until the node knows the key by heart.
func (p *presenter) remembered(t *testing.T) {
	t.Helper()
	enough := p.accepted + 5
	p.until(t, "the right works", func() bool { return p.accepted >= enough })
}

// late is how long after a moment a request was sent that was accepted.
func (p *presenter) late(after time.Time) time.Duration { return max(0, p.last.Sub(after)) }

// sameDatabase is a list of n equal ways to a new database.
func sameDatabase(t *testing.T, n int) []string {
	t.Helper()
	urls := make([]string, n)
	database := storetest.MigratedPostgres(t)
	for i := range urls {
		urls[i] = database
	}
	return urls
}
