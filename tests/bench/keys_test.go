package bench_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"usher/internal/account"
	"usher/internal/api"
	"usher/internal/secret"
	"usher/internal/server/servertest"
	"usher/internal/service"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// withToken makes a token of the first user and asks with it.
func withToken(t testing.TB, s *servertest.Server, path string) *target {
	t.Helper()
	token, err := s.Owner.CreateToken(t.Context(), sdk.Me, sdk.CreateTokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	g := get(t, s, path)
	plain := g.request
	g.request = func(n int64) (*http.Request, error) {
		req, err := plain(n)
		if err == nil {
			req.Header.Set(sdk.SessionTokenHeader, token.Key)
		}
		return req, err
	}
	return g
}

// tokenCreations is a target that creates tokens.
func tokenCreations(t testing.TB, s *servertest.Server) *target {
	t.Helper()
	return &target{client: newClient(t), status: http.StatusCreated, request: func(n int64) (*http.Request, error) {
		body, err := json.Marshal(sdk.CreateTokenRequest{TokenName: fmt.Sprintf("token-%d", n), Scopes: []sdk.APIKeyScope{"user:read"}})
		if err != nil {
			return nil, err
		}
		return request(s, http.MethodPost, "/users/me/keys/tokens", body)
	}}
}

// BenchmarkGetMeWithToken is authentication by a token that is known already.
func BenchmarkGetMeWithToken(b *testing.B) {
	onEach(b, func(t testing.TB, s *servertest.Server) *target {
		t.Helper()
		return withToken(t, s, "/users/me")
	})
}

// BenchmarkCreateToken is a token with its audit entry, on disk before the
// answer is sent.
func BenchmarkCreateToken(b *testing.B) {
	onEach(b, tokenCreations)
}

// TestKeysHarness runs the measurements of keys in short.
func TestKeysHarness(t *testing.T) {
	t.Parallel()
	for name, measured := range map[string]func(testing.TB, *servertest.Server) *target{
		"GetMeWithToken": func(t testing.TB, s *servertest.Server) *target { return withToken(t, s, "/users/me") },
		"CreateToken":    tokenCreations,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			usher := measured(t, start(t, onSQLite(t)))
			r, err := measure(usher, bareTwin(t, usher), smokeRequests)
			if err != nil || r.ratio() <= 0 {
				t.Errorf("measured %+v: %v", r, err)
			}
		})
	}
}

// inProcess is the API without a network, with a request for the first user by a
// key that it knows.
func inProcess(t testing.TB) (http.Handler, *http.Request) {
	t.Helper()
	cases := service.New(service.Config{
		Store:           storetest.Open(t, storetest.SQLite(t)),
		Hasher:          secret.NewHasher(secret.HasherConfig{Params: servertest.CheapPasswords()}),
		Log:             slog.New(slog.DiscardHandler),
		SessionDuration: 24 * time.Hour,
	})
	t.Cleanup(cases.Close)
	if err := cases.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	nobody := account.Anonymous(account.Origin{})
	first := service.NewUser{Username: "owner", Email: "owner@example.com", Password: servertest.Password, Status: account.StatusActive}
	if _, err := cases.CreateFirstUser(t.Context(), nobody, first, nil); err != nil {
		t.Fatal(err)
	}
	key, err := cases.Login(t.Context(), nobody, service.Login{Email: first.Email, Password: first.Password}, nil)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := api.New(api.Config{
		Service: cases, Registry: prometheus.NewRegistry(), Dialect: api.Reference,
		Log:       slog.New(slog.NewTextHandler(io.Discard, nil)), //nolint:sloglint // the lines are made, as in production
		AccessURL: &url.URL{Scheme: "http", Host: "usher.example.com"},
		RateLimit: 1 << 30,
	})
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodGet, "/api/v2/users/me", http.NoBody)
	req.Header.Set(sdk.SessionTokenHeader, key.Reveal())
	return handler, req
}

// sink is a response that costs nothing.
type sink struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (s *sink) Header() http.Header { return s.header }

// WriteHeader implements http.ResponseWriter.
func (s *sink) WriteHeader(status int) { s.status = status }

// Write implements http.ResponseWriter.
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkHandler is what a request costs without the network: nanoseconds and
// allocations, with its log line, its rate limit and its metrics.
func BenchmarkHandler(b *testing.B) {
	handler, req := inProcess(b)
	out := &sink{header: http.Header{}}
	handler.ServeHTTP(out, req)
	if out.status != http.StatusOK {
		b.Fatalf("status %d", out.status)
	}
	b.ReportAllocs()
	for b.Loop() {
		clear(out.header)
		handler.ServeHTTP(out, req)
	}
}

// maxAllocations is what an authenticated request may allocate, the answer's
// JSON and the log line included: a fence against what creeps in unseen, a little
// above what was measured.
const maxAllocations = 45

// TestHandlerAllocations is not parallel, because it counts allocations.
func TestHandlerAllocations(t *testing.T) {
	handler, req := inProcess(t)
	out := &sink{header: http.Header{}}
	got := testing.AllocsPerRun(200, func() {
		clear(out.header)
		handler.ServeHTTP(out, req)
	})
	t.Logf("%.0f allocations a request", got)
	if got > maxAllocations || out.status != http.StatusOK {
		t.Errorf("status %d with %.0f allocations, want at most %d", out.status, got, maxAllocations)
	}
}
