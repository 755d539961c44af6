package service_test

import (
	"context"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// cutOff takes the database away from the use cases, so that whatever reads or
// writes it fails or waits: SQLite's is closed, and on PostgreSQL, whose listener
// must live, another connection locks every table that authentication reads.
func (w *world) cutOff(t *testing.T, db store.Config) {
	t.Helper()
	if db.DatabaseURL == "" {
		if err := w.Store.Close(); err != nil {
			t.Fatal(err)
		}
		return
	}
	conn, err := pgx.Connect(t.Context(), db.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) }) // and with it the lock
	for _, text := range []string{"BEGIN", "LOCK TABLE users, api_keys, organization_members IN ACCESS EXCLUSIVE MODE"} {
		if _, err := conn.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKnownKeysNeedNoDatabase: a key that was used a moment ago is
// authenticated, and its user answered, from memory.
func TestKnownKeysNeedNoDatabase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db)
		w.begin(t)
		ada := w.user(t, "ada")
		known, unknown := w.token(t, ada, service.NewToken{}), w.token(t, ada, service.NewToken{})
		w.use(t, known)
		w.flush(t) // nothing is left to be written
		w.use(t, known)
		w.cutOff(t, db)

		begin := time.Now()
		for range 100 {
			actor := w.use(t, known)
			me, err := w.User(t.Context(), actor, account.UserRef{Me: true})
			if err != nil || me.ID != ada.ID {
				t.Fatalf("the user is %s (%v)", me.ID, err)
			}
		}
		if elapsed := time.Since(begin); elapsed > time.Second {
			t.Errorf("a hundred requests took %s: something waited for the database", elapsed)
		}
		// A wrong secret of a known key is no reason to look either.
		w.refused(t, otherSecret(known))
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := w.Authenticate(ctx, unknown, account.Origin{})
		wantKind(t, err, account.KindUnavailable)
	})
}

// otherSecret is a well-formed key with the same id, whose checksum is right.
func otherSecret(key secret.Redacted) secret.Redacted {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	body := keyID(key) + "-0123456789abcdef"
	crc, sum := crc32.ChecksumIEEE([]byte(body)), [6]byte{}
	for i := range sum {
		sum[len(sum)-1-i] = digits[crc%62]
		crc /= 62
	}
	return secret.Redacted(body + string(sum[:]))
}

// malformed are texts that no key looks like, and one that was mistyped.
func malformed(good string) map[string]string {
	mistyped := []byte(good)
	mistyped[15] ^= 1 // one letter of the alphabet becomes another, or something that is none
	return map[string]string{
		"a word":          "nonsense",
		"a hyphen":        "-",
		"no hyphen":       strings.Replace(good, "-", "", 1),
		"two hyphens":     strings.Replace(good, "-", "--", 1),
		"a short id":      good[1:],
		"a long id":       "u" + good,
		"a short secret":  good[:len(good)-1],
		"a long secret":   good + "0",
		"another letter":  good[:20] + "ä" + good[22:],
		"a space":         good[:20] + " " + good[21:],
		"NUL":             good[:20] + "\x00" + good[21:],
		"mistyped":        string(mistyped),
		"cut and swapped": good[:11] + good[22:] + good[11:22],
		"very long":       strings.Repeat(good, 1000),
	}
}

// TestMalformedKeysNeedNoDatabase: what cannot be a key is refused without a
// look, and the refusal does not repeat it.
func TestMalformedKeysNeedNoDatabase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db)
		w.begin(t)
		good := w.token(t, w.user(t, "ada"), service.NewToken{}).Reveal()
		w.cutOff(t, db)
		begin := time.Now()
		for name, text := range malformed(good) {
			refusal := w.refused(t, secret.Redacted(text))
			if !strings.Contains(refusal.Message, "session has expired") || !strings.Contains(refusal.Detail, "invalid API key format") {
				t.Errorf("%s: %q, %q", name, refusal.Message, refusal.Detail)
			}
			if len(text) > 8 && strings.Contains(refusal.Error(), text) {
				t.Errorf("%s: the refusal repeats the key", name)
			}
		}
		if elapsed := time.Since(begin); elapsed > time.Second {
			t.Errorf("it took %s: something waited for the database", elapsed)
		}
	})
}

