package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

var errRefused = errors.New("refused by the body")

// atOnce runs a function so many times at the same moment and returns what each
// of them did.
func atOnce(n int, run func(i int) error) []error {
	results := make([]error, n)
	start := make(chan struct{})
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			<-start
			results[i] = run(i)
		})
	}
	close(start)
	running.Wait()
	return results
}

func TestErrorOfABodyUndoesItsWork(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, bob)
		refusals := map[string]error{
			"any":       errRefused,
			"account's": account.Conflict("Already.", account.FieldError{Field: "f", Detail: "d"}),
			"wrapped":   fmt.Errorf("wrapped: %w", account.Forbidden("no")),
		}
		for name, refusal := range refusals {
			err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				renamed := bob
				renamed.Username, renamed.Roles = "robert", []string{account.RoleOwner}
				if err := errors.Join(tx.InsertUser(ctx, alice, "hash"), tx.UpdateUser(ctx, renamed)); err != nil {
					return err
				}
				if _, err := tx.UserByID(ctx, alice.ID); err != nil {
					t.Errorf("a body does not see what it did: %v", err)
				}
				return refusal
			})
			if err != refusal { //nolint:errorlint // it must be the very error
				t.Errorf("%s: the error has become %v", name, err)
			}
			_, err = s.Direct().UserByID(t.Context(), alice.ID)
			wantKind(t, err, account.KindNotFound)
			if diff := cmp.Diff(bob, user(t, s, bob.ID)); diff != "" {
				t.Errorf("%s: -want +got:\n%s", name, diff)
			}
		}
		insert(t, s, alice)
	})
}

// An error that a body has dealt with is no reason to undo the rest.
func TestBodyGoesOnAfterNotFound(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice := person("alice")
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.UserByName(ctx, "alice")
			wantKind(t, err, account.KindNotFound)
			return tx.InsertUser(ctx, alice, "")
		})
		user(t, s, alice.ID)
	})
}

// Many writers share a commit on one engine, and the server on the other:
// whoever succeeds, fails or panics among them decides for itself alone.
func TestWritersDoNotUndoEachOther(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		const writers = 200
		taken := person("taken")
		insert(t, s, taken)
		users := make([]account.User, writers)
		for i := range users {
			users[i] = person(fmt.Sprintf("writer-%d", i))
		}
		results := atOnce(writers, func(i int) error {
			return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if err := tx.InsertUser(ctx, users[i], ""); err != nil {
					return err
				}
				switch i % 5 {
				case 0:
					return errRefused
				case 1:
					panic("at the disco")
				case 2:
					rival := person("Taken")
					rival.Email = users[i].Username + "@example.org"
					return tx.InsertUser(ctx, rival, "")
				}
				return nil
			})
		})
		for i, err := range results {
			_, missing := s.Direct().UserByID(t.Context(), users[i].ID)
			switch i % 5 {
			case 0:
				if !errors.Is(err, errRefused) {
					t.Errorf("writer %d got %v, want its own error", i, err)
				}
			case 1:
				if err == nil || !strings.Contains(err.Error(), "at the disco") || account.KindOf(err) != account.KindInternal {
					t.Errorf("writer %d got %v, want its panic", i, err)
				}
			case 2:
				wantConflict(t, err, "username")
			default:
				if err != nil || missing != nil {
					t.Errorf("writer %d got %v, and then its user: %v", i, err, missing)
				}
				continue
			}
			wantKind(t, missing, account.KindNotFound)
		}
	})
}

// More bodies panic than there are connections, so that one that is not given
// back would show.
func TestPanicBecomesAnError(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice := person("alice")
		for name, run := range map[string]func(context.Context, store.Body) error{"read": s.Read, "write": s.Write} {
			for range 40 {
				err := run(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					if _, err := tx.HasUsers(ctx); err != nil {
						t.Error(err)
					}
					users := []account.User{alice}
					return tx.InsertUser(ctx, users[len(name)+1], "")
				})
				if err == nil || account.KindOf(err) != account.KindInternal || !strings.Contains(err.Error(), "out of range") {
					t.Fatalf("%s: the panic has become %v", name, err)
				}
			}
		}
		insert(t, s, alice)
		user(t, s, alice.ID)
	})
}

func TestReadRefusesToWrite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		err := s.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertUser(ctx, person("alice"), "")
		})
		if err == nil {
			t.Error("a read has written")
		}
		if has, err := s.Direct().HasUsers(t.Context()); err != nil || has {
			t.Errorf("there is a user: %v (%v)", has, err)
		}
	})
}

