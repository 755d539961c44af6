package service

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// syncSettings is what the permissions on the settings of a sync are about: those
// of an organization, or with the nil UUID of the deployment.
func syncSettings(organization uuid.UUID) account.Object {
	return account.Object{Type: account.ResourceIDPSyncSettings, Organization: organization}
}

// syncEntry is the entry of a change to such settings.
func syncEntry(resource account.AuditResource, target string) account.AuditEntry {
	return account.AuditEntry{Action: account.AuditWrite, Resource: resource, Target: target, Outcome: account.OutcomeOK}
}

// OrganizationSyncSettings returns how people who log in come to organizations.
func (s *Service) OrganizationSyncSettings(ctx context.Context, actor *account.Actor) (account.OrganizationSync, error) {
	if err := actor.Authorize(account.ActionRead, syncSettings(uuid.Nil)); err != nil {
		return account.OrganizationSync{}, err
	}
	return s.organizationSync(ctx, s.Store.Direct())
}

// UpdateOrganizationSync replaces the settings. From then on they count instead of
// what the server was told at its start.
func (s *Service) UpdateOrganizationSync(ctx context.Context, actor *account.Actor, wanted account.OrganizationSync, malformed error) (account.OrganizationSync, error) {
	return s.changeOrganizationSync(ctx, actor, malformed, "mapping", func(account.OrganizationSync) account.OrganizationSync {
		return wanted
	})
}

// UpdateOrganizationSyncConfig replaces all of the settings but the mapping.
func (s *Service) UpdateOrganizationSyncConfig(ctx context.Context, actor *account.Actor, field string, assignDefault bool, malformed error) (account.OrganizationSync, error) {
	return s.changeOrganizationSync(ctx, actor, malformed, "mapping", func(settings account.OrganizationSync) account.OrganizationSync {
		settings.Field, settings.AssignDefault = field, assignDefault
		return settings
	})
}

// EditOrganizationSyncMapping adds lines to the mapping and removes others.
func (s *Service) EditOrganizationSyncMapping(ctx context.Context, actor *account.Actor, edit account.MappingEdit[uuid.UUID], malformed error) (account.OrganizationSync, error) {
	malformed = orElse(malformed, invalidFields(edit.Check()))
	return s.changeOrganizationSync(ctx, actor, malformed, "add", func(settings account.OrganizationSync) account.OrganizationSync {
		settings.Mapping = edit.Apply(settings.Mapping)
		return settings
	})
}

// changeOrganizationSync is a change to the settings; asked is the field of the
// request that names organizations.
func (s *Service) changeOrganizationSync(ctx context.Context, actor *account.Actor, malformed error, asked string, edit func(account.OrganizationSync) account.OrganizationSync) (account.OrganizationSync, error) {
	var after account.OrganizationSync
	template := syncEntry(account.AuditOrganizationSync, "Organization Sync")
	err := s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		deployment, err := tx.DeploymentID(ctx)
		if err != nil {
			return err
		}
		e.ResourceID = deployment
		if err := actor.Authorize(account.ActionUpdate, syncSettings(uuid.Nil)); err != nil {
			return err
		}
		if malformed != nil {
			return malformed
		}
		before, err := s.organizationSync(ctx, tx)
		if err != nil {
			return err
		}
		wanted := edit(before)
		if err := checkOrganizationSync(ctx, tx, before, wanted, asked); err != nil {
			return err
		}
		after = wanted.Distinct()
		e.Diff = account.OrganizationSyncDiff(before, after)
		return tx.UpdateOrganizationSync(ctx, after, s.now())
	})
	return after, err
}

// checkOrganizationSync refuses bad fields, and organizations that do not exist. One
// that was mapped before may have been deleted since.
func checkOrganizationSync(ctx context.Context, tx *store.Tx, before, wanted account.OrganizationSync, asked string) error {
	if err := invalidFields(wanted.Check()); err != nil {
		return err
	}
	added := account.NewTargets(before.Mapping, wanted.Mapping)
	found, err := tx.ListOrganizations(ctx, account.Reach{IDs: added})
	if err != nil {
		return err
	}
	exists := map[uuid.UUID]bool{}
	for _, organization := range found {
		exists[organization.ID] = true
	}
	faults := []account.FieldError{}
	for _, id := range added {
		if !exists[id] {
			faults = append(faults, account.FieldError{Field: asked, Detail: fmt.Sprintf("organization %s does not exist", id)})
		}
	}
	return invalidFields(faults)
}

