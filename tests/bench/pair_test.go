package bench_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// connections is how many clients send requests at the same time, each on a
// connection that it keeps.
const connections = 8

// slice is how many requests go to one of the two before it is the other's turn:
// what slows the machine down for a while then slows both.
const slice = 1000

// target is where a measurement sends its requests.
type target struct {
	client *http.Client
	// request makes the nth request; n begins with 0 and is never used twice.
	request func(n int64) (*http.Request, error)
	status  int // of every answer
	sent    atomic.Int64
}

// newClient returns a client that keeps its connections.
func newClient(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// ask sends the next request and reads the answer to its end.
func (g *target) ask() error {
	req, err := g.request(g.sent.Add(1) - 1)
	if err != nil {
		return err
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != g.status {
		err = errors.Join(err, fmt.Errorf("%s %s: status %d, want %d", req.Method, req.URL.Path, resp.StatusCode, g.status))
	}
	return errors.Join(err, resp.Body.Close())
}

// load sends n requests over all connections and returns how long that took.
func (g *target) load(n int) (time.Duration, error) {
	var left atomic.Int64
	left.Store(int64(n))
	var group sync.WaitGroup
	failures := make([]error, connections)
	begin := time.Now()
	for i := range failures {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if failures[i] = g.ask(); failures[i] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return time.Since(begin), errors.Join(failures...)
}

// result is what a pair was measured to do, in requests a second.
type result struct{ usher, bare float64 }

// ratio is how much of the bare handler's rate is left.
func (r result) ratio() float64 { return r.usher / r.bare }

// measure sends n requests to each of the two, in turns.
func measure(usher, bare *target, n int) (result, error) {
	var took struct{ usher, bare time.Duration }
	for left := n; left > 0; left -= slice {
		turn := min(left, slice)
		spent, err := usher.load(turn)
		if err != nil {
			return result{}, fmt.Errorf("usher: %w", err)
		}
		took.usher += spent
		if spent, err = bare.load(turn); err != nil {
			return result{}, fmt.Errorf("bare handler: %w", err)
		}
		took.bare += spent
	}
	return result{usher: float64(n) / took.usher.Seconds(), bare: float64(n) / took.bare.Seconds()}, nil
}

// report measures as often as the benchmark says.
func report(b *testing.B, usher, bare *target) {
	b.Helper()
	for _, g := range []*target{usher, bare} { // connections and caches are warm
		if _, err := g.load(2 * connections); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	r, err := measure(usher, bare, b.N)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(r.usher, "usher-req/s")
	b.ReportMetric(r.bare, "bare-req/s")
	b.ReportMetric(r.ratio(), "usher/bare")
	b.ReportMetric(0, "ns/op") // of a request to each, which says nothing
}

// bareTwin starts a server that answers everything with the bytes, the status
// and as many headers as usher's answer to its next request.
func bareTwin(t testing.TB, usher *target) *target {
	t.Helper()
	req, err := usher.request(usher.sent.Add(1) - 1)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := usher.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != usher.status {
		t.Fatalf("the answer to copy has status %d, want %d; %v", resp.StatusCode, usher.status, err)
	}
	header := resp.Header.Clone()
	for _, own := range []string{"Date", "Content-Length", "Transfer-Encoding"} { // of net/http itself
		header.Del(own)
	}
	address := startBare(t, usher.status, header, body)
	return &target{client: newClient(t), status: usher.status, request: func(n int64) (*http.Request, error) {
		req, err := usher.request(n)
		if err == nil {
			req.URL.Host = address
		}
		return req, err
	}}
}

func startBare(t testing.TB, status int, header http.Header, body []byte) (address string) {
	t.Helper()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		to := w.Header()
		for name, values := range header {
			to[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.Copy(w, bytes.NewReader(body))
	})
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return listener.Addr().String()
}
