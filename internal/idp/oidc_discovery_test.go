package idp_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/idp/idptest"
)

// clock is a time that only tests move.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// Nobody is asked before somebody logs in, and then once.
func TestOIDCDiscoveryIsLazyAndKept(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	p := newOIDC(t, server, nil)
	if err := p.Reachable(); err == nil {
		t.Error("a provider that nobody has asked is said to be there")
	}
	if got := server.Requests(idptest.Discovery); got != 0 {
		t.Fatalf("%d requests before anybody came", got)
	}
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if err := p.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if got := server.Requests(idptest.Discovery); got != 1 {
		t.Errorf("%d requests", got)
	}
	if err := p.Reachable(); err != nil {
		t.Errorf("it has answered: %v", err)
	}
	if got := p.Issuer(); got != server.URL {
		t.Errorf("issuer %q", got)
	}
}

// Who gives up does not take the attempt away from those who wait with them.
func TestOIDCDiscoveryOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	p := newOIDC(t, server, nil)
	waiting, release := server.Hang(idptest.Discovery)
	leaving, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- p.Ready(leaving) }()
	<-waiting
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	staying := make(chan error, 1)
	go func() { staying <- p.Ready(t.Context()) }()
	release()
	if err := <-staying; err != nil {
		t.Errorf("who stayed got %v", err)
	}
	if got := server.Requests(idptest.Discovery); got != 1 {
		t.Errorf("%d requests", got)
	}
}

// A failure is the answer for two seconds; then the provider is asked again.
func TestOIDCDiscoveryDownThenUp(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	server.Tamper(func(tampering *idptest.Tampering) { tampering.Down = true })
	clock := &clock{}
	p := newOIDC(t, server, func(c *idp.OIDCConfig) { c.Now = clock.now })
	_, err := p.Begin(t.Context(), oidcState, "")
	if e := refused(t, err); e.Kind != account.KindInternal || !strings.Contains(e.Message, "cannot be reached") || e.Detail != "" {
		t.Errorf("got %#v", e)
	}
	if err := p.Reachable(); err == nil {
		t.Error("it is said to be there")
	}
	server.Behave()
	before := server.Requests(idptest.Discovery)
	if _, err = p.Begin(t.Context(), oidcState, ""); err == nil || server.Requests(idptest.Discovery) != before {
		t.Errorf("asked again at once: %v", err)
	}
	clock.advance(3 * time.Second)
	if _, err := logIn(t, server, p); err != nil {
		t.Errorf("once it is up: %v", err)
	}
	if err := p.Reachable(); err != nil {
		t.Errorf("once it is up: %v", err)
	}
}

// Documents that must not be believed.
func TestOIDCDiscoveryRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tamper func(*idptest.Tampering)
		says   string
	}{
		"another issuer": {func(tampering *idptest.Tampering) { tampering.Discovery = setClaim("issuer", "https://evil.example") }, "did not match"},
		"a script": {func(tampering *idptest.Tampering) {
			tampering.Discovery = setClaim("authorization_endpoint", "javascript:alert(1)")
		}, "no http or https URL"},
		"no keys": {func(tampering *idptest.Tampering) { tampering.Discovery = setClaim("jwks_uri", nil) }, "no http or https URL"},
		"odd userinfo": {func(tampering *idptest.Tampering) {
			tampering.Discovery = setClaim("userinfo_endpoint", "file:///etc/passwd")
		}, "no http or https URL"},
		"more than 1 MiB": {func(tampering *idptest.Tampering) {
			tampering.Oversized = map[idptest.Endpoint]bool{idptest.Discovery: true}
		}, "longer than"},
		"a long page": {func(tampering *idptest.Tampering) {
			tampering.Replace = map[idptest.Endpoint]http.HandlerFunc{idptest.Discovery: func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, strings.Repeat("secret ", 10000), http.StatusBadGateway)
			}}
		}, "502"},
	} {
		server := idptest.NewOIDC(t)
		server.Tamper(test.tamper)
		err := newOIDC(t, server, nil).Ready(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.says) || len(err.Error()) > 400 {
			t.Errorf("%s: %.500v", name, err)
		}
	}
}

// A provider with TLS has no endpoint without it.
func TestOIDCDiscoveryDowngrade(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t, idptest.WithTLS())
	server.Tamper(func(tampering *idptest.Tampering) {
		tampering.Discovery = setClaim("token_endpoint", "http://127.0.0.1/token")
	})
	if err := newOIDC(t, server, nil).Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "without TLS") {
		t.Errorf("got %v", err)
	}
}

func TestOIDCSkippedIssuer(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	server.Tamper(func(tampering *idptest.Tampering) { tampering.Discovery = setClaim("issuer", "https://tenant.example") })
	p := newOIDC(t, server, func(c *idp.OIDCConfig) { c.SkipIssuerChecks = true })
	if _, err := logIn(t, server, p); err != nil {
		t.Error(err)
	}
	if got := p.Issuer(); got != "" {
		t.Errorf("issuer %q, where any will do", got)
	}
}

// TLS is checked against the authorities that were set.
func TestOIDCTLS(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t, idptest.WithTLS())
	if _, err := logIn(t, server, newOIDC(t, server, nil)); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	strange := newOIDC(t, server, func(c *idp.OIDCConfig) { c.Roots = nil })
	if err := strange.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without its authority: %v", err)
	}
}

// lines is a log.
type lines struct {
	sync.Mutex
	bytes.Buffer
	written chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	defer func() { l.written <- struct{}{} }()
	return l.Buffer.Write(p)
}

// The log hears once that a provider is down, however often it is asked, and once
// that it is up.
func TestOIDCWatch(t *testing.T) {
	t.Parallel()
	down, up := idptest.NewOIDC(t), idptest.NewOIDC(t)
	asked := make(chan struct{}, 100)
	down.Tamper(func(tampering *idptest.Tampering) {
		tampering.Replace = map[idptest.Endpoint]http.HandlerFunc{idptest.Discovery: func(w http.ResponseWriter, _ *http.Request) {
			asked <- struct{}{}
			w.WriteHeader(http.StatusBadGateway)
		}}
	})
	clock := &clock{}
	providers := idp.NewProviders(
		newOIDC(t, up, nil),
		newOIDC(t, down, func(c *idp.OIDCConfig) {
			c.Name = "acme"
			c.Now = func() time.Time { clock.advance(time.Minute); return clock.now() }
		}),
	)
	heard := &lines{written: make(chan struct{}, 10)}
	done := make(chan struct{})
	go func() {
		providers.WatchEvery(t.Context(), slog.New(slog.NewTextHandler(heard, nil)), time.Millisecond)
		close(done)
	}()
	for range 3 {
		<-asked
	}
	down.Behave()
	<-done
	for _, p := range providers.All() {
		if err := p.Reachable(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	if text := heard.String(); strings.Count(text, "\n") != 2 || strings.Count(text, "provider=acme") != 2 ||
		!strings.Contains(text, "level=WARN") || !strings.Contains(text, "level=INFO") {
		t.Errorf("the log:\n%s", text)
	}
}

func TestOIDCWatchEnds(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	server.Tamper(func(tampering *idptest.Tampering) { tampering.Down = true })
	heard := &lines{written: make(chan struct{}, 10)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		idp.NewProviders(newOIDC(t, server, nil)).Watch(ctx, slog.New(slog.NewTextHandler(heard, nil)))
		close(done)
	}()
	<-heard.written
	cancel()
	<-done
}
