package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// get asks for a path, without following redirects.
func get(t *testing.T, client *http.Client, url string, header http.Header) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, client, req, header)
}

// login signs the owner in and returns the answer.
func login(t *testing.T, client *http.Client, url string, header http.Header) reply {
	t.Helper()
	body, err := json.Marshal(map[string]string{"email": "owner@example.com", "password": servertest.Password})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v2/users/login", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return send(t, client, req, header)
}

func send(t *testing.T, client *http.Client, req *http.Request, header http.Header) reply {
	t.Helper()
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return reply{status: resp.StatusCode, header: resp.Header, body: string(text)}
}

// audited returns the only entry of the audit log that a search finds.
func audited(t *testing.T, s *servertest.Server, client *sdk.Client, search string) sdk.AuditLog {
	t.Helper()
	log, err := client.AuditLogs(t.Context(), sdk.AuditLogsRequest{Search: search})
	if err != nil || len(log.AuditLogs) != 1 {
		t.Fatalf("%q finds %d entries, %v; want one\n%s", search, len(log.AuditLogs), err, s.Log)
	}
	return log.AuditLogs[0]
}

// signIn returns a client with a session of its own.
func signIn(ctx context.Context, client *sdk.Client, email, password string) (*sdk.Client, error) {
	session, err := client.LoginWithPassword(ctx, sdk.LoginWithPasswordRequest{Email: email, Password: password})
	if err == nil {
		client.SetSessionToken(session.SessionToken)
	}
	return client, err
}
