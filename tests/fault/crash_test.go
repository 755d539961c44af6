package fault_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestDatabaseCrashes under load, as pg_ctl restart -m immediate makes it: what
// was acknowledged is there, and the node is back by itself.
func TestDatabaseCrashes(t *testing.T) {
	t.Parallel()
	// Without fsync what was committed survives a crash of the server, if not of
	// the machine; without synchronous_commit it need not survive even that.
	cluster := startCluster(t, "synchronous_commit=on")
	node := serve(t, store.Config{DatabaseURL: cluster.URL("postgres"), DataDir: t.TempDir()})
	token := createFirstUser(t, node).SessionToken()
	o := &outage{node: node, token: token, load: startLoad(t, token, 6, node)}
	var took []time.Duration
	for range rounds(3, 30) {
		o.await(t, 200)
		if err := cluster.Crash(t.Context()); err != nil {
			t.Fatal(err)
		}
		took = append(took, o.load.awaitRecovery(t))
	}
	f := o.load.end(t, node, token, "database crashed under load")
	t.Logf("the last refusals came %s after the database was back", took)
	if f.refused == 0 {
		t.Error("nobody noticed")
	}
}

// startCluster starts a PostgreSQL server for this test alone.
func startCluster(t *testing.T, settings ...string) *storetest.Cluster {
	t.Helper()
	cluster, err := storetest.StartPostgres(t.Context(), settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// TestDatabaseTakesNoWrites for a while, as managed ones do when a disk is full
// or another server is to take over: reads go on, changes are refused.
func TestDatabaseTakesNoWrites(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t)
	node := serve(t, store.Config{DatabaseURL: cluster.URL("postgres"), DataDir: t.TempDir()})
	token := createFirstUser(t, node).SessionToken()
	o := &outage{node: node, token: token, load: startLoad(t, token, 4, node)}
	o.await(t, 100)
	admin, err := pgx.Connect(t.Context(), cluster.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(t.Context()) }()
	set := func(value string) {
		for _, text := range []string{"SET default_transaction_read_only = off", "ALTER SYSTEM SET default_transaction_read_only = " + value, "SELECT pg_reload_conf()"} {
			if _, err := admin.Exec(t.Context(), text); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
	}
	set("on")
	o.awaitRefused(t, 20)
	o.await(t, 20)
	set("off")
	o.load.awaitRecovery(t)
	o.load.end(t, node, token, "database read-only")
}
