package store_test

import (
	"context"
	"database/sql"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// instant is a moment with microseconds, which both engines keep.
var instant = time.Date(2024, time.February, 29, 23, 59, 58, 123456000, time.UTC)

// person returns an active user with a password, without roles, in no
// organization. Its times differ from each other, so that a mix-up shows.
func person(username string) account.User {
	return account.User{
		ID:              uuid.New(),
		Username:        username,
		Name:            "Name of " + username,
		Email:           username + "@example.com",
		AvatarURL:       "https://example.com/" + username + ".png",
		Status:          account.StatusActive,
		LoginType:       account.LoginPassword,
		Roles:           []string{},
		OrganizationIDs: []uuid.UUID{},
		CreatedAt:       instant,
		UpdatedAt:       instant.Add(time.Hour),
		LastSeenAt:      instant.Add(2 * time.Hour),
	}
}

func owner(username string) account.User {
	u := person(username)
	u.Roles = []string{account.RoleOwner}
	return u
}

// key returns a session of a user.
func key(id string, userID uuid.UUID) account.APIKey {
	return account.APIKey{
		ID:        id,
		UserID:    userID,
		LoginType: account.LoginPassword,
		Scopes:    []string{account.ScopeAll},
		AllowList: account.AllowEverything(),
		Lifetime:  24 * time.Hour,
		ExpiresAt: instant.Add(24 * time.Hour),
		LastUsed:  account.NeverUsed(),
		CreatedAt: instant,
		UpdatedAt: instant.Add(time.Second),
	}
}

// write runs body in a transaction that must succeed.
func write(t testing.TB, s *store.Store, body store.Body) {
	t.Helper()
	if err := s.Write(t.Context(), body); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// insert adds users, all in one transaction.
func insert(t testing.TB, s *store.Store, users ...account.User) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		for i := range users {
			if err := tx.InsertUser(ctx, users[i], ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// change stores a user whose fields edit changes.
func change(t testing.TB, s *store.Store, id uuid.UUID, edit func(*account.User)) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		u, err := tx.UserByID(ctx, id)
		if err != nil {
			return err
		}
		edit(&u)
		return tx.UpdateUser(ctx, u)
	})
}

func deleteUser(t testing.TB, s *store.Store, id uuid.UUID) {
	t.Helper()
	change(t, s, id, func(u *account.User) { u.Deleted = true })
}

// user reads a user that must be there.
func user(t testing.TB, s *store.Store, id uuid.UUID) account.User {
	t.Helper()
	u, err := s.Direct().UserByID(t.Context(), id)
	if err != nil {
		t.Fatalf("read user %s: %v", id, err)
	}
	return u
}

func defaultOrganization(t testing.TB, s *store.Store) account.Organization {
	t.Helper()
	o, err := s.Direct().DefaultOrganization(t.Context())
	if err != nil {
		t.Fatalf("read the default organization: %v", err)
	}
	return o
}

// organization adds an organization of that name.
func organization(t testing.TB, s *store.Store, name string) account.Organization {
	t.Helper()
	o := account.Organization{ID: uuid.New(), Name: name, CreatedAt: instant, UpdatedAt: instant}
	write(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertOrganization(ctx, o) })
	return o
}

// wantKind fails unless the error is of that kind; "" is no error.
func wantKind(t testing.TB, err error, want account.Kind) {
	t.Helper()
	if got := account.KindOf(err); got != want {
		t.Fatalf("the error is of kind %q, want %q: %v", got, want, err)
	}
}

// wantConflict fails unless the error is a conflict that names exactly the field.
func wantConflict(t testing.TB, err error, field string) {
	t.Helper()
	wantKind(t, err, account.KindConflict)
	if got := conflictFields(err); !slices.Equal(got, []string{field}) {
		t.Fatalf("the conflict names %q, want %q: %v", got, field, err)
	}
}

// each runs a test on both engines, with an open store.
func each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, cfg store.Config) { test(t, storetest.Open(t, cfg)) })
}

// otherDatabase is the URL of another database of the same server.
func otherDatabase(t testing.TB, databaseURL, name string) string {
	t.Helper()
	parsed, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	parsed.Path = "/" + name
	return parsed.String()
}

// execute runs SQL beside the store, for rows that it has no method to make.
func execute(t testing.TB, cfg store.Config, text string, args ...any) {
	t.Helper()
	db := raw(t, cfg)
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// raw opens the database of a store beside it.
func raw(t testing.TB, cfg store.Config) *sql.DB {
	t.Helper()
	driver, source := "pgx", cfg.DatabaseURL
	if source == "" {
		driver, source = "sqlite", "file:"+filepath.Join(cfg.DataDir, store.SQLiteFile)+"?_pragma=busy_timeout(4000)&_pragma=foreign_keys(1)&_time_integer_format=unix_micro"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database beside the store: %v", err)
		}
	})
	return db
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
