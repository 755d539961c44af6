package service

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// syncLogin brings organizations and roles of a user in line with what the default
// OpenID Connect provider says at a login (auth.md, section 11): organizations
// first, then site roles, then the roles in the organizations. The user is as it is
// stored, and is returned as it is stored then. Each change is an entry of its own;
// what is right already is not touched. Somebody whose account is of another login
// type has only linked the identity, and is none of the provider's to administer.
func (s *Service) syncLogin(ctx context.Context, tx *store.Tx, user account.User, claims map[string]any, e *entry) (account.User, error) {
	if user.LoginType != account.LoginOIDC {
		return user, nil
	}
	user, err := s.syncOrganizations(ctx, tx, user, claims, e)
	if err != nil {
		return user, err
	}
	if user, err = s.syncSiteRoles(ctx, tx, user, claims, e); err != nil {
		return user, err
	}
	return user, s.syncOrgRoles(ctx, tx, user, claims, e)
}

// syncNewUser is syncLogin for a user whom this very change has made: its
// memberships and roles are part of that, and no entries of their own.
func (s *Service) syncNewUser(ctx context.Context, tx *store.Tx, user account.User, claims map[string]any, e *entry) (account.User, error) {
	var folded entry
	user, err := s.syncLogin(ctx, tx, user, claims, &folded)
	e.outdated = append(e.outdated, folded.outdated...)
	e.warnings = append(e.warnings, folded.warnings...)
	return user, err
}

// unreadable is the end of a login whose claims cannot decide what they are to
// decide: to guess would give or take away rights.
func unreadable(what string, err error) error {
	refused := &account.Error{
		Kind:    account.KindInternal,
		Message: "What the identity provider says of your " + what + " cannot be read: " + err.Error() + ". Contact an admin.",
	}
	return refused.Because(err)
}

// automatic marks an entry as the work of the sync.
func automatic(one account.AuditEntry, user account.User, diff account.Diff) account.AuditEntry {
	one.ResourceID, one.Target, one.Diff = user.ID, user.Username, diff
	one.ActorID, one.Additional = user.ID, account.AutomaticFields("idp_sync")
	return one
}

// syncOrganizations adds and ends memberships. Organizations that are no more are
// passed over.
func (s *Service) syncOrganizations(ctx context.Context, tx *store.Tx, user account.User, claims map[string]any, e *entry) (account.User, error) {
	settings, err := s.organizationSync(ctx, tx)
	if err != nil || settings.Field == "" {
		return user, err
	}
	home, err := tx.DefaultOrganization(ctx)
	if err != nil {
		return user, err
	}
	ids, err := settings.Organizations(claims, home.ID)
	if err != nil {
		return user, unreadable("organizations", err)
	}
	wanted, err := tx.ListOrganizations(ctx, account.Reach{IDs: ids})
	if err != nil {
		return user, err
	}
	current := user.OrganizationIDs
	user.OrganizationIDs = []uuid.UUID{}
	for _, organization := range wanted {
		user.OrganizationIDs = append(user.OrganizationIDs, organization.ID)
		if slices.Contains(current, organization.ID) {
			continue
		}
		if err := s.joinBySync(ctx, tx, organization.ID, user, e); err != nil {
			return user, err
		}
	}
	for _, id := range current {
		if slices.Contains(user.OrganizationIDs, id) {
			continue
		}
		if err := leaveBySync(ctx, tx, id, user, e); err != nil {
			return user, err
		}
	}
	return user, nil
}

func (s *Service) joinBySync(ctx context.Context, tx *store.Tx, organization uuid.UUID, user account.User, e *entry) error {
	e.outdates(user.ID)
	if err := tx.InsertMember(ctx, organization, user.ID, s.now()); err != nil {
		return err
	}
	member, err := tx.Member(ctx, organization, user.ID)
	joined := automatic(memberEntry(account.AuditCreate, account.OutcomeOK), user, account.MemberDiff(account.Member{}, member))
	joined.OrganizationID = organization
	e.also = append(e.also, joined)
	return err
}

func leaveBySync(ctx context.Context, tx *store.Tx, organization uuid.UUID, user account.User, e *entry) error {
	e.outdates(user.ID)
	member, err := tx.Member(ctx, organization, user.ID)
	if err != nil {
		return err
	}
	left := automatic(memberEntry(account.AuditDelete, account.OutcomeNoContent), user, account.MemberDiff(member, account.Member{}))
	left.OrganizationID = organization
	e.also = append(e.also, left)
	return tx.DeleteMember(ctx, organization, user.ID)
}

// syncSiteRoles replaces the site roles. The last owner stays one, whatever the
// provider says: somebody must be able to administer the deployment.
func (s *Service) syncSiteRoles(ctx context.Context, tx *store.Tx, user account.User, claims map[string]any, e *entry) (account.User, error) {
	if s.SiteRoleSync.Field == "" {
		return user, nil
	}
	roles, err := s.SiteRoleSync.Roles(claims)
	if err != nil {
		return user, unreadable("roles", err)
	}
	if !slices.Contains(roles, account.RoleOwner) {
		err := s.keepAnOwner(ctx, tx, user, "demoted")
		switch account.KindOf(err) {
		case "":
		case account.KindConflict:
			roles = slices.Sorted(slices.Values(append(roles, account.RoleOwner)))
			e.warn("the identity provider would take the role owner from the last owner, who keeps it", "user_id", user.ID)
		default:
			return user, err
		}
	}
	if slices.Equal(roles, slices.Sorted(slices.Values(user.Roles))) {
		return user, nil
	}
	before := user
	user.Roles, user.UpdatedAt = roles, s.now()
	e.outdates(user.ID)
	e.also = append(e.also, automatic(wroteUser(), user, account.UserDiff(before, user, false)))
	return user, tx.UpdateUser(ctx, user)
}

