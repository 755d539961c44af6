package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

// MaxImport is how many users one import may have: each is one transaction, and
// nobody's change is to wait for it for long.
const MaxImport = 500

// importAttempts is how often an import begins again because somebody took a name
// while it was under way.
const importAttempts = 5

// ImportedUser is a user who comes from elsewhere.
type ImportedUser struct {
	NewUser                        // without password and organizations
	PasswordHash   secret.Redacted // as another system made it; see secret.CheckImport
	AvatarURL      string
	CreatedAt      time.Time // when the user was made there; zero is now
	LastSeenAt     time.Time // when it was last seen there; zero is never
	Organizations  []string  // by name or id; none is the default one
	organizations  []uuid.UUID
	hasPassword    bool
	refusal        error
	existing, made uuid.UUID
}

// ImportResult is what became of one user of an import: who was created, was there
// already under the same username and address, was refused, or, in a trial, could
// be created.
type ImportResult struct {
	Username string
	Created  bool
	UserID   uuid.UUID // nil where there is none
	Refusal  error
}

// ImportUsers adds users, all who can be in one transaction, each with its own
// audit entry. A user who cannot be does not keep the others out. In a trial
// nothing is written. Password hashes are as good as passwords: only an owner with
// an unrestricted key may bring them.
func (s *Service) ImportUsers(ctx context.Context, actor *account.Actor, users []ImportedUser, trial bool, malformed error) ([]ImportResult, error) {
	if err := orElse(malformed, checkImport(actor, users)); err != nil {
		return nil, err
	}
	var err error
	for range importAttempts {
		err = s.importOnce(ctx, actor, slices.Clone(users), trial, func(done []ImportedUser) { users = done })
		if account.KindOf(err) != account.KindConflict {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	results := make([]ImportResult, len(users))
	for i := range users {
		u := &users[i]
		results[i] = ImportResult{Username: u.Username, Created: u.made != uuid.Nil, UserID: u.made, Refusal: u.refusal}
		if u.existing != uuid.Nil {
			results[i].UserID = u.existing
		}
	}
	return results, nil
}

func checkImport(actor *account.Actor, users []ImportedUser) error {
	if err := actor.Authorize(account.ActionCreate, account.Object{Type: account.ResourceUser}); err != nil {
		return err
	}
	if len(users) == 0 || len(users) > MaxImport {
		return account.ValidationFailed(account.FieldError{Field: "users", Detail: fmt.Sprintf("must be 1 to %d users, not %d", MaxImport, len(users))})
	}
	hashed := slices.ContainsFunc(users, func(u ImportedUser) bool { return u.PasswordHash != "" })
	if hashed && !actor.MayDoAnything() {
		return account.Forbidden("Password hashes are as good as passwords: bringing them takes the role owner, and a key with every scope and without an allow list.")
	}
	return nil
}

// importOnce decides about each user in one snapshot and adds those who can be.
func (s *Service) importOnce(ctx context.Context, actor *account.Actor, users []ImportedUser, trial bool, done func([]ImportedUser)) error {
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		for i := range users {
			err := s.admitImported(ctx, tx, actor, &users[i])
			if kind := account.KindOf(err); kind == account.KindInternal || kind == account.KindUnavailable {
				return err
			}
			users[i].refusal = err
		}
		return findExisting(ctx, tx, actor, users)
	})
	if err == nil && !trial {
		err = s.addImported(ctx, actor, users)
	}
	if err == nil {
		done(users)
	}
	return err
}

// admitImported decides what can be decided about a user alone.
func (s *Service) admitImported(ctx context.Context, tx *store.Tx, actor *account.Actor, u *ImportedUser) error {
	u.OrganizationIDs = []uuid.UUID{uuid.Nil} // the rules ask for one; which ones comes below
	u.hasPassword = u.PasswordHash != ""
	if err := s.checkNewUser(&u.NewUser); err != nil {
		return err
	}
	if err := checkImported(u); err != nil {
		return err
	}
	var err error
	if u.organizations, err = s.organizationsNamed(ctx, tx, actor, u.Organizations); err != nil {
		return err
	}
	if u.LoginType == account.LoginOIDC && len(u.Roles) > 0 && s.SiteRoleSync.Field != "" {
		return rolesAreSynced()
	}
	return authorizeCreation(actor, u.NewUser, u.organizations)
}

func checkImported(u *ImportedUser) error {
	var v validation
	v.check("avatar_url", account.CheckAvatarURL(u.AvatarURL))
	if u.hasPassword {
		v.check("password_hash", checkImportedHash(u))
	}
	if !slices.Contains([]account.LoginType{account.LoginPassword, account.LoginGitHub, account.LoginOIDC, account.LoginNone}, u.LoginType) {
		v.check("login_type", errors.New("must be one of password, github, oidc and none"))
	}
	return v.failure()
}

