package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// conflictFields returns the fields that a conflict names.
func conflictFields(err error) []string {
	var fields []string
	if refused, ok := errors.AsType[*account.Error](err); ok {
		for _, f := range refused.Fields {
			fields = append(fields, f.Field)
		}
	}
	return fields
}

// spellings are names that are one name, by NFC and full case folding.
var spellings = [][]string{
	{"alice", "ALICE", "Alice"},
	{"straße", "STRASSE", "strasse", "STRAßE", "STRAẞE"},
	{"zoë", "zoe\u0308", "ZOË", "ZOE\u0308"},
	{"ﬃ", "ffi"},
	{"\u212bngstrom", "ångstrom", "A\u030angstrom"}, // the sign of the unit
	{"ΣΊΣΥΦΟΣ", "σίσυφος", "σίσυφοσ"},
}

func TestEachSpellingOfAUsernameIsTaken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		for _, same := range spellings {
			first := person(same[0])
			first.Email = uuid.NewString()
			insert(t, s, first)
			for _, spelling := range same {
				second := person(spelling)
				second.Email = uuid.NewString()
				err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					return tx.InsertUser(ctx, second, "")
				})
				wantConflict(t, err, "username")
				if got, err := s.Direct().UserByName(t.Context(), spelling); err != nil || got.ID != first.ID {
					t.Errorf("%q finds %q (%v), want %q", spelling, got.Username, err, first.Username)
				}
			}
		}
	})
}

func TestEachSpellingOfAnEmailIsTaken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		for _, same := range spellings {
			first := person(uuid.NewString())
			first.Email = same[0] + "@example.com"
			insert(t, s, first)
			for _, spelling := range same {
				second := person(uuid.NewString())
				second.Email = spelling + "@EXAMPLE.com"
				err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					return tx.InsertUser(ctx, second, "")
				})
				wantConflict(t, err, "email")
				if got, err := s.Direct().UserByEmail(t.Context(), second.Email); err != nil || got.ID != first.ID {
					t.Errorf("%q finds %q (%v), want %q", second.Email, got.Email, err, first.Email)
				}
			}
		}
	})
}

// Names that look alike to some locales are different names.
func TestDifferentNamesDoNotConflict(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		for _, name := range []string{"a-b", "ab", "a--b", "resume", "résumé", "i", "ı", "İ", "o", "ø", "ss-a", "sa"} {
			insert(t, s, person(name))
		}
	})
}

func TestConflictsNameTheField(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		home := defaultOrganization(t, s)
		alice, bob := person("alice"), person("bob")
		alice.OrganizationIDs = []uuid.UUID{home.ID}
		insert(t, s, alice, bob)
		token := key("token-of-alice", alice.ID)
		token.LoginType, token.Name = account.LoginToken, "ci"
		entry := account.AuditEntry{ID: uuid.New(), Time: instant}
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.InsertKey(ctx, token, []byte{1}, ""), tx.InsertAuditEntry(ctx, entry))
		})

		for name, c := range map[string]struct {
			field string
			body  store.Body
		}{
			"a user's id": {"id", func(ctx context.Context, tx *store.Tx) error {
				again := person("carol")
				again.ID = alice.ID
				return tx.InsertUser(ctx, again, "")
			}},
			"a renamed user": {"username", func(ctx context.Context, tx *store.Tx) error {
				renamed := bob
				renamed.Username = "ALICE"
				return tx.UpdateUser(ctx, renamed)
			}},
			"a changed e-mail": {"email", func(ctx context.Context, tx *store.Tx) error {
				changed := bob
				changed.Email = "Alice@Example.COM"
				return tx.UpdateUser(ctx, changed)
			}},
			"a role twice": {"roles", func(ctx context.Context, tx *store.Tx) error {
				twice := bob
				twice.Roles = []string{account.RoleOwner, account.RoleOwner}
				return tx.UpdateUser(ctx, twice)
			}},
			"a member twice": {"user_id", func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertMember(ctx, home.ID, alice.ID, instant)
			}},
			"an organization's id": {"id", func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertOrganization(ctx, account.Organization{ID: home.ID, Name: "another"})
			}},
			"an organization's name": {"name", func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertOrganization(ctx, account.Organization{ID: uuid.New(), Name: "Coder"})
			}},
			"a second default": {"is_default", func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertOrganization(ctx, account.Organization{ID: uuid.New(), Name: "second", IsDefault: true})
			}},
			"a key's id": {"id", func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertKey(ctx, key(token.ID, bob.ID), []byte{2}, "")
			}},
			"a token's name": {"name", func(ctx context.Context, tx *store.Tx) error {
				again := token
				again.ID = "another-id"
				return tx.InsertKey(ctx, again, []byte{2}, "")
			}},
			"an audit entry's id": {"id", func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertAuditEntry(ctx, entry)
			}},
		} {
			err := s.Write(t.Context(), c.body)
			wantKind(t, err, account.KindConflict)
			if diff := cmp.Diff([]string{c.field}, conflictFields(err)); diff != "" {
				t.Errorf("%s: the fields (-want +got):\n%s", name, diff)
			}
		}
		if diff := cmp.Diff(bob, user(t, s, bob.ID)); diff != "" {
			t.Errorf("a refused change has left something (-want +got):\n%s", diff)
		}
	})
}

