package cli

import (
	"errors"
	"strconv"
	"time"

	"usher/internal/server"
)

// databaseConnectionSettings are about the connections to PostgreSQL.
func databaseConnectionSettings() []setting {
	return []setting{
		{
			name: "database-max-connections", kind: "N", usage: "the most connections of this node to PostgreSQL",
			fallback: strconv.Itoa(server.DefaultDatabaseMaxConnections),
			set: func(o *serverOptions, value string) error {
				if value == "0" {
					return errors.New("0 is none at all") // and would mean the default
				}
				return number(func(o *serverOptions) *int { return &o.config.DatabaseMaxConnections })(o, value)
			},
		},
		{
			name: "database-statement-timeout", kind: "DURATION", usage: "when PostgreSQL ends a statement, or a transaction that stands still, by itself",
			fallback: server.DefaultDatabaseStatementTimeout.String(),
			set:      lifetime(func(o *serverOptions) *time.Duration { return &o.config.DatabaseStatementTimeout }),
		},
	}
}
