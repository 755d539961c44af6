package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

const exposed = "serving beyond this machine without TLS"

// TestWarningAboutExposure is logged once, where passwords would cross a network
// in clear, and only there.
func TestWarningAboutExposure(t *testing.T) {
	t.Parallel()
	files := newPair(t)
	files.issue(t, 1)
	for _, test := range []struct {
		name string
		set  func(*server.Config)
		want int
	}{
		{"loopback", func(c *server.Config) { c.Listen = "127.0.0.1:0" }, 0},
		{"loopback by name", func(c *server.Config) { c.Listen = "localhost:0" }, 0},
		{"every address", func(c *server.Config) { c.Listen = "0.0.0.0:0" }, 1},
		{"every address, unsaid", func(c *server.Config) { c.Listen = ":0" }, 1},
		{"with TLS", func(c *server.Config) { c.Listen = "0.0.0.0:0"; files.configure(c) }, 0},
		{"behind a proxy", func(c *server.Config) { c.Listen, c.TrustedProxies = "0.0.0.0:0", []string{"10.0.0.0/8"} }, 0},
		{"with an https URL alone, which proves nothing", func(c *server.Config) {
			c.Listen, c.AccessURL = "0.0.0.0:0", "https://usher.example.com"
		}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, storetest.Database(t), test.set)
			log := s.Log.String()
			if got := strings.Count(log, exposed); got != test.want {
				t.Errorf("%d warnings, want %d:\n%s", got, test.want, log)
			}
			if test.want > 0 && (!strings.Contains(log, "--tls-cert-file") || !strings.Contains(log, "level=WARN")) {
				t.Errorf("the warning does not say what to do:\n%s", log)
			}
		})
	}
}

// TestAccessURL is what clients are told of where the server is.
func TestAccessURL(t *testing.T) {
	t.Parallel()
	files := newPair(t)
	certificate := files.issue(t, 1)
	for _, test := range []struct {
		name   string
		set    func(*server.Config)
		want   string // PORT stands for the one that was picked
		secure bool
	}{
		{"the listen address", func(*server.Config) {}, "http://127.0.0.1:PORT", false},
		{"every address", func(c *server.Config) { c.Listen = "0.0.0.0:0" }, "http://localhost:PORT", false},
		{"with TLS", files.configure, "https://127.0.0.1:PORT", true},
		{"as configured", func(c *server.Config) { c.AccessURL = "https://usher.example.com" }, "https://usher.example.com", true},
		{"with a slash", func(c *server.Config) { c.AccessURL = "https://usher.example.com:8443/" }, "https://usher.example.com:8443", true},
		{"plain", func(c *server.Config) { c.AccessURL = "http://usher.example.com" }, "http://usher.example.com", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := storetest.Database(t)
			withOwner(t, db)
			s := servertest.Start(t, db, test.set)
			at, client := reach(t, s), trusting(certificate)
			port := at[strings.LastIndexByte(at, ':')+1:]
			want := strings.ReplaceAll(test.want, "PORT", port)
			if test.want != want && s.URL != want { // else it is not where this machine could look
				t.Errorf("the server says that it is at %s, want %s", s.URL, want)
			}
			var info struct {
				ExternalURL  string `json:"external_url"`
				DashboardURL string `json:"dashboard_url"`
			}
			if err := json.Unmarshal([]byte(get(t, client, at+"/api/v2/buildinfo", nil).body), &info); err != nil {
				t.Fatal(err)
			}
			if info.ExternalURL != want || info.DashboardURL != want {
				t.Errorf("buildinfo has %+v, want %s", info, want)
			}
			if home := get(t, client, at+"/", nil); !strings.Contains(home.body, "usher login "+want) {
				t.Errorf("the first page does not say %q:\n%s", "usher login "+want, home.body)
			}
			cookie := strings.Join(login(t, client, at, nil).header.Values("Set-Cookie"), "\n")
			if got := strings.Contains(cookie, "; Secure"); got != test.secure || !strings.Contains(cookie, "HttpOnly; ") {
				t.Errorf("the session's cookie is Secure: %t, want %t", got, test.secure)
			}
		})
	}
}

// withOwner makes the owner with a server that is stopped again.
func withOwner(t *testing.T, db store.Config) {
	t.Helper()
	s := servertest.Start(t, db)
	s.CreateFirstUser(t)
	s.Stop()
}

// reach returns where the server of this process listens: its log knows the
// address even where clients are told another.
func reach(t *testing.T, s *servertest.Server) string {
	t.Helper()
	_, rest, found := strings.Cut(s.Log.String(), "msg=serving address=")
	if !found {
		t.Fatalf("the log does not say where the server listens:\n%s", s.Log)
	}
	address, _, _ := strings.Cut(rest, " ")
	port := strings.Trim(address[strings.LastIndexByte(address, ':')+1:], `"`)
	scheme := "http"
	if parsed, err := url.Parse(s.URL); err == nil && parsed.Port() == port {
		scheme = parsed.Scheme
	}
	return scheme + "://127.0.0.1:" + port
}

// TestOriginOfTheAccessURLIsOurOwn: a page from there may send what a page from
// anywhere else may not.
func TestOriginOfTheAccessURLIsOurOwn(t *testing.T) {
	t.Parallel()
	db := storetest.Database(t)
	withOwner(t, db)
	s := servertest.Start(t, db, func(c *server.Config) { c.AccessURL = "https://usher.example.com" })
	at := reach(t, s)
	for origin, want := range map[string]int{
		"https://usher.example.com": http.StatusCreated,
		"https://evil.example.com":  http.StatusForbidden,
		"http://usher.example.com":  http.StatusForbidden,
	} {
		header := http.Header{"Origin": {origin}, "Sec-Fetch-Site": {"cross-site"}}
		if r := login(t, http.DefaultClient, at, header); r.status != want {
			t.Errorf("from %s: status %d, want %d: %s", origin, r.status, want, r.body)
		}
	}
}
