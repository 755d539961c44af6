package bench_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// smokeRequests is enough to see that a measurement works.
const smokeRequests = 20

// TestHarness runs each measurement in short, so that it still works when
// somebody wants to know. It says nothing about speed.
func TestHarness(t *testing.T) {
	t.Parallel()
	targets := map[string]func(testing.TB, *servertest.Server) *target{
		"GetMe":      func(t testing.TB, s *servertest.Server) *target { return get(t, s, "/users/me") },
		"CreateUser": creations,
		"ListUsers": func(t testing.TB, s *servertest.Server) *target {
			seed(t, s, 50)
			return get(t, s, "/users?limit=25")
		},
	}
	for name, measured := range targets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db store.Config) {
				usher := measured(t, start(t, db))
				bare := bareTwin(t, usher)
				r, err := measure(usher, bare, smokeRequests)
				if err != nil {
					t.Fatal(err)
				}
				if r.usher <= 0 || r.bare <= 0 || r.ratio() <= 0 {
					t.Errorf("measured %+v, ratio %v; want more than nothing", r, r.ratio())
				}
				if got := bare.sent.Load(); got != smokeRequests {
					t.Errorf("%d requests to the bare handler, want %d", got, smokeRequests)
				}
			})
		})
	}
}

// TestBareTwin: the two of a pair send as much.
func TestBareTwin(t *testing.T) {
	t.Parallel()
	usher := get(t, start(t, onSQLite(t)), "/users/me")
	bare := bareTwin(t, usher)
	type answer struct {
		Status, Headers int
		Body            string
	}
	ask := func(g *target) answer {
		req, err := g.request(0)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := g.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer{Status: resp.StatusCode, Headers: len(resp.Header), Body: string(body)}
	}
	if diff := cmp.Diff(ask(usher), ask(bare)); diff != "" {
		t.Errorf("the bare handler answers otherwise (-usher +bare):\n%s", diff)
	}
	usher.status = http.StatusTeapot
	if _, err := measure(usher, bare, smokeRequests); err == nil {
		t.Error("answers with a wrong status are measured as if they were right")
	}
}
