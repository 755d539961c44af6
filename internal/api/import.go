package api

import (
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/sdk"
)

func (a *API) importUsers(c *call) error {
	var req sdk.ImportUsersRequest
	malformed := c.read(&req)
	users := make([]service.ImportedUser, len(req.Users))
	for i := range req.Users {
		users[i] = importedUser(&req.Users[i])
	}
	results, err := a.Service.ImportUsers(c.ctx(), c.actor, users, req.DryRun, malformed)
	if err != nil {
		return err
	}
	answer := sdk.ImportUsersResponse{Results: make([]sdk.ImportResult, len(results))}
	for i := range results {
		answer.Results[i] = toImportResult(results[i])
	}
	return c.ok(answer)
}

func importedUser(u *sdk.ImportUser) service.ImportedUser {
	return service.ImportedUser{
		NewUser: service.NewUser{
			Username: u.Username, Email: u.Email, Name: u.Name, ServiceAccount: u.ServiceAccount,
			LoginType: account.LoginType(u.LoginType), Status: account.UserStatus(u.Status), Roles: u.Roles,
		},
		PasswordHash: secret.Redacted(u.PasswordHash), AvatarURL: u.AvatarURL,
		CreatedAt: u.CreatedAt.UTC().Truncate(time.Microsecond), LastSeenAt: u.LastSeenAt.UTC().Truncate(time.Microsecond),
		Organizations: u.Organizations,
	}
}

func toImportResult(r service.ImportResult) sdk.ImportResult {
	result := sdk.ImportResult{Username: r.Username}
	if r.UserID != uuid.Nil {
		result.UserID = &r.UserID
	}
	switch {
	case r.Refusal != nil:
		result.Status = sdk.ImportStatusRefused
		_, why, _ := describe(r.Refusal)
		result.Message, result.Detail, result.Validations = why.Message, why.Detail, why.Validations
	case r.Created:
		result.Status = sdk.ImportStatusCreated
	case r.UserID != uuid.Nil:
		result.Status = sdk.ImportStatusExists
	default:
		result.Status = sdk.ImportStatusValid
	}
	return result
}