// syncOrgRoles replaces the roles of the user in those of its organizations that
// sync them. A claim that cannot be read leaves the roles there as they are.
func (s *Service) syncOrgRoles(ctx context.Context, tx *store.Tx, user account.User, claims map[string]any, e *entry) error {
	syncs, err := tx.RoleSyncs(ctx, user.ID)
	if err != nil || len(syncs) == 0 {
		return err
	}
	memberships, err := tx.Memberships(ctx, user.ID)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		settings := syncs[m.OrganizationID]
		if settings.Field == "" {
			continue
		}
		names, err := settings.Roles(claims)
		if err != nil {
			e.warn("the roles of a member cannot be synced", "error", err, "user_id", user.ID, "organization_id", m.OrganizationID)
			continue
		}
		custom, err := customRolesOf(ctx, tx, m.OrganizationID)
		if err != nil {
			return err
		}
		roles := custom.among(names)
		if slices.Equal(roles, slices.Sorted(slices.Values(m.Roles))) {
			continue
		}
		if err := s.assignBySync(ctx, tx, m.OrganizationID, user, roles, e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) assignBySync(ctx context.Context, tx *store.Tx, organization uuid.UUID, user account.User, roles []string, e *entry) error {
	e.outdates(user.ID)
	before, err := tx.Member(ctx, organization, user.ID)
	if err != nil {
		return err
	}
	after := before
	after.Roles = roles
	assigned := automatic(memberEntry(account.AuditWrite, account.OutcomeOK), user, account.MemberDiff(before, after))
	assigned.OrganizationID = organization
	e.also = append(e.also, assigned)
	return tx.UpdateMemberRoles(ctx, organization, user.ID, roles, s.now())
}

// customRoles are the custom roles of an organization, by what their names fold to.
type customRoles map[string]account.Role

func customRolesOf(ctx context.Context, tx *store.Tx, organization uuid.UUID) (customRoles, error) {
	list, err := tx.CustomRoles(ctx, organization)
	custom := customRoles{}
	for _, stored := range list {
		custom[account.Fold(stored.Role.Name)] = stored.Role
	}
	return custom, err
}

// find returns the role of the organization that has the name, built-in or custom.
func (custom customRoles) find(name string) (account.Role, bool) {
	if role, builtIn := account.BuiltInOrgRole(name); builtIn {
		return role, true
	}
	role, known := custom[account.Fold(name)]
	return role, known
}

// among returns those of the names that are roles of the organization, each under
// its stored name, sorted.
func (custom customRoles) among(names []string) []string {
	found := []string{}
	for _, name := range names {
		if role, known := custom.find(name); known {
			found = append(found, role.Name)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(found)))
}

// organizationSync returns how people come to organizations: as it was stored, or
// else as the server was told at its start.
func (s *Service) organizationSync(ctx context.Context, tx *store.Tx) (account.OrganizationSync, error) {
	settings, stored, err := tx.OrganizationSync(ctx)
	if !stored {
		settings = s.OrganizationSync
	}
	return settings.Distinct(), err
}

// isSynced reports whether the logins of a user are those that the syncs are about:
// through the default provider. Somebody who has never logged in will come from
// there, as far as anyone knows.
func isSynced(ctx context.Context, tx *store.Tx, user account.User) (bool, error) {
	if user.LoginType != account.LoginOIDC {
		return false, nil
	}
	identities, err := tx.ListIdentities(ctx, user.ID)
	fromDefault := func(i account.Identity) bool { return i.Provider == account.ProviderOIDC }
	return len(identities) == 0 || slices.ContainsFunc(identities, fromDefault), err
}

// refuseSynced refuses to change by hand what the next login of the user would set
// back.
func refuseSynced(ctx context.Context, tx *store.Tx, user account.User, field string, refusal *account.Error) error {
	if field == "" {
		return nil
	}
	synced, err := isSynced(ctx, tx, user)
	if err == nil && synced {
		return refusal
	}
	return err
}

func rolesAreSynced() *account.Error {
	refused := account.Invalid("Cannot modify roles for OIDC users when role sync is enabled.")
	refused.Detail = "They follow from what the identity provider says when the user logs in."
	return refused
}

// checkSiteRolesByHand refuses to change site roles that are synced.
func (s *Service) checkSiteRolesByHand(ctx context.Context, tx *store.Tx, user account.User) error {
	return refuseSynced(ctx, tx, user, s.SiteRoleSync.Field, rolesAreSynced())
}

// checkOrgRolesByHand refuses to change roles of a member that are synced.
func checkOrgRolesByHand(ctx context.Context, tx *store.Tx, organization uuid.UUID, user account.User) error {
	settings, err := tx.RoleSync(ctx, organization)
	if err != nil {
		return err
	}
	return refuseSynced(ctx, tx, user, settings.Field, rolesAreSynced())
}

// checkMembershipByHand refuses to add or remove a member whose organizations are
// synced.
func (s *Service) checkMembershipByHand(ctx context.Context, tx *store.Tx, user account.User) error {
	settings, err := s.organizationSync(ctx, tx)
	if err != nil {
		return err
	}
	refused := account.Invalid("Cannot modify the organizations of OIDC users when organization sync is enabled.")
	refused.Detail = "They follow from what the identity provider says when the user logs in."
	return refuseSynced(ctx, tx, user, settings.Field, refused)
}
