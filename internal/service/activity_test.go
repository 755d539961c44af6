package service_test

import (
	"context"
	"testing"
	"time"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestFirstUseShows: the first use of a key is in the database within a second,
// and with it the user's last-seen time.
func TestFirstUseShows(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db)
		w.begin(t)
		ada := w.user(t, "ada")
		key := w.token(t, ada, service.NewToken{})
		if got := w.stored(t, key); !got.LastUsed.Equal(account.NeverUsed()) {
			t.Fatalf("a fresh key was last used at %s", got.LastUsed)
		}
		begin := time.Now()
		w.use(t, key)
		for !w.stored(t, key).LastUsed.Equal(w.clock.Now()) {
			if time.Since(begin) > 2*time.Second { // a second, and one for a busy machine
				t.Fatalf("after %s the use does not show", time.Since(begin))
			}
			time.Sleep(5 * time.Millisecond) // batches are written by a real clock
		}
		seen, err := w.Store.Direct().UserByID(t.Context(), ada.ID)
		if err != nil || !seen.LastSeenAt.Equal(w.clock.Now()) || !seen.UpdatedAt.Equal(w.clock.Now()) {
			t.Errorf("last seen at %s, updated at %s (%v)", seen.LastSeenAt, seen.UpdatedAt, err)
		}
	})
}

// TestUsesAreWrittenOnceAMinute: by a node that remembers the key, and by one
// that does not.
func TestUsesAreWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]bool{"remembered": false, "forgotten": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			key := w.token(t, w.user(t, "ada"), service.NewToken{})
			w.use(t, key)
			w.flush(t)
			first := w.clock.Now()
			for _, step := range []struct {
				after time.Duration // of the first use
				want  time.Duration
			}{
				{time.Second, 0},
				{30 * time.Second, 0},
				{time.Minute - time.Microsecond, 0},
				{time.Minute, time.Minute},
				{119 * time.Second, time.Minute},
				{3 * time.Minute, 3 * time.Minute},
			} {
				w.clock.advance(first.Add(step.after).Sub(w.clock.Now()))
				for range 3 {
					w.use(t, key)
				}
				if forget {
					w.flush(t)
					for range 3 {
						w.use(t, key)
					}
				}
				w.flush(t)
				if got := w.stored(t, key).LastUsed.Sub(first); got != step.want {
					t.Errorf("%s after the first use the database has %s", step.after, got)
				}
			}
		})
	}
}

// TestEveryMomentIsNotWritten counts the writes of a minute full of requests by
// the one thing that all of them change.
func TestEveryMomentIsNotWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.user(t, "ada")
	keys := []secret.Redacted{w.token(t, ada, service.NewToken{}), w.token(t, ada, service.NewToken{})}
	written := map[time.Time]bool{}
	for range 59 {
		for _, key := range keys {
			w.use(t, key)
		}
		w.flush(t)
		for _, key := range keys {
			written[w.stored(t, key).LastUsed] = true
		}
		w.clock.advance(time.Second)
	}
	if len(written) != 1 {
		t.Errorf("%d different times were written within a minute", len(written))
	}
}

// TestSlidingSessions is auth.md 2.4: a session lives on while it is used, a
// token ends when it was said to.
func TestSlidingSessions(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for name, c := range map[string]struct {
		option func(*service.Config)
		key    func(t *testing.T, w *world) secret.Redacted
		used   time.Duration // after it was made
		want   time.Duration // it ends, after it was made
	}{
		"a session within the first hour": {nil, session, hour - time.Microsecond, 24 * hour},
		"a session after an hour":         {nil, session, hour, 25 * hour},
		"a session at its last moment":    {nil, session, 24 * hour, 48 * hour},
		"a session of an hour":            {short, session, 50 * time.Minute, hour},
		"a session key":                   {nil, sessionKey, 2 * hour, 170 * hour},
		"a token":                         {nil, token, 2 * hour, 168 * hour},
		"sliding is off":                  {still, session, 2 * hour, 24 * hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(cfg *service.Config) {
				if c.option != nil {
					c.option(cfg)
				}
			})
			w.user(t, "ada")
			key, made := c.key(t, w), w.clock.Now()
			w.clock.advance(c.used)
			w.use(t, key)
			w.use(t, key) // a second time, from memory
			w.flush(t)
			if got := w.stored(t, key).ExpiresAt.Sub(made); got != c.want {
				t.Errorf("it ends after %s, want %s", got, c.want)
			}
			w.clock.advance(made.Add(c.want).Sub(w.clock.Now()))
			w.use(t, key)
			w.flush(t)
		})
	}
}

