package service

import (
	"context"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// Organization returns the organization that ref names, if the actor may read
// it.
func (s *Service) Organization(ctx context.Context, actor *account.Actor, ref account.OrganizationRef) (account.Organization, error) {
	return s.organization(ctx, s.Store.Direct(), actor, ref)
}

func (s *Service) organization(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.OrganizationRef) (account.Organization, error) {
	var organization account.Organization
	var err error
	switch {
	case ref.Default:
		organization, err = tx.DefaultOrganization(ctx)
	case ref.ID != uuid.Nil:
		organization, err = tx.OrganizationByID(ctx, ref.ID)
	default:
		organization, err = organizationByName(ctx, tx, ref.Name)
	}
	if err == nil && !actor.Can(account.ActionRead, organization.Object()) {
		return account.Organization{}, account.NotFound()
	}
	return organization, err
}

func organizationByName(ctx context.Context, tx *store.Tx, name string) (account.Organization, error) {
	if account.CheckOrganizationName(name) != nil { // nothing can have this name
		return account.Organization{}, account.NotFound()
	}
	return tx.OrganizationByName(ctx, name)
}

// UserOrganizations returns the organizations of a user that the actor may read.
func (s *Service) UserOrganizations(ctx context.Context, actor *account.Actor, ref account.UserRef) ([]account.Organization, error) {
	readable := []account.Organization{}
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		user, err := s.target(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		list, err := tx.UserOrganizations(ctx, user.ID)
		for _, organization := range list {
			if actor.Can(account.ActionRead, organization.Object()) {
				readable = append(readable, organization)
			}
		}
		return err
	})
	return readable, err
}

// UserOrganization returns an organization by its name. The user must exist, but
// need not be a member of it.
func (s *Service) UserOrganization(ctx context.Context, actor *account.Actor, ref account.UserRef, name string) (account.Organization, error) {
	var organization account.Organization
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := s.target(ctx, tx, actor, ref); err != nil {
			return err
		}
		var err error
		organization, err = s.organization(ctx, tx, actor, account.OrganizationRef{Name: name})
		return err
	})
	return organization, err
}
