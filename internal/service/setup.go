package service

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

// NewUser is what is known of a user that is to be created.
type NewUser struct {
	Username        string
	Name            string
	Email           string
	Password        secret.Redacted
	LoginType       account.LoginType
	Status          account.UserStatus
	ServiceAccount  bool
	Roles           []string
	OrganizationIDs []uuid.UUID // the nil UUID stands for the default organization
}

// validate reports every bad field at once, under its name on the wire.
func (n *NewUser) validate() error {
	v := n.faults()
	return v.failure()
}

// validateWithPassword is validate for an account that cannot be without one.
func (n *NewUser) validateWithPassword() error {
	v := n.faults()
	if n.Password == "" {
		v.check("password", fmt.Errorf("must not be empty"))
	}
	return v.failure()
}

func (n *NewUser) faults() validation {
	var v validation
	if !n.ServiceAccount {
		v.check("email", account.CheckEmail(n.Email))
	}
	v.check("username", account.CheckUsername(n.Username))
	v.check("name", account.CheckRealName(n.Name))
	v.check("user_status", checkStatus(n.Status))
	return v
}

// FirstUser is the answer to the creation of the first user.
type FirstUser struct {
	UserID         uuid.UUID
	OrganizationID uuid.UUID
}

// HasFirstUser reports whether there is any user.
func (s *Service) HasFirstUser(ctx context.Context) (bool, error) {
	return s.Store.Direct().HasUsers(ctx)
}

// DeploymentID returns the id of the deployment, made with its database.
func (s *Service) DeploymentID(ctx context.Context) (uuid.UUID, error) {
	return s.Store.Direct().DeploymentID(ctx)
}

// CreateFirstUser makes the first user, an owner. Of many who try at once one
// wins; the others, and all who come later, get a conflict.
func (s *Service) CreateFirstUser(ctx context.Context, actor *account.Actor, n NewUser, malformed error) (FirstUser, error) {
	if err := orElse(malformed, n.validateWithPassword()); err != nil {
		return FirstUser{}, err
	}
	if err := s.Store.Read(ctx, noUsersYet); err != nil {
		return FirstUser{}, err
	}
	if err := checkPassword(n.Password); err != nil {
		return FirstUser{}, err
	}
	hash, err := s.hash(ctx, n.Password.Reveal())
	if err != nil {
		return FirstUser{}, err
	}
	n.LoginType, n.Status, n.Roles = account.LoginPassword, account.StatusActive, []string{account.RoleOwner}
	var created account.User
	err = s.change(ctx, actor, createdUser(), func(ctx context.Context, tx *store.Tx, e *entry) error {
		if err := noUsersYet(ctx, tx); err != nil {
			return err
		}
		organization, err := tx.DefaultOrganization(ctx)
		if err != nil {
			return err
		}
		created = s.build(n, []uuid.UUID{organization.ID})
		e.ActorID = created.ID
		e.Diff = account.UserDiff(account.User{}, created, true)
		if err := tx.InsertUser(ctx, created, hash); err != nil {
			return err
		}
		e.about(created)
		return nil
	})
	if err != nil {
		return FirstUser{}, err
	}
	return FirstUser{UserID: created.ID, OrganizationID: created.OrganizationIDs[0]}, nil
}

func noUsersYet(ctx context.Context, tx *store.Tx) error {
	has, err := tx.HasUsers(ctx)
	if err == nil && has {
		return account.Conflict("The initial user has already been created.")
	}
	return err
}

func createdUser() account.AuditEntry {
	return account.AuditEntry{Action: account.AuditCreate, Resource: account.AuditUser, Outcome: account.OutcomeCreated}
}

// build makes the user that NewUser describes.
func (s *Service) build(n NewUser, organizations []uuid.UUID) account.User {
	now := s.now()
	return account.User{
		ID:               uuid.New(),
		Username:         n.Username,
		Name:             n.Name,
		Email:            n.Email,
		Status:           n.Status,
		LoginType:        n.LoginType,
		IsServiceAccount: n.ServiceAccount,
		Roles:            slices.Compact(slices.Sorted(slices.Values(n.Roles))),
		OrganizationIDs:  organizations,
		CreatedAt:        now,
		UpdatedAt:        now,
	}
}
