package service

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// ListOrganizations returns the organizations that the actor may read, the
// default one first.
func (s *Service) ListOrganizations(ctx context.Context, actor *account.Actor) ([]account.Organization, error) {
	return s.Store.Direct().ListOrganizations(ctx, actor.ReadableOrganizations())
}

// NewOrganization is what is known of an organization that is to be created.
type NewOrganization struct {
	Name        string
	DisplayName string // empty: the name
	Description string
	Icon        string
}

func organizationEntry(action account.AuditAction, outcome account.Outcome) account.AuditEntry {
	return account.AuditEntry{Action: action, Resource: account.AuditOrganization, Outcome: outcome}
}

// aboutOrganization names the organization that an attempt is about.
func (e *entry) aboutOrganization(o account.Organization) {
	e.ResourceID, e.Target, e.OrganizationID = o.ID, o.Name, o.ID
}

// CreateOrganization adds an organization, whose first member is the actor.
func (s *Service) CreateOrganization(ctx context.Context, actor *account.Actor, n NewOrganization, malformed error) (account.Organization, error) {
	now := s.now()
	created := account.Organization{
		ID: uuid.New(), Name: n.Name, DisplayName: n.DisplayName, Description: n.Description, Icon: n.Icon,
		CreatedAt: now, UpdatedAt: now,
	}
	if created.DisplayName == "" {
		created.DisplayName = created.Name
	}
	if err := orElse(malformed, invalidFields(created.Check())); err != nil {
		return account.Organization{}, err
	}
	template := organizationEntry(account.AuditCreate, account.OutcomeCreated)
	err := s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		e.ResourceID, e.Target = created.ID, created.Name
		if err := actor.Authorize(account.ActionCreate, account.Object{Type: account.ResourceOrganization}); err != nil {
			return err
		}
		if err := tx.InsertOrganization(ctx, created); err != nil {
			return organizationExists(err)
		}
		e.aboutOrganization(created)
		e.outdates(actor.User.ID)
		e.Diff = account.OrganizationDiff(account.Organization{}, created)
		return tx.InsertMember(ctx, created.ID, actor.User.ID, now)
	})
	return created, err
}

func organizationExists(err error) error {
	return wordConflict(err, "An organization with this name already exists.")
}

// invalidFields refuses a request because of its fields, if there are faults.
func invalidFields(faults []account.FieldError) error {
	if len(faults) == 0 {
		return nil
	}
	return account.ValidationFailed(faults...)
}

// OrganizationPatch changes what is set: empty names stay as they are, and so do
// nil texts.
type OrganizationPatch struct {
	Name        string
	DisplayName string
	Description *string
	Icon        *string
}

func (p OrganizationPatch) apply(o account.Organization) account.Organization {
	if p.Name != "" {
		o.Name = p.Name
	}
	if p.DisplayName != "" {
		o.DisplayName = p.DisplayName
	}
	if p.Description != nil {
		o.Description = *p.Description
	}
	if p.Icon != nil {
		o.Icon = *p.Icon
	}
	return o
}

// UpdateOrganization changes what an organization is called and how it is
// described.
func (s *Service) UpdateOrganization(ctx context.Context, actor *account.Actor, ref account.OrganizationRef, p OrganizationPatch, malformed error) (account.Organization, error) {
	var after account.Organization
	template := organizationEntry(account.AuditWrite, account.OutcomeOK)
	err := s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		before, err := s.organization(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		e.aboutOrganization(before)
		if err := hide(actor.Authorize(account.ActionUpdate, before.Object())); err != nil {
			return err
		}
		after = p.apply(before)
		after.UpdatedAt = s.now()
		if err := orElse(malformed, invalidFields(after.Check())); err != nil {
			return err
		}
		e.Diff = account.OrganizationDiff(before, after)
		return organizationExists(tx.UpdateOrganization(ctx, after))
	})
	return after, err
}

// DeleteOrganization deletes an organization that has no members but, at most,
// the actor.
func (s *Service) DeleteOrganization(ctx context.Context, actor *account.Actor, ref account.OrganizationRef) error {
	template := organizationEntry(account.AuditDelete, account.OutcomeOK)
	return s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		before, err := s.organization(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		e.aboutOrganization(before)
		if err := actor.Authorize(account.ActionDelete, before.Object()); err != nil {
			return err
		}
		if before.IsDefault {
			return account.Invalid("The default organization cannot be deleted.")
		}
		if err := s.checkAbandoned(ctx, tx, actor, before); err != nil {
			return err
		}
		after := before
		after.Deleted, after.UpdatedAt = true, s.now()
		e.Diff = account.OrganizationDiff(before, after)
		if e.outdated, err = tx.MemberIDs(ctx, before.ID, ""); err != nil {
			return err
		}
		return tx.UpdateOrganization(ctx, after)
	})
}

// checkAbandoned refuses to delete an organization that others belong to, and
// names what is in the way.
func (s *Service) checkAbandoned(ctx context.Context, tx *store.Tx, actor *account.Actor, o account.Organization) error {
	list := store.MemberList{OrganizationID: o.ID, Users: store.UserList{Readable: account.Reach{All: true}}}
	members, err := tx.CountMembers(ctx, list)
	if err != nil {
		return err
	}
	_, err = tx.Member(ctx, o.ID, actor.User.ID)
	switch account.KindOf(err) {
	case "":
		members--
	case account.KindNotFound:
	default:
		return err
	}
	if members == 0 {
		return nil
	}
	conflict := account.Conflict(fmt.Sprintf("The organization %q cannot be deleted while others belong to it.", o.Name))
	conflict.Detail = "It has one other member: remove it first."
	if members > 1 {
		conflict.Detail = fmt.Sprintf("It has %d other members: remove them first.", members)
	}
	return conflict
}
