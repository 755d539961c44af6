package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// DefaultMaxConnections is how many connections to PostgreSQL a node has at
	// most, if it was not told otherwise. PostgreSQL itself allows 100 unless it
	// is told otherwise, so that two nodes and an administrator fit.
	DefaultMaxConnections = 32
	// FewestConnections is the least that a node can work with: two for
	// notifications, and two for everything else.
	FewestConnections = 4
	// ShortestStatementTimeout is the least that can be set.
	ShortestStatementTimeout = 100 * time.Millisecond

	// notifying is how many connections the listener has, beside the pool.
	notifying = 2
)

// These find a peer that is gone without a word: after keepAliveIdle without
// traffic the other end is asked keepAliveCount times, and what was sent may be
// unacknowledged for unacknowledged. Both ends do this, because a server that
// never learns that a node is gone keeps the locks of its transactions.
const (
	keepAliveIdle     = 5 * time.Second
	keepAliveInterval = 2 * time.Second
	keepAliveCount    = 3
	unacknowledged    = 10 * time.Second
)

// CheckDatabaseURL says what is wrong with a database URL, without connecting.
// The error never repeats the URL, which may hold a password.
func CheckDatabaseURL(databaseURL string) error {
	parsed, err := url.Parse(databaseURL)
	if err != nil || (parsed.Scheme != "postgres" && parsed.Scheme != "postgresql") {
		return errors.New("must be a URL that begins with postgres://")
	}
	return nil
}

// ClearTextHosts returns the hosts of a database URL that are beyond this machine
// and that may be spoken to without TLS, as sslmode allows; none for a URL that
// makes no sense.
func ClearTextHosts(databaseURL string) []string {
	config, err := pgconn.ParseConfig(databaseURL)
	if err != nil {
		return nil
	}
	var hosts []string
	ways := append([]*pgconn.FallbackConfig{{Host: config.Host, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for _, way := range ways {
		if way.TLSConfig == nil && !isThisMachine(way.Host) && !slices.Contains(hosts, way.Host) {
			hosts = append(hosts, way.Host)
		}
	}
	return hosts
}

// isThisMachine reports whether a host is a socket's directory, or loopback.
func isThisMachine(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// postgresWay is how this process connects to its server. The URL has the last
// word about what it says, such as TLS, hosts and session parameters.
type postgresWay struct {
	config   *pgx.ConnConfig
	settings string // SQL that every session begins with
}

func newPostgresWay(databaseURL string, statements time.Duration) (postgresWay, error) {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return postgresWay{}, errors.New("the database URL cannot be read") // the cause would repeat its password
	}
	if config.ConnectTimeout == 0 { // of each way to each host: the last one must have its turn
		config.ConnectTimeout = Patience / time.Duration(1+len(config.Fallbacks))
	}
	if config.ValidateConnect == nil { // a standby answers, but cannot be written to
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	config.DialFunc = (&net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount,
		},
		Control: limitUnacknowledged,
	}).DialContext
	settings := sessionSettings(statements, config.RuntimeParams)
	config.RuntimeParams["application_name"] = "usher"
	config.RuntimeParams["timezone"] = "UTC"
	return postgresWay{config: config, settings: settings}, nil
}

// sessionSettings are what the server does by itself when a node is stuck or
// gone. They are set in the session, not at its start, because a pooling proxy
// refuses parameters at the start that it does not know.
func sessionSettings(statements time.Duration, chosen map[string]string) string {
	list := map[string]int64{
		"statement_timeout":                   statements.Milliseconds(),
		"idle_in_transaction_session_timeout": statements.Milliseconds(),
		"tcp_keepalives_idle":                 int64(keepAliveIdle.Seconds()),
		"tcp_keepalives_interval":             int64(keepAliveInterval.Seconds()),
		"tcp_keepalives_count":                keepAliveCount,
		"tcp_user_timeout":                    unacknowledged.Milliseconds(),
		"jit":                                 0, // compiling takes longer than any of our queries
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if _, known := chosen[name]; !known {
			fmt.Fprintf(&text, "SET %s = %d; ", name, list[name])
		}
	}
	return text.String()
}

// untimed is the same way for statements that may take as long as they take.
func (w postgresWay) untimed() postgresWay {
	w.settings += "SET statement_timeout = 0; "
	return w
}

// connect opens a connection outside the pool.
func (w postgresWay) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, w.config.Copy())
	if err != nil {
		return nil, err
	}
	return conn, w.begin(ctx, conn)
}

// begin makes the session's settings; a session without them is closed.
func (w postgresWay) begin(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, w.settings); err != nil {
		_ = conn.Close(ctx)
		return fmt.Errorf("begin a session: %w", err)
	}
	return nil
}
