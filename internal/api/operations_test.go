package api_test

import (
	"log/slog"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"usher/internal/api"
	"usher/sdk"
)

// described lists the operations of openapi.yaml.
func described() []api.Operation {
	var list []api.Operation
	for path, item := range contract().Paths.Map() {
		for method, operation := range item.Operations() {
			list = append(list, api.Operation{Method: method, Path: path, ID: operation.OperationID})
		}
	}
	return sorted(list)
}

func sorted(list []api.Operation) []api.Operation {
	return slices.SortedFunc(slices.Values(list), func(a, b api.Operation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
}

// TestOperationsAreDescribed: a route without a description, or a description
// without a route, is half a feature. The pages for people are no operations.
func TestOperationsAreDescribed(t *testing.T) {
	t.Parallel()

	routes, err := api.New(api.Config{
		Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
		AccessURL: &url.URL{Scheme: "http", Host: "usher.example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	served := slices.DeleteFunc(routes.Operations(), isPage)
	if diff := cmp.Diff(described(), sorted(served)); diff != "" {
		t.Error(diff)
	}
}

func isPage(o api.Operation) bool {
	return !strings.HasPrefix(o.Path, "/api/") && !slices.Contains([]string{"/healthz", "/readyz", "/metrics"}, o.Path)
}

// sdkMethods are the methods of sdk.Client for the operations.
var sdkMethods = map[string]string{
	"buildInfo":                         "BuildInfo",
	"hasFirstUser":                      "HasFirstUser",
	"createFirstUser":                   "CreateFirstUser",
	"login":                             "LoginWithPassword",
	"logout":                            "Logout",
	"authMethods":                       "AuthMethods",
	"validatePassword":                  "ValidatePassword",
	"requestOneTimePasscode":            "RequestOneTimePasscode",
	"changePasswordWithOneTimePasscode": "ChangePasswordWithOneTimePasscode",
	"createSessionKey":                  "CreateSessionKey",
	"createToken":                       "CreateToken",
	"listTokens":                        "Tokens",
	"getToken":                          "Token",
	"getTokenConfig":                    "TokenConfig",
	"getKey":                            "APIKey",
	"deleteKey":                         "DeleteAPIKey",
	"expireKey":                         "ExpireAPIKey",
	"rotateKey":                         "RotateAPIKey",
	"listScopes":                        "Scopes",
	"checkPermissions":                  "CheckAuthorization",
	"listUsers":                         "Users",
	"createUser":                        "CreateUser",
	"importUsers":                       "ImportUsers",
	"getUser":                           "User",
	"deleteUser":                        "DeleteUser",
	"updateUserProfile":                 "UpdateUserProfile",
	"updateUserEmail":                   "UpdateUserEmail",
	"updateUserPassword":                "UpdateUserPassword",
	"activateUser":                      "ActivateUser",
	"suspendUser":                       "SuspendUser",
	"getUserAppearance":                 "UserAppearance",
	"updateUserAppearance":              "UpdateUserAppearance",
	"getUserPreferences":                "UserPreferences",
	"updateUserPreferences":             "UpdateUserPreferences",
	"listAutofillParameters":            "AutofillParameters",
	"recordAutofillParameters":          "RecordAutofillParameters",
	"recordAISeat":                      "RecordAISeat",
	"releaseAISeat":                     "ReleaseAISeat",
	"getGitSSHKey":                      "GitSSHKey",
	"regenerateGitSSHKey":               "RegenerateGitSSHKey",
	"getGitSSHPrivateKey":               "GitSSHPrivateKey",
	"listSiteRoles":                     "SiteRoles",
	"getUserRoles":                      "UserRoles",
	"updateUserRoles":                   "UpdateUserRoles",
	"getUserLoginType":                  "UserLoginType",
	"listUserOrganizations":             "UserOrganizations",
	"getUserOrganization":               "UserOrganizationByName",
	"getOrganization":                   "Organization",
	"listOrganizations":                 "Organizations",
	"createOrganization":                "CreateOrganization",
	"updateOrganization":                "UpdateOrganization",
	"deleteOrganization":                "DeleteOrganization",
	"listMembers":                       "OrganizationMembers",
	"listMembersPaginated":              "OrganizationMembersPage",
	"getMember":                         "OrganizationMember",
	"addMember":                         "AddOrganizationMember",
	"removeMember":                      "RemoveOrganizationMember",
	"updateMemberRoles":                 "UpdateOrganizationMemberRoles",
	"listOrganizationRoles":             "OrganizationRoles",
	"createOrganizationRole":            "CreateOrganizationRole",
	"updateOrganizationRole":            "UpdateOrganizationRole",
	"deleteOrganizationRole":            "DeleteOrganizationRole",
	"getOrganizationSync":               "OrganizationSync",
	"updateOrganizationSync":            "UpdateOrganizationSync",
	"updateOrganizationSyncConfig":      "UpdateOrganizationSyncConfig",
	"updateOrganizationSyncMapping":     "UpdateOrganizationSyncMapping",
	"getRoleSync":                       "RoleSync",
	"updateRoleSync":                    "UpdateRoleSync",
	"updateRoleSyncConfig":              "UpdateRoleSyncConfig",
	"updateRoleSyncMapping":             "UpdateRoleSyncMapping",
	"listAuditLogs":                     "AuditLogs",
	"exportAuditLogs":                   "ExportAuditLogs",
	"eraseUser":                         "EraseUser",
	"listIdentities":                    "Identities",
	"linkIdentity":                      "LinkIdentity",
	"unlinkIdentity":                    "UnlinkIdentity",
	"convertLoginType":                  "ConvertLogin",
	"oidcClaims":                        "OIDCClaims",
}

// noSDK are operations that no program calls through the SDK: probes, documents
// to read, and what takes a browser.
var noSDK = []string{
	"apiRoot", "openAPI", "healthz", "readyz", "metrics",
	"githubCallback", "githubDevice", "oidcCallback", "namedOIDCCallback",
}

// foreign are operations for other products' clients alone: they ask about what
// is no part of Usher.
var foreign = []string{
	"entitlements", "appearance", "updateCheck", "cspReport", "experiments", "availableExperiments", "regions",
	"deploymentConfig", "deploymentStats", "deploymentSSH", "userStatusCounts", "workspaceSharing", "inbox",
	"listWorkspaces", "getWorkspace", "listTemplates",
}

func TestOperationsHaveSDKMethods(t *testing.T) {
	t.Parallel()

	client := reflect.TypeFor[*sdk.Client]()
	known := slices.Sorted(maps.Keys(sdkMethods))
	var operations []string
	for _, o := range described() {
		if !slices.Contains(noSDK, o.ID) && !slices.Contains(foreign, o.ID) {
			operations = append(operations, o.ID)
		}
	}
	slices.Sort(operations)
	if diff := cmp.Diff(operations, known); diff != "" {
		t.Errorf("operations and SDK methods differ:\n%s", diff)
	}
	for operation, method := range sdkMethods {
		if _, ok := client.MethodByName(method); !ok {
			t.Errorf("%s: sdk.Client has no method %s", operation, method)
		}
	}
}
