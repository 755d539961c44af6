package fault_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/sdk"
)

const (
	// answerTime is within what every client is promised an answer, whatever is
	// wrong with the database.
	answerTime = 5 * time.Second
	// leeway is for a machine that does other things at the same time.
	leeway = 2 * time.Second
	// recoveryTime is how soon a node must work again after a fault is over.
	recoveryTime = 20 * time.Second
)

// span is how long something takes in the tests that always run, and where
// USHER_TEST_LONG is set.
func span(short, long time.Duration) time.Duration {
	if isLong() {
		return long
	}
	return short
}

// rounds is how often something is done, likewise.
func rounds(short, long int) int {
	if isLong() {
		return long
	}
	return short
}

func isLong() bool { return os.Getenv("USHER_TEST_LONG") != "" }

// figures are what a test counts.
type figures struct {
	sent, accepted, refused int
	stall                   time.Duration // the longest that anybody waited for an answer
	lastRefusal             time.Time
	faults                  map[string]int // what must not be answered
	users                   map[uuid.UUID]sdk.User
	// unacknowledged are users that were made although the answer was 503.
	lost, unacknowledged int
}

func (f *figures) String() string {
	return fmt.Sprintf("requests sent %d, accepted %d, refused %d, other answers %d; users created %d, lost %d, made although refused %d; longest stall %s",
		f.sent, f.accepted, f.refused, f.wrong(), len(f.users), f.lost, f.unacknowledged, f.stall.Round(time.Millisecond))
}

func (f *figures) wrong() (n int) {
	for _, count := range f.faults {
		n += count
	}
	return n
}

// load is clients at work: some create users, some read.
type load struct {
	stop    chan struct{}
	workers sync.WaitGroup
	mu      sync.Mutex
	figures figures
}

// pace is the rest between two requests of a client: the tests share a machine.
const pace = 10 * time.Millisecond

// startLoad lets so many clients of each kind work at the nodes in turn, each as
// the token's user. It ends with the test at the latest.
func startLoad(t *testing.T, token string, clients int, nodes ...*process) *load {
	t.Helper()
	l := &load{stop: make(chan struct{}), figures: figures{faults: map[string]int{}, users: map[uuid.UUID]sdk.User{}}}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		cancel()
		l.workers.Wait()
	})
	for n := range 2 * clients {
		client := nodes[n/2%len(nodes)].client(t)
		client.SetSessionToken(token)
		client.HTTPClient = &http.Client{Transport: &http.Transport{}}
		work := l.read
		if n%2 == 0 {
			work = l.create
		}
		l.workers.Go(func() {
			defer client.HTTPClient.CloseIdleConnections()
			for i := 0; l.working(ctx); i++ {
				work(ctx, client, fmt.Sprintf("c%d-%d", n, i))
			}
		})
	}
	return l
}

// working rests, and reports whether to go on.
func (l *load) working(ctx context.Context) bool {
	select {
	case <-l.stop:
		return false
	case <-ctx.Done():
		return false
	case <-time.After(pace):
		return true
	}
}

func (l *load) create(ctx context.Context, client *sdk.Client, name string) {
	l.measure(func() error {
		u, err := client.CreateUser(ctx, sdk.CreateUserRequest{
			Username: name, Email: name + "@example.com", LoginType: sdk.LoginTypeNone,
			OrganizationIDs: []uuid.UUID{uuid.Nil}, Roles: []string{sdk.RoleAuditor},
		})
		if err == nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.figures.users[u.ID] = u
		}
		return err
	})
}

func (l *load) read(ctx context.Context, client *sdk.Client, _ string) {
	l.measure(func() error {
		_, err := client.User(ctx, sdk.Me)
		return err
	})
	l.measure(func() error {
		_, err := client.Users(ctx, sdk.UsersRequest{Limit: 3})
		return err
	})
}

// measure counts one request.
func (l *load) measure(request func() error) {
	sent := time.Now()
	err := request()
	took := time.Since(sent)
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &l.figures
	f.sent++
	f.stall = max(f.stall, took)
	switch {
	case err == nil:
		f.accepted++
	case isRefusal(err):
		f.refused++
		f.lastRefusal = time.Now()
	case errors.Is(err, context.Canceled):
	default:
		f.faults[err.Error()]++
	}
}

