package service

import (
	"context"
	"fmt"
	"iter"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// User returns the user that ref names. A deleted one is found by its id. The
// actor itself is known already.
func (s *Service) User(ctx context.Context, actor *account.Actor, ref account.UserRef) (account.User, error) {
	user, err := actor.User, error(nil)
	if !ref.Me {
		user, err = s.lookUp(ctx, actor, ref)
	}
	if err != nil {
		return account.User{}, err
	}
	if !actor.Can(account.ActionRead, user.Object()) { // "me" with a key that may not read
		return account.User{}, account.NotFound()
	}
	return user, nil
}

// lookUp finds the user of a reference other than "me", deleted or not, whoever
// asks.
func (s *Service) lookUp(ctx context.Context, actor *account.Actor, ref account.UserRef) (account.User, error) {
	if user, ok := s.lookups.get(ref); ok {
		return user, nil
	}
	remember := s.lookups.loading(ref)
	user, err := s.findUser(ctx, s.Store.Direct(), actor, ref)
	if err == nil {
		remember(user)
	}
	return user, err
}

// Page is the part of a list that the caller wants.
type Page struct {
	AfterID uuid.UUID
	Limit   int // 0: all
	Offset  int
}

// UserListing is a list of users: how many match in all, and those of the page.
type UserListing struct {
	Count int
	Users iter.Seq2[account.User, error]
}

// ListUsers returns the users that match the search and that the actor may
// read. The count and the beginning of the page come from one snapshot.
func (s *Service) ListUsers(ctx context.Context, actor *account.Actor, query string, page Page, malformed error) (UserListing, error) {
	search, err := account.ParseUserSearch(query)
	if err := orElse(err, malformed); err != nil {
		return UserListing{}, err
	}
	list := store.UserList{Search: search, Readable: actor.ReadableUsers()}
	var listing UserListing
	var users []account.User
	err = s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		listing.Count, users, err = tx.PageOfUsers(ctx, list, beginning(page))
		return err
	})
	if err != nil {
		return UserListing{}, err
	}
	listing.Users = walk(ctx, users, page.Limit == 0, func(ctx context.Context, last account.User) ([]account.User, error) {
		return s.Store.Direct().ListUsers(ctx, list, store.UserPage{AfterName: last.Username, Limit: chunk})
	})
	return listing, nil
}

