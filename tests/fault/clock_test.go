package fault_test

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// watch is a clock that somebody sets.
type watch struct{ ahead atomic.Int64 }

func (w *watch) now() time.Time       { return time.Now().Add(time.Duration(w.ahead.Load())) }
func (w *watch) set(by time.Duration) { w.ahead.Store(int64(by)) }
func (w *watch) String() string       { return time.Duration(w.ahead.Load()).String() }

// household is the use cases of one node in this process, under a clock. A
// process of its own cannot be given one: the program is static and asks the
// kernel.
type household struct {
	*service.Service
	t     *testing.T
	watch *watch
	owner *account.Actor
}

// keep opens the use cases on a database, as the server does.
func keep(t *testing.T, db store.Config) *household {
	t.Helper()
	h := &household{t: t, watch: &watch{}}
	cfg := service.Config{
		Store:           storetest.Open(t, db),
		Hasher:          secret.NewHasher(secret.HasherConfig{Params: secret.PasswordParams{MemoryKiB: 64, Time: 1, Threads: 1}}),
		Log:             slog.New(slog.DiscardHandler),
		SessionDuration: 24 * time.Hour, DefaultTokenLifetime: 7 * 24 * time.Hour,
		MaxTokenLifetime: 100 * 24 * time.Hour, MaxAdminTokenLifetime: 100 * 24 * time.Hour,
		KeyRetention: 7 * 24 * time.Hour, DormancyThreshold: 90 * 24 * time.Hour, AuditRetention: 24 * time.Hour,
		Now: h.watch.now,
	}
	h.Service = service.New(cfg)
	t.Cleanup(h.Close)
	if err := h.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

// login returns the key of a new session.
func (h *household) login(email, word string) (secret.Redacted, error) {
	actor := account.Anonymous(account.Origin{IP: "192.0.2.1"})
	key, err := h.Login(h.t.Context(), actor, service.Login{Email: email, Password: secret.Redacted(word)}, nil)
	return secret.Redacted(key.Reveal()), err
}

// begin makes the owner and signs it in.
func (h *household) begin() secret.Redacted {
	h.t.Helper()
	first := service.NewUser{Username: "owner", Email: "owner@example.com", Password: password, Status: account.StatusActive}
	if _, err := h.CreateFirstUser(h.t.Context(), account.Anonymous(account.Origin{}), first, nil); err != nil {
		h.t.Fatal(err)
	}
	session, err := h.login("owner@example.com", password)
	if err != nil {
		h.t.Fatal(err)
	}
	h.enter(session)
	return session
}

// enter acts as the owner, by that session, from now on.
func (h *household) enter(session secret.Redacted) {
	h.t.Helper()
	owner, err := h.Authenticate(h.t.Context(), session, account.Origin{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.owner = owner
}

// token makes a key of the owner.
func (h *household) token(lifetime time.Duration) secret.Redacted {
	h.t.Helper()
	key, err := h.CreateToken(h.t.Context(), h.owner, account.UserRef{Me: true}, service.NewToken{Lifetime: lifetime}, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return secret.Redacted(key.Reveal())
}

// wants presents a key twice, so that the second time it may be known by heart,
// and holds the answer against what is right.
func (h *household) wants(what string, key secret.Redacted, accepted bool) {
	h.t.Helper()
	for range 2 {
		_, err := h.Authenticate(h.t.Context(), key, account.Origin{IP: "192.0.2.1"})
		if (err == nil) != accepted || (err != nil && account.KindOf(err) != account.KindUnauthenticated) {
			h.t.Errorf("the clock is ahead by %s: %s: %v; want accepted: %t", h.watch, what, err, accepted)
		}
	}
}

// revoke deletes a key.
func (h *household) revoke(key secret.Redacted) {
	h.t.Helper()
	if err := h.DeleteKey(h.t.Context(), h.owner, account.UserRef{Me: true}, idOf(key.Reveal())); err != nil {
		h.t.Fatal(err)
	}
}

// runJobs does what the server does now and then.
func (h *household) runJobs() {
	h.t.Helper()
	for _, job := range h.Jobs() {
		if err := job.Run(h.t.Context()); err != nil {
			h.t.Errorf("%s: %v", job.Name, err)
		}
	}
}

// TestClockJumps by an hour, forward, back and further back: what holds for longer
// holds, what is revoked stays revoked, no change is lost, and nobody has to wait
// for the clock to come again to where it was.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		h := keep(t, db)
		session := h.begin()
		day, halfHour, gone := h.token(24*time.Hour), h.token(30*time.Minute), h.token(24*time.Hour)
		h.wants("the key to be revoked", gone, true)
		h.wants("the half hour's key", halfHour, true)
		h.revoke(gone)
		changes := 0
		for _, jump := range []time.Duration{time.Hour, 0, -time.Hour, 0, time.Hour, 0} {
			h.watch.set(jump)
			h.wants("a session", session, true)
			h.wants("the day's key", day, true)
			h.wants("the half hour's key", halfHour, jump <= 0)
			h.wants("the revoked key", gone, false)
			h.wants("a new key", h.token(24*time.Hour), true)
			revoked := h.token(24 * time.Hour)
			h.wants("a key", revoked, true)
			h.revoke(revoked)
			h.wants("the key, once revoked", revoked, false)
			h.runJobs()
			changes += 3
		}
		listing, err := h.ListAudit(t.Context(), h.owner, "resource_type:api_key", service.Page{Limit: 1000}, nil)
		if err != nil {
			t.Fatal(err)
		}
		counts := map[account.AuditAction]int{}
		for i := range listing.Entries {
			counts[listing.Entries[i].Action]++
		}
		created, deleted := counts[account.AuditCreate], counts[account.AuditDelete]
		t.Logf("clock jumps of an hour: %d changes of keys, of which the audit log has %d creations and %d deletions; revoked keys accepted: none", changes, created, deleted)
		if created+deleted != changes+4 { // and the four before
			t.Errorf("%d changes are in the audit log, want %d", created+deleted, changes+4)
		}
	})
}

// TestClockSetBackForgives: who is slowed down for wrong passwords when the clock
// is set back by an hour does not have to wait for an hour.
func TestClockSetBackForgives(t *testing.T) {
	t.Parallel()
	h := keep(t, storetest.SQLite(t))
	h.begin()
	slowed := false
	for range 20 {
		_, err := h.login("owner@example.com", "wrong")
		slowed = slowed || account.KindOf(err) == account.KindTooMany
	}
	if !slowed {
		t.Fatal("nobody is slowed down")
	}
	h.watch.set(-time.Hour)
	if _, err := h.login("owner@example.com", password); err != nil {
		t.Errorf("an hour back: %v", err)
	}
}

// TestClocksAnHourApart: a node whose clock is wrong by an hour, beside one whose
// clock is right. What one does the other honours.
func TestClocksAnHourApart(t *testing.T) {
	t.Parallel()
	for _, wrong := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(wrong.String(), func(t *testing.T) {
			t.Parallel()
			db := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
			right, other := keep(t, db), keep(t, db)
			other.watch.set(wrong)
			session := right.begin()
			other.enter(session)
			for i, at := range []*household{right, other} {
				elsewhere := []*household{other, right}[i]
				key := at.token(24 * time.Hour)
				elsewhere.wants("the other node's key", key, true)
				at.revoke(key)
				awaitRefusal(t, elsewhere, key)
			}
			user, err := other.CreateUser(t.Context(), other.owner, service.NewUser{
				Username: "ada", Email: "ada@example.com", LoginType: account.LoginNone, Status: account.StatusActive,
				OrganizationIDs: []uuid.UUID{uuid.Nil},
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := right.SuspendUser(t.Context(), right.owner, account.UserRef{ID: user.ID}); err != nil {
				t.Errorf("what the other node made: %v", err)
			}
			for _, node := range []*household{right, other} {
				node.runJobs()
				node.wants("the session", session, true)
			}
		})
	}
}

// awaitRefusal waits until a node has heard that a key is revoked.
func awaitRefusal(t *testing.T, h *household, key secret.Redacted) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < bound; {
		_, err := h.Authenticate(t.Context(), key, account.Origin{})
		if account.KindOf(err) == account.KindUnauthenticated {
			return
		}
	}
	t.Errorf("accepted for longer than %s", bound)
}
