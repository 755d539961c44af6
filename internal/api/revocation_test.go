package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// knocker asks the same again and again, as quickly as it can.
type knocker struct {
	transport *http.Transport
	url, key  string
}

// knock returns the status of one request.
func (k knocker) knock(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, http.NoBody)
	if err != nil {
		return 0, err
	}
	req.Header.Set(sdk.SessionTokenHeader, k.key)
	res, err := k.transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}

// revocation is one way to take something away from a key.
type revocation struct {
	name string
	// ref is the user that the key asks for: its own, or one that it may read by
	// its role alone.
	ref    func(s *servertest.Server, of sdk.User) any
	revoke func(t *testing.T, s *servertest.Server, of sdk.User, key string) answer
	after  int
}

func revocations() []revocation {
	me := func(*servertest.Server, sdk.User) any { return "me" }
	return []revocation{
		{"delete key", me, func(t *testing.T, s *servertest.Server, _ sdk.User, key string) answer {
			return owner(s).delete(t, path("me", "keys", idOf(key)))
		}, http.StatusUnauthorized},
		{"expire key", me, func(t *testing.T, s *servertest.Server, _ sdk.User, key string) answer {
			return owner(s).put(t, path("me", "keys", idOf(key), "expire"), nil)
		}, http.StatusUnauthorized},
		{"rotate key", me, func(t *testing.T, s *servertest.Server, _ sdk.User, key string) answer {
			return owner(s).post(t, rotation(key), body{"overlap": 0})
		}, http.StatusUnauthorized},
		{"log out", me, func(t *testing.T, s *servertest.Server, _ sdk.User, key string) answer {
			return guest(s).as(key).post(t, "/api/v2/users/logout", nil)
		}, http.StatusUnauthorized},
		{"suspend", me, func(t *testing.T, s *servertest.Server, of sdk.User, _ string) answer {
			return owner(s).put(t, path(of.ID, "status/suspend"), nil)
		}, http.StatusUnauthorized},
		{"change password", me, func(t *testing.T, s *servertest.Server, of sdk.User, _ string) answer {
			return owner(s).put(t, path(of.ID, "password"), body{"password": fmt.Sprint(nextPassword, time.Now().UnixNano())})
		}, http.StatusUnauthorized},
		{"change role", func(s *servertest.Server, _ sdk.User) any { return s.OwnerID }, func(t *testing.T, s *servertest.Server, of sdk.User, _ string) answer {
			return owner(s).put(t, path(of.ID, "roles"), body{"roles": []string{}})
		}, http.StatusNotFound},
		{"delete user", me, func(t *testing.T, s *servertest.Server, of sdk.User, _ string) answer {
			return owner(s).delete(t, path(of.ID))
		}, http.StatusUnauthorized},
	}
}

// TestRevocationIsImmediate: once it is answered, no request that begins
// afterwards is served as before. It races each way to revoke with readers, who
// know the key already or are just looking it up.
func TestRevocationIsImmediate(t *testing.T) {
	t.Parallel()

	const (
		enough = 240             // rounds
		limit  = 5 * time.Second // on a machine that is too busy for so many
		atOnce = 2               // readers
	)
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		transport := &http.Transport{MaxIdleConnsPerHost: atOnce}
		t.Cleanup(transport.CloseIdleConnections)
		ways, rounds := revocations(), 0
		var asked atomic.Int64
		var of sdk.User
		for begin := time.Now(); rounds < enough && time.Since(begin) < limit; rounds++ {
			way := ways[rounds%len(ways)]
			if rounds%len(ways) == 0 { // the last way has deleted the one before
				of = create(t, s, newUser(fresh(), "auditor"))
			}
			if ways[(rounds+len(ways)-1)%len(ways)].name == "suspend" {
				owner(s).put(t, path(of.ID, "status/activate"), nil).want(t, http.StatusOK)
			}
			key := mint(t, owner(s), of.ID, body{"lifetime": ns(hour)})
			k := knocker{transport: transport, url: s.URL + path(way.ref(s, of)), key: key}
			var answered atomic.Bool
			var warm, readers sync.WaitGroup
			for range atOnce {
				warm.Add(1)
				readers.Go(func() { asked.Add(askUntil(t, k, way, &answered, sync.OnceFunc(warm.Done))) })
			}
			if rounds%3 > 0 { // otherwise the key is still being looked up
				warm.Wait()
			}
			a := way.revoke(t, s, of, key)
			answered.Store(true)
			readers.Wait()
			if a.status >= 300 {
				t.Fatalf("%s: %s", way.name, a)
			}
			if t.Failed() {
				return
			}
		}
		t.Logf("%d rounds, %d requests", rounds, asked.Load())
	})
}

// askUntil asks until it has done so twice after the answer, and returns how
// often it did.
func askUntil(t *testing.T, k knocker, way revocation, answered *atomic.Bool, warm func()) (asked int64) {
	defer warm()
	for late := 0; late < 2; asked++ {
		begunAfter := answered.Load()
		status, err := k.knock(t.Context())
		switch {
		case err != nil:
			t.Errorf("%s: %v", way.name, err)
			return asked
		case begunAfter && status != way.after:
			t.Errorf("%s: a request that began after the answer got %d, want %d", way.name, status, way.after)
			return asked
		case status != http.StatusOK && status != way.after:
			t.Errorf("%s: a request got %d", way.name, status)
			return asked
		}
		if asked == 3 {
			warm()
		}
		if begunAfter {
			late++
		}
	}
	return asked
}
