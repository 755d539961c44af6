package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
)

const deploymentIDKey = "deployment_id"

// createDefaults makes what every deployment has from the start: its id and the
// default organization. It does nothing where they are there.
func createDefaults(ctx context.Context, tx *Tx) error {
	_, err := tx.exec(ctx, `INSERT INTO deployment (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`,
		deploymentIDKey, uuid.NewString())
	if err != nil {
		return err
	}
	_, err = tx.DefaultOrganization(ctx)
	if account.KindOf(err) != account.KindNotFound {
		return err
	}
	now := time.Now()
	return tx.InsertOrganization(ctx, account.Organization{
		ID:          uuid.New(),
		Name:        "coder",
		DisplayName: "Coder",
		Description: "Builtin default organization.",
		IsDefault:   true,
		CreatedAt:   now,
		UpdatedAt:   now,
	})
}

// DeploymentID returns the id that the deployment was given when its database
// was made.
func (tx *Tx) DeploymentID(ctx context.Context) (uuid.UUID, error) {
	return one(ctx, tx, value[uuid.UUID], `SELECT value FROM deployment WHERE key = $1`, deploymentIDKey)
}

// HasUsers reports whether there is any user that is not deleted.
func (tx *Tx) HasUsers(ctx context.Context) (bool, error) {
	return one(ctx, tx, value[bool], `SELECT EXISTS (SELECT 1 FROM users WHERE NOT deleted)`)
}
