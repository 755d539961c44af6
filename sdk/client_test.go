package sdk_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"testing"

	"usher/sdk"
)

// token has the form of a real one and never works anywhere.
const token = "ush1234567-0123456789abcdefABCDEF"

// recorded is a request as the server saw it.
type recorded struct {
	Method, Path, Query, Body string
	Header                    http.Header
}

// recorder is a server that keeps what it is asked and gives one answer.
type recorder struct {
	status int
	header http.Header
	body   string

	mu       sync.Mutex
	requests []recorded
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(err)
	}
	r.mu.Lock()
	r.requests = append(r.requests, recorded{
		Method: req.Method,
		Path:   req.URL.EscapedPath(),
		Query:  req.URL.RawQuery,
		Body:   string(body),
		Header: req.Header,
	})
	r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.WriteHeader(r.status)
	_, _ = io.WriteString(w, r.body)
}

// only returns the request and fails the test unless there was exactly one.
func (r *recorder) only(t *testing.T) recorded {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.requests) != 1 {
		t.Fatalf("%d requests, want 1: %v", len(r.requests), r.requests)
	}
	return r.requests[0]
}

// connect starts the handler and returns a client of it that has a session.
func connect(t *testing.T, handler http.Handler) *sdk.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := sdk.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client.HTTPClient = server.Client()
	client.SetSessionToken(token)
	return client
}

func TestHasFirstUser(t *testing.T) {
	t.Parallel()
	usher := http.Header{sdk.BuildVersionHeader: {"v0.0.0+usher.1.2.3"}}
	tests := map[string]struct {
		server  *recorder
		want    bool
		wantErr string
	}{
		"some":            {server: &recorder{status: 200, header: usher, body: `{"message":"yes"}`}, want: true},
		"none":            {server: &recorder{status: 404, header: usher, body: `{"message":"no"}`}},
		"another program": {server: &recorder{status: 404, body: `not here`}, wantErr: "is not an Usher server"},
		"broken":          {server: &recorder{status: 503, header: usher, body: `{"message":"Try later."}`}, wantErr: "Try later."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := connect(t, test.server).HasFirstUser(t.Context())
			if got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if (err == nil) != (test.wantErr == "") || (err != nil && !strings.Contains(err.Error(), test.wantErr)) {
				t.Errorf("error %v, want %q", err, test.wantErr)
			}
		})
	}
}

func TestOddNames(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"a/b":      "/api/v2/users/a%2Fb",
		"a?b#c":    "/api/v2/users/a%3Fb%23c",
		"../first": "/api/v2/users/..%2Ffirst",
		"%2e%2e":   "/api/v2/users/%252e%252e",
		"a b":      "/api/v2/users/a%20b",
		"ádá":      "/api/v2/users/%C3%A1d%C3%A1",
		"...":      "/api/v2/users/...",
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &recorder{status: 200, body: `{}`}
			if _, err := connect(t, server).User(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			if got := server.only(t).Path; got != want {
				t.Errorf("path %s, want %s", got, want)
			}
		})
	}
}

// TestNamesThatAreRefused: these would turn a call on one user into a call on
// the list of users or on something else entirely.
func TestNamesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", ".", ".."} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &recorder{status: 200, body: `{}`}
			client := connect(t, server)
			if err := client.DeleteUser(t.Context(), name); err == nil {
				t.Error("DeleteUser succeeded")
			}
			if _, err := client.UserOrganizationByName(t.Context(), sdk.Me, name); err == nil {
				t.Error("UserOrganizationByName succeeded")
			}
			if len(server.requests) != 0 {
				t.Errorf("requests were sent: %v", server.requests)
			}
		})
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		address string
		want    string
		wantErr bool
	}{
		"plain":          {address: "http://127.0.0.1:8080", want: "http://127.0.0.1:8080"},
		"spaces":         {address: " https://example.com ", want: "https://example.com"},
		"path":           {address: "https://example.com/usher/", want: "https://example.com/usher/"},
		"query":          {address: "https://example.com/?a=b#c", want: "https://example.com/"},
		"empty":          {address: "", wantErr: true},
		"no scheme":      {address: "example.com", wantErr: true},
		"only port":      {address: "localhost:8080", wantErr: true},
		"other scheme":   {address: "ftp://example.com", wantErr: true},
		"no host":        {address: "http:///users", wantErr: true},
		"broken":         {address: "https://user:hunter2@exa mple.com", wantErr: true},
		"hides password": {address: "ftp://user:hunter2@example.com", wantErr: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := sdk.New(test.address)
			if (err != nil) != test.wantErr {
				t.Fatalf("error %v, want one: %v", err, test.wantErr)
			}
			if err != nil {
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the error shows the password: %v", err)
				}
				return
			}
			if client.URL.String() != test.want {
				t.Errorf("URL %s, want %s", client.URL, test.want)
			}
		})
	}
}