func short(cfg *service.Config) { cfg.SessionDuration = time.Hour }

func still(cfg *service.Config) { cfg.DisableSessionExpiryRefresh = true }

func session(t *testing.T, w *world) secret.Redacted { return w.login(t, "ada@example.com") }

func sessionKey(t *testing.T, w *world) secret.Redacted {
	key, err := w.CreateSessionKey(t.Context(), w.owner, account.UserRef{Name: "ada"})
	wantKind(t, err, "")
	return secret.Redacted(key.Reveal())
}

func token(t *testing.T, w *world) secret.Redacted {
	key, err := w.CreateToken(t.Context(), w.owner, account.UserRef{Name: "ada"}, service.NewToken{}, nil)
	wantKind(t, err, "")
	return secret.Redacted(key.Reveal())
}

// TestSessionsEnd: one that nobody uses ends when it was said to, from memory as
// well as from the database.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user(t, "ada")
	for name, makes := range map[string]func(*testing.T, *world) secret.Redacted{"a session": session, "a token": token} {
		key := makes(t, w)
		w.use(t, key)
		life := w.stored(t, key).ExpiresAt.Sub(w.clock.Now())
		w.clock.advance(life + time.Microsecond)
		refusal := w.refused(t, key)
		if got := refusal.Detail; len(got) < 15 || got[:15] != "API key expired" {
			t.Errorf("%s: the detail is %q", name, got)
		}
	}
}

// TestNoUseRevives: a use that is written late brings no key back that was ended
// after it.
func TestNoUseRevives(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db)
		w.begin(t)
		ada := w.user(t, "ada")
		expired, deleted := w.login(t, ada.Email), w.login(t, ada.Email)
		w.clock.advance(2 * time.Hour)
		w.owner = w.use(t, w.login(t, "owner@example.com"))
		w.use(t, expired) // its expiry is about to slide
		w.use(t, deleted)
		w.clock.advance(time.Millisecond)
		wantKind(t, w.ExpireKey(t.Context(), w.owner, byID(ada), keyID(expired)), "")
		wantKind(t, w.DeleteKey(t.Context(), w.owner, byID(ada), keyID(deleted)), "")
		ended := w.clock.Now()
		w.flush(t)
		w.clock.advance(time.Millisecond)
		w.refused(t, expired)
		w.refused(t, deleted)
		if got := w.stored(t, expired).ExpiresAt; !got.Equal(ended) {
			t.Errorf("the key that ended at %s ends at %s now", ended, got)
		}
	})
}

// TestUseOfTheDeletedIsForgotten: it neither fails nor touches the user.
func TestUseOfTheDeletedIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.user(t, "ada")
	w.use(t, w.login(t, ada.Email))
	wantKind(t, w.DeleteUser(t.Context(), w.owner, byID(ada)), "")
	w.flush(t)
	err := w.Store.Read(context.WithoutCancel(t.Context()), func(ctx context.Context, tx *store.Tx) error {
		user, err := tx.UserByID(ctx, ada.ID)
		if err == nil && !user.Deleted {
			t.Error("the user is back")
		}
		return err
	})
	wantKind(t, err, "")
}
