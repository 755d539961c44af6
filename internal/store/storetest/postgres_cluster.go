package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	maintenanceDatabase = "postgres"
	superuser           = "usher"

	// readyInterval is how often a starting server is asked whether it answers.
	readyInterval = 10 * time.Millisecond

	// stopTimeout is longer than the supervisor gives the server before it kills
	// it, so that only a broken supervisor ever runs into it.
	stopTimeout = 30 * time.Second

	// memoryNeeded is what /dev/shm must have free to be used: a cluster and the
	// databases of the tests that run side by side. Containers often have 64 MB.
	memoryNeeded = 1 << 30

	// maxSocketDirectory keeps the socket's path under the 103 bytes that the
	// narrowest system allows.
	maxSocketDirectory = 80
)

// supervisor makes a cluster in $2 with the programs in $1, runs the server, and
// removes $2 when the server has ended; the other arguments are the server's. If
// there is a file "again" when the server ends, it takes the file away and starts
// it again.
//
// Its standard input is a leash: it ends the server when the other end is closed,
// which the kernel does however the holder dies. So not even SIGKILL leaves a
// server or its files behind, on any Unix.
//
// First comes SIGINT, PostgreSQL's fast shutdown, after ten seconds SIGQUIT, its
// immediate one, and seven seconds later SIGKILL. Each is sent over and over,
// because a server that is just starting does not hear it yet.
const supervisor = `
programs=$1 directory=$2
shift 2
exec 3<&0 </dev/null
if "$programs/initdb" -D "$directory/data" -U ` + superuser + ` -A trust -E UTF8 --locale=C --no-sync \
	>"$directory/log" 2>&1
then
	(
		read -r ignored <&3
		: >"$directory/over"
		signal=INT rounds=0
		while [ -d "$directory/data" ] && [ ! -e "$directory/ended" ]; do
			kill -s "$signal" "$(cat "$directory/server")"
			sleep 0.05
			rounds=$((rounds + 1))
			case $rounds in
			200) signal=QUIT ;;
			340) signal=KILL ;;
			esac
		done
	) >/dev/null 2>&1 &
	while
		"$programs/postgres" -D "$directory/data" -k "$directory" "$@" 3<&- >>"$directory/log" 2>&1 &
		echo $! >"$directory/server"
		wait $!
		[ -e "$directory/again" ] && [ ! -e "$directory/over" ]
	do
		rm -f "$directory/again"
	done
	: >"$directory/ended"
fi
tail -n 20 "$directory/log" >&2
cd /
rm -rf "$directory"
`

// settings trade all safety against a crash for speed, since the data is thrown
// away anyway. Autovacuum is off because it makes timings and plans wander: a
// test that needs statistics runs ANALYZE. Expected errors stay out of the log,
// which lies in memory, and dynamic shared memory lies in the cluster's directory,
// so that it goes with it.
func settings() []string {
	return []string{
		"-c", "listen_addresses=",
		"-c", "max_connections=500", // of several nodes of several tests at once
		"-c", "fsync=off",
		"-c", "synchronous_commit=off",
		"-c", "full_page_writes=off",
		"-c", "autovacuum=off",
		"-c", "dynamic_shared_memory_type=mmap",
		"-c", "log_min_messages=log",
		"-c", "log_checkpoints=off",
		"-c", "timezone=UTC",
	}
}

// Cluster is a running throw-away PostgreSQL server that this process started.
// It listens on a Unix socket in its own directory and on no network, and trusts
// whoever reaches that directory. It ends with this process at the latest.
type Cluster struct {
	programs  string // the directory of PostgreSQL's programs
	directory string
	runAs     *systemUser
	leash     io.Closer
	exited    chan struct{} // closed when the supervisor has ended
	log       *bytes.Buffer // the end of the server's log; read after exited
	stop      func() error
}

// StartPostgres makes and starts a cluster, in memory where the system has
// /dev/shm and else on disk, and returns when it answers. The context bounds the
// start, not the cluster's life. As root it runs as the user postgres or nobody,
// because PostgreSQL refuses to run as root. The settings, as name=value, are
// added to those that all clusters have, or replace them.
func StartPostgres(ctx context.Context, settings ...string) (*Cluster, error) {
	return StartPostgresIn(ctx, "", settings...)
}

