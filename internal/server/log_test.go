package server_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/sdk"
)

// logged are the lines that a server writes about requests, by request id.
func logged(t *testing.T, log *servertest.Log) map[string]map[string]any {
	t.Helper()
	lines := map[string]map[string]any{}
	for text := range strings.Lines(log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("a line of the log is no JSON: %s", text)
		}
		if id, ok := line["request_id"].(string); ok && line["msg"] == "request" {
			if lines[id] != nil {
				t.Errorf("request %s has more than one line", id)
			}
			lines[id] = line
		}
	}
	return lines
}

// TestLineOfARequest: one for each, with what it takes to find out what went on,
// and nothing that opens a door.
func TestLineOfARequest(t *testing.T) {
	t.Parallel()
	log := &servertest.Log{}
	s := servertest.New(t, func(cfg *server.Config) {
		cfg.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	key := s.Owner.SessionToken()
	asOwner := http.Header{sdk.SessionTokenHeader: {key}}
	requests := []struct {
		name string
		send func() reply
		want map[string]any // of the line; nil for a member that it must not have
	}{
		{"a user", func() reply { return get(t, http.DefaultClient, s.URL+"/api/v2/users/owner", asOwner) }, map[string]any{
			"method": "GET", "route": "/api/v2/users/{user}", "status": 200.0, "user_id": s.OwnerID.String(), "level": "INFO",
		}},
		{"a search", func() reply {
			return get(t, http.DefaultClient, s.URL+"/api/v2/users?q=needle@example.com", asOwner)
		}, map[string]any{"method": "GET", "route": "/api/v2/users", "status": 200.0, "user_id": s.OwnerID.String()}},
		{"a key in the query", func() reply {
			return get(t, http.DefaultClient, s.URL+"/api/v2/users/me?coder_session_token="+key, nil)
		}, map[string]any{"route": "/api/v2/users/{user}", "status": 200.0, "user_id": s.OwnerID.String()}},
		{"a cookie", func() reply {
			return get(t, http.DefaultClient, s.URL+"/api/v2/users/me", http.Header{"Cookie": {"coder_session_token=" + key}})
		}, map[string]any{"route": "/api/v2/users/{user}", "status": 200.0, "user_id": s.OwnerID.String()}},
		{"a bad key", func() reply {
			return get(t, http.DefaultClient, s.URL+"/api/v2/users/me?access_token=needle-"+key, nil)
		}, map[string]any{"route": "/api/v2/users/{user}", "status": 401.0, "user_id": nil}},
		{"a login", func() reply { return login(t, http.DefaultClient, s.URL, nil) }, map[string]any{
			"method": "POST", "route": "/api/v2/users/login", "status": 201.0, "user_id": nil,
		}},
		{"nothing there", func() reply { return get(t, http.DefaultClient, s.URL+"/no/such/page", nil) }, map[string]any{
			"method": "GET", "route": "unknown", "status": 404.0,
		}},
	}
	ids := make([]string, len(requests))
	secrets := []string{secretHalf(key), servertest.Password, "needle"}
	for i, request := range requests {
		r := request.send()
		ids[i] = r.header.Get(sdk.RequestIDHeader)
		if token := sessionOf(r); token != "" {
			secrets = append(secrets, secretHalf(token))
		}
	}
	s.Stop() // the last lines are written
	lines := logged(t, log)
	for i, request := range requests {
		line := lines[ids[i]]
		if line == nil {
			t.Errorf("%s: no line for request %s", request.name, ids[i])
			continue
		}
		for name, want := range request.want {
			if got := line[name]; got != want {
				t.Errorf("%s: %s is %v, want %v", request.name, name, got, want)
			}
		}
	}
	for _, secret := range secrets {
		if strings.Contains(log.String(), secret) {
			t.Error("the log has a password, a key or a search in it")
		}
	}
}

// secretHalf is the part of a key that must not be seen; the other is its name.
func secretHalf(key string) string {
	_, half, _ := strings.Cut(key, "-")
	return half
}

// sessionOf returns the session that an answer hands out, if it does.
func sessionOf(r reply) string {
	var body struct {
		SessionToken string `json:"session_token"`
	}
	if json.Unmarshal([]byte(r.body), &body) != nil {
		return ""
	}
	return body.SessionToken
}