// checkImportedHash never repeats the hash.
func checkImportedHash(u *ImportedUser) error {
	if u.LoginType != account.LoginPassword {
		return fmt.Errorf("is only for login type %q", account.LoginPassword)
	}
	switch err := secret.CheckImport(u.PasswordHash.Reveal()); {
	case errors.Is(err, secret.ErrCostly):
		return errors.New("asks for too much work: at most bcrypt cost 14, 2000000 rounds of PBKDF2, or argon2id with 64 MiB and t=10")
	case err != nil:
		return errors.New("must be argon2id (PHC), bcrypt ($2a$, $2b$, $2y$) or $pbkdf2-sha256$")
	}
	return nil
}

// organizationsNamed resolves names and ids; none is the default organization.
func (s *Service) organizationsNamed(ctx context.Context, tx *store.Tx, actor *account.Actor, texts []string) ([]uuid.UUID, error) {
	if len(texts) == 0 {
		texts = []string{"default"}
	}
	ids := []uuid.UUID{}
	for _, text := range texts {
		organization, err := s.organization(ctx, tx, actor, account.ParseOrganizationRef(text))
		if account.KindOf(err) == account.KindNotFound {
			return nil, account.ValidationFailed(account.FieldError{
				Field: "organizations", Detail: fmt.Sprintf("%q does not exist, or you cannot read it", text),
			})
		}
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, organization.ID) {
			ids = append(ids, organization.ID)
		}
	}
	return ids, nil
}

// findExisting refuses usernames and addresses that are taken, by users who are
// there or by earlier ones of the import, and finds those who are there already.
func findExisting(ctx context.Context, tx *store.Tx, actor *account.Actor, users []ImportedUser) error {
	if !actor.Can(account.ActionRead, account.Object{Type: account.ResourceUser}) {
		return actor.Authorize(account.ActionRead, account.Object{Type: account.ResourceUser})
	}
	var names, emails []string
	for i := range users {
		names, emails = append(names, users[i].Username), append(emails, users[i].Email)
	}
	found, err := tx.TakenUsers(ctx, names, emails)
	if err != nil {
		return err
	}
	byName, byEmail := map[string]store.TakenUser{}, map[string]store.TakenUser{}
	take := func(u store.TakenUser) {
		byName[u.Username] = u
		if u.Email != "" {
			byEmail[u.Email] = u
		}
	}
	for _, u := range found {
		take(u)
	}
	for i := range users {
		u := &users[i]
		if u.refusal != nil {
			continue
		}
		self := store.TakenUser{Username: account.Fold(u.Username), Email: account.Fold(u.Email)}
		same, nameTaken := byName[self.Username]
		_, emailTaken := byEmail[self.Email]
		switch {
		case nameTaken && same.Email == self.Email:
			u.existing = same.ID
			if same.ID == uuid.Nil {
				u.refusal = account.Invalid("The same user stands in the file twice.")
			}
		case nameTaken && emailTaken:
			u.refusal = taken409([]string{"username", "email"})
		case nameTaken:
			u.refusal = taken409([]string{"username"})
		case emailTaken:
			u.refusal = taken409([]string{"email"})
		default:
			take(self)
		}
	}
	return nil
}

// addImported adds those who are neither refused nor there.
func (s *Service) addImported(ctx context.Context, actor *account.Actor, users []ImportedUser) error {
	var added []store.NewUser
	for i := range users {
		u := &users[i]
		if u.refusal != nil || u.existing != uuid.Nil {
			continue
		}
		made := s.build(u.NewUser, u.organizations)
		made.ID, made.AvatarURL = sortedID(), u.AvatarURL
		if !u.CreatedAt.IsZero() {
			made.CreatedAt = u.CreatedAt
		}
		made.LastSeenAt = u.LastSeenAt
		u.made = made.ID
		added = append(added, store.NewUser{User: made, PasswordHash: u.PasswordHash.Reveal()})
	}
	if len(added) == 0 {
		return nil
	}
	return s.change(ctx, actor, createdUser(), func(ctx context.Context, tx *store.Tx, e *entry) error {
		e.unaudited = true // as a whole: each user has an entry of its own
		if err := stillThere(ctx, tx, added); err != nil {
			return err
		}
		for i := range added {
			one := createdUser()
			one.Outcome = account.OutcomeOK // of the request, which is about many
			one.ResourceID, one.Target = added[i].ID, added[i].Username
			one.Diff = account.UserDiff(account.User{}, added[i].User, added[i].PasswordHash != "")
			e.also = append(e.also, one)
		}
		return tx.InsertUsers(ctx, added)
	})
}

// stillThere makes sure that the organizations were not deleted meanwhile.
func stillThere(ctx context.Context, tx *store.Tx, users []store.NewUser) error {
	known := map[uuid.UUID]bool{}
	for i := range users {
		for _, id := range users[i].OrganizationIDs {
			if known[id] {
				continue
			}
			known[id] = true
			_, err := tx.OrganizationByID(ctx, id)
			if account.KindOf(err) == account.KindNotFound {
				return account.Conflict("An organization was deleted while users were imported into it.")
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// sortedID is an id that comes after those made before it: indexes grow at their
// end, which matters where there are many at once.
func sortedID() uuid.UUID {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.New()
	}
	return id
}
