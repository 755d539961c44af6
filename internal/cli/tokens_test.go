package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/sdk"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "90m": 90 * time.Minute, "720h": 720 * time.Hour, "30d": 720 * time.Hour, "65535d": 65535 * day, "1h30m": 90 * time.Minute,
	} {
		var got span
		if err := got.Set(text); err != nil || time.Duration(got) != want {
			t.Errorf("%q is %s, %v; want %s", text, time.Duration(got), err, want)
		}
	}
	for _, text := range []string{"", "d", "30", "-1h", "-1d", "1.5d", "65536d", "106752d", "1d12h", "forever", "9999999h"} {
		var got span
		if err := got.Set(text); err == nil {
			t.Errorf("%q is %s", text, time.Duration(got))
		}
	}
}

func TestKeyID(t *testing.T) {
	t.Parallel()
	if id, ok := keyID(testToken); !ok || id != testToken[:10] {
		t.Errorf("got %q, %v", id, ok)
	}
	for _, text := range []string{"", "ushTESTTES", testToken + "x", testToken[1:], "ush_TESTTE-0123456789abcdefghijkl", "ci"} {
		if id, ok := keyID(text); ok || id != "" {
			t.Errorf("%q: got %q, %v", text, id, ok)
		}
	}
}

func TestWrongUsageOfTokens(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string
	}{
		"no lifetime":       {args: []string{"create", "--lifetime", "0"}, want: "--lifetime must be more than 0; without it the server's default holds\nRun 'usher tokens create --help' for usage.\n"},
		"bad lifetime":      {args: []string{"create", "--lifetime", "long"}, want: "invalid argument \"long\" for \"--lifetime\" flag: it is a duration such as 90m, 720h or 30d\nRun 'usher tokens create --help' for usage.\n"},
		"bad object":        {args: []string{"create", "--allow", "workspace"}, want: "invalid argument \"workspace\" for \"--allow\" flag: it is type:id, where each may be *\nRun 'usher tokens create --help' for usage.\n"},
		"list of whom":      {args: []string{"list", "--all", "--user", "bob"}, want: "--user and --all exclude each other\nRun 'usher tokens list --help' for usage.\n"},
		"nothing to rotate": {args: []string{"rotate"}, want: "NAME|ID is missing\nRun 'usher tokens rotate --help' for usage.\n"},
		"two to rotate":     {args: []string{"rotate", "ci", "--current"}, want: "there are too many arguments; the form is: usher tokens rotate NAME|ID [flags]\nRun 'usher tokens rotate --help' for usage.\n"},
		"whose to rotate":   {args: []string{"rotate", "--user", "bob", "--current"}, want: "--current and --user exclude each other\nRun 'usher tokens rotate --help' for usage.\n"},
		"nothing to view":   {args: []string{"view"}, want: "NAME|ID is missing\nRun 'usher tokens view --help' for usage.\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, nil, "", append([]string{"tokens"}, test.args...)...)
			if diff := cmp.Diff("usher: "+test.want, got.err); diff != "" || got.status != exitUsage || got.out != "" {
				t.Errorf("status %d, out %q, stderr (-want +got):\n%s", got.status, got.out, diff)
			}
		})
	}
}

// recorder answers like a server with one token, and remembers the requests.
type recorder struct {
	mu       sync.Mutex
	requests []string
	key      sdk.APIKey
}

func (s *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests = append(s.requests, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, body)))
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/rotate"):
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(sdk.RotateKeyResponse{
			Key: "ushNEWNEWN-0123456789abcdefghijkl", ID: "ushNEWNEWN", ExpiresAt: time.Now().Add(48 * time.Hour),
			Previous: sdk.RotatedKey{ID: testToken[:10], ExpiresAt: time.Now().Add(-time.Minute)},
		})
	case r.Method == http.MethodPost:
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(sdk.GenerateAPIKeyResponse{Key: testToken})
	case strings.HasSuffix(r.URL.Path, "/"+s.key.ID):
		_ = json.NewEncoder(w).Encode(s.key)
	default:
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(sdk.Response{Message: "Resource not found"})
	}
}

func record(t *testing.T, key sdk.APIKey) (*recorder, map[string]string) {
	t.Helper()
	s := &recorder{key: key}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, map[string]string{"USHER_URL": server.URL, "USHER_SESSION_TOKEN": testToken}
}

