package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// interfere runs a write whose body reads a user, has another node change it that
// many times, and then changes it too. It returns how often the body ran.
func interfere(ctx context.Context, t *testing.T, s, other *store.Store, id uuid.UUID, times int) (ran int, err error) {
	t.Helper()
	err = s.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		ran++
		u, err := tx.UserByID(ctx, id)
		if err != nil {
			return err
		}
		if ran <= times {
			change(t, other, id, func(u *account.User) { u.GitHubUserID += 100 })
		}
		u.GitHubUserID++
		return tx.UpdateUser(ctx, u)
	})
	return ran, err
}

func TestWriteIsTriedAgain(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	s, other := storetest.Open(t, cfg), storetest.Open(t, cfg)
	alice := person("alice")
	insert(t, s, alice)
	for disturbed := range 10 {
		before := user(t, s, alice.ID).GitHubUserID
		ran, err := interfere(t.Context(), t, s, other, alice.ID, disturbed)
		if err != nil || ran != disturbed+1 {
			t.Errorf("disturbed %d times, the body ran %d times: %v", disturbed, ran, err)
		}
		// Nothing of the attempts that failed is left, and nothing of the others lost.
		want := before + int64(disturbed)*100 + 1
		if got := user(t, s, alice.ID).GitHubUserID; got != want {
			t.Errorf("disturbed %d times, the field is %d, want %d", disturbed, got, want)
		}
	}
}

func TestWriteIsNotTriedForEver(t *testing.T) {
	t.Parallel()
	cfg := store.Config{DatabaseURL: storetest.MigratedPostgres(t)}
	s, other := storetest.Open(t, cfg), storetest.Open(t, cfg)
	alice := person("alice")
	insert(t, s, alice)
	hurried, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	ran, err := interfere(hurried, t, s, other, alice.ID, 1_000_000)
	wantKind(t, err, account.KindUnavailable)
	if ran < 5 {
		t.Errorf("the body ran only %d times", ran)
	}
	if got := user(t, s, alice.ID).GitHubUserID; got%100 != 0 {
		t.Errorf("the field is %d: the write that failed has left something", got)
	}
}

// Two who read what the other one changes cannot both be right, also where they
// change different rows: one is run again and sees what the other did.
func TestWriteSkew(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, store.Config{DatabaseURL: storetest.MigratedPostgres(t)})
	owners := []account.User{owner("alice"), owner("bob")}
	insert(t, s, owners...)
	errLast := errors.New("the last owner")
	var counted [2]chan struct{}
	for i := range counted {
		counted[i] = make(chan struct{})
	}
	var ran [2]int
	results := atOnce(2, func(i int) error {
		return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			left, err := tx.CountUsableOwners(ctx)
			if err != nil {
				return err
			}
			if ran[i]++; ran[i] == 1 {
				close(counted[i]) // both have counted before either changes anything
				<-counted[1-i]
			}
			if left == 1 {
				return errLast
			}
			demoted := owners[i]
			demoted.Roles = nil
			return tx.UpdateUser(ctx, demoted)
		})
	})
	if errors.Is(results[0], errLast) == errors.Is(results[1], errLast) || ran[0]+ran[1] != 3 {
		t.Errorf("the results are %v, after %v attempts", results, ran)
	}
	if left, err := s.Direct().CountUsableOwners(t.Context()); err != nil || left != 1 {
		t.Errorf("%d owners are left (%v)", left, err)
	}
}

// Two who lock each other out are told apart by the server.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, store.Config{DatabaseURL: storetest.MigratedPostgres(t)})
	users := []account.User{person("alice"), person("bob")}
	insert(t, s, users...)
	var holding [2]chan struct{}
	for i := range holding {
		holding[i] = make(chan struct{})
	}
	var ran [2]int
	results := atOnce(2, func(i int) error {
		return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			ran[i]++
			if err := tx.UpdatePasswordHash(ctx, users[i].ID, fmt.Sprint("own ", ran[i])); err != nil {
				return err
			}
			if ran[i] == 1 {
				close(holding[i])
				<-holding[1-i]
			}
			return tx.UpdatePasswordHash(ctx, users[1-i].ID, fmt.Sprint("other ", ran[i]))
		})
	})
	if err := errors.Join(results...); err != nil || ran[0]+ran[1] < 3 {
		t.Errorf("after %v attempts: %v", ran, err)
	}
}

func TestConnectionsAreNamed(t *testing.T) {
	t.Parallel()
	url := storetest.MigratedPostgres(t)
	s := storetest.Open(t, store.Config{DatabaseURL: url})
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	wantKind(t, s.Ping(t.Context()), "")
	var others int
	err = conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'usher'`).Scan(&others)
	if err != nil || others == 0 {
		t.Errorf("%d connections are called usher (%v): an administrator cannot tell whose they are", others, err)
	}
}
