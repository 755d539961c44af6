package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"usher/internal/account"
	"usher/sdk"
)

const (
	rateWindow = time.Minute
	// loginRate bounds the routes that a guesser would use.
	loginRate = 60
	// maxBuckets bounds the memory of one window, however many addresses ask.
	maxBuckets = 1 << 16
)

// bucket is who asks for what: a user or an address, and a route.
type bucket struct{ subject, route string }

// rateLimiter counts requests by bucket in windows of a minute. Between two
// windows it estimates: what this one has, and of the one before the share that
// is still within a minute.
type rateLimiter struct {
	mu                sync.Mutex
	start             time.Time // of the current window
	current, previous map[bucket]int
}

func newRateLimiter() *rateLimiter {
	return &rateLimiter{current: map[bucket]int{}, previous: map[bucket]int{}}
}

// rate is the state of a bucket after a request.
type rate struct {
	allowed   bool
	remaining int
	reset     time.Time // when the current window ends
}

// take counts a request, unless the bucket is full.
func (l *rateLimiter) take(b bucket, limit int, now time.Time) rate {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	left := rateWindow - now.Sub(l.start)
	used := l.current[b] + int(float64(l.previous[b])*(float64(left)/float64(rateWindow)))
	state := rate{allowed: used < limit, reset: l.start.Add(rateWindow)}
	if !state.allowed {
		return state
	}
	if l.current[b] == 0 && len(l.current) >= maxBuckets {
		for other := range l.current { // any one: whoever has that many addresses gains nothing by it
			delete(l.current, other)
			break
		}
	}
	l.current[b]++
	state.remaining = limit - used - 1
	return state
}

// turn begins a new window when the current one is over.
func (l *rateLimiter) turn(now time.Time) {
	elapsed := now.Sub(l.start)
	if elapsed < rateWindow {
		return
	}
	l.previous = l.current
	if elapsed >= 2*rateWindow {
		l.previous = map[bucket]int{}
	}
	l.current = map[bucket]int{}
	l.start = now.Truncate(rateWindow)
}

// checkRate refuses a request that comes too often.
func (c *call) checkRate() error { return c.checkRateOf(c.route.countedAs()) }

// checkRateOf counts a request as one of a route.
func (c *call) checkRateOf(path string) error {
	limit := c.rateLimit()
	if limit <= 0 {
		return nil
	}
	if c.r.Header.Get(sdk.BypassRateLimitHeader) == "true" && !c.actor.IsAnonymous() {
		if c.actor.IsOwner() {
			return nil
		}
		return refuse(http.StatusPreconditionRequired, "Only an owner may bypass the rate limit.")
	}
	state := c.api.limiter.take(bucket{subject: c.subject(), route: path}, limit, c.started)
	header := c.w.Header()
	header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(state.remaining))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(state.reset.Unix(), 10))
	if state.allowed {
		return nil
	}
	return account.TooMany(fmt.Sprintf("You have been rate limited: %d requests a minute are allowed here.", limit), rateWindow)
}

func (c *call) rateLimit() int {
	switch c.route.limit {
	case apiLimit:
		return c.api.RateLimit
	case loginLimit:
		return min(c.api.RateLimit, loginRate)
	case unlimited:
	}
	return 0
}

// subject is whose requests are counted together: those of a user, or of an
// address, where an IPv6 network of /64 is one address.
func (c *call) subject() string {
	if !c.actor.IsAnonymous() {
		return c.actor.User.ID.String()
	}
	address, err := netip.ParseAddr(c.origin.IP)
	if err != nil || address.Is4() {
		return c.origin.IP
	}
	network, _ := address.Prefix(64) // cannot fail: 64 bits are fewer than an address has
	return network.String()
}
