package storetest

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestCrash: everybody is cut off, what was committed is there, and the server
// still ends with its cluster.
func TestCrash(t *testing.T) {
	t.Parallel()
	cluster, err := StartPostgres(t.Context(), "synchronous_commit=on", "max_connections=7")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Stop() })
	conn := connect(t, cluster.URL("postgres"))
	if _, err := conn.Exec(t.Context(), `CREATE TABLE numbers (n INT)`); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if _, err := conn.Exec(t.Context(), `INSERT INTO numbers VALUES ($1)`, n); err != nil {
			t.Fatal(err)
		}
		if err := cluster.Crash(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := conn.Ping(t.Context()); err == nil {
			t.Error("a connection survived")
		}
		conn = connect(t, cluster.URL("postgres"))
		rows, err := conn.Query(t.Context(), `SELECT n FROM numbers ORDER BY n`)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := pgx.CollectRows(rows, pgx.RowTo[int]); err != nil || len(got) != n+1 {
			t.Errorf("after crash %d there are %v, %v", n, got, err)
		}
	}
	var limit string
	if err := conn.QueryRow(t.Context(), `SHOW max_connections`).Scan(&limit); err != nil || limit != "7" {
		t.Errorf("max_connections is %s, %v; want what was set", limit, err)
	}
	if err := cluster.Stop(); err != nil {
		t.Error(err)
	}
}
