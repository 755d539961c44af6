package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const (
	// heartbeat is how often a node sends itself a notification: a connection
	// that is half open raises no error, it only stays silent.
	heartbeat = 250 * time.Millisecond
	// silence is how long a node trusts a connection that says nothing.
	silence = 3 * heartbeat
	// firstBeat is how long the first notification may take.
	firstBeat = 10 * time.Second
)

// listener hears of the changes that other nodes commit.
type listener struct {
	config  *pgx.ConnConfig
	send    func(ctx context.Context, channel string) error
	watcher Watcher
	beats   string // this node's own channel
	first   chan struct{}
}

func (w *postgresWriter) watch(ctx context.Context, watcher Watcher) error {
	l := &listener{
		config:  w.config,
		watcher: watcher,
		beats:   "usher_beat_" + strings.ReplaceAll(uuid.NewString(), "-", ""),
		first:   make(chan struct{}, 1),
		send: func(ctx context.Context, channel string) error {
			_, err := w.db.ExecContext(ctx, "SELECT pg_notify($1, '')", channel)
			return err
		},
	}
	running, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); l.run(running) }()
	w.store.closers = append([]func() error{func() error { cancel(); <-done; return nil }}, w.store.closers...)

	select {
	case <-l.first:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(firstBeat):
		return errors.New("PostgreSQL does not deliver notifications on this connection: " +
			"a pooling proxy in between cannot LISTEN; connect to the server itself, or pool by session")
	}
}

// run listens, and listens again whenever the connection is lost.
func (l *listener) run(ctx context.Context) {
	for ctx.Err() == nil {
		_ = l.listen(ctx) // whatever it was, the answer is to try again
		l.watcher.Heard(false)
		l.watcher.Changed(nil)
		select {
		case <-time.After(heartbeat):
		case <-ctx.Done():
		}
	}
}

// listen hears notifications until the connection fails or falls silent.
func (l *listener) listen(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	connecting, done := context.WithTimeout(ctx, Patience)
	defer done()
	conn, err := pgx.ConnectConfig(connecting, l.config.Copy())
	if err != nil {
		return err
	}
	defer l.hangUp(conn)
	for _, channel := range []string{changesChannel, l.beats} {
		if _, err := conn.Exec(connecting, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	go l.beat(ctx)
	for heard := false; ; {
		waiting, done := context.WithTimeout(ctx, silence)
		notification, err := conn.WaitForNotification(waiting)
		done()
		if err != nil {
			return err
		}
		if notification.Channel == changesChannel {
			l.watcher.Changed(namedUsers(notification.Payload))
			continue
		}
		if !heard {
			heard = true
			l.begin()
		}
	}
}

// begin trusts the connection: what was read before it was there is dropped.
func (l *listener) begin() {
	l.watcher.Changed(nil)
	l.watcher.Heard(true)
	select {
	case l.first <- struct{}{}:
	default:
	}
}

func (l *listener) beat(ctx context.Context) {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		sending, done := context.WithTimeout(ctx, silence)
		_ = l.send(sending, l.beats) // a beat that is missing is what the listener notices
		done()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (l *listener) hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
