package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// relay passes on what goes between a node and PostgreSQL, and can fall silent
// the way a cable does that is pulled out somewhere: nothing arrives any more,
// and nobody is told.
type relay struct {
	url string

	mu    sync.Mutex
	lines []*line
}

// line is one connection through the relay.
type line struct {
	listens atomic.Bool // the node has sent LISTEN on it
	silent  atomic.Bool
}

// startRelay starts one to the database, over TCP whatever the server's socket
// is.
func startRelay(t *testing.T, databaseURL string) *relay {
	t.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	r := &relay{url: (&url.URL{
		Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Path: "/" + config.Database,
		Host: listener.Addr().String(), RawQuery: "sslmode=disable",
	}).String()}
	go func() {
		for {
			node, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go r.connect(node, network, address)
		}
	}()
	return r
}

// connect passes on both directions until one of them ends.
func (r *relay) connect(node net.Conn, network, address string) {
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

// silence cuts the lines on which somebody listens now. Others, and those that
// are made later, are not concerned.
func (r *relay) silence() {
	r.mu.Lock()
	defer r.mu.Unlock()
	cut := 0
	for _, l := range r.lines {
		if l.listens.Load() && !l.silent.Swap(true) {
			cut++
		}
	}
	if cut == 0 {
		panic(fmt.Sprintf("nobody listens on any of %d lines", len(r.lines)))
	}
}
