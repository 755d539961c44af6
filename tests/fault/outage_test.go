package fault_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

// outage is a node with work to do, whose way to the database can be harmed.
type outage struct {
	node  *process
	route *route
	token string
	load  *load
}

// startOutage starts a node behind a route of its own and lets clients work until
// enough was accepted.
func startOutage(t *testing.T, clients int) *outage {
	t.Helper()
	route := newRoute(t, storetest.MigratedPostgres(t))
	o := &outage{route: route, node: serve(t, store.Config{DatabaseURL: route.url, DataDir: t.TempDir()})}
	o.token = createFirstUser(t, o.node).SessionToken()
	o.load = startLoad(t, o.token, clients, o.node)
	o.await(t, 50)
	return o
}

// await waits until so many more requests were accepted.
func (o *outage) await(t *testing.T, more int) {
	t.Helper()
	before, _ := o.load.seen()
	o.awaitSeen(t, func(accepted, _ int) bool { return accepted-before >= more })
}

// awaitRefused waits until so many more were refused.
func (o *outage) awaitRefused(t *testing.T, more int) {
	t.Helper()
	_, before := o.load.seen()
	o.awaitSeen(t, func(_, refused int) bool { return refused-before >= more })
}

func (o *outage) awaitSeen(t *testing.T, enough func(accepted, refused int) bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		if enough(o.load.seen()) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the clients get nowhere: %s\n%s", &o.load.figures, o.node.log)
		}
		<-time.After(pace)
	}
}

// TestDatabaseGone for ten seconds: nobody hangs, and the node is back with the
// database.
func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	o := startOutage(t, 4)
	o.route.close()
	unready := awaitReady(t, o.node, http.StatusServiceUnavailable)
	if got := probe(t, o.node, "/healthz"); got != http.StatusOK {
		t.Errorf("/healthz says %d although the process is up", got)
	}
	<-time.After(span(10*time.Second, time.Minute))
	_, refused := o.load.seen()
	o.route.open(t)
	recovered := o.load.awaitRecovery(t)
	ready := awaitReady(t, o.node, http.StatusOK)
	o.load.end(t, o.node, o.token, "database gone")
	t.Logf("/readyz said so after %s, and that it was over %s after the last refusal, which was %s after the return", unready, ready, recovered)
	if refused == 0 {
		t.Error("nobody noticed")
	}
}

// TestDatabaseSlow: a database that is a little slow makes answers slow, and one
// that is far too slow is as good as gone.
func TestDatabaseSlow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		latency        int // each way, in milliseconds
		accepted       bool
		refusedAtLeast int
	}{
		{"a tenth of a second", 50, true, 0},
		{"a second", 500, false, 1},
		{"six seconds", 3000, false, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := startOutage(t, 4)
			o.route.poison(t, "latency", map[string]int{"latency": test.latency, "jitter": test.latency / 5})
			<-time.After(time.Second) // what was under way is over, or slow too
			before, refusedBefore := o.load.seen()
			<-time.After(span(5*time.Second, 30*time.Second))
			accepted, refused := o.load.seen()
			o.route.cure(t)
			recovered := o.load.awaitRecovery(t)
			o.load.end(t, o.node, o.token, "database slow, "+test.name)
			t.Logf("while it was slow %d were accepted and %d refused; recovered %s afterwards", accepted-before, refused-refusedBefore, recovered)
			if test.accepted && (accepted == before || refused > refusedBefore) {
				t.Errorf("%d were accepted and %d refused, want all to be accepted", accepted-before, refused-refusedBefore)
			}
			if refused-refusedBefore < test.refusedAtLeast {
				t.Errorf("%d were refused", refused-refusedBefore)
			}
		})
	}
}

// TestConnectionsReset in the middle of transactions, again and again: a change
// happened or it did not, and no answer is anything but right or 503.
func TestConnectionsReset(t *testing.T) {
	t.Parallel()
	o := startOutage(t, 6)
	resets := rounds(20, 200)
	for range resets {
		o.route.poison(t, "reset_peer", map[string]int{"timeout": 0})
		<-time.After(20 * time.Millisecond) // each connection is reset at its next word
		o.route.cure(t)
		o.await(t, 20)
	}
	o.load.awaitRecovery(t)
	f := o.load.end(t, o.node, o.token, "connections reset again and again")
	if f.refused == 0 {
		t.Error("nobody noticed")
	}
}

// TestConnectionsForgotten: what lies between drops everything of the connections
// that there are and tells nobody, while new ones are fine. The node must not wait
// for the old ones one after another.
func TestConnectionsForgotten(t *testing.T) {
	t.Parallel()
	o := startOutage(t, 16) // so that there are many
	var took []time.Duration
	cut := 0
	for range 3 {
		cut += o.route.relay.silence(t, false)
		took = append(took, o.load.awaitRecovery(t))
		o.await(t, 100)
	}
	o.load.end(t, o.node, o.token, "connections forgotten 3 times")
	t.Logf("%d connections were forgotten; the last refusals came after %s", cut, took)
}

// TestDatabaseBlackHoled: everything is dropped, of new connections too, and
// nothing is closed.
func TestDatabaseBlackHoled(t *testing.T) {
	t.Parallel()
	o := startOutage(t, 4)
	o.route.poison(t, "timeout", map[string]int{"timeout": 0})
	unready := awaitReady(t, o.node, http.StatusServiceUnavailable)
	<-time.After(span(2*time.Second, time.Minute)) // beside the time until it was noticed
	o.route.cure(t)
	recovered := o.load.awaitRecovery(t)
	awaitReady(t, o.node, http.StatusOK)
	o.load.end(t, o.node, o.token, "database black-holed")
	t.Logf("/readyz said so after %s; the last refusal was %s after the return", unready, recovered)
}

// TestFailover: the URL names two servers, of which the first goes away, first
// with a refusal and then without a word. The node uses the other one.
func TestFailover(t *testing.T) {
	t.Parallel()
	database := storetest.MigratedPostgres(t)
	first, second := newRoute(t, database), newRoute(t, database)
	both := strings.Replace(first.url, first.proxy.Listen, first.proxy.Listen+","+second.proxy.Listen, 1)
	node := serve(t, store.Config{DatabaseURL: both, DataDir: t.TempDir()})
	token := createFirstUser(t, node).SessionToken()
	o := &outage{node: node, route: first, token: token, load: startLoad(t, token, 4, node)}
	o.await(t, 100)
	first.close()
	refusing := o.load.awaitRecovery(t)
	o.await(t, 100)
	first.open(t)
	o.await(t, 100)
	first.poison(t, "timeout", map[string]int{"timeout": 0})
	second.close() // who is there must come back, past the silent one
	second.open(t)
	silent := o.load.awaitRecovery(t)
	o.await(t, 100)
	o.load.end(t, node, token, "failover to another server")
	t.Logf("the last refusals came %s after the first server refused, %s after it fell silent", refusing, silent)
}

// TestStopWithoutDatabase: a node that is told to stop while it cannot reach the
// database does not wait for it.
func TestStopWithoutDatabase(t *testing.T) {
	t.Parallel()
	o := startOutage(t, 4)
	o.route.poison(t, "timeout", map[string]int{"timeout": 0})
	awaitReady(t, o.node, http.StatusServiceUnavailable)
	close(o.load.stop)
	asked := time.Now()
	o.node.signal(t, syscall.SIGTERM)
	if got := o.node.status(t); got != 0 {
		t.Errorf("exit status %d, want 0\n%s", got, o.node.log)
	}
	took := time.Since(asked)
	t.Logf("stopped without a database after %s", took.Round(time.Millisecond))
	if took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}
