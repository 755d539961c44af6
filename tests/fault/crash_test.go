package fault_test

import (
	"testing"
	"time"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestDatabaseCrashes under load, as pg_ctl restart -m immediate makes it: what
// was acknowledged is there, and the node is back by itself.
func TestDatabaseCrashes(t *testing.T) {
	t.Parallel()
	// Without fsync what was committed survives a crash of the server, if not of
	// the machine; without synchronous_commit it need not survive even that.
	cluster, err := storetest.StartPostgres(t.Context(), "synchronous_commit=on")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
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
