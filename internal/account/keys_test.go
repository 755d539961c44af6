package account_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"usher/internal/account"
)

func moment() time.Time { return time.Date(2026, time.May, 12, 10, 30, 0, 123456000, time.UTC) }

func TestExpired(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		until time.Duration
		want  bool
	}{
		{"in the future", time.Second, false},
		{"this very moment", 0, false},
		{"a microsecond ago", -time.Microsecond, true},
		{"long ago", -1000 * time.Hour, true},
	}
	for _, c := range cases {
		key := account.APIKey{ExpiresAt: moment().Add(c.until)}
		if got := key.Expired(moment()); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestSlidExpiry is the row on expires_at of auth.md, section 2.4.
func TestSlidExpiry(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	cases := []struct {
		name      string
		loginType account.LoginType
		lifetime  time.Duration
		left      time.Duration
		slides    bool
	}{
		{"just made", account.LoginPassword, day, day, false},
		{"used 59 minutes on", account.LoginPassword, day, day - 59*time.Minute, false},
		{"used a microsecond before the hour", account.LoginPassword, day, day - time.Hour + time.Microsecond, false},
		{"used an hour on", account.LoginPassword, day, day - time.Hour, true},
		{"used near its end", account.LoginPassword, day, time.Second, true},
		{"used at its very end", account.LoginPassword, day, 0, true},
		{"of GitHub", account.LoginGitHub, day, time.Minute, true},
		{"of an identity provider", account.LoginOIDC, day, time.Minute, true},
		{"a token", account.LoginToken, day, time.Minute, false},
		{"two hours long", account.LoginPassword, 2 * time.Hour, time.Hour, true},
		{"an hour long", account.LoginPassword, time.Hour, time.Microsecond, false},
		{"an hour long, at its very end", account.LoginPassword, time.Hour, 0, false},
		{"a minute long", account.LoginPassword, time.Minute, time.Second, false},
		{"of no lifetime", account.LoginPassword, 0, time.Second, false},
		{"already over", account.LoginPassword, day, -time.Microsecond, false},
		{"short and long over", account.LoginPassword, time.Minute, -day, false},
	}
	for _, c := range cases {
		key := account.APIKey{LoginType: c.loginType, Lifetime: c.lifetime}
		expires := moment().Add(c.left)
		want := expires
		if c.slides {
			want = moment().Add(c.lifetime)
		}
		if got := key.SlidExpiry(expires, moment()); !got.Equal(want) {
			t.Errorf("%s: expires at %v, want %v", c.name, got, want)
		}
	}
}

// TestSlidingCostsOneWriteAnHour: right after it slid, a key stands for an hour,
// and it never moves backwards nor beyond its lifetime.
func TestSlidingCostsOneWriteAnHour(t *testing.T) {
	t.Parallel()
	minutes := func(most int) *rapid.Generator[time.Duration] {
		return rapid.Map(rapid.IntRange(0, most), func(n int) time.Duration { return time.Duration(n) * time.Minute })
	}
	rapid.Check(t, func(t *rapid.T) {
		lifetime := minutes(7*24*60).Draw(t, "lifetime")
		key := account.APIKey{
			LoginType: rapid.SampledFrom([]account.LoginType{"password", "github", "oidc", "token"}).Draw(t, "login type"),
			Lifetime:  lifetime,
			ExpiresAt: moment().Add(lifetime),
		}
		now, written := moment(), moment()
		for _, pause := range rapid.SliceOfN(minutes(180), 1, 20).Draw(t, "pauses") {
			now = now.Add(pause)
			if key.Expired(now) {
				return
			}
			next := key.SlidExpiry(key.ExpiresAt, now)
			if next.Before(key.ExpiresAt) || next.Sub(now) > lifetime {
				t.Fatalf("moves from %v to %v at %v", key.ExpiresAt, next, now)
			}
			if !next.Equal(key.ExpiresAt) {
				if now.Sub(written) < time.Hour || !key.Slides() || lifetime <= time.Hour {
					t.Fatalf("a %s key of %v slid after %v", key.LoginType, lifetime, now.Sub(written))
				}
				written = now
			}
			key.ExpiresAt = next
		}
	})
}

func TestLegacyScope(t *testing.T) {
	t.Parallel()
	cases := []struct {
		scopes []string
		want   string
	}{
		{[]string{"coder:all"}, "all"},
		{[]string{"coder:application_connect"}, "application_connect"},
		{[]string{"coder:all", "coder:application_connect"}, "application_connect"},
		{[]string{"user:read", "coder:all"}, "all"},
		{[]string{"user:read"}, ""},
		{[]string{"all"}, ""},
		{nil, ""},
	}
	for _, c := range cases {
		key := account.APIKey{Scopes: c.scopes}
		if got := key.LegacyScope(); got != c.want {
			t.Errorf("LegacyScope of %v = %q, want %q", c.scopes, got, c.want)
		}
	}
}

func TestKeyTimes(t *testing.T) {
	t.Parallel()
	if got := account.NeverUsed().Format(time.RFC3339Nano); got != "1970-01-01T00:00:00Z" {
		t.Errorf("never used is %s", got)
	}
	if account.DefaultKeyLifetime != 86400*time.Second {
		t.Errorf("a lifetime of zero means %v", account.DefaultKeyLifetime)
	}
}
