package bench_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/secret"
	"usher/sdk"
)

// turns are how often logins and the hash function alone take their turn, and
// together they take twice as long as other measurements: what slows the machine
// down for a while then slows both.
const turns = 10

// measureLogins measures logins beside the hash function alone, on the same
// cores, and what becomes of more of them than the cores can do.
func (l *largeDeployment) measureLogins() {
	l.t.Helper()
	login := get(l.t, l.server, "")
	login.status = http.StatusCreated
	login.request = func(int64) (*http.Request, error) { return l.loginRequest() }
	hasher := secret.NewHasher(secret.HasherConfig{})
	hash, err := hasher.Hash(l.t.Context(), largePassword)
	if err != nil {
		l.t.Fatal(err)
	}
	alone := func() error {
		_, err := hasher.Verify(context.WithoutCancel(l.t.Context()), hash, largePassword)
		return err
	}
	var logins, hashes float64
	for range turns {
		logins += l.often(connections, 2*l.effort.span/turns, login.ask)
		hashes += l.often(runtime.GOMAXPROCS(0), 2*l.effort.span/turns, alone)
	}
	l.figures.note("logins", "of the hash function's own rate", logins/hashes, 0.9)
	l.measureCrowd()
}

// often does something on so many goroutines for a while, and returns how often a
// second.
func (l *largeDeployment) often(workers int, span time.Duration, do func() error) float64 {
	l.t.Helper()
	var done atomic.Int64
	var running sync.WaitGroup
	begin := time.Now()
	for range workers {
		running.Go(func() {
			for time.Since(begin) < span {
				if err := do(); err != nil {
					l.t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	running.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds()
}

func (l *largeDeployment) loginRequest() (*http.Request, error) {
	body, err := json.Marshal(sdk.LoginWithPasswordRequest{Email: "owner@example.net", Password: largePassword})
	if err != nil {
		return nil, err
	}
	return request(l.server, http.MethodPost, "/users/login", body)
}

// measureCrowd lets many log in at the same time: those who are too many are told
// so in time, and the memory is what a few of them take.
func (l *largeDeployment) measureCrowd() {
	l.t.Helper()
	before, begin := l.memory(), time.Now()
	var mu sync.Mutex
	var longest time.Duration
	accepted, refused := 0, 0
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: l.effort.crowd}}
	defer client.CloseIdleConnections()
	most := before
	var running sync.WaitGroup
	for range l.effort.crowd {
		running.Go(func() {
			for time.Since(begin) < 2*l.effort.span {
				sent := time.Now()
				status, retry := l.logIn(client)
				mu.Lock()
				longest = max(longest, time.Since(sent))
				most = max(most, l.memory())
				switch {
				case status == http.StatusCreated:
					accepted++
				case status == http.StatusServiceUnavailable && retry != "":
					refused++
				default:
					l.t.Errorf("a login was answered with %d, Retry-After %q", status, retry)
				}
				mu.Unlock()
			}
		})
	}
	running.Wait()
	l.figures.note("200 clients log in: the longest", "s", longest.Seconds(), -5)
	l.figures.note("200 clients log in: accepted", "of them", float64(accepted)/float64(accepted+refused), 0)
	l.figures.note("200 clients log in: memory grows by", "MiB", float64(most-before)/mebi, 0)
}

func (l *largeDeployment) logIn(client *http.Client) (status int, retryAfter string) {
	req, err := l.loginRequest()
	if err != nil {
		l.t.Error(err)
		return 0, ""
	}
	answer, err := client.Do(req)
	if err != nil {
		l.t.Error(err)
		return 0, ""
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, answer.Header.Get("Retry-After")
}

// openRaw opens a database beside the server.
func openRaw(t *testing.T, driver, source string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func rawTexts(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	list := []string{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
