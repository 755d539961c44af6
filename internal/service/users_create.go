package service

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// CreateUser adds a user. The order of its checks is the contract's (users.md,
// section 5.4).
func (s *Service) CreateUser(ctx context.Context, actor *account.Actor, n NewUser, malformed error) (account.User, error) {
	if err := orElse(malformed, s.checkNewUser(&n)); err != nil {
		return account.User{}, err
	}
	// The checks run before the password is hashed, which is costly. Of what they
	// read the transaction reads only the organizations again: that the name is
	// still free is what the unique indexes are for, and to look for it would set
	// every creation against every other that is under way.
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := s.admit(ctx, tx, actor, n)
		return err
	})
	if err != nil {
		return account.User{}, err
	}
	hash := ""
	if n.LoginType == account.LoginPassword {
		if hash, err = s.hash(ctx, n.Password.Reveal()); err != nil {
			return account.User{}, err
		}
	}
	var created account.User
	err = s.change(ctx, actor, createdUser(), func(ctx context.Context, tx *store.Tx, e *entry) error {
		organizations, err := s.findOrganizations(ctx, tx, actor, n.OrganizationIDs)
		if err != nil {
			return err
		}
		created = s.build(n, organizations)
		if err := tx.InsertUser(ctx, created, hash); err != nil {
			return wordConflict(err, "User already exists.")
		}
		e.about(created)
		e.Diff = account.UserDiff(account.User{}, created, hash != "")
		created, err = tx.UserByID(ctx, created.ID)
		return err
	})
	return created, err
}

// checkNewUser applies the rules that need no look at the database, and fills in
// what was left open.
func (s *Service) checkNewUser(n *NewUser) error {
	if n.Status == "" {
		n.Status = account.StatusDormant
	}
	if err := n.validate(); err != nil {
		return err
	}
	if n.ServiceAccount {
		return checkServiceAccount(n)
	}
	if n.LoginType == "" {
		n.LoginType = account.LoginPassword
	}
	if n.LoginType != account.LoginPassword && n.Password != "" {
		return account.Invalid(fmt.Sprintf("Password cannot be set for a user of login type %q.", n.LoginType))
	}
	if n.LoginType == account.LoginPassword && s.DisablePasswordAuth {
		return passwordAuthDisabled()
	}
	return checkHasOrganization(n)
}

func checkServiceAccount(n *NewUser) error {
	switch {
	case n.LoginType != "" && n.LoginType != account.LoginNone:
		return account.Invalid(`A service account cannot sign in: its login type must be "none" or absent.`)
	case n.Password != "":
		return account.Invalid("A service account has no password.")
	case n.Email != "":
		return account.Invalid("A service account has no e-mail address.")
	}
	n.LoginType = account.LoginNone
	return checkHasOrganization(n)
}

func checkHasOrganization(n *NewUser) error {
	if len(n.OrganizationIDs) > 0 {
		return nil
	}
	return account.Invalid("No organization specified to place the user as a member of.",
		account.FieldError{Field: "organization_ids", Detail: "must name at least one organization"})
}

// admit decides whether the actor may create this user, and returns its
// organizations.
func (s *Service) admit(ctx context.Context, tx *store.Tx, actor *account.Actor, n NewUser) ([]uuid.UUID, error) {
	if err := s.checkFree(ctx, tx, actor, n); err != nil {
		return nil, err
	}
	organizations, err := s.findOrganizations(ctx, tx, actor, n.OrganizationIDs)
	if err != nil {
		return nil, err
	}
	if err := s.checkLoginType(n); err != nil {
		return nil, err
	}
	if n.LoginType == account.LoginOIDC && len(n.Roles) > 0 && s.SiteRoleSync.Field != "" {
		return nil, rolesAreSynced()
	}
	return organizations, authorizeCreation(actor, n, organizations)
}

