package fault_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// TestNodesStartAtOnce on an empty database: one makes the schema while the
// others wait, all of them serve, and there is one of everything.
func TestNodesStartAtOnce(t *testing.T) {
	t.Parallel()
	if _, err := binary(); err != nil { // building it takes time
		t.Fatal(err)
	}
	for _, count := range []int{2, 5} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			t.Parallel()
			for range rounds(2, 30) {
				startAtOnce(t, count)
			}
		})
	}
}

func startAtOnce(t *testing.T, count int) {
	t.Helper()
	db := store.Config{DatabaseURL: storetest.EmptyPostgres(t), DataDir: t.TempDir()}
	list := make([]*process, count)
	started := time.Now()
	for i := range list {
		list[i] = run(t, arguments(db)...)
	}
	for _, node := range list {
		node.ready(t)
	}
	took := time.Since(started)
	won := firstUserAtAll(t, list)
	deployments := wantOneOfEverything(t, db, list)
	t.Logf("%d nodes on an empty database: all ready after %s; of %d who made the first user at once %d succeeded; deployments %d",
		count, took.Round(time.Millisecond), count, won, deployments)
	if won != 1 {
		t.Errorf("%d first users", won)
	}
	for _, node := range list {
		node.signal(t, syscall.SIGTERM)
	}
}

// firstUserAtAll makes the first user at all nodes at once and returns at how many
// it was the first.
func firstUserAtAll(t *testing.T, list []*process) (won int) {
	t.Helper()
	errs := make([]error, len(list))
	var asking sync.WaitGroup
	for i, node := range list {
		client := node.client(t)
		asking.Go(func() {
			_, errs[i] = client.CreateFirstUser(t.Context(), sdk.CreateFirstUserRequest{
				Email: "owner@example.com", Username: "owner", Password: password,
			})
		})
	}
	asking.Wait()
	for _, err := range errs {
		if err == nil {
			won++
		}
	}
	return won
}

// wantOneOfEverything looks at the schema's versions, the default organization
// and the deployment, whose number it returns.
func wantOneOfEverything(t *testing.T, db store.Config, list []*process) (deployments int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	rows, err := conn.Query(t.Context(), `SELECT version_id FROM goose_db_version ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	versions, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || !slices.IsSorted(versions) || len(slices.Compact(slices.Clone(versions))) != len(versions) {
		t.Errorf("the steps of the schema are %v (%v), want each once and in order", versions, err)
	}
	var organizations int
	err = conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM deployment WHERE key = 'deployment_id'), (SELECT count(*) FROM organizations)`).Scan(&deployments, &organizations)
	if err != nil || deployments != 1 || organizations != 1 {
		t.Errorf("%d deployments and %d organizations (%v), want one of each", deployments, organizations, err)
	}
	for _, node := range list {
		if got := probe(t, node, "/readyz"); got != http.StatusOK {
			t.Errorf("/readyz says %d", got)
		}
		if strings.Contains(node.log.String(), "level=ERROR") {
			t.Errorf("a node complains:\n%s", node.log)
		}
	}
	return deployments
}

// TestOlderNodeOnNewerSchema: what a rolling upgrade promises. Nodes that run go
// on with a schema to which a newer one has added something, while it is being
// added and afterwards. An older node that starts then is refused with a sentence.
func TestOlderNodeOnNewerSchema(t *testing.T) {
	t.Parallel()
	db := store.Config{DatabaseURL: storetest.MigratedPostgres(t), DataDir: t.TempDir()}
	first, second := serve(t, db), serve(t, db)
	token := createFirstUser(t, first).SessionToken()
	o := &outage{node: first, token: token, load: startLoad(t, token, 4, first, second)}
	o.await(t, 200) // every statement is prepared
	conn, err := pgx.Connect(t.Context(), db.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for _, step := range []string{
		`ALTER TABLE users ADD COLUMN pronouns TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE api_keys ADD COLUMN device TEXT`,
		`ALTER TABLE audit_log ADD COLUMN weight BIGINT NOT NULL DEFAULT 0`,
		`CREATE TABLE devices (id UUID PRIMARY KEY, user_id UUID NOT NULL REFERENCES users (id))`,
		`CREATE INDEX users_pronouns ON users (pronouns)`,
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)`,
	} {
		if _, err := conn.Exec(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		o.await(t, 50)
	}
	late := run(t, arguments(db)...)
	if got := late.status(t); got != 1 {
		t.Errorf("exit status %d of an older node that starts, want 1", got)
	}
	if got := late.log.String(); !strings.Contains(got, "made by a newer Usher") {
		t.Errorf("it says %q", got)
	}
	o.await(t, 200)
	o.load.awaitRecovery(t)
	o.load.end(t, second, token, "older nodes on a newer schema")
}