// TestReplacedKeysAreReported: whoever still uses a rotated key after its end is
// in the audit log; the end of any other key is not worth an entry.
func TestReplacedKeysAreReported(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db)
		w.begin(t)
		ada := w.user(t, "ada")
		old := w.token(t, ada, service.NewToken{Name: "ci"})
		other := w.token(t, ada, service.NewToken{Name: "other", Lifetime: time.Hour})
		rotation, err := w.RotateKey(t.Context(), w.owner, byID(ada), keyID(old), time.Hour, nil)
		wantKind(t, err, "")
		search := "resource_type:api_key action:login resource_id:" + ada.ID.String()
		w.clock.advance(time.Hour) // the last moment of both
		w.use(t, old)
		w.use(t, other)
		w.clock.advance(time.Microsecond)
		if n := len(w.entries(t, search)); n != 0 {
			t.Fatalf("%d entries before the end", n)
		}
		w.refused(t, other)
		if n := len(w.entries(t, search)); n != 0 {
			t.Fatalf("%d entries about a key that was never replaced", n)
		}
		w.refused(t, old)
		entries := w.entries(t, search)
		if len(entries) != 1 {
			t.Fatalf("%d entries, want 1", len(entries))
		}
		e := entries[0]
		if e.Outcome != account.Outcome(account.KindUnauthenticated) || e.ActorID != ada.ID || e.Target != keyID(old) ||
			e.IP != "192.0.2.7" || len(e.Diff) != 0 ||
			e.Additional["replaced_key"] != keyID(old) || e.Additional["replaced_by"] != rotation.Key.ID {
			t.Errorf("%+v", e)
		}
		// Only the right secret is a use: an id is no secret.
		w.refused(t, otherSecret(old))
		if n := len(w.entries(t, search)); n != 1 {
			t.Errorf("%d entries after a wrong secret", n)
		}
		w.use(t, secret.Redacted(rotation.Secret.Reveal()))
	})
}

// TestActorIsOfTheKey: the actor has the key's limits, and the origin of its
// own request.
func TestActorIsOfTheKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.user(t, "ada", "auditor")
	key := w.token(t, ada, service.NewToken{Scopes: []string{"user:read"}, AllowList: [][2]string{{"user", ada.ID.String()}}})
	for _, ip := range []string{"192.0.2.1", "192.0.2.2"} {
		actor, err := w.Authenticate(t.Context(), key, account.Origin{IP: ip, UserAgent: "agent of " + ip})
		wantKind(t, err, "")
		if actor.Origin.IP != ip || actor.Origin.UserAgent != "agent of "+ip || actor.User.ID != ada.ID {
			t.Errorf("%+v", actor.Origin)
		}
		other := account.User{ID: w.owner.User.ID}
		if !actor.Can(account.ActionRead, ada.Object()) || actor.Can(account.ActionRead, other.Object()) ||
			actor.Can(account.ActionReadPersonal, ada.Object()) {
			t.Error("the actor does not have the limits of its key")
		}
	}
}

// TestWakingLosesToDeletion: the request of a dormant user neither succeeds nor
// touches a user that was deleted while it was under way.
func TestWakingLosesToDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 40 {
		ada := w.user(t, "ada")
		key := w.token(t, ada, service.NewToken{})
		w.sleep(t, ada)
		started := make(chan struct{})
		answered := make(chan error, 1)
		go func() {
			close(started)
			_, err := w.Authenticate(t.Context(), key, account.Origin{})
			answered <- err
		}()
		<-started
		wantKind(t, w.DeleteUser(t.Context(), w.owner, byID(ada)), "")
		if err := <-answered; err != nil {
			wantKind(t, err, account.KindUnauthenticated)
		}
		// What came last is the deletion: nobody wakes the dead.
		entries := w.entries(t, "resource_type:user resource_id:"+ada.ID.String())
		if entries[0].Action != account.AuditDelete {
			t.Fatalf("after the deletion there is an entry of %s", entries[0].Action)
		}
		w.refused(t, key)
	}
}
