package fault_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rs/zerolog"
)

// route is a node's way to PostgreSQL: through toxiproxy, which does to all of it
// what networks do, and behind that through a relay, which knows one connection
// from another.
type route struct {
	url   string
	proxy *toxiproxy.Proxy
	relay *relay
}

// newRoute makes one to the database, over TCP whatever the server's socket is.
func newRoute(t *testing.T, databaseURL string) *route {
	t.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	r := &route{relay: startRelay(t, config)}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	r.proxy = toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", r.relay.address)
	if err := r.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.proxy.Stop)
	r.url = (&url.URL{
		Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Path: "/" + config.Database,
		Host: r.proxy.Listen, RawQuery: "sslmode=disable",
	}).String()
	return r
}

// close ends every connection and refuses new ones, until open.
func (r *route) close() { r.proxy.Stop() }

func (r *route) open(t *testing.T) {
	t.Helper()
	if err := r.proxy.Start(); err != nil {
		t.Fatal(err)
	}
}

// poison puts a toxic of toxiproxy on both directions of all connections, those
// that are there and those that come, until cure.
func (r *route) poison(t *testing.T, kind string, attributes map[string]int) {
	t.Helper()
	for _, stream := range []string{"upstream", "downstream"} {
		text, err := json.Marshal(map[string]any{
			"name": kind + " " + stream, "type": kind, "stream": stream, "toxicity": 1, "attributes": attributes,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.proxy.Toxics.AddToxicJson(bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *route) cure(t *testing.T) { r.proxy.Toxics.ResetToxics(t.Context()) }

// relay passes on what goes between a node and PostgreSQL. It can fall silent on
// some connections, the way a firewall does that has forgotten them: nothing
// arrives any more, nobody is told, and new connections are fine.
type relay struct {
	address string
	config  *pgx.ConnConfig

	mu    sync.Mutex
	lines []*line
}

// line is one connection through the relay.
type line struct {
	listens atomic.Bool // the node has sent LISTEN on it
	silent  atomic.Bool
}

func startRelay(t *testing.T, config *pgx.ConnConfig) *relay {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	r := &relay{address: listener.Addr().String(), config: config}
	go func() {
		for {
			node, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go r.connect(node)
		}
	}()
	return r
}

// connect passes on both directions until one of them ends.
func (r *relay) connect(node net.Conn) {
	network, address := pgconn.NetworkAddress(r.config.Host, r.config.Port)
	server, err := net.Dial(network, address)
	if err != nil {
		_ = node.Close()
		return
	}
	l := &line{}
	r.mu.Lock()
	r.lines = append(r.lines, l)
	r.mu.Unlock()
	pass := func(to, from net.Conn, see func([]byte)) {
		defer func() { _, _ = to.Close(), from.Close() }()
		_, _ = io.Copy(filter{to: to, line: l, see: see}, struct{ io.Reader }{from})
	}
	go pass(node, server, func([]byte) {})
	pass(server, node, func(text []byte) {
		if bytes.Contains(text, []byte("LISTEN ")) {
			l.listens.Store(true)
		}
	})
}

// filter is the end of a line that swallows everything while it is silent.
type filter struct {
	to   io.Writer
	line *line
	see  func([]byte)
}

// Write implements io.Writer.
func (f filter) Write(text []byte) (int, error) {
	f.see(text)
	if f.line.silent.Load() {
		return len(text), nil
	}
	return f.to.Write(text)
}

// silence cuts the lines that there are now, all or those on which somebody
// listens, and returns how many it cut.
func (r *relay) silence(t *testing.T, listeningOnly bool) (cut int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lines {
		if (!listeningOnly || l.listens.Load()) && !l.silent.Swap(true) {
			cut++
		}
	}
	if cut == 0 {
		t.Fatalf("there is nothing to cut among %d lines", len(r.lines))
	}
	return cut
}
