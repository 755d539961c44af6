package service

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

func memberEntry(action account.AuditAction, outcome account.Outcome) account.AuditEntry {
	return account.AuditEntry{Action: action, Resource: account.AuditOrganizationMember, Outcome: outcome}
}

// aboutMember names the membership that an attempt is about.
func (e *entry) aboutMember(organization account.Organization, u account.User) {
	e.about(u)
	e.OrganizationID = organization.ID
}

// allMembers is the permission that a list of all members takes.
func allMembers(organization uuid.UUID) account.Object {
	return account.Object{Type: account.ResourceOrganizationMember, Organization: organization}
}

// ListMembers returns the members of an organization that the actor may read:
// all of them, or at least itself.
func (s *Service) ListMembers(ctx context.Context, actor *account.Actor, ref account.OrganizationRef, query string) (iter.Seq2[account.Member, error], error) {
	var list store.MemberList
	var members []account.Member
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		organization, err := s.organization(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		search, err := account.ParseMemberSearch(query)
		if err != nil {
			return err
		}
		list = store.MemberList{OrganizationID: organization.ID, Users: store.UserList{
			Search:   account.UserSearch{GitHubUserID: search.GitHubUserID},
			Readable: narrowed(actor.ReadableMembers(organization.ID), search.UserID),
		}}
		members, err = tx.ListMembers(ctx, list, beginning(Page{}))
		return err
	})
	return s.walkMembers(ctx, list, members, true), err
}

// walkMembers yields the members that were read, and the rest of an unlimited
// list. It runs when the transaction that read them is over.
func (s *Service) walkMembers(ctx context.Context, list store.MemberList, members []account.Member, unlimited bool) iter.Seq2[account.Member, error] {
	return walk(ctx, members, unlimited, func(ctx context.Context, last account.Member) ([]account.Member, error) {
		return s.Store.Direct().ListMembers(ctx, list, store.UserPage{AfterName: last.User.Username, Limit: chunk})
	})
}

// narrowed returns what of a reach is the one id that was asked for, if one was.
func narrowed(reach account.Reach, wanted uuid.UUID) account.Reach {
	switch {
	case wanted == uuid.Nil:
		return reach
	case reach.All || slices.Contains(reach.IDs, wanted):
		return account.Reach{IDs: []uuid.UUID{wanted}}
	}
	return account.Reach{}
}

// MemberListing is a list of members: how many match in all, and those of the
// page.
type MemberListing struct {
	Count   int
	Members iter.Seq2[account.Member, error]
}

// PageMembers returns members that match a search of users. Unlike ListMembers
// it is for those alone who may read all members.
func (s *Service) PageMembers(ctx context.Context, actor *account.Actor, ref account.OrganizationRef, query string, page Page, malformed error) (MemberListing, error) {
	var list store.MemberList
	var members []account.Member
	var count int
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		organization, err := s.organization(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		if err := actor.Authorize(account.ActionRead, allMembers(organization.ID)); err != nil {
			return err
		}
		search, err := account.ParseUserSearch(query)
		if err := orElse(err, malformed); err != nil {
			return err
		}
		list = store.MemberList{OrganizationID: organization.ID, Users: store.UserList{Search: search, Readable: account.Reach{All: true}}}
		if count, err = tx.CountMembers(ctx, list); err != nil {
			return err
		}
		members, err = tx.ListMembers(ctx, list, beginning(page))
		return err
	})
	return MemberListing{Count: count, Members: s.walkMembers(ctx, list, members, page.Limit == 0)}, err
}

// Member returns a user's place in an organization.
func (s *Service) Member(ctx context.Context, actor *account.Actor, org account.OrganizationRef, ref account.UserRef) (account.Member, error) {
	var member account.Member
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		organization, err := s.organization(ctx, tx, actor, org)
		if err != nil {
			return err
		}
		member, err = s.member(ctx, tx, actor, organization, ref)
		return err
	})
	return member, err
}

// member loads a membership that the actor may read. The user itself need not
// be readable: whoever may read the members knows who they are.
func (s *Service) member(ctx context.Context, tx *store.Tx, actor *account.Actor, organization account.Organization, ref account.UserRef) (account.Member, error) {
	user, err := s.anyUser(ctx, tx, actor, ref)
	if err != nil {
		return account.Member{}, err
	}
	member, err := tx.Member(ctx, organization.ID, user.ID)
	if err != nil {
		return account.Member{}, err
	}
	return member, hide(actor.Authorize(account.ActionRead, member.Object()))
}

// anyUser loads the user that a reference names, whether or not the actor may
// read it.
func (s *Service) anyUser(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.UserRef) (account.User, error) {
	user, err := s.findUser(ctx, tx, actor, ref)
	if err == nil && user.Deleted {
		return account.User{}, account.NotFound()
	}
	return user, err
}

