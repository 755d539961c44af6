package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// heartbeat is how often a node sends itself a notification: a connection
	// that is half open raises no error, it only stays silent.
	heartbeat = 250 * time.Millisecond
	// silence is how long after a heartbeat was sent a node trusts what it knows.
	silence = 3 * heartbeat
	// firstBeat is how long the first notification may take.
	firstBeat = 10 * time.Second
)

// listener hears of the changes that other nodes commit.
type listener struct {
	way     postgresWay
	db      *sql.DB
	watcher Watcher
	beats   string    // this node's own channel
	born    time.Time // what the times in heartbeats count from
	first   chan struct{}
}

func (w *postgresWriter) watch(ctx context.Context, watcher Watcher) error {
	l := &listener{
		way:     w.way,
		db:      w.db,
		watcher: watcher,
		beats:   "usher_beat_" + strings.ReplaceAll(uuid.NewString(), "-", ""),
		born:    time.Now(),
		first:   make(chan struct{}, 1),
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
		l.watcher.Trust(time.Time{})
		l.watcher.Changed(nil)
		l.dropIdle()
		select {
		case <-time.After(heartbeat):
		case <-ctx.Done():
		}
	}
}

// dropIdle closes the idle connections of the pool: what cut this one off may
// have cut them off too, and each would cost a request its time to find out.
func (l *listener) dropIdle() {
	idle := l.db.Stats().MaxOpenConnections
	l.db.SetMaxIdleConns(0)
	l.db.SetMaxIdleConns(idle)
}

// listen hears notifications until a connection fails or falls silent. It sends
// its heartbeats on a connection of its own: one of the pool's would have to be
// waited for when the node is busy, and one that listens would hear itself also
// where a pooling proxy lets it hear nobody else.
func (l *listener) listen(ctx context.Context) error {
	connecting, done := context.WithTimeout(ctx, Patience)
	defer done()
	ear, err := l.way.connect(connecting)
	if err != nil {
		return err
	}
	defer l.hangUp(ear)
	mouth, err := l.way.connect(connecting)
	if err != nil {
		return err
	}
	defer l.hangUp(mouth)
	for _, channel := range []string{changesChannel, l.beats} {
		if _, err := ear.Exec(connecting, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var beating sync.WaitGroup
	defer beating.Wait() // before its connection is closed
	defer cancel()
	beating.Go(func() { l.beat(ctx, mouth) })
	return l.hear(ctx, ear)
}

// hear passes on notifications. The first heartbeat begins the trust: what was
// read before it may have changed unheard.
func (l *listener) hear(ctx context.Context, ear *pgx.Conn) error {
	for heard := false; ; {
		waiting, done := context.WithTimeout(ctx, silence)
		notification, err := ear.WaitForNotification(waiting)
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
			l.watcher.Changed(nil)
		}
		l.heardBeat(notification)
	}
}

// heardBeat extends the trust. Notifications arrive in the order of their
// commits, so that everything that was committed before the heartbeat was sent
// is known by now, however late it is.
func (l *listener) heardBeat(beat *pgconn.Notification) {
	sent, err := strconv.ParseInt(beat.Payload, 10, 64)
	if err != nil {
		return // not one of ours
	}
	l.watcher.Trust(l.born.Add(time.Duration(sent) + silence))
	select {
	case l.first <- struct{}{}:
	default:
	}
}

func (l *listener) beat(ctx context.Context, mouth *pgx.Conn) {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		sending, done := context.WithTimeout(ctx, silence)
		_, err := mouth.Exec(sending, "SELECT pg_notify($1, $2)", l.beats, strconv.FormatInt(int64(time.Since(l.born)), 10))
		done()
		if err != nil {
			return // the listener notices the silence
		}
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
