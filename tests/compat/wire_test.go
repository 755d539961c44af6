package compat_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// caller sends requests as a program of somebody else does: over plain HTTP,
// with exactly its headers.
type caller struct {
	url       string
	token     string // sent even where it is empty, as Coder's clients do
	userAgent string
	telemetry bool   // sends what Coder's command line tells of itself
	dialect   string // the header Usher-Dialect; empty sends none
}

// reply is an answer, read to its end.
type reply struct {
	request string // for failures
	status  int
	header  http.Header
	body    []byte
}

// call sends a request. A nil body is none at all: Content-Length 0 for PUT and
// POST, and no Content-Type.
func (c caller) call(t *testing.T, method, path string, body any) reply {
	t.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(append(text, '\n'))
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.url+"/api/v2"+path, content)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(sdk.SessionTokenHeader, c.token)
	req.Header.Set("User-Agent", c.userAgent)
	if c.telemetry {
		req.Header.Set("Coder-CLI-Telemetry", base64.StdEncoding.EncodeToString([]byte(`{"command":"users list","options":["url"]}`)))
	}
	if c.dialect != "" {
		req.Header.Set(sdk.DialectHeader, c.dialect)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return send(t, req)
}

func send(t *testing.T, req *http.Request) reply {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req) // no redirects, no cookies
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return reply{
		request: req.Method + " " + req.URL.RequestURI(),
		status:  resp.StatusCode,
		header:  resp.Header,
		body:    content,
	}
}

// as returns the same program with another token.
func (c caller) as(token string) caller {
	c.token = token
	return c
}

// want ends the test unless the status is one of these, and holds every answer
// to what clients need of all of them.
func (r reply) want(t *testing.T, statuses ...int) reply {
	t.Helper()
	for _, status := range statuses {
		if r.status == status {
			r.wantCommon(t)
			return r
		}
	}
	t.Fatalf("%s: status %d, want %v; body %s", r.request, r.status, statuses, r.body)
	return r
}

// wantCommon checks the version by which clients know the server, and that what
// has a body says so as JSON: everything else is "unexpected" to them.
func (r reply) wantCommon(t *testing.T) {
	t.Helper()
	version := r.header.Get("X-Coder-Build-Version")
	if !strings.Contains(version, "v0.0.0") || strings.Contains(version, "-devel") || strings.Contains(version, "-rc.") {
		t.Errorf("%s: X-Coder-Build-Version %q makes clients warn or give up", r.request, version)
	}
	if values := r.header.Values("X-Coder-Entitlements-Warning"); len(values) > 0 {
		t.Errorf("%s: X-Coder-Entitlements-Warning %q would be printed to people", r.request, values)
	}
	if r.status == http.StatusNoContent || r.status == http.StatusTemporaryRedirect {
		if len(r.body) > 0 {
			t.Errorf("%s: %d with the body %q", r.request, r.status, r.body)
		}
		return
	}
	if got, want := r.header.Get("Content-Type"), "application/json; charset=utf-8"; got != want {
		t.Errorf("%s: Content-Type %q, want %q", r.request, got, want)
	}
	if !json.Valid(r.body) || !bytes.HasSuffix(r.body, []byte("\n")) {
		t.Errorf("%s: the body is not one line of JSON: %q", r.request, r.body)
	}
}

// decode reads the body as clients do: unknown members are ignored, a UUID or a
// time that is present must be one.
func decode[T any](t *testing.T, r reply) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(r.body, &v); err != nil {
		t.Fatalf("%s: %v; body %s", r.request, err, r.body)
	}
	return v
}

// object reads the body as an object of whatever it has.
func object(t *testing.T, r reply) map[string]any {
	t.Helper()
	return decode[map[string]any](t, r)
}

// raw is a program that sends a token and nothing else of note.
func raw(s *servertest.Server) caller {
	c := caller{url: s.URL, userAgent: "Go-http-client/1.1"}
	if s.Owner != nil {
		c.token = s.Owner.SessionToken()
	}
	return c
}

// oneID is the list of the default organization alone.
func oneID(s *servertest.Server) []uuid.UUID { return []uuid.UUID{s.OrganizationID} }
