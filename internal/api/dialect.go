package api

import (
	"fmt"
	"net/http"
	"strings"

	"usher/internal/account"
	"usher/sdk"
)

// Dialect is a way of writing the same answers: deployed clients decode a few
// things differently from the reference. Handlers know nothing of it.
type Dialect string

// The dialects.
const (
	Reference Dialect = "reference" // as the reference pages show them
	Coder     Dialect = "coder"     // as Coder's command line, SDK and Terraform provider decode them
	Legacy    Dialect = "legacy"    // the same, as of 2023
)

// ParseDialect finds a dialect by its name.
func ParseDialect(name string) (Dialect, error) {
	switch d := Dialect(name); d {
	case Reference, Coder, Legacy:
		return d, nil
	}
	return "", fmt.Errorf("%q is not one of reference, coder and legacy", name)
}

// dialectOf decides what the client of a request understands.
func (a *API) dialectOf(r *http.Request) (Dialect, error) {
	if name := r.Header.Get(sdk.DialectHeader); name != "" {
		dialect, err := ParseDialect(name)
		if err != nil {
			return "", account.Invalid(fmt.Sprintf("The header %s must be reference, coder or legacy.", sdk.DialectHeader))
		}
		return dialect, nil
	}
	if strings.HasPrefix(r.UserAgent(), "coder-cli/") {
		return Coder, nil
	}
	return a.Dialect, nil
}

// encode returns what stands for v in the dialect. Values that are the same in
// all of them are returned as they are.
func (d Dialect) encode(v any) any {
	switch v := v.(type) {
	case userRoles:
		if d == Reference {
			return v.User
		}
		return coderUserRoles{Roles: v.roleNames(), OrganizationRoles: v.OrganizationRoles}
	case sdk.AuthMethods:
		return d.encodeAuthMethods(v)
	}
	if d == Reference {
		return v
	}
	switch v := v.(type) {
	case sdk.User:
		return d.encodeUser(v)
	case []sdk.AssignableRole:
		return encodeEach(v, encodeAssignableRole)
	case sdk.AssignableRole:
		return encodeAssignableRole(v)
	case sdk.OrganizationMemberWithUserData:
		return d.encodeMember(v)
	case sdk.APIKey:
		return encodeKey(v)
	case []sdk.APIKeyWithOwner:
		return encodeEach(v, encodeKeyWithOwner)
	case sdk.AuditLog:
		return d.encodeAuditLog(v)
	case sdk.AuditLogsResponse:
		return coderAuditLogs{Count: v.Count, AuditLogs: encodeEach(v.AuditLogs, d.encodeAuditLog)}
	}
	return v
}

func encodeEach[From, To any](list []From, encode func(From) To) []To {
	encoded := make([]To, len(list))
	for i, v := range list {
		encoded[i] = encode(v)
	}
	return encoded
}

// coderUser leaves out what is empty. Its fields hide those of the user that it
// embeds.
type coderUser struct {
	sdk.User
	Name             string      `json:"name,omitempty"`
	AvatarURL        *string     `json:"avatar_url,omitempty"`
	IsServiceAccount bool        `json:"is_service_account,omitempty"`
	ThemePreference  string      `json:"theme_preference,omitempty"`
	Roles            []coderRole `json:"roles"`
}

type coderRole struct {
	Name           string `json:"name"`
	DisplayName    string `json:"display_name"`
	OrganizationID string `json:"organization_id,omitempty"`
}

func (d Dialect) encodeUser(u sdk.User) coderUser {
	encoded := coderUser{
		User: u, Name: u.Name, IsServiceAccount: u.IsServiceAccount, ThemePreference: u.ThemePreference,
		Roles: encodeRoles(u.Roles),
	}
	if u.AvatarURL != "" || d == Legacy {
		encoded.AvatarURL = &u.AvatarURL
	}
	return encoded
}

func encodeRoles(roles []sdk.SlimRole) []coderRole {
	return encodeEach(roles, func(r sdk.SlimRole) coderRole { return coderRole(r) })
}

type coderMember struct {
	sdk.OrganizationMemberWithUserData
	Name             string      `json:"name,omitempty"`
	AvatarURL        *string     `json:"avatar_url,omitempty"`
	IsServiceAccount bool        `json:"is_service_account,omitempty"`
	GlobalRoles      []coderRole `json:"global_roles"`
}

func (d Dialect) encodeMember(m sdk.OrganizationMemberWithUserData) coderMember {
	encoded := coderMember{
		OrganizationMemberWithUserData: m, Name: m.Name, IsServiceAccount: m.IsServiceAccount,
		GlobalRoles: encodeRoles(m.GlobalRoles),
	}
	if m.AvatarURL != "" || d == Legacy {
		encoded.AvatarURL = &m.AvatarURL
	}
	return encoded
}

type coderAssignableRole struct {
	sdk.AssignableRole
	OrganizationID string `json:"organization_id,omitempty"`
}

func encodeAssignableRole(r sdk.AssignableRole) coderAssignableRole {
	return coderAssignableRole{AssignableRole: r, OrganizationID: r.OrganizationID}
}

// coderKey has an allow list of strings.
type coderKey struct {
	sdk.APIKey
	AllowList []string `json:"allow_list"`
}

type coderKeyWithOwner struct {
	coderKey
	Username string `json:"username"`
}

func encodeKey(k sdk.APIKey) coderKey {
	return coderKey{APIKey: k, AllowList: encodeEach(k.AllowList, sdk.AllowListEntry.String)}
}

func encodeKeyWithOwner(k sdk.APIKeyWithOwner) coderKeyWithOwner {
	return coderKeyWithOwner{coderKey: encodeKey(k.APIKey), Username: k.Username}
}

type coderAuditLog struct {
	sdk.AuditLog
	User *coderUser `json:"user"`
}

type coderAuditLogs struct {
	AuditLogs []coderAuditLog `json:"audit_logs"`
	Count     int             `json:"count"`
}

func (d Dialect) encodeAuditLog(entry sdk.AuditLog) coderAuditLog {
	encoded := coderAuditLog{AuditLog: entry}
	if entry.User != nil {
		user := d.encodeUser(*entry.User)
		encoded.User = &user
	}
	return encoded
}

type coderAuthMethods struct {
	sdk.AuthMethods
	TermsOfServiceURL string             `json:"terms_of_service_url,omitempty"`
	OIDCProviders     []sdk.OIDCProvider `json:"oidc_providers,omitempty"`
}

type legacyAuthMethods struct {
	Password bool `json:"password"`
	GitHub   bool `json:"github"`
	OIDC     bool `json:"oidc"`
}

func (d Dialect) encodeAuthMethods(m sdk.AuthMethods) any {
	switch d {
	case Legacy:
		return legacyAuthMethods{Password: m.Password.Enabled, GitHub: m.GitHub.Enabled, OIDC: m.OIDC.Enabled}
	case Coder:
		return coderAuthMethods{AuthMethods: m, TermsOfServiceURL: m.TermsOfServiceURL, OIDCProviders: m.OIDCProviders}
	case Reference:
	}
	return m
}

// userRoles is the answer about a user's roles, which the reference and the
// deployed clients decode as two different things.
type userRoles struct {
	User              sdk.User
	OrganizationRoles map[string][]string
}

type coderUserRoles struct {
	Roles             []string            `json:"roles"`
	OrganizationRoles map[string][]string `json:"organization_roles"`
}

func (r userRoles) roleNames() []string {
	return encodeEach(r.User.Roles, func(role sdk.SlimRole) string { return role.Name })
}