// AddMember makes a user, whom the actor must be able to read, a member of an
// organization.
func (s *Service) AddMember(ctx context.Context, actor *account.Actor, org account.OrganizationRef, ref account.UserRef) (account.Member, error) {
	var member account.Member
	err := s.change(ctx, actor, memberEntry(account.AuditCreate, account.OutcomeOK), func(ctx context.Context, tx *store.Tx, e *entry) error {
		organization, err := s.organization(ctx, tx, actor, org)
		if err != nil {
			return err
		}
		user, err := s.target(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		e.aboutMember(organization, user)
		if err := authorizeAdding(actor, organization); err != nil {
			return err
		}
		if slices.Contains(user.OrganizationIDs, organization.ID) {
			return alreadyMember()
		}
		if err := s.checkMembershipByHand(ctx, tx, user); err != nil {
			return err
		}
		e.outdates(user.ID)
		err = tx.InsertMember(ctx, organization.ID, user.ID, s.now())
		if account.KindOf(err) == account.KindConflict { // somebody else was faster
			return alreadyMember().Because(err)
		}
		if err != nil {
			return err
		}
		member, err = tx.Member(ctx, organization.ID, user.ID)
		e.Diff = account.MemberDiff(account.Member{}, member)
		return err
	})
	return member, err
}

func alreadyMember() *account.Error { return account.Invalid("User is already an organization member") }

// authorizeAdding asks for the right to add members. To those who cannot even
// see the members, the answer is that there is nothing (users.md, section 8.3).
func authorizeAdding(actor *account.Actor, organization account.Organization) error {
	err := actor.Authorize(account.ActionCreate, allMembers(organization.ID))
	if err == nil {
		err = actor.Authorize(account.ActionAssign, account.Object{Type: account.ResourceAssignOrgRole, Organization: organization.ID})
	}
	if err != nil && !actor.Can(account.ActionRead, allMembers(organization.ID)) {
		return hide(err)
	}
	return err
}

// RemoveMember ends a membership.
func (s *Service) RemoveMember(ctx context.Context, actor *account.Actor, org account.OrganizationRef, ref account.UserRef) error {
	return s.change(ctx, actor, memberEntry(account.AuditDelete, account.OutcomeNoContent), func(ctx context.Context, tx *store.Tx, e *entry) error {
		organization, err := s.organization(ctx, tx, actor, org)
		if err != nil {
			return err
		}
		member, err := s.member(ctx, tx, actor, organization, ref)
		if member.User.ID != uuid.Nil {
			e.aboutMember(organization, member.User)
		}
		if err != nil {
			return err
		}
		self := actor.Is(member.User.ID)
		if err := actor.Authorize(account.ActionDelete, member.Object()); err != nil {
			if self {
				return err
			}
			return hide(err)
		}
		if self {
			return account.Invalid("You cannot remove yourself from an organization.")
		}
		if err := s.checkMembershipByHand(ctx, tx, member.User); err != nil {
			return err
		}
		e.outdates(member.User.ID)
		e.Diff = account.MemberDiff(member, account.Member{})
		return tx.DeleteMember(ctx, organization.ID, member.User.ID)
	})
}

// UpdateMemberRoles replaces the organization roles of a member.
func (s *Service) UpdateMemberRoles(ctx context.Context, actor *account.Actor, org account.OrganizationRef, ref account.UserRef, roles []string, malformed error) (account.Member, error) {
	var after account.Member
	err := s.change(ctx, actor, memberEntry(account.AuditWrite, account.OutcomeOK), func(ctx context.Context, tx *store.Tx, e *entry) error {
		organization, err := s.organization(ctx, tx, actor, org)
		if err != nil {
			return err
		}
		before, err := s.member(ctx, tx, actor, organization, ref)
		if before.User.ID != uuid.Nil {
			e.aboutMember(organization, before.User)
		}
		if err != nil {
			return err
		}
		if err := checkOrgRolesByHand(ctx, tx, organization.ID, before.User); err != nil {
			return err
		}
		if actor.Is(before.User.ID) {
			return account.Invalid("You cannot change your own organization roles.")
		}
		if malformed != nil {
			return malformed
		}
		wanted, err := s.authorizeOrgRoles(ctx, tx, actor, before, roles)
		if err != nil {
			return err
		}
		e.outdates(before.User.ID)
		if err := tx.UpdateMemberRoles(ctx, organization.ID, before.User.ID, wanted, s.now()); err != nil {
			return err
		}
		after, err = tx.Member(ctx, organization.ID, before.User.ID)
		e.Diff = account.MemberDiff(before, after)
		return err
	})
	return after, err
}

// authorizeOrgRoles asks whether the actor may give a member these organization
// roles instead of its own, and returns them without repetitions, each under its
// stored name.
func (s *Service) authorizeOrgRoles(ctx context.Context, tx *store.Tx, actor *account.Actor, before account.Member, names []string) ([]string, error) {
	wanted := map[string]account.Role{}
	for _, name := range names {
		role, err := orgRoleByName(ctx, tx, before.OrganizationID, name)
		if err != nil {
			return nil, err
		}
		wanted[role.Name] = role
	}
	for _, action := range []account.Action{account.ActionAssign, account.ActionUnassign} {
		if err := actor.Authorize(action, orgRoles(before.OrganizationID)); err != nil {
			return nil, err
		}
	}
	for _, name := range before.Roles {
		if _, stays := wanted[name]; !stays && !actor.MayAssignOrgRole(before.OrganizationID, before.Role(name)) {
			return nil, notAssignable(name)
		}
	}
	sorted := slices.Sorted(maps.Keys(wanted))
	for _, name := range sorted {
		if !slices.Contains(before.Roles, name) && !actor.MayAssignOrgRole(before.OrganizationID, wanted[name]) {
			return nil, notAssignable(name)
		}
	}
	return sorted, nil
}

func notAssignable(role string) error {
	return account.Invalid(fmt.Sprintf("You are not authorized to assign or remove the role %q.", role))
}

// orgRoleByName finds an organization role, built-in or custom.
func orgRoleByName(ctx context.Context, tx *store.Tx, organization uuid.UUID, name string) (account.Role, error) {
	if role, builtIn := account.BuiltInOrgRole(name); builtIn {
		return role, nil
	}
	if account.CheckOrganizationName(name) == nil {
		stored, err := tx.CustomRole(ctx, organization, name)
		if account.KindOf(err) != account.KindNotFound {
			return stored.Role, err
		}
	}
	return account.Role{}, account.Invalid(fmt.Sprintf("%q is not a supported role", name),
		account.FieldError{Field: "roles", Detail: fmt.Sprintf("%q is not a supported role", name)})
}
