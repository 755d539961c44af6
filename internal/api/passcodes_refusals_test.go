package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// TestPasscodeRefusals walks the refusals in their order: each request is wrong
// in all the ways that come after the one that is told.
func TestPasscodeRefusals(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann, ben, git := create(t, s, newUser("ann")), create(t, s, newUser("ben")), create(t, s, newUser("git").but("password", nil).but("login_type", "github"))
		good, bens, gits := plant(t, s, ann.ID, time.Hour), plant(t, s, ben.ID, time.Hour), plant(t, s, git.ID, time.Hour)
		late := create(t, s, newUser("late"))
		expired := plant(t, s, late.ID, 0)
		for i, test := range []struct {
			at      string
			request any
			message string
			fields  []string
		}{
			{requestPath, "", badJSON, nil},
			{requestPath, body{}, badFields, []string{"email"}},
			{requestPath, body{"email": "ann"}, badFields, []string{"email"}},
			{requestPath, body{"email": "ann@example.com\r\nBcc: eve@example.com"}, badFields, []string{"email"}},
			{changePath, "", badJSON, nil},
			{changePath, body{}, badFields, []string{"email", "password", "one_time_passcode"}},
			{changePath, reset("ann", "weak", "x"), badFields, []string{"email"}},
			{changePath, reset("ann@example.com", "", good), badFields, []string{"password"}},
			{changePath, reset("ann@example.com", nextPassword, ""), badFields, []string{"one_time_passcode"}},
			{changePath, reset("ann@example.com", "weak", ""), badFields, []string{"one_time_passcode"}},
			{changePath, reset("ann@example.com", "weak", "wrong"), "Invalid password.", []string{"password"}},
			{changePath, reset("ann@example.com", strings.Repeat("aB3$", 17), good), "Invalid password.", []string{"password"}},
			{changePath, reset("nobody@example.com", "weak", "wrong"), "Invalid password.", []string{"password"}},
			{changePath, reset("ann@example.com", servertest.Password, uuid.NewString()), badPasscode, nil},
			{changePath, reset("ann@example.com", nextPassword, "wrong"), badPasscode, nil},
			{changePath, reset("ann@example.com", nextPassword, good+" "), badPasscode, nil},
			{changePath, reset("ann@example.com", nextPassword, bens), badPasscode, nil},
			{changePath, reset("ben@example.com", nextPassword, good), badPasscode, nil},
			{changePath, reset("owner@example.com", nextPassword, good), badPasscode, nil}, // never requested
			{changePath, reset("nobody@example.com", nextPassword, good), badPasscode, nil},
			{changePath, reset("late@example.com", nextPassword, expired), badPasscode, nil},
			{changePath, reset("git@example.com", nextPassword, gits), badPasscode, nil},
			{changePath, reset("ann@example.com", servertest.Password, good), "New password cannot match old password.", nil},
		} {
			a := guest(s).post(t, test.at, test.request)
			if a.refused(t, http.StatusBadRequest, test.message, test.fields...); t.Failed() {
				t.Fatalf("that was case %d", i)
			}
		}
		guest(s).post(t, changePath, reset("Ann@Example.com", nextPassword, good)).want(t, http.StatusNoContent)
		guest(s).post(t, changePath, reset("ben@example.com", nextPassword, bens)).want(t, http.StatusNoContent)
	})
}

// TestPasscodeRefusalsAreAlike: nobody learns from one, nor from its time,
// whether an address is known.
func TestPasscodeRefusalsAreAlike(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := create(t, s, newUser("ann"))
		plant(t, s, ann.ID, time.Hour)
		var bodies []string
		for _, email := range []string{"ann@example.com", "owner@example.com", "nobody@example.com"} {
			for _, password := range []string{nextPassword, "weak"} {
				begin := time.Now()
				a := guest(s).post(t, changePath, reset(email, password, uuid.NewString())).want(t, http.StatusBadRequest)
				// A weak password is refused before anybody looks whose it would be.
				if took := time.Since(begin); took < 300*time.Millisecond && password != "weak" {
					t.Errorf("%s: the answer came after %s, which tells something", email, took)
				}
				bodies = append(bodies, string(a.body))
				if email == "nobody@example.com" {
					continue
				}
				e := laterEntry(t, s, a)
				if e.Action != "write" || e.ResourceType != "user" || e.StatusCode != http.StatusBadRequest || len(e.Diff) != 0 {
					t.Errorf("%s: %+v", email, e)
				}
			}
		}
		for i, text := range bodies {
			if text != bodies[i%2] {
				t.Errorf("%s differs from %s", text, bodies[i%2])
			}
		}
	})
}

// TestPasscodesWithoutPasswords: a server that takes none takes no passcodes.
func TestPasscodesWithoutPasswords(t *testing.T) {
	t.Parallel()

	before := servertest.New(t)
	code := plant(t, before, before.OwnerID, time.Hour)
	before.Stop()
	s := servertest.Start(t, before.Store, func(c *server.Config) { c.DisablePasswordAuth = true })
	for _, email := range []string{"owner@example.com", "nobody@example.com"} {
		guest(s).post(t, requestPath, body{"email": email}).refused(t, http.StatusForbidden, "Password authentication is disabled")
		guest(s).post(t, changePath, reset(email, nextPassword, code)).refused(t, http.StatusForbidden, "Password authentication is disabled")
	}
}

// atOnce sends as many requests side by side and counts the statuses.
func atOnce(t *testing.T, c client, at string, requests []body) map[int]int {
	t.Helper()
	var wait sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for _, request := range requests {
		wait.Go(func() {
			a, err := c.try(t, http.MethodPost, at, request)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
		})
	}
	wait.Wait()
	return statuses
}

