package server_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/internal/secret"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// placeOf is what a person calls the database of a server.
func placeOf(cfg store.Config) secret.Redacted {
	if cfg.DatabaseURL != "" {
		return secret.Redacted(cfg.DatabaseURL)
	}
	return secret.Redacted(cfg.DataDir)
}

// inhabited is a deployment, and what its people hold in their hands.
type inhabited struct {
	session, token, ended string
	private               sdk.GitSSHPrivateKey
	suspended, deleted    sdk.User
	log                   []sdk.AuditLog
}

func inhabit(t *testing.T, s *servertest.Server) inhabited {
	t.Helper()
	ctx := t.Context()
	client, ann := s.SignedIn(t, "Ann", "user-admin")
	in := inhabited{session: client.SessionToken()}
	token := func(name string) string {
		made, err := client.CreateToken(ctx, sdk.Me, sdk.CreateTokenRequest{TokenName: name})
		if err != nil {
			t.Fatal(err)
		}
		return made.Key
	}
	in.token, in.ended = token("stays"), token("ends")
	id, _, _ := strings.Cut(in.ended, "-")
	if err := client.ExpireAPIKey(ctx, sdk.Me, id); err != nil {
		t.Fatal(err)
	}
	var err error
	if in.private, err = client.GitSSHPrivateKey(ctx, sdk.Me); err != nil {
		t.Fatal(err)
	}
	in.suspended, in.deleted = s.CreateUser(t, "Sue"), s.CreateUser(t, "Del")
	if _, err := s.Owner.SuspendUser(ctx, in.suspended.ID.String()); err != nil {
		t.Fatal(err)
	}
	if err := s.Owner.DeleteUser(ctx, in.deleted.ID.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UpdateUserProfile(ctx, ann.ID.String(), sdk.UpdateUserProfileRequest{Username: "annchen", Name: "Ann 🜁"}); err != nil {
		t.Fatal(err)
	}
	in.log = wholeLog(t, s.Owner)
	return in
}

// wholeLog is the audit log without what every login changes of its actors.
func wholeLog(t *testing.T, client *sdk.Client) []sdk.AuditLog {
	t.Helper()
	answer, err := client.AuditLogs(t.Context(), sdk.AuditLogsRequest{Limit: 100})
	if err != nil || answer.Count < 8 {
		t.Fatalf("%d entries in the audit log, %v", answer.Count, err)
	}
	for i := range answer.AuditLogs {
		answer.AuditLogs[i].User = nil
	}
	return answer.AuditLogs
}

// check finds everything as it was, on another server.
func (in inhabited) check(t *testing.T, s *servertest.Server) {
	t.Helper()
	ctx := t.Context()
	holding := func(credential string) *sdk.Client {
		client := s.Client(t)
		client.SetSessionToken(credential)
		return client
	}
	owner := s.Login(t, "owner@example.com")
	log := wholeLog(t, owner)
	if diff := cmp.Diff(in.log, log[len(log)-len(in.log):]); diff != "" {
		t.Errorf("the audit log (-before +after):\n%s", diff)
	}
	for what, credential := range map[string]string{"session": in.session, "token": in.token} {
		me, err := holding(credential).User(ctx, sdk.Me)
		if err != nil || me.Username != "annchen" || me.Name != "Ann 🜁" || len(me.Roles) != 1 {
			t.Errorf("with the %s: %+v, %v", what, me, err)
		}
	}
	if _, err := holding(in.ended).User(ctx, sdk.Me); !sdk.IsUnauthenticated(err) {
		t.Errorf("a token that had ended: %v", err)
	}
	if private, err := holding(in.session).GitSSHPrivateKey(ctx, sdk.Me); err != nil || private != in.private {
		t.Errorf("the private SSH key is another one, or: %v", err)
	}
	if got, err := owner.User(ctx, in.suspended.ID.String()); err != nil || got.Status != sdk.UserStatusSuspended {
		t.Errorf("who was suspended: %+v, %v", got, err)
	}
	if _, err := owner.User(ctx, "Del"); !sdk.IsNotFound(err) {
		t.Errorf("who was deleted has a name: %v", err)
	}
	if got, err := owner.User(ctx, in.deleted.ID.String()); err != nil || got.Username != "Del" {
		t.Errorf("who was deleted: %+v, %v", got, err)
	}
}

// TestMoveAndBack: a deployment moves to another engine and home again. With its
// key file, all that people hold works there, and without it no server starts.
func TestMoveAndBack(t *testing.T) {
	t.Parallel()
	first := servertest.Start(t, storetest.SQLite(t))
	first.CreateFirstUser(t)
	in := inhabit(t, first)
	first.Stop()

	second := store.Config{DatabaseURL: storetest.EmptyPostgres(t), DataDir: t.TempDir()}
	moved := move(t, first.Store, second)
	if moved.KeyID == "" || moved.KeyFile != keyFileOf(first.Store) || moved.NewKeyFile != "" || moved.DataDir != "" {
		t.Errorf("what has to come along is %+v", moved)
	}
	wantRefusal(t, start(t, second), moved.KeyID, server.EncryptionKeyFile)
	carryKeys(t, first.Store, second)
	there := servertest.Start(t, second)
	in.check(t, there)
	if _, err := (server.Move{From: placeOf(second), To: secret.Redacted(t.TempDir())}).Run(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "servers or commands of Usher") {
		t.Errorf("beside a running server: %v", err)
	}
	there.Stop()

	third := store.Config{DataDir: filepath.Join(t.TempDir(), "new", "home")}
	if moved = move(t, second, third); moved.NewKeyFile != keyFileOf(third) || moved.KeyFile != "" || moved.DataDir != third.DataDir {
		t.Errorf("what has to come along is %+v", moved)
	}
	carryKeys(t, second, third)
	in.check(t, servertest.Start(t, third))
}

func move(t *testing.T, from, to store.Config) server.Moved {
	t.Helper()
	moved, err := server.Move{From: placeOf(from), To: placeOf(to)}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return moved
}

// TestMoveOfWhatWasNeverServed has no key that would have to come along.
func TestMoveOfWhatWasNeverServed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		moved := move(t, cfg, store.Config{DataDir: t.TempDir()})
		if moved.KeyID != "" || moved.KeyFile != "" || moved.NewKeyFile != "" {
			t.Errorf("what has to come along is %+v", moved)
		}
	})
}

