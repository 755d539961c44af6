package server

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"usher/internal/store"
)

// DatabaseConfig is what a server can be told about its connections to
// PostgreSQL. TLS, further hosts and what else the connection has are in its URL.
type DatabaseConfig struct {
	// DatabaseMaxConnections bounds the connections of this node, two of which are
	// for notifications; at least store.FewestConnections, 0 means
	// DefaultDatabaseMaxConnections.
	DatabaseMaxConnections int
	// DatabaseStatementTimeout is how long PostgreSQL works on one statement, and
	// how long it keeps a transaction open in which nothing happens, before it
	// gives up by itself; from store.ShortestStatementTimeout to store.Patience,
	// after which nobody waits for it any more; 0 means
	// DefaultDatabaseStatementTimeout.
	DatabaseStatementTimeout time.Duration
}

func (c Config) storeConfig() store.Config {
	return store.Config{
		DatabaseURL: c.DatabaseURL.Reveal(), DataDir: filepath.Clean(c.DataDir),
		MaxConnections: c.DatabaseMaxConnections, StatementTimeout: c.DatabaseStatementTimeout,
	}
}

// validateDatabase hands every problem to check, under the name of its flag.
func (c Config) validateDatabase(check func(flag string, err error)) {
	if c.DatabaseURL != "" {
		check("database-url", store.CheckDatabaseURL(c.DatabaseURL.Reveal()))
	}
	if n := c.DatabaseMaxConnections; n < store.FewestConnections {
		check("database-max-connections", fmt.Errorf("%d is too few; at least %d are needed", n, store.FewestConnections))
	}
	if d := c.DatabaseStatementTimeout; d < store.ShortestStatementTimeout || d > store.Patience {
		check("database-statement-timeout", fmt.Errorf("%s is not between %s and %s", d, store.ShortestStatementTimeout, store.Patience))
	}
}

// warnAboutDatabase says once that the database may be spoken to in clear.
func (c Config) warnAboutDatabase() {
	if c.DatabaseURL == "" {
		return
	}
	hosts := store.ClearTextHosts(c.DatabaseURL.Reveal())
	if len(hosts) == 0 {
		return
	}
	c.Log.Warn("the connection to the database may not be encrypted: password hashes and all else can be read on the way; "+
		"set sslmode=verify-full in --database-url, and sslrootcert if its authority is your own",
		"hosts", strings.Join(hosts, ","))
}
