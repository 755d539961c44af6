package fault_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// ageAudit puts entries into the audit log that are old enough to be purged.
func ageAudit(t *testing.T, database string, count int) {
	t.Helper()
	onDatabase(t, database, func(conn *pgx.Conn) {
		for range count {
			_, err := conn.Exec(t.Context(), `
				INSERT INTO audit_log (id, time, request_id, actor_id, organization_id, ip, user_agent, resource_type, resource_id,
					target, target_key, action, diff, outcome, additional)
				VALUES ($1, now() - INTERVAL '30 days', $1, $1, $1, '', '', 'user', $1, 'old', 'old', 'write', '{}', 'ok', '{}')`, uuid.New())
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// agedAudit counts those that are left.
func agedAudit(t *testing.T, database string) (left int) {
	t.Helper()
	onDatabase(t, database, func(conn *pgx.Conn) {
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE target = 'old'`).Scan(&left); err != nil {
			t.Fatal(err)
		}
	})
	return left
}

func onDatabase(t *testing.T, database string, use func(*pgx.Conn)) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	use(conn)
}

// TestJobsDuringAnOutage fail in time, and the next run does what they did not.
func TestJobsDuringAnOutage(t *testing.T) {
	t.Parallel()
	database := storetest.MigratedPostgres(t)
	route := newRoute(t, database)
	h := keep(t, store.Config{DatabaseURL: route.url})
	h.begin()
	ageAudit(t, database, 300)
	var longest time.Duration
	var failed atomic.Int32
	for _, fault := range []func(){route.close, func() {
		route.open(t)
		h.runJobs() // on connections that are then black-holed
		ageAudit(t, database, 300)
		route.poison(t, "timeout", map[string]int{"timeout": 0})
	}} {
		fault()
		begin := time.Now()
		var running sync.WaitGroup
		for _, job := range h.Jobs() {
			running.Go(func() {
				if err := job.Run(t.Context()); account.KindOf(err) != account.KindUnavailable {
					t.Errorf("%s: %v, want that the database is unavailable", job.Name, err)
				}
				failed.Add(1)
			})
		}
		running.Wait()
		longest = max(longest, time.Since(begin))
		if got := agedAudit(t, database); got != 300 {
			t.Errorf("%d old entries are left, want 300", got)
		}
	}
	route.cure(t)
	h.runJobs()
	left := agedAudit(t, database)
	t.Logf("jobs during an outage: %d failed, the longest after %s; afterwards %d of 300 old entries were left", failed.Load(), longest.Round(time.Millisecond), left)
	if left > 0 || longest > answerTime+leeway {
		t.Error("that is too many, or too long")
	}
}

// TestServerRunsJobsAgain after an outage, which takes minutes: jobs run once a
// minute at most.
func TestServerRunsJobsAgain(t *testing.T) {
	t.Parallel()
	if !isLong() {
		t.Skip("takes three minutes; set USHER_TEST_LONG")
	}
	database := storetest.MigratedPostgres(t)
	route := newRoute(t, database)
	node := run(t, append(arguments(store.Config{DatabaseURL: route.url, DataDir: t.TempDir()}), "--audit-retention", "24h")...)
	node.ready(t)
	route.close()
	ageAudit(t, database, 300)
	node.await(t, node.log, "a job failed; it will be tried again")
	route.open(t)
	awaitReady(t, node, http.StatusOK)
	begin := time.Now()
	for agedAudit(t, database) > 0 {
		if time.Since(begin) > 2*time.Minute {
			t.Fatalf("the old entries are still there:\n%s", node.log)
		}
		<-time.After(time.Second) // jobs run once a minute
	}
	t.Logf("after an outage the server's job ran %s after the return", time.Since(begin).Round(time.Second))
}