// TestRefusedMoves name the setting that is wrong, and no password.
func TestRefusedMoves(t *testing.T) {
	t.Parallel()
	dir := storetest.SQLite(t).DataDir
	for _, c := range []struct{ from, to, word string }{
		{filepath.Join(dir, "missing"), t.TempDir(), "--from: there is no database at "},
		{t.TempDir(), t.TempDir(), "--from: there is no database at "},
		{"mysql://usher:hunter2@127.0.0.1/usher", t.TempDir(), "--from: must be a URL that begins with postgres://, or a path"},
		{dir, "mysql://usher:hunter2@127.0.0.1/usher", "--to: must be"},
		{dir, "postgres://usher:hunter2@127.0.0.1:9/usher", "refused"},
		{"postgres://usher:hunter2@127.0.0.1:9/usher", t.TempDir(), "refused"},
	} {
		_, err := server.Move{From: secret.Redacted(c.from), To: secret.Redacted(c.to)}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.word) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("from %s to %s: %v; want %q", c.from, c.to, err, c.word)
		}
	}
}

// TestInterruptedMove can be told from one that failed.
func TestInterruptedMove(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := server.Move{
		From: secret.Redacted(storetest.SQLite(t).DataDir), To: secret.Redacted(t.TempDir()),
		Progress: func(server.MoveProgress) { cancel() },
	}.Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the move ended with: %v", err)
	}
}