// checkFree refuses a username or an address that a user has whom the caller
// may read. One that it may not read is met by the unique index, after every
// other check.
func (s *Service) checkFree(ctx context.Context, tx *store.Tx, actor *account.Actor, n NewUser) error {
	if actor.Can(account.ActionRead, account.Object{Type: account.ResourceUser}) {
		taken, err := tx.TakenUserFields(ctx, n.Username, n.Email, uuid.Nil)
		if err != nil || len(taken) == 0 {
			return err
		}
		return taken409(taken)
	}
	var taken []string
	if account.Fold(n.Username) == account.Fold(actor.User.Username) {
		taken = append(taken, "username")
	}
	if n.Email != "" && account.Fold(n.Email) == account.Fold(actor.User.Email) {
		taken = append(taken, "email")
	}
	if len(taken) == 0 {
		return nil
	}
	return taken409(taken)
}

func taken409(fields []string) error {
	conflict := account.Conflict("User already exists.")
	for _, field := range fields {
		conflict.Fields = append(conflict.Fields,
			account.FieldError{Field: field, Detail: "This value is already in use and should be unique."})
	}
	return conflict
}

// findOrganizations resolves the ids: the nil UUID is the default organization,
// and an organization named twice counts once.
func (s *Service) findOrganizations(ctx context.Context, tx *store.Tx, actor *account.Actor, wanted []uuid.UUID) ([]uuid.UUID, error) {
	found := []uuid.UUID{}
	for _, id := range wanted {
		organization, err := s.organization(ctx, tx, actor, account.OrganizationRef{ID: id, Default: id == uuid.Nil})
		if account.KindOf(err) == account.KindNotFound {
			missing := account.NotFound()
			missing.Detail = fmt.Sprintf("Organization %s does not exist, or you cannot read it.", id)
			return nil, missing
		}
		if err != nil {
			return nil, err
		}
		if !slices.Contains(found, organization.ID) {
			found = append(found, organization.ID)
		}
	}
	return found, nil
}

// checkLoginType applies the rules of the login type.
func (s *Service) checkLoginType(n NewUser) error {
	switch n.LoginType {
	case account.LoginPassword:
		return checkPassword(n.Password)
	case account.LoginOIDC:
		if !s.hasOIDC() {
			return account.Invalid("You must configure OIDC before creating OIDC users.")
		}
		return nil
	case account.LoginNone, account.LoginGitHub:
		return nil
	case account.LoginToken: // the type of keys
	}
	return account.Invalid(fmt.Sprintf("Unsupported login type %q for a new user.", n.LoginType),
		account.FieldError{Field: "login_type", Detail: "must be one of password, github, oidc and none"})
}

// hasOIDC reports whether there is a provider that such a user can come through.
func (s *Service) hasOIDC() bool {
	return slices.ContainsFunc(s.Providers.All(), func(p *Provider) bool { return p.LoginType() == account.LoginOIDC })
}

// authorizeCreation asks for every permission that creating this user takes.
func authorizeCreation(actor *account.Actor, n NewUser, organizations []uuid.UUID) error {
	needed := []error{
		actor.Authorize(account.ActionCreate, account.Object{Type: account.ResourceUser}),
		actor.Authorize(account.ActionAssign, account.Object{Type: account.ResourceAssignRole}),
	}
	for _, id := range organizations {
		needed = append(needed,
			actor.Authorize(account.ActionAssign, account.Object{Type: account.ResourceAssignOrgRole, Organization: id}),
			actor.Authorize(account.ActionCreate, account.Object{Type: account.ResourceOrganizationMember, Organization: id}))
	}
	for _, refusal := range needed {
		if refusal != nil {
			return refusal
		}
	}
	return checkInitialRoles(actor, n.Roles)
}

func checkInitialRoles(actor *account.Actor, roles []string) error {
	for _, role := range roles {
		if !account.IsSiteRole(role) {
			return account.ValidationFailed(account.FieldError{Field: "roles", Detail: fmt.Sprintf("%q is not a supported role", role)})
		}
	}
	for _, role := range roles {
		if !actor.MayAssignSiteRole(role) {
			return account.Forbidden(fmt.Sprintf("The permission assign_role:assign is missing for the role %q: no role of yours grants it.", role))
		}
	}
	return nil
}
