package server_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/secret"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

const another = "AnotherSecurePassword!"

// offline works on the database of a running server.
func offline(db store.Config) server.Offline {
	return server.Offline{
		DataDir: db.DataDir, DatabaseURL: secret.Redacted(db.DatabaseURL), PasswordParams: servertest.CheapPasswords(),
	}
}

// TestResetPasswordBesideAServer: the new password holds, and every session of
// the user has ended, as the running server knows soon.
func TestResetPasswordBesideAServer(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		client, user := s.SignedIn(t, "Ada")
		if err := offline(s.Store).ResetPassword(t.Context(), "ada", another); err != nil {
			t.Fatal(err)
		}
		awaitRefusal(t, client)
		if _, err := signIn(t.Context(), s.Client(t), user.Email, another); err != nil {
			t.Errorf("the new password: %v", err)
		}
		if _, err := signIn(t.Context(), s.Client(t), user.Email, servertest.Password); !sdk.IsUnauthenticated(err) {
			t.Errorf("the old password: %v, want a refusal", err)
		}
		if me, err := s.Owner.User(t.Context(), sdk.Me); err != nil || me.ID != s.OwnerID {
			t.Errorf("the session of somebody else: %v", err)
		}
		wantOfflineEntry(t, s, "action:write resource_id:"+user.ID.String()+" resource_type:user", sdk.AuditLog{
			ResourceID: user.ID, ResourceTarget: "Ada", Action: sdk.AuditActionWrite, StatusCode: 200,
			Diff: map[string]sdk.AuditDiffField{"hashed_password": {Old: "", New: "", Secret: true}},
		})
	})
}

// awaitRefusal waits until the server refuses the client's session.
func awaitRefusal(t *testing.T, client *sdk.Client) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		_, err := client.User(t.Context(), sdk.Me)
		if sdk.IsUnauthenticated(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the old session still holds: %v", err)
		}
	}
}

// wantOfflineEntry compares an entry of the audit log with what an offline
// command leaves: by nobody of the deployment, from no address.
func wantOfflineEntry(t *testing.T, s *servertest.Server, search string, want sdk.AuditLog) {
	t.Helper()
	got := audited(t, s, s.Owner, search)
	if got.User != nil || got.IP != "" || got.UserAgent != "" {
		t.Errorf("the entry names a user, an address or a program: %+v", got)
	}
	if diff := cmp.Diff(map[string]any{"automatic_actor": "coder", "automatic_subsystem": "offline"}, got.AdditionalFields); diff != "" {
		t.Errorf("additional_fields differ (-want +got):\n%s", diff)
	}
	if age := time.Since(got.Time); age < -time.Minute || age > time.Minute {
		t.Errorf("the entry is of %v", got.Time)
	}
	cut := sdk.AuditLog{
		ResourceID: got.ResourceID, ResourceTarget: got.ResourceTarget, Action: got.Action, StatusCode: got.StatusCode, Diff: got.Diff,
	}
	if diff := cmp.Diff(want, cut); diff != "" {
		t.Errorf("the entry differs (-want +got):\n%s", diff)
	}
}

func TestCreateAdminBesideAServer(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		created, err := offline(s.Store).CreateAdmin(t.Context(), sdk.CreateFirstUserRequest{
			Email: "Rescue@Example.com", Username: "Rescue", Name: "To The Rescue", Password: another,
		})
		if err != nil {
			t.Fatal(err)
		}
		client, err := signIn(t.Context(), s.Client(t), "rescue@example.com", another)
		if err != nil {
			t.Fatalf("log in as the new owner: %v", err)
		}
		me, err := client.User(t.Context(), sdk.Me)
		if err != nil {
			t.Fatal(err)
		}
		want := sdk.User{
			ID: created.ID, Username: "Rescue", Name: "To The Rescue", Email: "Rescue@Example.com", Status: sdk.UserStatusActive,
			LoginType: sdk.LoginTypePassword, OrganizationIDs: []uuid.UUID{s.OrganizationID},
			Roles:     []sdk.SlimRole{{Name: sdk.RoleOwner, DisplayName: "Owner"}},
			CreatedAt: me.CreatedAt, UpdatedAt: me.UpdatedAt, LastSeenAt: me.LastSeenAt,
		}
		if diff := cmp.Diff(want, me); diff != "" {
			t.Errorf("the new owner differs (-want +got):\n%s", diff)
		}
		log, err := s.Owner.AuditLogs(t.Context(), sdk.AuditLogsRequest{Search: "action:create resource_type:user resource_target:rescue"})
		if err != nil || len(log.AuditLogs) != 1 {
			t.Fatalf("%d entries, %v; want one", len(log.AuditLogs), err)
		}
		wantOfflineEntry(t, s, "action:create resource_type:user resource_target:rescue", sdk.AuditLog{
			ResourceID: created.ID, ResourceTarget: "Rescue", Action: sdk.AuditActionCreate, StatusCode: 201,
			Diff: log.AuditLogs[0].Diff,
		})
		if password := log.AuditLogs[0].Diff["hashed_password"]; !password.Secret || password.New != "" {
			t.Errorf("the diff has %+v as the password", password)
		}
	})
}