func TestPathOfServerIsKept(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/usher", "/usher/", "/a%2Fb/"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			server := &recorder{status: 200, body: `{}`}
			client := connect(t, server)
			client.URL = must(client.URL.Parse(path))
			if _, err := client.User(t.Context(), "a/b"); err != nil {
				t.Fatal(err)
			}
			want := strings.TrimRight(path, "/") + "/api/v2/users/a%2Fb"
			if got := server.only(t).Path; got != want {
				t.Errorf("path %s, want %s", got, want)
			}
		})
	}
}

func TestLiteralClient(t *testing.T) {
	t.Parallel()
	server := &recorder{status: 200, body: `{}`}
	client := &sdk.Client{URL: connect(t, server).URL, Version: "1.2.3"}
	if _, err := client.BuildInfo(t.Context()); err != nil {
		t.Fatal(err)
	}
	header := server.only(t).Header
	if _, ok := header[sdk.SessionTokenHeader]; ok {
		t.Error("a token header is sent without a token")
	}
	if got := header.Get("User-Agent"); !strings.HasPrefix(got, "usher/1.2.3 (") {
		t.Errorf("User-Agent %q", got)
	}
	if _, err := new(sdk.Client).BuildInfo(t.Context()); err == nil {
		t.Error("a client without an address made a request")
	}
}

func TestSetSessionToken(t *testing.T) {
	t.Parallel()
	server := &recorder{status: 200, body: `{}`}
	client := connect(t, server)
	client.SetSessionToken("other")
	if got := client.SessionToken(); got != "other" {
		t.Errorf("SessionToken() = %q", got)
	}
	if _, err := client.User(t.Context(), sdk.Me); err != nil {
		t.Fatal(err)
	}
	if got := server.only(t).Header.Get(sdk.SessionTokenHeader); got != "other" {
		t.Errorf("sent %q", got)
	}
}

func TestContextCancelled(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	client := connect(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, `{"username":`)
		w.(http.Flusher).Flush()
		close(arrived)
		<-release // the answer stops in the middle
	}))
	t.Cleanup(func() { close(release) }) // before the server closes, which waits for its handlers
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	if _, err := client.User(ctx, sdk.Me); !errors.Is(err, context.Canceled) {
		t.Errorf("error in the middle of an answer: %v", err)
	}
	if _, err := client.User(ctx, sdk.Me); !errors.Is(err, context.Canceled) {
		t.Errorf("error with a cancelled context: %v", err)
	}
}

// TestRedirectsAreNotFollowed: net/http would send the token header along.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := &recorder{status: 200, body: `{}`}
	target := connect(t, elsewhere).URL.String() + "/api/v2/users/me?secret=1"
	client := connect(t, http.RedirectHandler(target, http.StatusTemporaryRedirect))
	_, err := client.User(t.Context(), sdk.Me)
	if err == nil || !strings.Contains(err.Error(), "redirects to http://") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
	if len(elsewhere.requests) != 0 {
		t.Errorf("the redirect was followed: %v", elsewhere.requests)
	}
}

func must(u *url.URL, err error) *url.URL {
	if err != nil {
		panic(err)
	}
	return u
}

// TestConnectionIsKept: a body that is not read to its end costs a new
// connection, and with TLS a handshake, for each call.
func TestConnectionIsKept(t *testing.T) {
	t.Parallel()
	server := &recorder{status: 200, body: `{"message":"Done."}` + "\n"}
	client := connect(t, server)
	for i := range 3 {
		var reused bool
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused },
		})
		if err := client.Logout(ctx); err != nil {
			t.Fatal(err)
		}
		if reused != (i > 0) {
			t.Errorf("request %d: connection reused: %v", i, reused)
		}
	}
}
