package api_test

import (
	"bytes"
	"net/http"
	"testing"

	"usher/internal/server"
	"usher/internal/server/servertest"
)

// TestGuessingIsSlowedDown: after ten failures in a row for one address of mail
// from one of the network, whether or not somebody has it. How the pauses grow is
// tested with the room that counts them.
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
	}, func(c *server.Config) { c.TrustedProxies = []string{"127.0.0.1"} })
}

// TestSuccessEndsTheRow: what counts are failures in a row.
func TestSuccessEndsTheRow(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	for range 3 {
		for range 9 {
			guest(s).post(t, loginPath, credentials("owner@example.com", "wrong")).refused(t, http.StatusUnauthorized, badLogin)
		}
		login(t, s, "owner@example.com", servertest.Password)
	}
}