// isRefusal reports whether the answer is what an outage looks like to clients.
func isRefusal(err error) bool {
	var answer *sdk.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusServiceUnavailable &&
		answer.RetryAfter == time.Second && strings.Contains(answer.Message, "database")
}

// seen is how many requests were accepted and refused so far.
func (l *load) seen() (accepted, refused int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.figures.accepted, l.figures.refused
}

// end stops the clients, holds what they were told against what the node has now,
// and prints the figures after what happened. Nothing may be lost, nothing
// answered wrongly, and nobody may have waited for longer than is promised.
func (l *load) end(t *testing.T, node *process, token, what string) *figures {
	t.Helper()
	close(l.stop)
	l.workers.Wait()
	f := &l.figures
	f.compare(t, node, token)
	t.Logf("%s: %s", what, f)
	for fault, count := range f.faults {
		t.Errorf("%d times: %s", count, fault)
	}
	if f.stall > answerTime+leeway {
		t.Errorf("somebody waited for %s, want at most %s", f.stall, answerTime)
	}
	if f.lost > 0 {
		t.Errorf("%d acknowledged users are lost", f.lost)
	}
	return f
}

// compare looks for every acknowledged user, whole, with its audit entry.
func (f *figures) compare(t *testing.T, node *process, token string) {
	t.Helper()
	client := node.client(t)
	client.SetSessionToken(token)
	stored := 0
	missing := map[uuid.UUID]bool{}
	for id := range f.users {
		missing[id] = true
	}
	for u, err := range client.AllUsers(t.Context(), sdk.UsersRequest{Search: "login_type:none"}) {
		if err != nil {
			t.Fatal(err)
		}
		stored++
		if len(u.OrganizationIDs) != 1 || len(u.Roles) != 1 {
			t.Errorf("%s is there by halves: organizations %v, roles %v", u.Username, u.OrganizationIDs, u.Roles)
		}
		if known, acknowledged := f.users[u.ID]; !acknowledged {
			f.unacknowledged++
		} else if known.Username == u.Username && known.CreatedAt.Equal(u.CreatedAt) {
			delete(missing, u.ID)
		}
	}
	f.lost = len(missing)
	log, err := client.AuditLogs(t.Context(), sdk.AuditLogsRequest{Search: "resource_type:user action:create", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := stored + 1; log.Count != want { // and the first user
		t.Errorf("%d entries about created users, want %d: one each", log.Count, want)
	}
}

// awaitRecovery waits until a second has gone by in which requests were accepted
// and none refused, and returns how long after now the last one was refused.
func (l *load) awaitRecovery(t *testing.T) time.Duration {
	t.Helper()
	begin := time.Now()
	for calm := begin; time.Since(calm) < time.Second; {
		accepted, refused := l.seen()
		<-time.After(100 * time.Millisecond) // of their work
		if now, more := l.seen(); more > refused || now == accepted {
			calm = time.Now()
		}
		if time.Since(begin) > recoveryTime {
			t.Fatalf("the node does not recover within %s", recoveryTime)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.figures.lastRefusal.Sub(begin))
}

// awaitReady waits until /readyz has the status, and returns how long that took.
func awaitReady(t *testing.T, node *process, status int) time.Duration {
	t.Helper()
	for begin := time.Now(); ; {
		got := probe(t, node, "/readyz")
		if got == status {
			return time.Since(begin)
		}
		if time.Since(begin) > recoveryTime {
			t.Fatalf("/readyz says %d, want %d:\n%s", got, status, node.log)
		}
		<-time.After(20 * time.Millisecond) // as a load balancer would
	}
}

// probe asks for the status of a path, which must be answered in time.
func probe(t *testing.T, node *process, path string) int {
	t.Helper()
	sent := time.Now()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, node.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if took := time.Since(sent); took > answerTime+leeway {
		t.Errorf("%s took %s, want at most %s", path, took, answerTime)
	}
	return answer.StatusCode
}

// quantiles returns the half, the 99 of a hundred and the longest of some times.
func quantiles(times []time.Duration) (half, most, all time.Duration) {
	slices.Sort(times)
	last := len(times) - 1
	return times[last/2], times[last*99/100], times[last]
}