func TestReadSeesOneSnapshot(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob, carol := person("alice"), person("bob"), person("carol")
		insert(t, s, alice, carol)
		list := store.UserList{Readable: everyone()}
		look := func(ctx context.Context, tx *store.Tx) string {
			count, err := tx.CountUsers(ctx, list)
			if err != nil {
				t.Error(err)
			}
			users, err := tx.ListUsers(ctx, list, store.UserPage{})
			if err != nil {
				t.Error(err)
			}
			return fmt.Sprint(count, names(users))
		}
		err := s.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			before := look(ctx, tx)
			insert(t, s, bob)
			deleteUser(t, s, carol.ID)
			change(t, s, alice.ID, func(u *account.User) { u.Username = "alicia" })
			if after := look(ctx, tx); after != before || after != "2 [alice carol]" {
				t.Errorf("within one read, %s has become %s", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if now := look(t.Context(), s.Direct()); now != "2 [alicia bob]" {
			t.Errorf("after the read there are %s", now)
		}
	})
}

func TestReadsDoNotWaitForAWriter(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice)
		begun, release, written := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			written <- s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				renamed := alice
				renamed.Username = "alicia"
				err := errors.Join(tx.UpdateUser(ctx, renamed), tx.InsertUser(ctx, bob, ""))
				close(begun)
				<-release
				return err
			})
		}()
		<-begun
		for range 50 {
			if got := user(t, s, alice.ID); got.Username != "alice" {
				t.Errorf("a change that is not committed shows: %q", got.Username)
			}
			err := s.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.UserByID(ctx, bob.ID)
				return err
			})
			wantKind(t, err, account.KindNotFound)
		}
		close(release)
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		if got := user(t, s, alice.ID); got.Username != "alicia" {
			t.Errorf("a committed change does not show: %q", got.Username)
		}
	})
}

// Of all who demote another owner at once, one must find that it is the last.
func TestRaceForTheLastOwner(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		const rounds, owners = 10, 4
		for round := range rounds {
			users := make([]account.User, owners)
			for i := range users {
				users[i] = owner(fmt.Sprintf("owner-%d-%d", round, i))
			}
			insert(t, s, users...)
			results := atOnce(owners, func(i int) error {
				return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					left, err := tx.CountUsableOwners(ctx)
					if err != nil {
						return err
					}
					if left == 1 {
						return account.Conflict("the last one")
					}
					demoted := users[i]
					demoted.Roles = nil
					return tx.UpdateUser(ctx, demoted)
				})
			})
			left, err := s.Direct().CountUsableOwners(t.Context())
			if err != nil || left != 1 {
				t.Fatalf("round %d: %d owners are left (%v): %v", round, left, err, results)
			}
			refused := -1
			for i, err := range results {
				if err == nil {
					continue
				}
				wantKind(t, err, account.KindConflict)
				if refused >= 0 {
					t.Errorf("round %d: %d and %d were both refused", round, refused, i)
				}
				refused = i
			}
			change(t, s, users[refused].ID, func(u *account.User) { u.Roles = nil })
		}
	})
}

func TestRaceForTheFirstUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		const rounds, rivals = 5, 24
		for round := range rounds {
			users := make([]account.User, rivals)
			results := atOnce(rivals, func(i int) error {
				users[i] = owner(fmt.Sprintf("rival-%d-%d", round, i))
				return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					has, err := tx.HasUsers(ctx)
					if err != nil {
						return err
					}
					if has {
						return account.Conflict("somebody was first")
					}
					return tx.InsertUser(ctx, users[i], "")
				})
			})
			winner := uuid.Nil
			for i, err := range results {
				switch {
				case err == nil && winner == uuid.Nil:
					winner = users[i].ID
				case err == nil:
					t.Errorf("round %d has two winners", round)
				default:
					wantKind(t, err, account.KindConflict)
				}
			}
			deleteUser(t, s, winner) // fails where nobody won
		}
	})
}

// The same name at once, without looking first: the index decides.
func TestRaceForAName(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		results := atOnce(24, func(i int) error {
			rival := person([]string{"alice", "ALICE", "Alice"}[i%3])
			rival.Email = fmt.Sprintf("rival-%d@example.com", i)
			return s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, rival, "") })
		})
		winners := 0
		for _, err := range results {
			if err == nil {
				winners++
				continue
			}
			wantConflict(t, err, "username")
		}
		if winners != 1 {
			t.Errorf("there are %d winners", winners)
		}
	})
}