// StartPostgresIn is StartPostgres with the cluster's files below a directory that
// is there, such as one on a disk that is to be measured.
func StartPostgresIn(ctx context.Context, parent string, settings ...string) (*Cluster, error) {
	programs, err := findPrograms(ctx, os.Getenv("PATH"), versionedDirectories())
	if err != nil {
		return nil, err
	}
	runAs, err := serverUser()
	if err != nil {
		return nil, err
	}
	directory, err := makeDirectory(parent, runAs)
	if err != nil {
		return nil, fmt.Errorf("make a directory for PostgreSQL: %w", err)
	}
	cluster, err := supervise(ctx, programs, directory, runAs, settings...)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}
	if err := cluster.awaitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL of %s: %w", programs, err), cluster.Stop())
	}
	return cluster, nil
}

// supervise starts the supervisor, which starts the server.
func supervise(ctx context.Context, programs, directory string, runAs *systemUser, more ...string) (*Cluster, error) {
	arguments := append([]string{"-c", supervisor, "storetest-postgres", programs, directory}, settings()...)
	for _, setting := range more {
		arguments = append(arguments, "-c", setting)
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", arguments...)
	command.Dir = directory
	command.Env = supervisorEnvironment(os.Environ())
	detach(command, runAs)
	log := &bytes.Buffer{}
	command.Stderr = log
	leash, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("make the leash of PostgreSQL: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start the supervisor of PostgreSQL: %w", err)
	}
	cluster := &Cluster{
		programs: programs, directory: directory, runAs: runAs, leash: leash, exited: make(chan struct{}), log: log,
	}
	cluster.stop = sync.OnceValue(cluster.end)
	go func() {
		defer close(cluster.exited)
		// Its status says nothing that the log does not say better.
		_ = command.Wait()
	}()
	return cluster, nil
}

// supervisorEnvironment is the process's own, without what would change the
// server's or initdb's ways.
func supervisorEnvironment(environment []string) []string {
	kept := slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		return strings.HasPrefix(variable, "PG")
	})
	return append(kept, "LC_ALL=C")
}

// awaitReady returns when the server answers, has ended or the context is over.
func (c *Cluster) awaitReady(ctx context.Context) error {
	ticker := time.NewTicker(readyInterval)
	defer ticker.Stop()
	for {
		err := onServer(ctx, c.URL(maintenanceDatabase), func(conn *pgx.Conn) error { return conn.Ping(ctx) })
		if err == nil {
			return nil
		}
		select {
		case <-c.exited:
			return fmt.Errorf("it ended at once:\n%s", c.log)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

// URL addresses a database of the cluster; the one called postgres always exists.
// The role is a superuser.
func (c *Cluster) URL(database string) string {
	address := url.URL{
		Scheme:   "postgres",
		User:     url.User(superuser),
		Path:     "/" + database,
		RawQuery: url.Values{"host": {c.directory}, "sslmode": {"disable"}}.Encode(),
	}
	return address.String()
}

// Stop ends the server, whoever is connected, and removes its files. It returns
// when both are gone. Later calls return what the first did.
func (c *Cluster) Stop() error {
	return c.stop()
}

func (c *Cluster) end() error {
	// A supervisor that has ended already has closed it: that is what we want.
	_ = c.leash.Close()
	select {
	case <-c.exited:
	case <-time.After(stopTimeout):
		return fmt.Errorf("PostgreSQL in %s has not ended within %s", c.directory, stopTimeout)
	}
	// The supervisor has emptied it; where its user may not write, it is still there.
	return os.RemoveAll(c.directory)
}

// makeDirectory makes the cluster's directory, which only runAs may enter: in
// memory if there is enough, else where temporary files go. A path too long for
// a socket is passed over.
func makeDirectory(chosen string, runAs *systemUser) (string, error) {
	var problems []error
	parents := []string{"/dev/shm", os.TempDir(), "/tmp"}
	if chosen != "" {
		parents = []string{chosen}
	}
	for _, parent := range parents {
		if parent == "/dev/shm" && freeBytes(parent) < memoryNeeded {
			continue
		}
		directory, err := os.MkdirTemp(parent, "usher-postgres-")
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if len(directory) > maxSocketDirectory {
			err = fmt.Errorf("%s is too long for a socket", directory)
		} else {
			err = handOver(directory, runAs)
		}
		if err == nil {
			return filepath.Clean(directory), nil
		}
		problems = append(problems, err, os.Remove(directory))
	}
	return "", errors.Join(problems...)
}