// TestCreateAdminWithoutUsers makes the first one, after which nobody else can.
func TestCreateAdminWithoutUsers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		s := servertest.Start(t, db)
		if _, err := offline(db).CreateAdmin(t.Context(), sdk.CreateFirstUserRequest{
			Email: "owner@example.com", Username: "rescue", Password: servertest.Password,
		}); err != nil {
			t.Fatal(err)
		}
		s.Login(t, "owner@example.com")
		_, err := s.Client(t).CreateFirstUser(t.Context(), sdk.CreateFirstUserRequest{
			Email: "first@example.com", Username: "first-one", Password: another,
		})
		if !sdk.IsConflict(err) {
			t.Errorf("the first user after an administrator: %v, want a conflict", err)
		}
	})
}

// TestRefusalsOffline are sentences, and change nothing.
func TestRefusalsOffline(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		if _, err := s.Owner.CreateUser(t.Context(), sdk.CreateUserRequest{
			Username: "robot", ServiceAccount: true, OrganizationIDs: []uuid.UUID{s.OrganizationID},
		}); err != nil {
			t.Fatal(err)
		}
		before, err := s.Owner.Users(t.Context(), sdk.UsersRequest{})
		if err != nil {
			t.Fatal(err)
		}
		reset := func(username, password string) func(context.Context) error {
			return func(ctx context.Context) error { return offline(s.Store).ResetPassword(ctx, username, password) }
		}
		create := func(req sdk.CreateFirstUserRequest) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := offline(s.Store).CreateAdmin(ctx, req)
				return err
			}
		}
		for _, test := range []struct {
			name string
			run  func(context.Context) error
			want []string // parts of the sentence
		}{
			{"nobody of that name", reset("nobody", another), []string{`There is no user named "nobody".`}},
			{"an address is no name", reset("owner@example.com", another), []string{`There is no user named "owner@example.com".`}},
			{"a weak password", reset("owner", "weak"), []string{"Password is invalid", "password: "}},
			{"no password", reset("owner", ""), []string{"Password is invalid"}},
			{"an account without password", reset("robot", another), []string{"robot", `login type "none"`}},
			{"a name that is taken", create(sdk.CreateFirstUserRequest{Username: "OWNER", Email: "new@example.com", Password: another}), []string{"User already exists.", "username: "}},
			{"an address that is taken", create(sdk.CreateFirstUserRequest{Username: "new-one", Email: "Owner@Example.com", Password: another}), []string{"User already exists.", "email: "}},
			{"everything wrong", create(sdk.CreateFirstUserRequest{Username: "no such name", Email: "nowhere", Name: " x", Password: another}), []string{"username: ", "email: ", "name: "}},
			{"a weak password for an owner", create(sdk.CreateFirstUserRequest{Username: "new-one", Email: "new@example.com", Password: "weak"}), []string{"Password is invalid", "password: "}},
		} {
			err := test.run(t.Context())
			if err == nil {
				t.Errorf("%s: not refused", test.name)
				continue
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s: %q lacks %q", test.name, err, part)
				}
			}
			if strings.Contains(err.Error(), "UNIQUE") || strings.Contains(err.Error(), "SQLSTATE") || strings.Contains(err.Error(), another) {
				t.Errorf("%s: the sentence shows what is none of a person's business: %q", test.name, err)
			}
		}
		after, err := s.Owner.Users(t.Context(), sdk.UsersRequest{}) // the session still holds
		if err != nil {
			t.Fatal(err)
		}
		if before.Count != after.Count {
			t.Errorf("%d users before, %d after", before.Count, after.Count)
		}
		s.Login(t, "owner@example.com") // the password, too
	})
}

// TestOfflineMakesNoDatabase: where there is none, the settings are wrong.
func TestOfflineMakesNoDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	err := server.Offline{DataDir: dir}.ResetPassword(t.Context(), "owner", another)
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, store.SQLiteFile)) || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("without a database: %v; want its path and the flag", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("the directory has %d files now, %v", len(files), err)
	}
	err = server.Offline{DatabaseURL: "mysql://root:hunter2@localhost/db"}.ResetPassword(t.Context(), "owner", another)
	if err == nil || !strings.Contains(err.Error(), "--database-url") || strings.Contains(err.Error(), "hunter2") {
		t.Error("a URL of another database is not refused, or its password is shown")
	}
	// Nothing listens on the discard port of this machine.
	err = server.Offline{DatabaseURL: "postgres://usher:hunter2@127.0.0.1:9/usher"}.ResetPassword(t.Context(), "owner", another)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error("a server that is not there is not told, or the password is shown")
	}
}