// RoleSyncSettings returns how members of an organization who log in come to its
// roles.
func (s *Service) RoleSyncSettings(ctx context.Context, actor *account.Actor, ref account.OrganizationRef) (account.RoleSync, error) {
	var settings account.RoleSync
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		organization, err := s.organization(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		if err := actor.Authorize(account.ActionRead, syncSettings(organization.ID)); err != nil {
			return err
		}
		settings, err = tx.RoleSync(ctx, organization.ID)
		return err
	})
	return settings.Distinct(), err
}

// UpdateRoleSync replaces the settings of an organization.
func (s *Service) UpdateRoleSync(ctx context.Context, actor *account.Actor, ref account.OrganizationRef, wanted account.RoleSync, malformed error) (account.RoleSync, error) {
	return s.changeRoleSync(ctx, actor, ref, malformed, "mapping", func(account.RoleSync) account.RoleSync { return wanted })
}

// UpdateRoleSyncConfig replaces all of the settings but the mapping.
func (s *Service) UpdateRoleSyncConfig(ctx context.Context, actor *account.Actor, ref account.OrganizationRef, field string, malformed error) (account.RoleSync, error) {
	return s.changeRoleSync(ctx, actor, ref, malformed, "mapping", func(settings account.RoleSync) account.RoleSync {
		settings.Field = field
		return settings
	})
}

// EditRoleSyncMapping adds lines to the mapping and removes others.
func (s *Service) EditRoleSyncMapping(ctx context.Context, actor *account.Actor, ref account.OrganizationRef, edit account.MappingEdit[string], malformed error) (account.RoleSync, error) {
	malformed = orElse(malformed, invalidFields(edit.Check()))
	return s.changeRoleSync(ctx, actor, ref, malformed, "add", func(settings account.RoleSync) account.RoleSync {
		settings.Mapping = edit.Apply(settings.Mapping)
		return settings
	})
}

// changeRoleSync is a change to the settings of an organization; asked is the field
// of the request that names roles.
func (s *Service) changeRoleSync(ctx context.Context, actor *account.Actor, ref account.OrganizationRef, malformed error, asked string, edit func(account.RoleSync) account.RoleSync) (account.RoleSync, error) {
	var after account.RoleSync
	template := syncEntry(account.AuditRoleSync, "Organization Role Sync")
	err := s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		organization, err := s.organization(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		e.ResourceID, e.OrganizationID = organization.ID, organization.ID
		if err := actor.Authorize(account.ActionUpdate, syncSettings(organization.ID)); err != nil {
			return err
		}
		if malformed != nil {
			return malformed
		}
		before, err := tx.RoleSync(ctx, organization.ID)
		if err != nil {
			return err
		}
		wanted := edit(before)
		if err := checkRoleSync(ctx, tx, actor, organization.ID, before, wanted, asked); err != nil {
			return err
		}
		after = wanted.Distinct()
		e.Diff = account.RoleSyncDiff(before, after)
		return tx.UpdateRoleSync(ctx, organization.ID, after, s.now())
	})
	return after, err
}

// checkRoleSync refuses bad fields, names that are no roles of the organization, and
// roles that the actor may not assign: a mapping gives them all the same, and may
// give them to the actor. Lines that were there before are nobody's doing now; what
// they name may have been deleted since.
func checkRoleSync(ctx context.Context, tx *store.Tx, actor *account.Actor, organization uuid.UUID, before, wanted account.RoleSync, asked string) error {
	if err := invalidFields(wanted.Check()); err != nil {
		return err
	}
	custom, err := customRolesOf(ctx, tx, organization)
	if err != nil {
		return err
	}
	faults := []account.FieldError{}
	for _, name := range account.NewTargets(before.Mapping, wanted.Mapping) {
		role, known := custom.find(name)
		switch {
		case !known:
			faults = append(faults, account.FieldError{Field: asked, Detail: fmt.Sprintf("%q is not a supported role", name)})
		case !actor.MayAssignOrgRole(organization, role):
			faults = append(faults, account.FieldError{Field: asked, Detail: fmt.Sprintf("you are not authorized to assign the role %q", name)})
		}
	}
	return invalidFields(faults)
}