// The index on names of keys is for tokens that have one.
func TestKeysThatShareAName(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, bob := person("alice"), person("bob")
		insert(t, s, alice, bob)
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i, k := range []account.APIKey{
				{UserID: alice.ID, LoginType: account.LoginToken, Name: "ci"},
				{UserID: alice.ID, LoginType: account.LoginToken, Name: "CI"},
				{UserID: bob.ID, LoginType: account.LoginToken, Name: "ci"},
				{UserID: alice.ID, LoginType: account.LoginToken},
				{UserID: alice.ID, LoginType: account.LoginToken},
				{UserID: alice.ID, LoginType: account.LoginPassword},
				{UserID: alice.ID, LoginType: account.LoginPassword},
			} {
				k.ID = "key-" + string(rune('a'+i))
				if err := tx.InsertKey(ctx, k, []byte{1}, ""); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func TestNameIsFreeAfterDeletion(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		first, second, third := person("alice"), person("Alice"), person("ALICE")
		for _, u := range []account.User{first, second} {
			insert(t, s, u)
			deleteUser(t, s, u.ID)
		}
		insert(t, s, third)
		if got, err := s.Direct().UserByName(t.Context(), "alice"); err != nil || got.ID != third.ID {
			t.Errorf("the name finds %v (%v), want the one who is not deleted", got.ID, err)
		}
		if got := user(t, s, first.ID); got.Username != "alice" || !got.Deleted {
			t.Errorf("the first user has become %+v", got)
		}
		err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			revived := second
			revived.Email = "another@example.com"
			return tx.UpdateUser(ctx, revived)
		})
		wantConflict(t, err, "username")
	})
}

func TestTakenUserFields(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		alice, gone, robot := person("Alice"), person("gone"), person("robot")
		robot.IsServiceAccount, robot.Email = true, ""
		insert(t, s, alice, gone, robot)
		deleteUser(t, s, gone.ID)
		for _, c := range []struct {
			username, email string
			except          uuid.UUID
			want            []string
		}{
			{"bob", "bob@example.com", uuid.Nil, []string{}},
			{"ALICE", "bob@example.com", uuid.Nil, []string{"username"}},
			{"bob", "ALICE@example.com", uuid.Nil, []string{"email"}},
			{"alice", "alice@example.com", uuid.Nil, []string{"username", "email"}},
			{"robot", "alice@example.com", alice.ID, []string{"username"}},
			{"alice", "alice@example.com", alice.ID, []string{}},
			{"alice", "alice@example.com", robot.ID, []string{"username", "email"}},
			{"gone", "gone@example.com", uuid.Nil, []string{}},
			{"bob", "", uuid.Nil, []string{}},
			{"", "", uuid.Nil, []string{}},
			{"alice@example.com", "alice", uuid.Nil, []string{}},
		} {
			got, err := s.Direct().TakenUserFields(t.Context(), c.username, c.email, c.except)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%q, %q but %v (-want +got):\n%s", c.username, c.email, c.except, diff)
			}
		}
	})
}
