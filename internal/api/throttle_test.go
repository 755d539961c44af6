package api_test

import (
	"bytes"
	"net/http"
	"strconv"
	"testing"
	"time"

	"usher/internal/server"
	"usher/internal/server/servertest"
)

// TestGuessingIsSlowedDown: after ten failures in a row for one address of mail
// from one of the network, whether or not somebody has it.
func TestGuessingIsSlowedDown(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		create(t, s, newUser("ann"))
		c := guest(s).from("192.0.2.1")
		var refusals []answer
		for _, email := range []string{"ann@example.com", "nobody@example.com"} {
			for range 10 {
				c.post(t, loginPath, credentials(email, "wrong")).refused(t, http.StatusUnauthorized, badLogin)
			}
			// Not even the right password is looked at now.
			a := c.post(t, loginPath, credentials(email, servertest.Password))
			a.refused(t, http.StatusTooManyRequests, "Too many failed logins")
			if a.header.Get("Retry-After") != "1" {
				t.Errorf("%s: Retry-After %q, want 1", email, a.header.Get("Retry-After"))
			}
			refusals = append(refusals, a)
		}
		if !bytes.Equal(refusals[0].body, refusals[1].body) {
			t.Errorf("%s differs from %s", refusals[0], refusals[1])
		}
		// It is the pair that counts: others are not shut out with the guesser.
		c.post(t, loginPath, credentials("ANN@EXAMPLE.COM", "wrong")).want(t, http.StatusTooManyRequests)
		c.from("192.0.2.2").post(t, loginPath, credentials("ann@example.com", servertest.Password)).want(t, http.StatusCreated)
		c.post(t, loginPath, credentials("owner@example.com", servertest.Password)).want(t, http.StatusCreated)

		// After the pause one more failure, and the next pause is longer.
		a := untilAllowed(t, func() answer { return c.post(t, loginPath, credentials("ann@example.com", "wrong")) })
		a.refused(t, http.StatusUnauthorized, badLogin)
		a = c.post(t, loginPath, credentials("ann@example.com", "wrong")).want(t, http.StatusTooManyRequests)
		if a.header.Get("Retry-After") != "2" {
			t.Errorf("Retry-After %q, want 2", a.header.Get("Retry-After"))
		}
		// A success ends the row.
		untilAllowed(t, func() answer { return c.post(t, loginPath, credentials("ann@example.com", servertest.Password)) }).want(t, http.StatusCreated)
		for range 9 {
			c.post(t, loginPath, credentials("ann@example.com", "wrong")).refused(t, http.StatusUnauthorized, badLogin)
		}
		c.post(t, loginPath, credentials("ann@example.com", servertest.Password)).want(t, http.StatusCreated)
	}, func(c *server.Config) { c.TrustedProxies = []string{"127.0.0.1"} })
}

// untilAllowed repeats a request that is refused for now, for as long as the
// refusal says.
func untilAllowed(t *testing.T, send func() answer) answer {
	t.Helper()
	a := send()
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil {
		return a
	}
	deadline := time.Now().Add(time.Duration(seconds) * time.Second)
	for time.Now().Before(deadline.Add(50 * time.Millisecond)) {
		if a = send(); a.status != http.StatusTooManyRequests {
			return a
		}
	}
	return a
}
