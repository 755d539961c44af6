package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one endpoint.
type route struct {
	method    string
	path      string // as net/http's ServeMux has it
	operation string // its operationId in openapi.yaml
	access    access
	limit     limit
	handle    func(*call) error
}

// access says who may call a route at all; what they may do there is the
// service's business.
type access int

const (
	forEveryone access = iota // with or without a credential
	forUsers                  // with a valid credential
	forProbes                 // a credential is not even looked at
)

// limit says how often a route may be called.
type limit int

const (
	unlimited  limit = iota
	apiLimit         // the configured limit
	loginLimit       // that, or 60 a minute where it is less: guessing must be slow
)

// routes is the map of the API.
func (a *API) routes() []route {
	return append(a.pageRoutes(), []route{
		{"GET", "/healthz", "healthz", forProbes, unlimited, a.healthz},
		{"GET", "/readyz", "readyz", forProbes, unlimited, a.readyz},
		{"GET", "/metrics", "metrics", forProbes, unlimited, a.showMetrics},

		{"GET", "/api/v2", "apiRoot", forEveryone, apiLimit, a.apiRoot},
		{"GET", "/api/v2/buildinfo", "buildInfo", forEveryone, apiLimit, a.buildInfo},
		{"GET", "/api/v2/openapi.yaml", "openAPI", forEveryone, apiLimit, a.openAPI},

		{"GET", "/api/v2/users/first", "hasFirstUser", forEveryone, apiLimit, a.hasFirstUser},
		{"POST", "/api/v2/users/first", "createFirstUser", forEveryone, apiLimit, a.createFirstUser},
		{"POST", "/api/v2/users/login", "login", forEveryone, loginLimit, a.login},
		{"POST", "/api/v2/users/logout", "logout", forUsers, apiLimit, a.logout},
		{"GET", "/api/v2/users/authmethods", "authMethods", forEveryone, apiLimit, a.authMethods},
		{"POST", "/api/v2/users/otp/request", "requestOneTimePasscode", forEveryone, loginLimit, a.requestPasscode},
		{"POST", "/api/v2/users/otp/change-password", "changePasswordWithOneTimePasscode", forEveryone, loginLimit, a.resetPasswordByPasscode},
		{"POST", "/api/v2/users/validate-password", "validatePassword", forEveryone, loginLimit, a.validatePassword},
		{"GET", "/api/v2/users/roles", "listSiteRoles", forUsers, apiLimit, a.listSiteRoles},

		{"GET", "/api/v2/users", "listUsers", forUsers, apiLimit, a.listUsers},
		{"POST", "/api/v2/users", "createUser", forUsers, apiLimit, a.createUser},
		{"POST", "/api/v2/users/import", "importUsers", forUsers, apiLimit, a.importUsers},
		{"GET", "/api/v2/users/{user}", "getUser", forUsers, apiLimit, a.getUser},
		{"DELETE", "/api/v2/users/{user}", "deleteUser", forUsers, apiLimit, a.deleteUser},
		{"POST", "/api/v2/users/{user}/erase", "eraseUser", forUsers, apiLimit, a.eraseUser},
		{"PUT", "/api/v2/users/{user}/profile", "updateUserProfile", forUsers, apiLimit, a.updateUserProfile},
		{"PUT", "/api/v2/users/{user}/email", "updateUserEmail", forUsers, apiLimit, a.updateUserEmail},
		{"PUT", "/api/v2/users/{user}/password", "updateUserPassword", forUsers, loginLimit, a.updateUserPassword},
		{"PUT", "/api/v2/users/{user}/status/activate", "activateUser", forUsers, apiLimit, a.activateUser},
		{"PUT", "/api/v2/users/{user}/status/suspend", "suspendUser", forUsers, apiLimit, a.suspendUser},
		{"GET", "/api/v2/users/{user}/roles", "getUserRoles", forUsers, apiLimit, a.getUserRoles},
		{"PUT", "/api/v2/users/{user}/roles", "updateUserRoles", forUsers, apiLimit, a.updateUserRoles},
		{"GET", "/api/v2/users/{user}/login-type", "getUserLoginType", forUsers, apiLimit, a.getUserLoginType},
		{"GET", "/api/v2/users/{user}/identities", "listIdentities", forUsers, apiLimit, a.listIdentities},
		{"POST", "/api/v2/users/{user}/identities", "linkIdentity", forUsers, apiLimit, a.linkIdentity},
		{"DELETE", "/api/v2/users/{user}/identities/{identity}", "unlinkIdentity", forUsers, apiLimit, a.unlinkIdentity},
		{"POST", "/api/v2/users/{user}/convert-login", "convertLoginType", forUsers, loginLimit, a.convertLoginType},
		{"GET", "/api/v2/users/{user}/organizations", "listUserOrganizations", forUsers, apiLimit, a.listUserOrganizations},
		{"GET", "/api/v2/users/{user}/organizations/{organizationname}", "getUserOrganization", forUsers, apiLimit, a.getUserOrganization},
		{"GET", "/api/v2/users/{user}/appearance", "getUserAppearance", forUsers, apiLimit, a.getUserAppearance},
		{"PUT", "/api/v2/users/{user}/appearance", "updateUserAppearance", forUsers, apiLimit, a.updateUserAppearance},
		{"GET", "/api/v2/users/{user}/preferences", "getUserPreferences", forUsers, apiLimit, a.getUserPreferences},
		{"PUT", "/api/v2/users/{user}/preferences", "updateUserPreferences", forUsers, apiLimit, a.updateUserPreferences},
		{"GET", "/api/v2/users/{user}/autofill-parameters", "listAutofillParameters", forUsers, apiLimit, a.listAutofillParameters},
		{"POST", "/api/v2/users/{user}/autofill-parameters", "recordAutofillParameters", forUsers, apiLimit, a.recordAutofillParameters},
		{"POST", "/api/v2/users/{user}/ai-seat", "recordAISeat", forUsers, apiLimit, a.recordAISeat},
		{"DELETE", "/api/v2/users/{user}/ai-seat", "releaseAISeat", forUsers, apiLimit, a.releaseAISeat},
		{"POST", "/api/v2/users/{user}/keys", "createSessionKey", forUsers, apiLimit, a.createSessionKey},
		{"GET", "/api/v2/users/{user}/keys/{keyid}", "getKey", forUsers, apiLimit, a.getKey},
		{"DELETE", "/api/v2/users/{user}/keys/{keyid}", "deleteKey", forUsers, apiLimit, a.deleteKey},
		{"PUT", "/api/v2/users/{user}/keys/{keyid}/expire", "expireKey", forUsers, apiLimit, a.expireKey},
		{"POST", "/api/v2/users/{user}/keys/{keyid}/rotate", "rotateKey", forUsers, apiLimit, a.rotateKey},
		{"GET", "/api/v2/users/{user}/keys/tokens", "listTokens", forUsers, apiLimit, a.listTokens},
		{"POST", "/api/v2/users/{user}/keys/tokens", "createToken", forUsers, apiLimit, a.createToken},
		{"GET", "/api/v2/users/{user}/keys/tokens/tokenconfig", "getTokenConfig", forUsers, apiLimit, a.tokenConfig},
		{"GET", "/api/v2/users/{user}/keys/tokens/{keyname}", "getToken", forUsers, apiLimit, a.getToken},

		{"GET", "/api/v2/users/{user}/gitsshkey", "getGitSSHKey", forUsers, apiLimit, a.getGitSSHKey},
		{"PUT", "/api/v2/users/{user}/gitsshkey", "regenerateGitSSHKey", forUsers, apiLimit, a.regenerateGitSSHKey},
		{"GET", "/api/v2/users/{user}/gitsshkey/private", "getGitSSHPrivateKey", forUsers, apiLimit, a.getGitSSHPrivateKey},

		{"GET", "/api/v2/auth/scopes", "listScopes", forEveryone, apiLimit, a.listScopes},
		{"POST", "/api/v2/authcheck", "checkPermissions", forUsers, apiLimit, a.checkPermissions},

		{"GET", "/api/v2/organizations", "listOrganizations", forUsers, apiLimit, a.listOrganizations},
		{"POST", "/api/v2/organizations", "createOrganization", forUsers, apiLimit, a.createOrganization},
		{"GET", "/api/v2/organizations/{organization}", "getOrganization", forUsers, apiLimit, a.getOrganization},
		{"PATCH", "/api/v2/organizations/{organization}", "updateOrganization", forUsers, apiLimit, a.updateOrganization},
		{"DELETE", "/api/v2/organizations/{organization}", "deleteOrganization", forUsers, apiLimit, a.deleteOrganization},
		{"GET", "/api/v2/organizations/{organization}/members", "listMembers", forUsers, apiLimit, a.listMembers},
		{"GET", "/api/v2/organizations/{organization}/paginated-members", "listMembersPaginated", forUsers, apiLimit, a.listMembersPaginated},
		{"GET", "/api/v2/organizations/{organization}/members/{user}", "getMember", forUsers, apiLimit, a.getMember},
		{"POST", "/api/v2/organizations/{organization}/members/{user}", "addMember", forUsers, apiLimit, a.addMember},
		{"DELETE", "/api/v2/organizations/{organization}/members/{user}", "removeMember", forUsers, apiLimit, a.removeMember},
		{"PUT", "/api/v2/organizations/{organization}/members/{user}/roles", "updateMemberRoles", forUsers, apiLimit, a.updateMemberRoles},
		{"GET", "/api/v2/organizations/{organization}/members/roles", "listOrganizationRoles", forUsers, apiLimit, a.listOrganizationRoles},
		{"POST", "/api/v2/organizations/{organization}/members/roles", "createOrganizationRole", forUsers, apiLimit, a.createOrganizationRole},
		{"PUT", "/api/v2/organizations/{organization}/members/roles", "updateOrganizationRole", forUsers, apiLimit, a.updateOrganizationRole},
		{"DELETE", "/api/v2/organizations/{organization}/members/roles/{rolename}", "deleteOrganizationRole", forUsers, apiLimit, a.deleteOrganizationRole},

		{"GET", "/api/v2/settings/idpsync/organization", "getOrganizationSync", forUsers, apiLimit, a.getOrganizationSync},
		{"PATCH", "/api/v2/settings/idpsync/organization", "updateOrganizationSync", forUsers, apiLimit, a.updateOrganizationSync},
		{"PATCH", "/api/v2/settings/idpsync/organization/config", "updateOrganizationSyncConfig", forUsers, apiLimit, a.updateOrganizationSyncConfig},
		{"PATCH", "/api/v2/settings/idpsync/organization/mapping", "updateOrganizationSyncMapping", forUsers, apiLimit, a.updateOrganizationSyncMapping},
		{"GET", "/api/v2/organizations/{organization}/settings/idpsync/roles", "getRoleSync", forUsers, apiLimit, a.getRoleSync},
		{"PATCH", "/api/v2/organizations/{organization}/settings/idpsync/roles", "updateRoleSync", forUsers, apiLimit, a.updateRoleSync},
		{"PATCH", "/api/v2/organizations/{organization}/settings/idpsync/roles/config", "updateRoleSyncConfig", forUsers, apiLimit, a.updateRoleSyncConfig},
		{"PATCH", "/api/v2/organizations/{organization}/settings/idpsync/roles/mapping", "updateRoleSyncMapping", forUsers, apiLimit, a.updateRoleSyncMapping},

		{"GET", "/api/v2/users/oauth2/github/callback", "githubCallback", forEveryone, loginLimit, a.githubCallback},
		{"GET", "/api/v2/users/oauth2/github/device", "githubDevice", forEveryone, loginLimit, a.githubDevice},
		{"GET", "/api/v2/users/oidc/callback", "oidcCallback", forEveryone, loginLimit, a.oidcCallback},
		{"GET", namedCallback, "namedOIDCCallback", forEveryone, loginLimit, a.namedOIDCCallback},
		{"GET", "/api/v2/users/oidc-claims", "oidcClaims", forUsers, apiLimit, a.oidcClaims},

		{"GET", "/api/v2/entitlements", "entitlements", forEveryone, apiLimit, a.entitlements},
		{"GET", "/api/v2/appearance", "appearance", forEveryone, apiLimit, a.appearance},
		{"GET", "/api/v2/updatecheck", "updateCheck", forEveryone, apiLimit, a.updateCheck},
		{"POST", "/api/v2/csp/reports", "cspReport", forEveryone, apiLimit, a.cspReport},
		{"GET", "/api/v2/experiments", "experiments", forUsers, apiLimit, a.experiments},
		{"GET", "/api/v2/experiments/available", "availableExperiments", forUsers, apiLimit, a.availableExperiments},
		{"GET", "/api/v2/regions", "regions", forUsers, apiLimit, a.regions},
		{"GET", "/api/v2/deployment/config", "deploymentConfig", forUsers, apiLimit, a.deploymentConfig},
		{"GET", "/api/v2/deployment/stats", "deploymentStats", forUsers, apiLimit, a.deploymentStats},
		{"GET", "/api/v2/deployment/ssh", "deploymentSSH", forUsers, apiLimit, a.deploymentSSH},
		{"GET", "/api/v2/insights/user-status-counts", "userStatusCounts", forUsers, apiLimit, a.userStatusCounts},
		{"GET", "/api/v2/organizations/{organization}/settings/workspace-sharing", "workspaceSharing", forUsers, apiLimit, a.workspaceSharing},
		{"GET", "/api/v2/notifications/inbox", "inbox", forUsers, apiLimit, a.inbox},
		{"GET", "/api/v2/workspaces", "listWorkspaces", forUsers, apiLimit, a.listWorkspaces},
		{"GET", "/api/v2/users/{user}/workspace/{workspacename}", "getWorkspace", forUsers, apiLimit, a.getWorkspace},
		{"GET", "/api/v2/templates", "listTemplates", forUsers, apiLimit, a.listTemplates},

		{"GET", "/api/v2/audit", "listAuditLogs", forUsers, apiLimit, a.listAuditLogs},
		{"GET", "/api/v2/audit/export", "exportAuditLogs", forUsers, apiLimit, a.exportAuditLogs},
	}...)
}

