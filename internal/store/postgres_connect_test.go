package store_test

import (
	"context"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

func ignoreChanges([]uuid.UUID) {}

// TestSessionSettings: what the server is told to do by itself, unless the URL
// says something else.
func TestSessionSettings(t *testing.T) {
	t.Parallel()
	databaseURL := storetest.MigratedPostgres(t)
	chosen, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	query := chosen.Query()
	query.Set("statement_timeout", "7000")
	chosen.RawQuery = query.Encode()
	for _, test := range []struct {
		name string
		cfg  store.Config
		want map[string]string
	}{
		{"by default", store.Config{DatabaseURL: databaseURL}, map[string]string{
			"statement_timeout": "4s", "idle_in_transaction_session_timeout": "4s",
			"application_name": "usher", "timezone": "UTC", "transaction_read_only": "off",
		}},
		{"as configured", store.Config{DatabaseURL: databaseURL, StatementTimeout: 900 * time.Millisecond}, map[string]string{
			"statement_timeout": "900ms", "idle_in_transaction_session_timeout": "900ms",
		}},
		{"by the URL", store.Config{DatabaseURL: chosen.String()}, map[string]string{
			"statement_timeout": "7s", "idle_in_transaction_session_timeout": "4s",
		}},
	} {
		s := storetest.Open(t, test.cfg)
		for name, want := range test.want {
			if got, err := s.Setting(t.Context(), name); err != nil || got != want {
				t.Errorf("%s: %s is %q (%v), want %q", test.name, name, got, err, want)
			}
		}
	}
}

// TestServerEndsStatements and transactions that stand still, without being asked:
// the node that began them may be gone.
func TestServerEndsStatements(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DatabaseURL: storetest.MigratedPostgres(t), StatementTimeout: 200 * time.Millisecond}
	s := storetest.Open(t, cfg)
	alice := person("alice")
	insert(t, s, alice)

	release := lockOut(t, cfg, "BEGIN", "LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
	start := time.Now()
	_, err := s.Direct().HasUsers(t.Context())
	wantKind(t, err, account.KindUnavailable)
	if took := time.Since(start); took > store.Patience/2 {
		t.Errorf("a statement that waits for a lock was given up after %s", took)
	}
	release()

	start = time.Now()
	err = s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := tx.UpdatePasswordHash(ctx, alice.ID, "never"); err != nil {
			return err
		}
		conn, err := pgx.Connect(t.Context(), cfg.DatabaseURL) // waits for the lock that this transaction has
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(t.Context()) }()
		_, err = conn.Exec(t.Context(), `UPDATE users SET name = 'free' WHERE id = $1`, alice.ID)
		return err
	})
	wantKind(t, err, account.KindUnavailable)
	if took := time.Since(start); took > store.Patience/2 {
		t.Errorf("a transaction that stands still kept its lock for %s", took)
	}
	if got := user(t, s, alice.ID); got.Name != "free" {
		t.Errorf("the name is %q: the other one did not get the lock", got.Name)
	}
}

// TestReadOnlyServer: one that takes no writes, as a standby or one whose disk is
// full, is as good as one that is down.
func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	databaseURL := storetest.MigratedPostgres(t)
	s := storetest.Open(t, store.Config{DatabaseURL: databaseURL})
	insert(t, s, person("alice"))
	err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := tx.Execute(ctx, "SET TRANSACTION READ ONLY"); err != nil {
			return err
		}
		return tx.InsertUser(ctx, person("bob"), "")
	})
	wantKind(t, err, account.KindUnavailable)
	db := raw(t, store.Config{DatabaseURL: databaseURL})
	var name string
	if err := db.QueryRowContext(t.Context(), `SELECT current_database()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `ALTER DATABASE `+pgx.Identifier{name}.Sanitize()+` SET default_transaction_read_only = on`); err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(t.Context(), store.Config{DatabaseURL: databaseURL})
	if err == nil {
		t.Error("a server that takes no writes was opened", again.Close())
	}
}

// TestMaxConnections holds a node to its bound, with its listener and everybody
// busy, and everybody gets a turn.
func TestMaxConnections(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DatabaseURL: storetest.MigratedPostgres(t), MaxConnections: store.FewestConnections}
	s := storetest.Open(t, cfg)
	if err := s.Watch(t.Context(), store.Watcher{Changed: ignoreChanges, Trust: func(time.Time) {}}); err != nil {
		t.Fatal(err)
	}
	db := raw(t, cfg)
	connections := func(ctx context.Context) (now int, err error) {
		err = db.QueryRowContext(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'usher'`).Scan(&now)
		return now, err
	}
	awaitRest(t, connections)
	var running sync.WaitGroup
	most := 0
	var mu sync.Mutex
	for range 20 {
		running.Go(func() {
			err := s.Read(t.Context(), func(ctx context.Context, _ *store.Tx) error {
				now, err := connections(ctx)
				mu.Lock()
				defer mu.Unlock()
				most = max(most, now)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if most < 3 || most > store.FewestConnections {
		t.Errorf("%d connections at a time, want up to %d", most, store.FewestConnections)
	}
}

// awaitRest waits until there are the two of the listener and the one that made
// the defaults, and no more: the one that brought the schema up to date is closed, but
// the server takes its time to notice.
func awaitRest(t *testing.T, connections func(context.Context) (int, error)) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; {
		now, err := connections(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if now <= 3 {
			return
		}
		time.Sleep(5 * time.Millisecond) // the server tells nobody when it has noticed
	}
	t.Fatal("the connection that was closed is still there")
}

// TestPatienceIsShared by all that is asked in one context, and only there.
func TestPatienceIsShared(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	s := storetest.Open(t, cfg)
	release := lockOut(t, cfg, "BEGIN", "LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
	ctx := store.WithPatience(t.Context())
	start := time.Now()
	for range 3 {
		for _, use := range reads(s) {
			wantKind(t, use.call(ctx), account.KindUnavailable)
		}
	}
	if took := time.Since(start); took < store.Patience/2 || took > answerTime {
		t.Errorf("nine reads took %s together, want about %s", took, store.Patience)
	}
	release()
	wantKind(t, reads(s)[0].call(ctx), account.KindUnavailable) // it is used up
	for _, fresh := range []context.Context{t.Context(), store.WithPatience(ctx)} {
		for _, use := range reads(s) {
			wantKind(t, use.call(fresh), "")
		}
	}
}
