package cli

import (
	"bytes"
	"testing"
	"time"
)

func TestAgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 17, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		at   time.Time
		want string
	}{
		{at: time.Time{}, want: "never"},
		{at: time.Unix(0, 0), want: "never"},
		{at: now, want: "just now"},
		{at: now.Add(time.Second), want: "just now"}, // the server's clock is ahead
		{at: now.Add(-59 * time.Second), want: "just now"},
		{at: now.Add(-time.Minute), want: "1 minute ago"},
		{at: now.Add(-59 * time.Minute), want: "59 minutes ago"},
		{at: now.Add(-time.Hour), want: "1 hour ago"},
		{at: now.Add(-24 * time.Hour), want: "1 day ago"},
		{at: now.Add(-29 * 24 * time.Hour), want: "29 days ago"},
		{at: now.Add(-30 * 24 * time.Hour), want: date(now.Add(-30 * 24 * time.Hour))},
	}
	for _, test := range tests {
		if got := ago(test.at, now); got != test.want {
			t.Errorf("ago(%s) = %q, want %q", test.at, got, test.want)
		}
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 17, 12, 0, 0, 0, time.UTC)
	tests := map[time.Duration]string{
		-3 * time.Hour:             "expired 3 hours ago",
		0:                          "expired just now",
		59 * time.Second:           "in less than a minute",
		time.Minute:                "in 1 minute",
		time.Hour - 31*time.Second: "in 59 minutes",
		time.Hour - time.Second:    "in 1 hour",
		day - time.Second:          "in 24 hours",
		2*day - time.Second:        "in 2 days",
		7*day - time.Second:        "in 7 days",
		30*day - time.Second:       "in 30 days",
		30 * day:                   date(now.Add(30 * day)),
		876600*time.Hour - 3*day/2: date(now.Add(876600*time.Hour - 3*day/2)),
	}
	for left, want := range tests {
		if got := until(now.Add(left), now); got != want {
			t.Errorf("until(now + %s) = %q, want %q", left, got, want)
		}
	}
}

func TestEnumerate(t *testing.T) {
	t.Parallel()
	for want, words := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := enumerate(words); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCellsCannotDriveTheTerminal(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	writeRow(&b, "a\x1b[2Jb", "c\td\ne", "Zoë")
	if got, want := b.String(), "a\uFFFD[2Jb\tc\uFFFDd\uFFFDe\tZoë\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSuggestUsername(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"alice@example.com":                              "alice",
		"Alice.B_Smith+x@example.com":                    "alice-b-smith-x",
		"-@example.com":                                  "",
		"zoë@example.com":                                "zo",
		"abcdefghijklmnopqrstuvwxyz-abcde-x@example.com": "abcdefghijklmnopqrstuvwxyz-abcde",
		"": "",
	}
	for email, want := range tests {
		if got := suggestUsername(email); got != want {
			t.Errorf("suggestUsername(%q) = %q, want %q", email, got, want)
		}
	}
}
