package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// maxTemplateName leaves room for buildingSuffix in PostgreSQL's 63 bytes, past
// which it would cut two names to the same one without an error.
const maxTemplateName = 50

const buildingSuffix = "_building"

// Migrate brings the empty database at url to a schema. It closes every
// connection that it opened: a database in use can be neither renamed nor cloned.
type Migrate func(ctx context.Context, url string) error

// Template makes sure that the server holds a database called name (at most 50
// bytes) with the schema that migrate builds. The name stands for the schema:
// put a hash of the migrations into it, for an existing database of that name is
// taken as it is.
//
// Any number of processes may call it at once with the same serverURL: one of
// them migrates, the others wait. The schema is built under another name and
// renamed when it is complete, so that a process that died on the way leaves
// nothing that could be taken for a template. Nobody can connect to a template,
// because PostgreSQL refuses to clone a database in use.
func Template(ctx context.Context, serverURL, name string, migrate func(ctx context.Context, url string) error) error {
	if name == "" || len(name) > maxTemplateName {
		return fmt.Errorf("the template's name %q must have 1 to %d bytes", name, maxTemplateName)
	}
	building := name + buildingSuffix
	buildingURL, err := databaseURL(serverURL, building)
	if err != nil {
		return err
	}
	return onServer(ctx, serverURL, func(conn *pgx.Conn) error {
		// The lock ends with the connection.
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtextextended($1, 0))`, name); err != nil {
			return fmt.Errorf("lock template %s: %w", name, err)
		}
		exists, err := databaseExists(ctx, conn, name)
		if err != nil || exists {
			return err
		}
		if err := create(ctx, conn, building); err != nil {
			return err
		}
		if err := migrate(ctx, buildingURL); err != nil {
			return fmt.Errorf("migrate template %s: %w", name, err)
		}
		return publish(ctx, conn, building, name)
	})
}

// create makes an empty database, in place of one that a process which died
// while it was building may have left.
func create(ctx context.Context, conn *pgx.Conn, name string) error {
	if _, err := conn.Exec(ctx, `DROP DATABASE IF EXISTS `+quote(name)+` WITH (FORCE)`); err != nil {
		return fmt.Errorf("drop the unfinished %s: %w", name, err)
	}
	if _, err := conn.Exec(ctx, `CREATE DATABASE `+quote(name)+` TEMPLATE template0`); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	return nil
}

// publish closes the built database to connections and gives it its name.
func publish(ctx context.Context, conn *pgx.Conn, building, name string) error {
	if _, err := conn.Exec(ctx, `ALTER DATABASE `+quote(building)+` ALLOW_CONNECTIONS false`); err != nil {
		return fmt.Errorf("close %s: %w", building, err)
	}
	if _, err := conn.Exec(ctx, `ALTER DATABASE `+quote(building)+` RENAME TO `+quote(name)); err != nil {
		return fmt.Errorf("rename %s to %s: %w", building, name, err)
	}
	return nil
}

// cloneDatabase copies a template to a database with a name of its own.
func cloneDatabase(ctx context.Context, serverURL, template string) (cloneURL, name string, err error) {
	name = "usher_test_" + strings.ToLower(rand.Text())
	cloneURL, err = databaseURL(serverURL, name)
	if err != nil {
		return "", "", err
	}
	err = onServer(ctx, serverURL, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `CREATE DATABASE `+quote(name)+` TEMPLATE `+quote(template))
		return err
	})
	if err != nil {
		return "", "", fmt.Errorf("clone %s: %w", template, err)
	}
	return cloneURL, name, nil
}

func dropDatabase(ctx context.Context, serverURL, name string) error {
	return onServer(ctx, serverURL, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `DROP DATABASE IF EXISTS `+quote(name)+` WITH (FORCE)`)
		return err
	})
}

func databaseExists(ctx context.Context, conn *pgx.Conn, name string) (bool, error) {
	var exists bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists)
	if err != nil {
		return false, fmt.Errorf("look for database %s: %w", name, err)
	}
	return exists, nil
}

// onServer runs use on a connection of its own to the server's maintenance database.
func onServer(ctx context.Context, serverURL string, use func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, serverURL)
	if err != nil {
		return fmt.Errorf("connect to the tests' PostgreSQL: %w", err)
	}
	// The context may be over; the server must hear the farewell all the same,
	// for an advisory lock lasts until then.
	return errors.Join(use(conn), conn.Close(context.WithoutCancel(ctx)))
}

// databaseURL is serverURL with another database.
func databaseURL(serverURL, database string) (string, error) {
	parsed, err := url.Parse(serverURL)
	if err != nil || (parsed.Scheme != "postgres" && parsed.Scheme != "postgresql") {
		// The parser's error would show the URL, and with it a password.
		return "", errors.New(ServerVariable + " is not a postgres:// URL")
	}
	parsed.Path = "/" + database
	return parsed.String(), nil
}

func quote(identifier string) string {
	return pgx.Identifier{identifier}.Sanitize()
}
