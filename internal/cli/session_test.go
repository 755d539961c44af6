package cli

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rememberedAt returns the environment of somebody who is logged in to a server.
func rememberedAt(t *testing.T, url string) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "config")
	a := &app{configDirFlag: dir}
	if err := a.remember(session{url: url, token: testToken}); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"USHER_CONFIG_DIR": dir}
}

func TestServerURL(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"localhost":                      "http://localhost",
		"localhost:8080/":                "http://localhost:8080",
		"LOCALHOST:8080":                 "http://localhost:8080",
		"127.0.0.1:8080":                 "http://127.0.0.1:8080",
		"[::1]:8080":                     "http://[::1]:8080",
		"usher.example.com":              "https://usher.example.com",
		"usher.example.com:8443/base/":   "https://usher.example.com:8443/base",
		"localhost.example.com":          "https://localhost.example.com",
		"192.168.1.2:8080":               "https://192.168.1.2:8080",
		"https://Usher.Example.com/?x=1": "https://usher.example.com",
		"http://usher.example.com#top":   "http://usher.example.com",
	}
	for address, want := range tests {
		got, err := serverURL(address)
		if err != nil || got != want {
			t.Errorf("serverURL(%q) = %q, %v; want %q", address, got, err, want)
		}
	}
}

func TestServerURLRefuses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "ftp://usher.example.com", "https://", "https://alice:hunter2@usher.example.com", "http://%zz:hunter2@x"} {
		got, err := serverURL(address)
		if err == nil {
			t.Errorf("serverURL(%q) = %q, want an error", address, got)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("serverURL(%q) shows the password: %v", address, err)
		}
	}
}

func TestLoginFilesAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := rememberedAt(t, "https://usher.example.com")["USHER_CONFIG_DIR"]
	got := map[string]fs.FileMode{}
	err := filepath.Walk(dir, func(path string, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		got[strings.TrimPrefix(path, dir)] = info.Mode().Perm()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]fs.FileMode{"": 0o700, "/url": 0o600, "/session": 0o600}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modes (-want +got):\n%s", diff)
	}
}

func TestStoredSessionIsOnlyForItsServer(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if token := r.Header.Get("Coder-Session-Token"); token != "" {
			t.Errorf("%s got the token of another server", r.URL.Path)
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer stranger.Close()
	env := rememberedAt(t, "https://usher.example.com")

	got := run(t, env, "", "--url", stranger.URL, "whoami")
	want := fmt.Sprintf("usher: you are not logged in to %s; log in with: usher login %s\n", stranger.URL, stranger.URL)
	if got.err != want || got.status != exitFailed {
		t.Errorf("whoami: status %d, stderr %q", got.status, got.err)
	}
	run(t, env, "", "--url", stranger.URL, "version")
	run(t, env, "", "login", stranger.URL)
	if requests.Load() == 0 {
		t.Error("no request came at all")
	}
}

func TestLogoutForgets(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		exit   int
		kept   bool
	}{
		"session ended":         {status: http.StatusOK},
		"session was over":      {status: http.StatusUnauthorized},
		"server failed to":      {status: http.StatusInternalServerError, exit: exitFailed, kept: true},
		"database is not there": {status: http.StatusServiceUnavailable, exit: exitFailed, kept: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := rememberedAt(t, answering(t, test.status, `{"message":"…"}`))
			got := run(t, env, "", "logout")
			_, err := os.Stat(filepath.Join(env["USHER_CONFIG_DIR"], sessionFile))
			if kept := err == nil; kept != test.kept || got.status != test.exit {
				t.Errorf("status %d, kept %v, stderr %q", got.status, kept, got.err)
			}
		})
	}
}

func TestLogoutOfAnotherTokenKeepsTheSession(t *testing.T) {
	t.Parallel()
	env := rememberedAt(t, answering(t, http.StatusOK, `{"message":"Logged out!"}`))
	if got := run(t, env, "", "logout", "--token", "ushOTHEROT-0123456789abcdefghijkl"); got.status != exitOK {
		t.Fatal(got.err)
	}
	if _, err := os.Stat(filepath.Join(env["USHER_CONFIG_DIR"], sessionFile)); err != nil {
		t.Errorf("the stored session is gone: %v", err)
	}
}
