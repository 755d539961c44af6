package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
)

// The kinds of settings of a sync.
const (
	syncOfOrganizations = "organization" // of the deployment, under the nil UUID
	syncOfRoles         = "role"         // of an organization
)

// OrganizationSync returns how people come to organizations, and whether that was
// ever stored.
func (tx *Tx) OrganizationSync(ctx context.Context) (settings account.OrganizationSync, stored bool, err error) {
	return syncSettings[account.OrganizationSync](ctx, tx, uuid.Nil, syncOfOrganizations)
}

// UpdateOrganizationSync stores how people come to organizations.
func (tx *Tx) UpdateOrganizationSync(ctx context.Context, settings account.OrganizationSync, at time.Time) error {
	return tx.updateSync(ctx, uuid.Nil, syncOfOrganizations, encode(settings), at)
}

// RoleSync returns how the members of an organization come to its roles; the zero
// value where that was never stored.
func (tx *Tx) RoleSync(ctx context.Context, organizationID uuid.UUID) (account.RoleSync, error) {
	settings, _, err := syncSettings[account.RoleSync](ctx, tx, organizationID, syncOfRoles)
	return settings, err
}

// UpdateRoleSync stores how the members of an organization come to its roles.
func (tx *Tx) UpdateRoleSync(ctx context.Context, organizationID uuid.UUID, settings account.RoleSync, at time.Time) error {
	return tx.updateSync(ctx, organizationID, syncOfRoles, encode(settings), at)
}

// RoleSyncs returns how roles are synced in those of a user's organizations where
// that was stored.
func (tx *Tx) RoleSyncs(ctx context.Context, userID uuid.UUID) (map[uuid.UUID]account.RoleSync, error) {
	list, err := many(ctx, tx, scanRoleSync, `
		SELECT s.organization_id, s.settings
		  FROM idp_sync_settings s JOIN organization_members m ON m.organization_id = s.organization_id
		 WHERE m.user_id = $1 AND s.kind = $2`, userID, syncOfRoles)
	syncs := map[uuid.UUID]account.RoleSync{}
	for _, one := range list {
		syncs[one.organization] = one.settings
	}
	return syncs, err
}

type organizationRoleSync struct {
	organization uuid.UUID
	settings     account.RoleSync
}

func scanRoleSync(r row) (organizationRoleSync, error) {
	var one organizationRoleSync
	err := r.Scan(&one.organization, document[account.RoleSync]{&one.settings})
	return one, err
}

func syncSettings[T any](ctx context.Context, tx *Tx, organizationID uuid.UUID, kind string) (settings T, stored bool, err error) {
	list, err := many(ctx, tx, scanDocument[T], `
		SELECT s.settings FROM idp_sync_settings s WHERE s.organization_id = $1 AND s.kind = $2`, organizationID, kind)
	if err != nil || len(list) == 0 {
		return settings, false, err
	}
	return list[0], true, nil
}

func scanDocument[T any](r row) (T, error) {
	var v T
	err := r.Scan(document[T]{&v})
	return v, err
}

func (tx *Tx) updateSync(ctx context.Context, organizationID uuid.UUID, kind, settings string, at time.Time) error {
	_, err := tx.exec(ctx, `
		INSERT INTO idp_sync_settings (organization_id, kind, settings, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (organization_id, kind) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at`,
		organizationID, kind, settings, micro(at))
	return err
}