func times(n int, b body) []body {
	list := make([]body, n)
	for i := range list {
		list[i] = b
	}
	return list
}

// TestGuessingPasscodesIsSlowedDown, and so is asking for them, whether or not
// somebody has the address.
func TestGuessingPasscodesIsSlowedDown(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := create(t, s, newUser("ann"))
		code := plant(t, s, ann.ID, time.Hour)
		c := guest(s).from("192.0.2.1")
		for _, test := range []struct {
			at       string
			attempt  func(email string) body
			allowed  int
			sentence string
		}{
			{changePath, func(email string) body { return reset(email, nextPassword, uuid.NewString()) }, http.StatusBadRequest, "Too many wrong passcodes"},
			{requestPath, func(email string) body { return body{"email": email} }, http.StatusNoContent, "Too many requests for a passcode"},
		} {
			for _, email := range []string{"ann@example.com", "nobody@example.com"} {
				if got := atOnce(t, c, test.at, times(10, test.attempt(email))); got[test.allowed] != 10 {
					t.Errorf("%s of %s: %v", test.at, email, got)
				}
				next := test.attempt(strings.ToUpper(email))
				if test.at == changePath { // not even the right one is looked at now
					next = reset(email, nextPassword, code)
				}
				a := c.post(t, test.at, next)
				a.refused(t, http.StatusTooManyRequests, test.sentence)
				if got := a.header.Get("Retry-After"); got != "1" {
					t.Errorf("%s of %s: Retry-After %q, want 1", test.at, email, got)
				}
				// It is the pair that counts.
				c.from("192.0.2.2").post(t, test.at, test.attempt(email)).want(t, test.allowed)
			}
		}
		// Failed logins are counted for themselves.
		login := c.post(t, loginPath, credentials("ann@example.com", servertest.Password))
		login.want(t, http.StatusCreated)
	}, func(c *server.Config) { c.TrustedProxies = []string{"127.0.0.1"} })
}

// TestPasscodeLiftsThePause: who has proven to be somebody is not kept waiting for
// the failures before.
func TestPasscodeLiftsThePause(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	ann := create(t, s, newUser("ann"))
	for range 12 {
		guest(s).post(t, loginPath, credentials(ann.Email, "forgotten"))
	}
	guest(s).post(t, loginPath, credentials(ann.Email, servertest.Password)).want(t, http.StatusTooManyRequests)
	guest(s).post(t, changePath, reset(ann.Email, nextPassword, plant(t, s, ann.ID, time.Hour))).want(t, http.StatusNoContent)
	login(t, s, ann.Email, nextPassword)
}

// TestPasscodeIsForOne: of those who use it at the same moment, one sets the
// password.
func TestPasscodeIsForOne(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := create(t, s, newUser("ann"))
		code := plant(t, s, ann.ID, time.Hour)
		var requests []body
		for i := range 8 {
			requests = append(requests, reset(ann.Email, fmt.Sprintf("%s-%d", nextPassword, i), code))
		}
		if got := atOnce(t, guest(s), changePath, requests); got[http.StatusNoContent] != 1 || got[http.StatusBadRequest] != 7 {
			t.Errorf("the answers were %v", got)
		}
		set := 0
		for i := range 8 {
			if guest(s).post(t, loginPath, credentials(ann.Email, fmt.Sprintf("%s-%d", nextPassword, i))).status == http.StatusCreated {
				set++
			}
		}
		if set != 1 {
			t.Errorf("%d of the passwords are good", set)
		}
	})
}

// TestPasscodeEndsWithWhatItWasFor: whoever changes the password or the address,
// or deletes the user, makes it worthless, and the entry says so.
func TestPasscodeEndsWithWhatItWasFor(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for name, change := range map[string]func(user sdk.User) (a answer, email string){
			"another password": func(user sdk.User) (answer, string) {
				return owner(s).put(t, path(user.ID, "password"), body{"password": nextPassword}), user.Email
			},
			"another address": func(user sdk.User) (answer, string) {
				email := fresh() + "@example.org"
				return owner(s).put(t, path(user.ID, "email"), body{"email": email}), email
			},
			"no user": func(user sdk.User) (answer, string) { return owner(s).delete(t, path(user.ID)), user.Email },
		} {
			user := create(t, s, newUser(fresh()))
			code := plant(t, s, user.ID, time.Hour)
			a, email := change(user)
			if a.status >= 300 {
				t.Fatalf("%s: %s", name, a)
			}
			e := entryOf(t, s, a)
			if field := e.Diff["one_time_passcode_expires_at"]; field.Old == nil || unlessEmpty(field.New) != nil {
				t.Errorf("%s: the entry has %+v", name, e.Diff)
			}
			guest(s).post(t, changePath, reset(email, "One-More-Good-Passphrase", code)).refused(t, http.StatusBadRequest, badPasscode)
			if rows := storetest.Dump(t, s.Store); strings.Contains(strings.Join(rows, "\n"), "password_resets: ") {
				t.Errorf("%s: the passcode is still kept", name)
			}
		}
		// A change of something else leaves it.
		user := create(t, s, newUser(fresh()))
		code := plant(t, s, user.ID, time.Hour)
		owner(s).put(t, path(user.ID, "profile"), body{"username": fresh()}).want(t, http.StatusOK)
		owner(s).put(t, path(user.ID, "email"), body{"email": user.Email}).want(t, http.StatusOK)
		guest(s).post(t, changePath, reset(user.Email, nextPassword, code)).want(t, http.StatusNoContent)
	})
}