// namedCallback is the one route that the mux cannot have: beside
// /api/v2/users/{user}/keys/{keyid} and its like neither would be the more exact.
// No provider can be called as one of those is.
const namedCallback = "/api/v2/users/oidc/{provider}/callback"

// isNamedCallback finds the name of the provider in a path.
func isNamedCallback(path string) (provider string, ok bool) {
	before, after, _ := strings.Cut(namedCallback, "{provider}")
	rest, found := strings.CutPrefix(path, before)
	name, ends := strings.CutSuffix(rest, after)
	return name, found && ends && name != "" && !strings.Contains(name, "/")
}

// unknownRoute answers what has no route.
func unknownRoute() route {
	return route{path: "unknown", limit: apiLimit, handle: func(*call) error {
		return refuse(http.StatusNotFound, "Route not found.")
	}}
}

// wrongMethod answers a known path with a method that it does not have.
func wrongMethod(allowed []string) route {
	return route{path: "wrong method", limit: apiLimit, handle: func(c *call) error {
		c.w.Header().Set("Allow", strings.Join(allowed, ", "))
		return refuse(http.StatusMethodNotAllowed, "Method not allowed.")
	}}
}

// normalizePath makes one slash of many and drops a trailing one, in the
// escaped form, so that %2F stays part of its segment. It reports false for
// dot segments, which name nothing here.
func normalizePath(u *url.URL) bool {
	raw := u.EscapedPath()
	if isNormal(raw) {
		return true
	}
	segments := strings.FieldsFunc(raw, func(r rune) bool { return r == '/' })
	if slices.Contains(segments, ".") || slices.Contains(segments, "..") {
		return false
	}
	clean := "/" + strings.Join(segments, "/")
	path, err := url.PathUnescape(clean)
	if err != nil {
		return false
	}
	u.Path, u.RawPath = path, clean
	return true
}

// isNormal reports, for nearly every path there is, that nothing is to be done.
func isNormal(raw string) bool {
	return !strings.Contains(raw, "//") && !strings.Contains(raw, "/.") &&
		(raw == "/" || !strings.HasSuffix(raw, "/")) && strings.HasPrefix(raw, "/")
}
