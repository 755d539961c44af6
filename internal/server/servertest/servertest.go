// Package servertest starts real servers for tests: the same server.Run as in
// production, on a port of its own, on either engine. Nothing but tests imports
// it.
package servertest

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/secret"
	"usher/internal/server"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// Password is one that is strong enough, of every user that this package makes.
const Password = "SomeSecurePassword!"

// Server is a running server with its first user.
type Server struct {
	URL   string
	Owner *sdk.Client // signed in as the first user
	// OwnerID and OrganizationID are of the first user.
	OwnerID        uuid.UUID
	OrganizationID uuid.UUID
	// Store is the configuration of the server's database.
	Store store.Config
	// Log is what the server has logged so far.
	Log *Log

	stop func()
}

// Option changes the configuration of a server before it starts.
type Option func(*server.Config)

// Each runs a test against a server on each engine, with its first user made.
func Each(t *testing.T, test func(t *testing.T, s *Server), options ...Option) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		s := Start(t, cfg, options...)
		s.CreateFirstUser(t)
		test(t, s)
	})
}

// New starts a server on storetest.Database, with its first user made.
func New(t testing.TB, options ...Option) *Server {
	t.Helper()
	return On(t, storetest.Database(t), options...)
}

// On starts a server on a database, with its first user made.
func On(t testing.TB, db store.Config, options ...Option) *Server {
	t.Helper()
	s := Start(t, db, options...)
	s.CreateFirstUser(t)
	return s
}

// CheapPasswords are costs for tests that are not about hashing.
func CheapPasswords() secret.PasswordParams {
	return secret.PasswordParams{MemoryKiB: 64, Time: 1, Threads: 1}
}

// Start starts a server on a database, without a user. It stops with the test.
func Start(t testing.TB, db store.Config, options ...Option) *Server {
	t.Helper()
	s := &Server{Store: db, Log: &Log{}}
	ready := make(chan server.Ready, 1)
	cfg := server.Config{
		Listen:         "127.0.0.1:0",
		DataDir:        db.DataDir,
		DatabaseURL:    secret.Redacted(db.DatabaseURL),
		PasswordParams: CheapPasswords(),
		Log:            slog.New(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnReady:        func(r server.Ready) { ready <- r },
	}
	for _, option := range options {
		option(&cfg)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // it ends by stop, with the test's last cleanup
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, cfg) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server ended with: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	select {
	case r := <-ready:
		s.URL = r.URL
	case err := <-done:
		cancel()
		t.Fatalf("the server did not start: %v", err)
	case <-time.After(time.Minute):
		cancel()
		t.Fatal("the server did not start within a minute")
	}
	t.Cleanup(s.stop)
	return s
}

// Stop stops the server and waits for its end.
func (s *Server) Stop() { s.stop() }

// CreateFirstUser makes the owner "owner" and signs it in.
func (s *Server) CreateFirstUser(t testing.TB) {
	t.Helper()
	client := s.Client(t)
	first, err := client.CreateFirstUser(t.Context(), sdk.CreateFirstUserRequest{
		Email: "owner@example.com", Username: "owner", Name: "The Owner", Password: Password,
	})
	if err != nil {
		t.Fatalf("create the first user: %v", err)
	}
	s.OwnerID, s.OrganizationID = first.UserID, first.OrganizationID
	s.Owner = s.Login(t, "owner@example.com")
}

// Client returns a client that is not signed in.
func (s *Server) Client(t testing.TB) *sdk.Client {
	t.Helper()
	client, err := sdk.New(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Login returns a client that signed in with Password.
func (s *Server) Login(t testing.TB, email string) *sdk.Client {
	t.Helper()
	client := s.Client(t)
	session, err := client.LoginWithPassword(t.Context(), sdk.LoginWithPasswordRequest{Email: email, Password: Password})
	if err != nil {
		t.Fatalf("log in as %s: %v", email, err)
	}
	client.SetSessionToken(session.SessionToken)
	return client
}

// CreateUser makes an active user of the default organization with the given
// site roles.
func (s *Server) CreateUser(t testing.TB, username string, roles ...string) sdk.User {
	t.Helper()
	active := sdk.UserStatusActive
	user, err := s.Owner.CreateUser(t.Context(), sdk.CreateUserRequest{
		Email: username + "@example.com", Username: username, Password: Password,
		OrganizationIDs: []uuid.UUID{s.OrganizationID}, UserStatus: &active, Roles: roles,
	})
	if err != nil {
		t.Fatalf("create %s: %v", username, err)
	}
	return user
}

// SignedIn makes a user like CreateUser and signs it in.
func (s *Server) SignedIn(t testing.TB, username string, roles ...string) (*sdk.Client, sdk.User) {
	t.Helper()
	user := s.CreateUser(t, username, roles...)
	return s.Login(t, user.Email), user
}

// Log collects what a server logs.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns everything that was logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
