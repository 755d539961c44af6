package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/sdk"
)

func limited(perMinute int) servertest.Option {
	return func(c *server.Config) {
		c.RateLimit = perMinute
		c.TrustedProxies = []string{"127.0.0.1"} // so that a test can have many addresses
	}
}

// from returns a client at another address.
func (c client) from(address string) client { return c.with("X-Forwarded-For", address) }

// spend sends requests until they are refused, and returns how many were not.
func spend(t *testing.T, send func() answer) int {
	t.Helper()
	for n := range 200 {
		if send().status == http.StatusTooManyRequests {
			return n
		}
	}
	t.Fatal("200 requests were allowed")
	return 0
}

// settle waits for the beginning of a minute if the present one is nearly over,
// because at its end a part of what was spent comes back.
func settle(t *testing.T) {
	t.Helper()
	if left := time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)); left < 3*time.Second {
		<-time.After(left)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()

	const limit = 5
	s := servertest.New(t, limited(limit))
	settle(t)
	c := guest(s).from("192.0.2.1")
	for n := range limit {
		a := c.get(t, "/api/v2/buildinfo").want(t, http.StatusOK)
		if got := a.header.Get("X-RateLimit-Limit"); got != strconv.Itoa(limit) {
			t.Errorf("limit %s", got)
		}
		if got := a.header.Get("X-RateLimit-Remaining"); got != strconv.Itoa(limit-1-n) {
			t.Errorf("request %d: remaining %s", n, got)
		}
		reset, err := strconv.ParseInt(a.header.Get("X-RateLimit-Reset"), 10, 64)
		if in := time.Until(time.Unix(reset, 0)); err != nil || in <= 0 || in > time.Minute {
			t.Errorf("reset in %s (%v)", in, err)
		}
	}
	refused := c.get(t, "/api/v2/buildinfo")
	refused.refused(t, http.StatusTooManyRequests, "5 requests a minute")
	if got := refused.header.Get("Retry-After"); got != "60" {
		t.Errorf("Retry-After %q, want 60", got)
	}
	// The bucket is the route: other routes, and other addresses, have their own.
	c.get(t, "/api/v2/users/authmethods").want(t, http.StatusOK)
	guest(s).from("192.0.2.2").get(t, "/api/v2/buildinfo").want(t, http.StatusOK)
	// Outside of the API nothing is limited.
	for range 2 * limit {
		c.get(t, "/healthz").want(t, http.StatusOK)
	}
}

// TestRateLimitIsByRoute: neither another object nor another way to write the
// path makes a new bucket.
func TestRateLimitIsByRoute(t *testing.T) {
	t.Parallel()

	const limit = 6
	s := servertest.New(t, limited(limit))
	settle(t)
	c, n := owner(s), 0
	spent := spend(t, func() answer {
		n++
		return c.get(t, []string{path("me"), path(uuid.New()), path("owner") + "/", "//api/v2//users/OWNER", path("me") + "?a=" + strconv.Itoa(n)}[n%5])
	})
	if spent != limit {
		t.Errorf("%d requests were allowed, want %d", spent, limit)
	}
	n = 0
	spent = spend(t, func() answer { n++; return c.get(t, fmt.Sprintf("/api/v2/nowhere/%d", n)) })
	if spent != limit {
		t.Errorf("%d unknown paths were allowed, want %d", spent, limit)
	}
}

// TestRateLimitOfUsers: with a credential it is the user that counts, wherever
// it is and whichever of its keys it uses.
func TestRateLimitOfUsers(t *testing.T) {
	t.Parallel()

	const limit = 7
	s := servertest.New(t, limited(limit))
	settle(t)
	ann, bob := join(t, s, "ann"), join(t, s, "bob")
	again := login(t, s, ann.Email, servertest.Password)
	n := 0
	spent := spend(t, func() answer {
		n++
		return []client{ann.client, again}[n%2].from(fmt.Sprintf("192.0.2.%d", n)).get(t, path("me"))
	})
	if spent != limit {
		t.Errorf("%d requests were allowed, want %d", spent, limit)
	}
	bob.get(t, path("me")).want(t, http.StatusOK)
	// A bad credential is nobody's: its address counts.
	spent = spend(t, func() answer { return guest(s).as("nonsense").from("192.0.2.99").get(t, path("me")) })
	if spent != limit {
		t.Errorf("%d requests with a bad key were allowed, want %d", spent, limit)
	}
	guest(s).as("nonsense").from("192.0.2.98").get(t, path("me")).want(t, http.StatusUnauthorized)
}

