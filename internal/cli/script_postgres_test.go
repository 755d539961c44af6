package cli

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"usher/internal/store/storetest"
)

// postgresCommand starts a PostgreSQL server for one script, with an empty
// database in it.
func postgresCommand(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 0 {
			ts.Fatalf("usage: postgres")
		}
		cluster, err := storetest.StartPostgres(t.Context())
		ts.Check(err)
		ts.Defer(func() { ts.Check(cluster.Stop()) })
		ts.Setenv("POSTGRES", cluster.URL("postgres"))
	}
}
