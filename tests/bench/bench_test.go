package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// start starts a server as it is in production, but for its rate limit: with a
// log, whose lines go nowhere.
func start(t testing.TB, db store.Config) *servertest.Server {
	t.Helper()
	s := servertest.Start(t, db, func(cfg *server.Config) {
		cfg.RateLimit = 0
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil)) //nolint:sloglint // the lines are made, as in production
	})
	s.CreateFirstUser(t)
	return s
}

func onSQLite(t testing.TB) store.Config { return storetest.SQLite(t) }

func onPostgres(t testing.TB) store.Config {
	return store.Config{DatabaseURL: storetest.MigratedPostgres(t), DataDir: t.TempDir()}
}

// get is a target that asks for one thing over and over.
func get(t testing.TB, s *servertest.Server, path string) *target {
	t.Helper()
	return &target{client: newClient(t), status: http.StatusOK, request: func(int64) (*http.Request, error) {
		return request(s, http.MethodGet, path, nil)
	}}
}

// creations is a target that creates users without a password, whose hashing
// would be all that is measured.
func creations(t testing.TB, s *servertest.Server) *target {
	t.Helper()
	return &target{client: newClient(t), status: http.StatusCreated, request: func(n int64) (*http.Request, error) {
		body, err := json.Marshal(sdk.CreateUserRequest{
			Username: fmt.Sprintf("user-%d", n), Email: fmt.Sprintf("user-%d@example.com", n),
			LoginType: sdk.LoginTypeNone, OrganizationIDs: []uuid.UUID{s.OrganizationID},
		})
		if err != nil {
			return nil, err
		}
		return request(s, http.MethodPost, "/users", body)
	}}
}

func request(s *servertest.Server, method, path string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, s.URL+"/api/v2"+path, bytes.NewReader(body))
	if err == nil {
		req.Header.Set(sdk.SessionTokenHeader, s.Owner.SessionToken())
	}
	return req, err
}

// manyUsers is a deployment of this size, whose lists are still answered.
const manyUsers = 100_000

// batch is how many users one transaction inserts: far fewer than it has time for.
const batch = 500

// seed puts users straight into the database.
func seed(t testing.TB, s *servertest.Server, n int) {
	t.Helper()
	db := storetest.Open(t, s.Store)
	now := time.Now()
	for begin := 0; begin < n; begin += batch {
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i := begin; i < min(begin+batch, n); i++ {
				err := tx.InsertUser(ctx, account.User{
					ID: uuid.New(), Username: fmt.Sprintf("seeded-%06d", i), Email: fmt.Sprintf("seeded-%06d@example.com", i),
					Name: fmt.Sprintf("Seeded User %d", i), Status: account.StatusActive, LoginType: account.LoginNone,
					OrganizationIDs: []uuid.UUID{s.OrganizationID}, CreatedAt: now, UpdatedAt: now,
				}, "")
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatalf("seed users from %d on: %v", begin, err)
		}
	}
}

// onEach runs a benchmark on each engine.
func onEach(b *testing.B, measured func(testing.TB, *servertest.Server) *target) {
	b.Helper()
	for _, engine := range []struct {
		name     string
		database func(testing.TB) store.Config
	}{{"sqlite", onSQLite}, {"postgres", onPostgres}} {
		b.Run(engine.name, func(b *testing.B) {
			usher := measured(b, start(b, engine.database(b)))
			report(b, usher, bareTwin(b, usher))
		})
	}
}

// BenchmarkGetMe is what every request costs at least: authentication, and a
// small answer.
func BenchmarkGetMe(b *testing.B) {
	onEach(b, func(t testing.TB, s *servertest.Server) *target {
		t.Helper()
		return get(t, s, "/users/me")
	})
}

// BenchmarkCreateUser is a change: a transaction with its audit entry, on disk
// before the answer is sent.
func BenchmarkCreateUser(b *testing.B) {
	onEach(b, creations)
}

// BenchmarkListUsers is the first page of a large deployment's users, with their
// number.
func BenchmarkListUsers(b *testing.B) {
	s := start(b, onSQLite(b))
	seed(b, s, manyUsers)
	b.Run("sqlite", func(b *testing.B) {
		usher := get(b, s, "/users?limit=25")
		report(b, usher, bareTwin(b, usher))
	})
}
