package service_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// password is one that is strong enough.
const password = secret.Redacted("SomeSecurePassword!")

// clock is the time as the use cases see it; it stands still until it is moved,
// or moves by a tick with every look.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	tick time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(c.tick)
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is the use cases on a database of their own, under a clock.
type world struct {
	*service.Service
	clock *clock
	cfg   service.Config
	// owner is the first user, with a session that may do everything.
	owner *account.Actor
	// stop closes the use cases; it may be called again.
	stop func()
}

// settings are those of a server that was told nothing, with hashing made cheap.
func settings(db *store.Store, c *clock) service.Config {
	return service.Config{
		Store:                 db,
		Hasher:                secret.NewHasher(secret.HasherConfig{Params: secret.PasswordParams{MemoryKiB: 64, Time: 1, Threads: 1}}),
		Log:                   slog.New(slog.DiscardHandler),
		SessionDuration:       24 * time.Hour,
		DefaultTokenLifetime:  7 * 24 * time.Hour,
		MaxTokenLifetime:      876600 * time.Hour,
		MaxAdminTokenLifetime: 7 * 24 * time.Hour,
		KeyRetention:          7 * 24 * time.Hour,
		DormancyThreshold:     90 * 24 * time.Hour,
		Now:                   c.Now,
	}
}

// open builds a world on a database, without a user.
func open(t testing.TB, db store.Config, options ...func(*service.Config)) *world {
	t.Helper()
	w := &world{clock: &clock{now: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)}}
	w.cfg = settings(storetest.Open(t, db), w.clock)
	for _, option := range options {
		option(&w.cfg)
	}
	w.start(t)
	return w
}

// start makes the use cases, which remember nothing yet, and lets them remember.
func (w *world) start(t testing.TB) {
	t.Helper()
	w.Service = service.New(w.cfg)
	w.stop = sync.OnceFunc(w.Close)
	t.Cleanup(w.stop)
	if err := w.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// newWorld is a world on SQLite with its first user.
func newWorld(t testing.TB, options ...func(*service.Config)) *world {
	t.Helper()
	w := open(t, storetest.Database(t), options...)
	w.begin(t)
	return w
}

// begin makes the first user.
func (w *world) begin(t testing.TB) {
	t.Helper()
	first := service.NewUser{Username: "owner", Email: "owner@example.com", Password: password, Status: account.StatusActive}
	if _, err := w.CreateFirstUser(t.Context(), account.Anonymous(account.Origin{}), first, nil); err != nil {
		t.Fatal(err)
	}
	w.owner = w.use(t, w.login(t, "owner@example.com"))
}

// login returns the key of a new session.
func (w *world) login(t testing.TB, email string) secret.Redacted {
	t.Helper()
	key, err := w.Login(t.Context(), account.Anonymous(account.Origin{}), service.Login{Email: email, Password: password}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return secret.Redacted(key.Reveal())
}

// use presents a key that must be good.
func (w *world) use(t testing.TB, key secret.Redacted) *account.Actor {
	t.Helper()
	actor, err := w.Authenticate(t.Context(), key, account.Origin{IP: "192.0.2.7"})
	if err != nil {
		t.Fatal(err)
	}
	return actor
}

// refused presents a key that must be refused, and returns the refusal.
func (w *world) refused(t testing.TB, key secret.Redacted) *account.Error {
	t.Helper()
	_, err := w.Authenticate(t.Context(), key, account.Origin{IP: "192.0.2.7"})
	if account.KindOf(err) != account.KindUnauthenticated {
		t.Fatalf("the key is not refused: %v", err)
	}
	return asError(err)
}

// user makes an active user of the default organization.
func (w *world) user(t testing.TB, name string, roles ...string) account.User {
	t.Helper()
	user, err := w.CreateUser(t.Context(), w.owner, service.NewUser{
		Username: name, Email: name + "@example.com", Password: password, Roles: roles,
		Status: account.StatusActive, OrganizationIDs: []uuid.UUID{uuid.Nil},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// robot makes an active service account.
func (w *world) robot(t testing.TB, name string, roles ...string) account.User {
	t.Helper()
	user, err := w.CreateUser(t.Context(), w.owner, service.NewUser{
		Username: name, ServiceAccount: true, Roles: roles,
		Status: account.StatusActive, OrganizationIDs: []uuid.UUID{uuid.Nil},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// token makes a token of a user.
func (w *world) token(t testing.TB, of account.User, n service.NewToken) secret.Redacted {
	t.Helper()
	key, err := w.CreateToken(t.Context(), w.owner, byID(of), n, nil)
	if err != nil {
		t.Fatal(err)
	}
	return secret.Redacted(key.Reveal())
}

// stored reads what the database has of a key.
func (w *world) stored(t testing.TB, key secret.Redacted) account.APIKey {
	t.Helper()
	found, err := w.Store.Direct().KeyByID(t.Context(), keyID(key))
	if err != nil {
		t.Fatal(err)
	}
	return found.Key
}

// flush stores what is held in memory, the way a restart does: what comes after
// it remembers nothing.
func (w *world) flush(t testing.TB) {
	t.Helper()
	w.stop()
	w.start(t)
}

// entries are the audit entries that match, the newest first.
func (w *world) entries(t testing.TB, query string) []account.AuditRecord {
	t.Helper()
	listing, err := w.ListAudit(t.Context(), w.owner, query, service.Page{Limit: 10_000}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return listing.Entries
}

// sleep turns a user dormant.
func (w *world) sleep(t testing.TB, u account.User) {
	t.Helper()
	err := w.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		u.Status = account.StatusDormant
		return tx.UpdateUser(ctx, u)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func byID(u account.User) account.UserRef { return account.UserRef{ID: u.ID} }

func keyID(key secret.Redacted) string {
	id, _, _ := strings.Cut(key.Reveal(), "-")
	return id
}

func asError(err error) *account.Error {
	e, _ := errors.AsType[*account.Error](err)
	return e
}

// wantKind ends the test unless the error is of the kind; "" is none.
func wantKind(t testing.TB, err error, want account.Kind) {
	t.Helper()
	if got := account.KindOf(err); got != want {
		t.Fatalf("the error is of kind %q, want %q: %v", got, want, err)
	}
}