// CountUsersByStatus counts the people who are not deleted.
func (s *Service) CountUsersByStatus(ctx context.Context, actor *account.Actor) (map[account.UserStatus]int, error) {
	if err := actor.Authorize(account.ActionRead, account.Object{Type: account.ResourceDeploymentStats}); err != nil {
		return nil, err
	}
	people, counts := false, map[account.UserStatus]int{}
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		for _, status := range account.UserStatuses() {
			counts[status], err = tx.CountUsers(ctx, store.UserList{Readable: account.Reach{All: true}, Search: account.UserSearch{
				Statuses: []account.UserStatus{status}, ServiceAccount: &people,
			}})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return counts, err
}

// DeleteUser deletes a user: its name and address are free at once, its keys
// are gone, and only its id finds it.
func (s *Service) DeleteUser(ctx context.Context, actor *account.Actor, ref account.UserRef) error {
	deleted := account.AuditEntry{Action: account.AuditDelete, Resource: account.AuditUser, Outcome: account.OutcomeOK}
	return s.change(ctx, actor, deleted, func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, err := s.targetOrDeleted(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		e.about(user)
		if actor.Is(user.ID) {
			return &account.Error{Kind: account.KindForbidden, Message: "You cannot delete yourself!"}
		}
		if err := actor.Authorize(account.ActionDelete, user.Object()); err != nil {
			return err
		}
		if user.Deleted {
			e.unaudited = true
			return nil
		}
		if err := s.keepAnOwner(ctx, tx, user, "deleted"); err != nil {
			return err
		}
		gone := user
		gone.Deleted, gone.UpdatedAt = true, s.now()
		e.outdates(user.ID)
		e.Diff = account.UserDiff(user, gone, false)
		if err := dropPasscode(ctx, tx, user.ID, e.Diff); err != nil {
			return err
		}
		if err := tx.UpdateUser(ctx, gone); err != nil { // before its keys, as whoever uses them does
			return err
		}
		if err := tx.DeleteUserKeys(ctx, user.ID); err != nil {
			return err
		}
		return tx.DeleteUserIdentities(ctx, user.ID)
	})
}

// keepAnOwner refuses to take away the last person who can administer the
// deployment.
func (s *Service) keepAnOwner(ctx context.Context, tx *store.Tx, user account.User, verb string) error {
	usable := user.HasRole(account.RoleOwner) && !user.IsServiceAccount && user.Status != account.StatusSuspended
	if !usable {
		return nil
	}
	owners, err := tx.CountUsableOwners(ctx)
	if err == nil && owners <= 1 {
		return account.Conflict(fmt.Sprintf("The last owner cannot be %s: nobody could administer this deployment any more.", verb))
	}
	return err
}

// Profile is what a user may be renamed to.
type Profile struct {
	Username  string
	Name      string
	AvatarURL *string // nil leaves it as it is
}

// UpdateProfile replaces the username and the real name.
func (s *Service) UpdateProfile(ctx context.Context, actor *account.Actor, ref account.UserRef, p Profile, malformed error) (account.User, error) {
	return s.changeUser(ctx, actor, ref, func(ctx context.Context, tx *store.Tx, u *account.User) error {
		if err := orElse(malformed, p.validate(u)); err != nil {
			return err
		}
		if p.Username != u.Username {
			if err := s.checkRename(ctx, tx, actor, *u, p.Username); err != nil {
				return err
			}
		}
		if err := actor.Authorize(account.ActionUpdatePersonal, u.Object()); err != nil {
			return err
		}
		u.Username, u.Name = p.Username, p.Name
		external := u.LoginType == account.LoginGitHub || u.LoginType == account.LoginOIDC
		if p.AvatarURL != nil && !external {
			u.AvatarURL = *p.AvatarURL
		}
		return nil
	})
}

// validate checks the fields. A username that stays is not checked again: it may
// be older than a rule.
func (p *Profile) validate(u *account.User) error {
	var v validation
	if p.Username != u.Username {
		v.check("username", account.CheckUsername(p.Username))
	}
	v.check("name", account.CheckRealName(p.Name))
	if p.AvatarURL != nil {
		v.check("avatar_url", account.CheckAvatarURL(*p.AvatarURL))
	}
	return v.failure()
}

func (s *Service) checkRename(ctx context.Context, tx *store.Tx, actor *account.Actor, u account.User, username string) error {
	if !actor.Can(account.ActionUpdate, u.Object()) {
		return account.NotFound()
	}
	taken, err := tx.TakenUserFields(ctx, username, "", u.ID)
	if err == nil && len(taken) > 0 {
		return taken409(taken)
	}
	return err
}

// UpdateEmail sets the address of a user who signs in here.
func (s *Service) UpdateEmail(ctx context.Context, actor *account.Actor, ref account.UserRef, email string, malformed error) (account.User, error) {
	return s.changeUser(ctx, actor, ref, func(ctx context.Context, tx *store.Tx, u *account.User) error {
		if err := actor.Authorize(account.ActionUpdate, u.Object()); err != nil {
			return err
		}
		var v validation
		v.check("email", account.CheckEmail(email))
		if err := orElse(malformed, v.failure()); err != nil {
			return err
		}
		if u.IsServiceAccount {
			return account.Invalid("A service account has no e-mail address.")
		}
		if u.LoginType == account.LoginGitHub || u.LoginType == account.LoginOIDC {
			return account.Invalid(fmt.Sprintf("The e-mail address of a user who signs in with %s comes from there.", u.LoginType))
		}
		taken, err := tx.TakenUserFields(ctx, "", email, u.ID)
		if err != nil {
			return err
		}
		if len(taken) > 0 {
			return taken409(taken)
		}
		u.Email = email
		return nil
	})
}

// SuspendUser shuts a user out: its keys are kept but refused.
func (s *Service) SuspendUser(ctx context.Context, actor *account.Actor, ref account.UserRef) (account.User, error) {
	return s.changeUser(ctx, actor, ref, func(_ context.Context, _ *store.Tx, u *account.User) error {
		if actor.Is(u.ID) {
			return account.Invalid("You cannot suspend yourself.")
		}
		if u.HasRole(account.RoleOwner) {
			return account.Invalid("An owner cannot be suspended: take the role away first.")
		}
		u.Status = account.StatusSuspended
		return actor.Authorize(account.ActionUpdate, u.Object())
	})
}

// ActivateUser lets a user in again, or for the first time.
func (s *Service) ActivateUser(ctx context.Context, actor *account.Actor, ref account.UserRef) (account.User, error) {
	return s.changeUser(ctx, actor, ref, func(_ context.Context, _ *store.Tx, u *account.User) error {
		u.Status = account.StatusActive
		return actor.Authorize(account.ActionUpdate, u.Object())
	})
}

// UserLoginType tells users, and nobody else, how they sign in.
func (s *Service) UserLoginType(ctx context.Context, actor *account.Actor, ref account.UserRef) (account.LoginType, error) {
	user, err := s.target(ctx, s.Store.Direct(), actor, ref)
	if err != nil {
		return "", err
	}
	if !actor.Is(user.ID) {
		return "", account.Forbidden("Only users themselves may see how they sign in.")
	}
	return user.LoginType, nil
}
