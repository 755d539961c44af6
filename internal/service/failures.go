package service

import (
	"fmt"
	"math"
	"sync"
	"time"

	"usher/internal/account"
)

const (
	// freeFailures is how many failed logins in a row go unpunished.
	freeFailures = 10
	// longestPause bounds the pause between two attempts after that.
	longestPause = time.Minute
	// forgetFailures is when an address that stopped trying is forgotten.
	forgetFailures = time.Hour
	// maxFailures bounds the memory: beyond it some are forgotten early.
	maxFailures = 100_000
)

// loginFailures slows down whoever guesses passwords: after ten failures in a
// row for one e-mail address from one network address, each further attempt
// has to wait twice as long as the one before, up to a minute. Whether the
// e-mail address is known makes no difference. One-time passcodes are guessed, and
// asked for, under the same rule.
type loginFailures struct {
	what string // is counted, in a sentence
	mu   sync.Mutex
	rows map[loginSource]failureRow
}

type loginSource struct{ email, ip string }

type failureRow struct {
	count int
	last  time.Time
}

func newLoginFailures(what string) *loginFailures {
	return &loginFailures{what: what, rows: map[loginSource]failureRow{}}
}

// check refuses an attempt that comes too early.
func (f *loginFailures) check(source loginSource, now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	wait := f.rows[source].wait(now)
	if wait <= 0 {
		return nil
	}
	wait = (wait + time.Second - 1).Truncate(time.Second) // up: who waits that long is let in
	return account.TooMany(fmt.Sprintf("Too many %s. Try again in %s.", f.what, wait), wait)
}

func (r failureRow) wait(now time.Time) time.Duration {
	if r.count < freeFailures {
		return 0
	}
	doublings := min(r.count-freeFailures, 6) // 2^6 s is past the longest pause
	pause := min(time.Second*time.Duration(math.Exp2(float64(doublings))), longestPause)
	return pause - since(r.last, now)
}

// failed counts a failure.
func (f *loginFailures) failed(source loginSource, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	row, known := f.rows[source]
	if !known && len(f.rows) >= maxFailures {
		f.makeRoom(now)
	}
	if since(row.last, now) > forgetFailures {
		row.count = 0
	}
	f.rows[source] = failureRow{count: row.count + 1, last: now}
}

// succeeded ends the row of failures.
func (f *loginFailures) succeeded(source loginSource) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.rows, source)
}

// makeRoom forgets the old rows, and some others if there are none: an attacker
// with that many addresses is not slowed down by any one of them.
func (f *loginFailures) makeRoom(now time.Time) {
	for source, row := range f.rows {
		if since(row.last, now) > forgetFailures {
			delete(f.rows, source)
		}
	}
	for source := range f.rows {
		if len(f.rows) < maxFailures*9/10 {
			return
		}
		delete(f.rows, source)
	}
}
