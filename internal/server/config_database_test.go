package server_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestDatabaseSettings are the problems of each, under the names of their flags.
func TestDatabaseSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		cfg  server.DatabaseConfig
		want []string // how the problems begin
	}{
		{"nothing", server.DatabaseConfig{}, nil},
		{"the least", server.DatabaseConfig{DatabaseMaxConnections: 4, DatabaseStatementTimeout: 100 * time.Millisecond}, nil},
		{"the longest", server.DatabaseConfig{DatabaseMaxConnections: 500, DatabaseStatementTimeout: 4 * time.Second}, nil},
		{
			"too few, too long",
			server.DatabaseConfig{DatabaseMaxConnections: 3, DatabaseStatementTimeout: 5 * time.Second},
			[]string{"--database-max-connections: 3 is too few", "--database-statement-timeout: 5s is not between 100ms and 4s"},
		},
		{
			"less than none",
			server.DatabaseConfig{DatabaseMaxConnections: -1, DatabaseStatementTimeout: -time.Second},
			[]string{"--database-max-connections: -1 is too few", "--database-statement-timeout: -1s is not between"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := server.Config{DataDir: t.TempDir(), DatabaseConfig: test.cfg}.Validate()
			var lines []string
			if err != nil {
				lines = strings.Split(err.Error(), "\n")
			}
			if len(lines) != len(test.want) {
				t.Fatalf("%d problems, want %d: %v", len(lines), len(test.want), err)
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, test.want[i]) {
					t.Errorf("got %s, want %s...", line, test.want[i])
				}
			}
		})
	}
}

// TestWarningAboutClearText is logged where the URL allows a connection to another
// machine without TLS, and only there.
func TestWarningAboutClearText(t *testing.T) {
	t.Parallel()
	const warning = "the connection to the database may not be encrypted"
	for _, test := range []struct {
		name string
		db   store.Config
		want int
	}{
		{"no connection", storetest.SQLite(t), 0},
		{"another machine", store.Config{DatabaseURL: alsoAt(t, storetest.MigratedPostgres(t), "192.0.2.7"), DataDir: t.TempDir()}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			log := servertest.Start(t, test.db).Log.String()
			if got := strings.Count(log, warning); got != test.want {
				t.Errorf("%d warnings, want %d:\n%s", got, test.want, log)
			}
			if test.want > 0 && (!strings.Contains(log, "192.0.2.7") || !strings.Contains(log, "sslmode=verify-full")) {
				t.Errorf("the warning does not say where, or what to do:\n%s", log)
			}
		})
	}
}

// alsoAt adds a second host to a database URL, without TLS. The first is the one
// that answers.
func alsoAt(t *testing.T, databaseURL, host string) string {
	t.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	at := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Path: "/" + config.Database}
	at.RawQuery = url.Values{"host": {config.Host + "," + host}, "port": {fmt.Sprintf("%d,5432", config.Port)}, "sslmode": {"disable"}}.Encode()
	return at.String()
}
