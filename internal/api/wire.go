package api

import (
	"time"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/sdk"
)

func toUser(u account.User) sdk.User {
	user := sdk.User{
		ID:               u.ID,
		Username:         u.Username,
		Name:             u.Name,
		AvatarURL:        u.AvatarURL,
		Email:            u.Email,
		CreatedAt:        u.CreatedAt,
		UpdatedAt:        u.UpdatedAt,
		LastSeenAt:       u.LastSeenAt,
		Status:           sdk.UserStatus(u.Status),
		LoginType:        sdk.LoginType(u.LoginType),
		IsServiceAccount: u.IsServiceAccount,
		HasAISeat:        u.HasAISeat(),
		ThemePreference:  u.ThemePreference,
		OrganizationIDs:  orEmpty(u.OrganizationIDs),
		Roles:            make([]sdk.SlimRole, len(u.Roles)),
	}
	for i, name := range u.Roles {
		user.Roles[i] = sdk.SlimRole{Name: name, DisplayName: account.SiteRoleDisplayName(name)}
	}
	return user
}

// orEmpty keeps null out of the answers.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func toOrganization(o account.Organization) sdk.Organization {
	return sdk.Organization{
		ID:          o.ID,
		Name:        o.Name,
		DisplayName: o.DisplayName,
		Description: o.Description,
		Icon:        o.Icon,
		CreatedAt:   o.CreatedAt,
		UpdatedAt:   o.UpdatedAt,
		IsDefault:   o.IsDefault,
	}
}

func toAssignableRole(r service.SiteRole) sdk.AssignableRole {
	return sdk.AssignableRole{
		Role: sdk.Role{
			Name:                    r.Name,
			DisplayName:             r.DisplayName,
			SitePermissions:         toPermissions(r.Site.List()),
			OrganizationPermissions: toPermissions(r.Org.List()),
			UserPermissions:         toPermissions(r.User.List()),
		},
		Assignable: r.Assignable,
		BuiltIn:    true,
	}
}

func toKey(k account.APIKey) sdk.APIKey {
	return sdk.APIKey{
		ID:              k.ID,
		UserID:          k.UserID,
		LastUsed:        k.LastUsed,
		ExpiresAt:       k.ExpiresAt,
		CreatedAt:       k.CreatedAt,
		UpdatedAt:       k.UpdatedAt,
		LoginType:       sdk.LoginType(k.LoginType),
		Scope:           sdk.APIKeyScope(k.LegacyScope()),
		Scopes:          encodeEach(k.Scopes, func(name string) sdk.APIKeyScope { return sdk.APIKeyScope(name) }),
		TokenName:       k.Name,
		LifetimeSeconds: int64(k.Lifetime / time.Second),
		ReplacedBy:      k.ReplacedBy,
		AllowList: encodeEach(k.AllowList, func(e account.AllowListEntry) sdk.AllowListEntry {
			return sdk.AllowListEntry{Type: e.Type.String(), ID: e.IDString()}
		}),
	}
}

func toAssignableOrgRole(r service.OrgRole) sdk.AssignableRole {
	return sdk.AssignableRole{
		Role: sdk.Role{
			Name:                    r.Name,
			DisplayName:             r.DisplayName,
			OrganizationID:          r.OrganizationID.String(),
			SitePermissions:         toPermissions(r.Site.List()),
			OrganizationPermissions: toPermissions(r.OrgPermissions()),
			UserPermissions:         toPermissions(r.OrgOwned.List()),
		},
		Assignable: r.Assignable,
		BuiltIn:    r.BuiltIn,
	}
}

func toPermissions(list []account.Permission) []sdk.Permission {
	return encodeEach(list, func(p account.Permission) sdk.Permission {
		return sdk.Permission{Negate: p.Negate, ResourceType: p.Resource.String(), Action: p.Action.String()}
	})
}

func toAuditLog(r account.AuditRecord) sdk.AuditLog {
	entry := sdk.AuditLog{
		ID:               r.ID,
		RequestID:        r.RequestID,
		Time:             r.Time,
		IP:               r.IP,
		UserAgent:        r.UserAgent,
		ResourceType:     string(r.Resource),
		ResourceID:       r.ResourceID,
		ResourceTarget:   r.Target,
		Action:           sdk.AuditAction(r.Action),
		Diff:             make(map[string]sdk.AuditDiffField, len(r.Diff)),
		StatusCode:       statusOfOutcome(r.Outcome),
		AdditionalFields: make(map[string]any, len(r.Additional)),
		Description:      r.Description(),
		ResourceLink:     r.ResourceLink(),
		IsDeleted:        r.ResourceDeleted,
		OrganizationID:   r.OrganizationID,
	}
	for field, change := range r.Diff {
		entry.Diff[field] = sdk.AuditDiffField(change)
	}
	for field, text := range r.Additional {
		entry.AdditionalFields[field] = text
	}
	if r.Organization != nil {
		entry.Organization = &sdk.MinimalOrganization{
			ID: r.Organization.ID, Name: r.Organization.Name,
			DisplayName: r.Organization.DisplayName, Icon: r.Organization.Icon,
		}
	}
	if r.Actor != nil {
		actor := toUser(*r.Actor)
		actor.OrganizationIDs = orEmpty(actor.OrganizationIDs[:0])
		entry.User = &actor
	}
	return entry
}

// newUser reads the request for a user. Older clients name one organization by
// itself.
func newUser(req sdk.CreateUserRequest) service.NewUser {
	organizations := req.OrganizationIDs
	if req.OrganizationID != nil {
		organizations = append(organizations, *req.OrganizationID)
	}
	n := service.NewUser{
		Username:        req.Username,
		Name:            req.Name,
		Email:           req.Email,
		Password:        secret.Redacted(req.Password),
		LoginType:       account.LoginType(req.LoginType),
		ServiceAccount:  req.ServiceAccount,
		Roles:           req.Roles,
		OrganizationIDs: organizations,
	}
	if req.UserStatus != nil {
		n.Status = account.UserStatus(*req.UserStatus)
	}
	return n
}
