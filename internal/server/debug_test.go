package server_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
)

// TestProfilesAreForThisMachineAlone: no other address will do.
func TestProfilesAreForThisMachineAlone(t *testing.T) {
	t.Parallel()
	for address, allowed := range map[string]bool{
		"": true, "127.0.0.1:6060": true, "127.8.9.10:0": true, "[::1]:6060": true,
		":6060": false, "0.0.0.0:6060": false, "[::]:6060": false, "localhost:6060": false, "10.0.0.1:6060": false, "6060": false, "x": false,
	} {
		err := server.Config{DebugListen: address}.Validate()
		if refused := err != nil && strings.Contains(err.Error(), "--debug-listen: must be a loopback address"); refused == allowed {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestProfiles: they are served where they were asked for, and nowhere else.
func TestProfiles(t *testing.T) {
	t.Parallel()
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	s := servertest.Start(t, storetest.Database(t), func(cfg *server.Config) {
		cfg.DebugListen = address
		cfg.Log = slog.New(slog.DiscardHandler)
	})
	if status, text := fetch(t, "http://"+address+"/debug/pprof/goroutine?debug=1"); status != http.StatusOK || !strings.Contains(text, "goroutine profile") {
		t.Errorf("the profile of goroutines: %d %.80s", status, text)
	}
	if status, _ := fetch(t, s.URL+"/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("profiles are served to everybody: %d", status)
	}
	if status, _ := fetch(t, "http://"+address+"/api/v2"); status != http.StatusNotFound {
		t.Errorf("the API is served beside the profiles: %d", status)
	}
}

func fetch(t *testing.T, url string) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}
