package fault_test

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/store/storetest"
	"usher/sdk"
)

// deafness is two nodes on one database, of which the second is kept from hearing
// what the first commits.
type deafness struct {
	*nodes
	route *route // of the second
	db    *pgx.Conn
	// What was measured: how long after the answer of a revocation the second node
	// accepted what was sent, and what it answered.
	times []time.Duration
	sum   presenter
}

func startDeafness(t *testing.T) *deafness {
	t.Helper()
	database := storetest.MigratedPostgres(t)
	db, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.WithoutCancel(t.Context())) })
	route := newRoute(t, database)
	return &deafness{nodes: startNodes(t, database, route.url), route: route, db: db}
}

// revoke takes a right away at the first node the moment that the second goes
// deaf, and presents it there until enough is over. It returns the presenter.
func (d *deafness) revoke(t *testing.T, i int, deafen func(), enough func(*presenter) bool) *presenter {
	t.Helper()
	d.awaitMemory(t)
	r := rights()[i%len(rights())]
	user, key := d.holder(t, fmt.Sprintf("holder-%d", i))
	p := d.presenter(t, 1, r, key)
	p.remembered(t)
	deafen()
	d.nodes.revoke(t, 0, r, user, key)
	answered := time.Now()
	p.until(t, r.name, func() bool { return time.Since(answered) > bound+rest && enough(p) })
	d.times = append(d.times, p.late(answered))
	d.sum.sent, d.sum.accepted, d.sum.refused = d.sum.sent+p.sent, d.sum.accepted+p.accepted, d.sum.refused+p.refused
	d.sum.down, d.sum.stall = d.sum.down+p.down, max(d.sum.stall, p.stall)
	if late := p.late(answered); late > bound {
		t.Errorf("%s: accepted what was sent %s after the revocation", r.name, late)
	}
	if p.fault != nil {
		t.Errorf("%s: %v", r.name, p.fault)
	}
	return p
}

// awaitMemory waits until the second node remembers keys again: that it knows one
// which is no longer in the database, of which nobody told it.
func (d *deafness) awaitMemory(t *testing.T) {
	t.Helper()
	u, _ := d.holder(t, fmt.Sprintf("forgotten-%d", len(d.times)))
	for begin := time.Now(); ; {
		made, err := d.owners[0].CreateToken(t.Context(), u.ID.String(), sdk.CreateTokenRequest{})
		if err != nil {
			t.Fatal(err)
		}
		p := d.presenter(t, 1, rights()[0], made.Key)
		p.remembered(t)
		if _, err := d.db.Exec(t.Context(), `DELETE FROM api_keys WHERE id = $1`, idOf(made.Key)); err != nil {
			t.Fatal(err)
		}
		if p.present(t.Context()); p.refused == 0 {
			return
		}
		if time.Since(begin) > recoveryTime {
			t.Fatal("the node does not remember again")
		}
	}
}

// end prints what was measured.
func (d *deafness) end(t *testing.T, what string) {
	t.Helper()
	half, _, longest := quantiles(d.times)
	t.Logf("%s, %d times: requests sent %d, accepted %d, refused %d, 503 %d; last accepted p50 %s, max %s after the revocation (bound %s); longest stall %s",
		what, len(d.times), d.sum.sent, d.sum.accepted, d.sum.refused, d.sum.down, half, longest, bound, d.sum.stall.Round(time.Millisecond))
	if d.sum.stall > answerTime+leeway {
		t.Errorf("somebody waited for %s, want at most %s", d.sum.stall, answerTime)
	}
}

func wasRefused(p *presenter) bool { return p.refused > 0 }

// TestListenerCut: the connections that hear notifications are killed, and no
// others. Nothing is noticed of it, least of all by who holds a revoked key.
func TestListenerCut(t *testing.T) {
	t.Parallel()
	d := startDeafness(t)
	for i := range rounds(7, 100) {
		d.revoke(t, i, func() {
			killed, err := d.db.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND query LIKE 'LISTEN %'`)
			if err != nil || killed.RowsAffected() == 0 {
				t.Fatalf("%d listeners were killed: %v", killed.RowsAffected(), err)
			}
		}, wasRefused)
	}
	d.end(t, "notification connection cut")
	if d.sum.down > 0 {
		t.Errorf("%d requests were answered with 503, although the database could be reached", d.sum.down)
	}
}

// TestListenerBlackHoled: the connection that hears notifications falls silent
// without being closed, while everything else works.
func TestListenerBlackHoled(t *testing.T) {
	t.Parallel()
	d := startDeafness(t)
	for i := range rounds(7, 100) {
		d.revoke(t, i, func() { d.route.relay.silence(t, true) }, wasRefused)
	}
	d.end(t, "notification connection black-holed")
	if d.sum.down > 0 {
		t.Errorf("%d requests were answered with 503, although the database could be reached", d.sum.down)
	}
}

// TestNodeBlackHoled: a node is cut off from the database without being told,
// while others go on. It refuses everything rather than trust what it knows, and
// works again by itself.
func TestNodeBlackHoled(t *testing.T) {
	t.Parallel()
	d := startDeafness(t)
	for i := range rounds(2, 20) {
		p := d.revoke(t, i, func() { d.route.poison(t, "timeout", map[string]int{"timeout": 0}) },
			func(p *presenter) bool { return p.down > 0 })
		if got := probe(t, d.list[1], "/readyz"); got != http.StatusServiceUnavailable {
			t.Errorf("/readyz says %d of a node that is cut off", got)
		}
		if got := probe(t, d.list[0], "/readyz"); got != http.StatusOK {
			t.Errorf("/readyz says %d of the other node", got)
		}
		d.route.cure(t)
		p.until(t, "the node knows again", func() bool { return wasRefused(p) })
		awaitReady(t, d.list[1], http.StatusOK)
	}
	d.end(t, "node black-holed")
}

// TestNodePaused: a node is stopped, as a virtual machine is that moves, while a
// right is revoked elsewhere and requests for it arrive. When it goes on, it must
// not answer them by what it knew before.
func TestNodePaused(t *testing.T) {
	t.Parallel()
	n := startNodes(t, sameDatabase(t, 2)...)
	pauses, waiting, accepted := rounds(5, 50), 16, 0
	for i := range pauses {
		r := rights()[i%len(rights())]
		user, key := n.holder(t, fmt.Sprintf("holder-%d", i))
		list := make([]*presenter, waiting)
		for w := range list {
			list[w] = n.presenter(t, 1, r, key)
			list[w].remembered(t)
		}
		n.list[1].signal(t, syscall.SIGSTOP)
		n.revoke(t, 0, r, user, key)
		answered := make(chan *presenter)
		for _, p := range list {
			go func() {
				p.accepted = 0
				p.present(t.Context())
				answered <- p
			}()
		}
		<-time.After(bound) // the pause, which all of them wait out
		n.list[1].signal(t, syscall.SIGCONT)
		for range list {
			accepted += (<-answered).accepted
		}
	}
	t.Logf("node paused for %s, %d times: requests sent after the revocation %d, accepted %d", bound, pauses, pauses*waiting, accepted)
	if accepted > 0 {
		t.Errorf("%d requests were accepted that were sent after the revocation, when the node went on", accepted)
	}
}
