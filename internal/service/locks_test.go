package service_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/account"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestUsersAreLockedBeforeTheirKeys: changes of a user and of its keys lock rows in
// the order in which uses of keys do, or they lock each other out, which PostgreSQL
// takes a second to notice. One that waits for the user must not hold a key.
func TestUsersAreLockedBeforeTheirKeys(t *testing.T) {
	t.Parallel()
	db := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	w := open(t, db)
	w.begin(t)
	for name, change := range map[string]func(account.User) error{
		"delete": func(u account.User) error { return w.DeleteUser(t.Context(), w.owner, byID(u)) },
		"password": func(u account.User) error {
			return w.UpdatePassword(t.Context(), w.owner, byID(u), service.PasswordChange{New: password + "2"}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := w.user(t, name)
			w.token(t, u, service.NewToken{})
			conn, err := pgx.Connect(t.Context(), db.DatabaseURL)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(t.Context()) }()
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), `SELECT FROM users WHERE id = $1 FOR UPDATE`, u.ID); err != nil {
				t.Fatal(err)
			}
			changed := make(chan error, 1)
			go func() { changed <- change(u) }()
			awaitBlocked(t, db)
			if _, err := tx.Exec(t.Context(), `SELECT FROM api_keys WHERE user_id = $1 FOR UPDATE NOWAIT`, u.ID); err != nil {
				t.Errorf("its keys: %v", err)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Error(err)
			}
			if err := <-changed; err != nil {
				t.Error(err)
			}
		})
	}
}

// awaitBlocked waits until somebody in the database waits for a lock.
func awaitBlocked(t *testing.T, db store.Config) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for blocked, deadline := 0, time.Now().Add(store.Patience); blocked == 0; {
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&blocked)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("nobody waits (%v)", err)
		}
	}
}
