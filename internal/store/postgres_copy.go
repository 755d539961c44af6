package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresCopy passes over what triggers make of users, and what extensions
// brought.
var postgresCopy = copyEngine{
	columns: `
		SELECT c.relname, a.attname, format_type(a.atttypid, NULL),
		       coalesce((SELECT k.place FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (number, place) WHERE k.number = a.attnum), 0),
		       a.attidentity <> '' OR a.attgenerated <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', FALSE)
		  FROM pg_class c
		  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
		  LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
		 WHERE c.relkind IN ('r', 'p') AND c.relname NOT IN ('user_sums', 'user_day_sums', 'user_count_changes', 'user_texts')
		   AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
		   AND NOT EXISTS (SELECT 1 FROM pg_depend e
		                    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')`,
	references: `
		SELECT DISTINCT c.relname, r.relname
		  FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class r ON r.oid = f.confrelid
		 WHERE f.contype = 'f' AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())`,
	kinds: map[string]columnKind{
		"text": kindText, "uuid": kindUUID, "timestamp with time zone": kindTime, "boolean": kindBoolean,
		"bigint": kindInteger, "integer": kindInteger, "smallint": kindInteger, "bytea": kindBytes,
	},
	bytewise:   ` COLLATE "C"`,
	lock:       "LOCK TABLE %s IN EXCLUSIVE MODE",
	statistics: "ANALYZE %s",
	servers:    countPostgresServers,
	same:       samePostgres,
	insert:     insertPostgres,
}

// unhurried makes a transaction one that nothing cuts short, but that does not
// wait for a table that another one holds.
const unhurried = `; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '4s'`

func openPostgresCopy(ctx context.Context, p Place, end *copyEnd, fill bool) error {
	end.engine = &postgresCopy
	way, err := newPostgresWay(p.DatabaseURL, Patience)
	if err != nil {
		return err
	}
	way.config.RuntimeParams["application_name"] = "usher migrate-database" // not as a server does
	end.name = fmt.Sprintf("the PostgreSQL database %s at %s", way.config.Database, way.config.Host)
	db := way.untimed().pool(2)
	end.closers = append(end.closers, inAnyCase(db.Close))
	if err := checkPostgres(ctx, db); err != nil {
		return err
	}
	begin := "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	if fill {
		begin = "BEGIN"
		if err := migrateEmptyPostgres(ctx, db, end.name); err != nil {
			return err
		}
	}
	if end.conn, err = db.Conn(ctx); err != nil {
		return err
	}
	_, err = end.conn.ExecContext(ctx, begin+unhurried)
	return err
}

// migrateEmptyPostgres makes the schema, unless there is another one.
func migrateEmptyPostgres(ctx context.Context, db *sql.DB, name string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	err = (&copyEnd{engine: &postgresCopy, name: name, conn: conn}).refuseForeign(ctx)
	if err := errors.Join(err, conn.Close()); err != nil {
		return err
	}
	return migratePostgres(ctx, db)
}

// countPostgresServers counts the connections of servers and commands, all of
// which have the same name. Within a transaction the server goes on to say what
// it has said, unless it is told to look again.
func countPostgresServers(ctx context.Context, conn *sql.Conn) (int, error) {
	if _, err := conn.ExecContext(ctx, "SELECT pg_stat_clear_snapshot()"); err != nil {
		return 0, err
	}
	list, err := collect(ctx, conn, value[int],
		"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'usher'")
	if err != nil {
		return 0, err
	}
	return list[0], nil
}

// samePostgres takes a lock that only this copy can know on one connection. The
// other one can take it too, unless it is to the same database.
func samePostgres(ctx context.Context, one, other *sql.Conn) (bool, error) {
	lock := rand.Int64()
	if _, err := one.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", lock); err != nil {
		return false, err
	}
	list, err := collect(ctx, other, value[bool], "SELECT pg_try_advisory_xact_lock($1)", lock)
	return err == nil && !list[0], err
}

// insertPostgres sends rows by COPY. The driver writes an identifier as it is only
// where it does not know it for one that can describe itself as text.
func insertPostgres(ctx context.Context, conn *sql.Conn, t copyTable, next func() ([]any, error)) error {
	columns := make([]string, len(t.columns))
	for i, column := range t.columns {
		columns[i] = column.name
	}
	return conn.Raw(func(driverConn any) error {
		native, ok := driverConn.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the connection is a %T", driverConn)
		}
		_, err := native.Conn().CopyFrom(ctx, pgx.Identifier{t.name}, columns, pgx.CopyFromFunc(func() ([]any, error) {
			row, err := next()
			for i, cell := range row {
				if id, ok := cell.(uuid.UUID); ok {
					row[i] = [16]byte(id)
				}
			}
			return row, err
		}))
		return err
	})
}