// TestRateLimitOfNetworks: an IPv6 network of /64 is one address.
func TestRateLimitOfNetworks(t *testing.T) {
	t.Parallel()

	const limit = 3
	s := servertest.New(t, limited(limit))
	settle(t)
	n := 0
	spent := spend(t, func() answer {
		n++
		return guest(s).from(fmt.Sprintf("2001:db8:0:1:%d::1", n)).get(t, "/api/v2")
	})
	if spent != limit {
		t.Errorf("%d requests were allowed, want %d", spent, limit)
	}
	guest(s).from("2001:db8:0:2::1").get(t, "/api/v2").want(t, http.StatusOK)
}

// TestRateLimitBypass: for owners it lifts the limit, for other users it is 428,
// and from nobody it means nothing.
func TestRateLimitBypass(t *testing.T) {
	t.Parallel()

	const limit = 4
	s := servertest.New(t, limited(limit))
	settle(t)
	ann := join(t, s, "ann", "user-admin")
	bypass := func(c client) client { return c.with(sdk.BypassRateLimitHeader, "true") }
	for range 3 * limit {
		bypass(owner(s)).get(t, path("me")).want(t, http.StatusOK)
	}
	bypass(ann.client).get(t, path("me")).want(t, http.StatusPreconditionRequired)
	bypass(ann.client).get(t, "/api/v2/buildinfo").want(t, http.StatusPreconditionRequired)
	ann.with(sdk.BypassRateLimitHeader, "false").get(t, path("me")).want(t, http.StatusOK)
	spent := spend(t, func() answer { return bypass(guest(s)).from("192.0.2.1").get(t, "/api/v2/buildinfo") })
	if spent != limit {
		t.Errorf("%d requests of nobody were allowed, want %d", spent, limit)
	}
}

// TestLoginRateLimit: where passwords are tried it is 60 a minute, or less where
// the configured limit is.
func TestLoginRateLimit(t *testing.T) {
	t.Parallel()

	s := servertest.New(t, limited(512))
	settle(t)
	c := guest(s).from("192.0.2.1")
	weak := body{"password": "weak"}
	spent := spend(t, func() answer { return c.post(t, "/api/v2/users/validate-password", weak) })
	if spent != 60 {
		t.Errorf("%d validations were allowed, want 60", spent)
	}
	n := 0
	spent = spend(t, func() answer {
		n++ // another address each time, so that no row of failures slows it down
		return c.post(t, loginPath, credentials(fmt.Sprintf("nobody-%d@example.com", n), "wrong"))
	})
	if spent != 60 {
		t.Errorf("%d logins were allowed, want 60", spent)
	}
	if spent = spend(t, func() answer { return owner(s).put(t, path("me", "password"), body{}) }); spent != 60 {
		t.Errorf("%d password changes were allowed, want 60", spent)
	}
	if a := owner(s).get(t, path("me")); a.header.Get("X-RateLimit-Limit") != "512" {
		t.Errorf("the limit elsewhere is %s", a.header.Get("X-RateLimit-Limit"))
	}
	// Asking for the first user costs nothing that making one needs.
	for range 61 {
		c.get(t, "/api/v2/users/first").want(t, http.StatusOK)
	}
	c.post(t, "/api/v2/users/first", first()).want(t, http.StatusConflict)
}

func TestRateLimitsOff(t *testing.T) {
	t.Parallel()

	for _, off := range []int{0, -1} {
		s := servertest.New(t, limited(off))
		for range 70 {
			a := guest(s).post(t, "/api/v2/users/validate-password", body{"password": "weak"}).want(t, http.StatusOK)
			if a.header.Get("X-RateLimit-Limit") != "" {
				t.Fatal("a limit is announced that is not in force")
			}
		}
	}
}

// TestRateLimitHidesNothing: the refusal comes before the answer that a route
// would give, for a search as well.
func TestRateLimitHidesNothing(t *testing.T) {
	t.Parallel()

	s := servertest.New(t, limited(2))
	settle(t)
	if spent := spend(t, func() answer { return owner(s).get(t, "/api/v2/users?q="+url.QueryEscape(":")) }); spent != 2 {
		t.Errorf("%d bad requests were allowed, want 2", spent)
	}
}
