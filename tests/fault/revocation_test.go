package fault_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

const (
	// promised is when a revocation is known to all nodes, of a hundred of them
	// in all but one, and bound is when it is known whatever happens.
	promised = 100 * time.Millisecond
	bound    = time.Second
	// rest is how exactly it is measured.
	rest = time.Millisecond
)

// trial is one revocation.
type trial struct {
	right      string
	answered   time.Time
	presenters []*presenter
}

func (r *trial) late() (longest time.Duration) {
	for _, p := range r.presenters {
		longest = max(longest, p.late(r.answered))
	}
	return longest
}

// TestRevocationAmongThreeNodes measures the time from the answer of a revocation
// at one node to the last request that another accepts, by when it was sent. What
// is sent a second later is accepted nowhere: that is the promise, and the test.
// That 99 of 100 are over within 100 ms on a machine with nothing else to do is
// read from the figures; held to it is the half, because a busy machine stops
// processes for longer than that.
func TestRevocationAmongThreeNodes(t *testing.T) {
	t.Parallel()
	n := startNodes(t, sameDatabase(t, 3)...)
	trials := make([]*trial, rounds(200, 2000))
	var lanes, tails sync.WaitGroup
	for lane := range 2 {
		lanes.Go(func() {
			for i := lane; i < len(trials); i += 2 {
				trials[i] = n.try(t, i, &tails)
			}
		})
	}
	lanes.Wait()
	tails.Wait()
	if t.Failed() {
		return
	}
	times := map[string][]time.Duration{}
	sent, accepted, after := 0, 0, 0
	var all []time.Duration
	for _, trial := range trials {
		times[trial.right] = append(times[trial.right], trial.late())
		all = append(all, trial.late())
		for _, p := range trial.presenters {
			sent, accepted = sent+p.sent, accepted+p.accepted
			if p.late(trial.answered) > bound {
				after++
			}
		}
	}
	for name, list := range times {
		half, most, longest := quantiles(list)
		t.Logf("%s: %d rounds, last accepted p50 %s, p99 %s, max %s", name, len(list), half, most, longest)
	}
	half, most, longest := quantiles(all)
	t.Logf("revocation among three nodes: %d rounds, requests sent %d, accepted %d, refused %d; last accepted p50 %s, p99 %s (promised %s), max %s; accepted after %s: %d",
		len(trials), sent, accepted, sent-accepted, half, most, promised, longest, bound, after)
	if after > 0 {
		t.Errorf("%d were accepted later than %s after the revocation", after, bound)
	}
	if half > promised {
		t.Errorf("in the half of the cases it took more than %s, want %s", half, promised)
	}
}

// try revokes one right at one of the nodes while it is used at the others. They
// go on using it, at last now and then, until the bound is past.
func (n *nodes) try(t *testing.T, i int, tails *sync.WaitGroup) *trial {
	t.Helper()
	kinds := rights()
	r, at := kinds[i%len(kinds)], i%len(n.list)
	user, key := n.holder(t, fmt.Sprintf("holder-%d", i))
	result := &trial{right: r.name}
	revoked := make(chan struct{})
	var ready, hot sync.WaitGroup
	for node := range n.list {
		for range 2 {
			if node == at {
				continue
			}
			p := n.presenter(t, node, r, key)
			result.presenters = append(result.presenters, p)
			p.remembered(t)
			ready.Add(1)
			hot.Add(1)
			tails.Go(func() {
				ready.Done()
				p.during(t.Context(), revoked, hot.Done)
			})
		}
	}
	ready.Wait()
	<-time.After(5 * time.Millisecond) // they are at it
	n.revoke(t, at, r, user, key)
	result.answered = time.Now()
	close(revoked)
	hot.Wait()
	return result
}

// during presents all the time until the right is revoked and for a while longer, calls over, and then now and then until the bound is past.
func (p *presenter) during(ctx context.Context, revoked <-chan struct{}, over func()) {
	for running := true; running; {
		p.present(ctx)
		select {
		case <-revoked:
			running = false
		case <-time.After(rest):
		}
	}
	begin := time.Now()
	for refused := p.refused; time.Since(begin) < promised || p.refused < refused+20 && time.Since(begin) < bound; {
		p.present(ctx)
		<-time.After(rest)
	}
	over()
	for time.Since(begin) < bound+200*time.Millisecond {
		<-time.After(100 * time.Millisecond)
		p.present(ctx)
	}
}