// The secret of a whole key that somebody pastes goes nowhere.
func TestPastedKeyStaysSecret(t *testing.T) {
	t.Parallel()
	const pasted = "ushPASTEDK-SecretSecretSecretSecr"
	s, env := record(t, sdk.APIKey{ID: "ushNOTTHIS"})
	for _, verb := range []string{"view", "remove", "rotate"} {
		got := run(t, env, "", "tokens", verb, pasted)
		if want := "usher: there is no token \"ushPASTEDK\" that you may see\n"; got.err != want || got.status != exitFailed {
			t.Errorf("%s: status %d, stderr %q", verb, got.status, got.err)
		}
	}
	request := "GET /api/v2/users/me/keys/ushPASTEDK"
	if diff := cmp.Diff([]string{request, request, request}, s.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// A token that was created is printed, whatever happens then.
func TestCreatedTokenThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s, env := record(t, sdk.APIKey{ID: "ushNOTTHIS"})
	got := run(t, env, "", "tokens", "create", "--lifetime", "1d", "--scope", "user:read", "--scope", "file:*", "--allow", "user:*")
	want := outcome{out: testToken + "\n", err: "Created a token with the id ushTESTTES. It is not shown again.\n"}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(outcome{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	requests := []string{
		`POST /api/v2/users/me/keys/tokens {"lifetime":86400000000000,"scopes":["user:read","file:*"],"allow_list":[{"type":"user","id":"*"}]}`,
		"GET /api/v2/users/me/keys/ushTESTTES",
	}
	if diff := cmp.Diff(requests, s.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// An overlap of nothing is not the same as none given, and a token that rotates
// itself reads nothing.
func TestRotateCurrent(t *testing.T) {
	t.Parallel()
	s, env := record(t, sdk.APIKey{ID: "ushNOTTHIS"})
	got := run(t, env, "", "tokens", "rotate", "--current", "--overlap", "0")
	if got.status != exitOK || got.out != "ushNEWNEWN-0123456789abcdefghijkl\n" ||
		!strings.Contains(got.err, "The old token ushTESTTES works no more: put the new one in its place now.\n") {
		t.Errorf("status %d, out %q, stderr %q", got.status, got.out, got.err)
	}
	run(t, env, "", "tokens", "rotate", "--current")
	requests := []string{
		`POST /api/v2/users/me/keys/ushTESTTES/rotate {"overlap":0}`,
		"POST /api/v2/users/me/keys/ushTESTTES/rotate {}",
	}
	if diff := cmp.Diff(requests, s.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// A stored login that was rotated goes on; one of another server is left alone.
func TestRotationUpdatesStoredLogin(t *testing.T) {
	t.Parallel()
	_, env := record(t, sdk.APIKey{ID: "ushNOTTHIS"})
	url := env["USHER_URL"]
	for stored, want := range map[string]string{url: "ushNEWNEWN-0123456789abcdefghijkl", "http://other.example.com": testToken} {
		env := rememberedAt(t, stored)
		env["USHER_URL"], env["USHER_SESSION_TOKEN"] = url, testToken
		got := run(t, env, "", "tokens", "rotate", "--current")
		content, err := os.ReadFile(filepath.Join(env["USHER_CONFIG_DIR"], "session"))
		if err != nil || strings.TrimSpace(string(content)) != want || got.status != exitOK {
			t.Errorf("%s: %q, %v, stderr %q", stored, content, err, got.err)
		}
	}
}

func TestTokenInWords(t *testing.T) {
	t.Parallel()
	_, env := record(t, sdk.APIKey{
		ID: "ushVIEWVIE", TokenName: "ci\x1b[2J", LoginType: sdk.LoginTypeToken, ReplacedBy: "ushNEWNEWN",
		CreatedAt: time.Now(), ExpiresAt: time.Now().Add(-time.Hour),
		Scopes: []sdk.APIKeyScope{"user:read"}, AllowList: []sdk.AllowListEntry{{Type: "user", ID: "1234"}, {Type: "file", ID: "*"}},
	})
	got := run(t, env, "", "tokens", "view", "ushVIEWVIE")
	for _, want := range []string{
		"Name          ci\uFFFD[2J\n", "ID            ushVIEWVIE\n", "Kind          token\n",
		"Owner         00000000-0000-0000-0000-000000000000\n", "(expired 1 hour ago)\n", "Last used     never\n",
		"Replaced by   ushNEWNEWN\n\nIt may read users.\nIt is limited to these objects:\n" +
			"  the user with the id 1234\n  every file\nIt never goes beyond what its owner may do.\n",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("%q is missing in:\n%s%s", want, got.out, got.err)
		}
	}
}
