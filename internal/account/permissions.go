package account

import (
	"math/bits"
	"strings"
)

// Action is something that can be done to a resource.
type Action uint8

// The actions, of all resources together.
const (
	ActionCreate Action = iota
	ActionRead
	ActionUpdate
	ActionDelete
	ActionReadPersonal
	ActionUpdatePersonal
	ActionAssign
	ActionUnassign
	ActionUse
	ActionViewInsights
	ActionApplicationConnect
	ActionSSH
	ActionStart
	ActionStop
	ActionShare
	ActionCreateAgent
	ActionUpdateAgent
	ActionDeleteAgent
	numActions
)

var actionNames = [numActions]string{
	ActionCreate: "create", ActionRead: "read", ActionUpdate: "update", ActionDelete: "delete",
	ActionReadPersonal: "read_personal", ActionUpdatePersonal: "update_personal",
	ActionAssign: "assign", ActionUnassign: "unassign",
	ActionUse: "use", ActionViewInsights: "view_insights",
	ActionApplicationConnect: "application_connect", ActionSSH: "ssh",
	ActionStart: "start", ActionStop: "stop", ActionShare: "share",
	ActionCreateAgent: "create_agent", ActionUpdateAgent: "update_agent", ActionDeleteAgent: "delete_agent",
}

// String returns the name of the action on the wire.
func (a Action) String() string { return actionNames[a] }

// ParseAction finds an action by its name on the wire.
func ParseAction(name string) (Action, bool) {
	for a, n := range actionNames {
		if n == name {
			return Action(a), true
		}
	}
	return 0, false
}

// ActionSet is a set of actions, one bit each.
type ActionSet uint32

func actions(list ...Action) ActionSet {
	var set ActionSet
	for _, a := range list {
		set |= 1 << a
	}
	return set
}

// Has reports whether the action is in the set.
func (s ActionSet) Has(a Action) bool { return s&(1<<a) != 0 }

// List returns the actions of the set in their declared order.
func (s ActionSet) List() []Action {
	list := make([]Action, 0, bits.OnesCount32(uint32(s)))
	for a := range numActions {
		if s.Has(a) {
			list = append(list, a)
		}
	}
	return list
}

// Sets that recur in the tables below.
const (
	setC    = ActionSet(1 << ActionCreate)
	setR    = ActionSet(1 << ActionRead)
	setU    = ActionSet(1 << ActionUpdate)
	setD    = ActionSet(1 << ActionDelete)
	setCRUD = setC | setR | setU | setD
	setOwn  = setR | 1<<ActionReadPersonal | 1<<ActionUpdatePersonal
	setUser = setCRUD | setOwn

	setAssign = setR | 1<<ActionAssign | 1<<ActionUnassign

	setTemplate  = setCRUD | 1<<ActionUse | 1<<ActionViewInsights
	setWorkspace = setCRUD | 1<<ActionApplicationConnect | 1<<ActionSSH | 1<<ActionStart | 1<<ActionStop |
		1<<ActionShare | 1<<ActionCreateAgent | 1<<ActionUpdateAgent | 1<<ActionDeleteAgent
)

// Resource is a kind of object that permissions are about. Usher keeps only
// some of them; the others are the vocabulary in which roles, scopes and allow
// lists of the API speak.
type Resource uint8

// The resources.
const (
	// ResourceWildcard stands for every resource, in allow lists only.
	ResourceWildcard Resource = iota
	ResourceAIGatewayKey
	ResourceAIModelPrice
	ResourceAIProvider
	ResourceAISeat
	ResourceAIBridgeInterception
	ResourceAPIKey
	ResourceAssignOrgRole
	ResourceAssignRole
	ResourceAuditLog
	ResourceBoundaryLog
	ResourceBoundaryUsage
	ResourceChat
	ResourceConnectionLog
	ResourceCryptoKey
	ResourceDebugInfo
	ResourceDeploymentConfig
	ResourceDeploymentStats
	ResourceFile
	ResourceGroup
	ResourceGroupMember
	ResourceIDPSyncSettings
	ResourceInboxNotification
	ResourceLicense
	ResourceNotificationMessage
	ResourceNotificationPreference
	ResourceNotificationTemplate
	ResourceOAuth2App
	ResourceOAuth2AppCodeToken
	ResourceOAuth2AppSecret
	ResourceOrganization
	ResourceOrganizationMember
	ResourcePrebuiltWorkspace
	ResourceProvisionerDaemon
	ResourceProvisionerJobs
	ResourceReplicas
	ResourceSystem
	ResourceTailnetCoordinator
	ResourceTask
	ResourceTemplate
	ResourceUsageEvent
	ResourceUser
	ResourceUserSecret
	ResourceUserSkill
	ResourceWebpushSubscription
	ResourceWorkspace
	ResourceWorkspaceAgentDevcontainers
	ResourceWorkspaceAgentResourceMonitor
	ResourceWorkspaceBuildOrchestration
	ResourceWorkspaceDormant
	ResourceWorkspaceProxy
	numResources
)

type resourceInfo struct {
	name    string
	actions ActionSet
}

// resources names every resource and the actions that exist on it
// (auth.md, section 5.3).
var resources = [numResources]resourceInfo{
	ResourceWildcard:                      {"*", 0},
	ResourceAIGatewayKey:                  {"ai_gateway_key", setCRUD},
	ResourceAIModelPrice:                  {"ai_model_price", setR | setU},
	ResourceAIProvider:                    {"ai_provider", setCRUD},
	ResourceAISeat:                        {"ai_seat", setC | setR},
	ResourceAIBridgeInterception:          {"aibridge_interception", setC | setR | setU},
	ResourceAPIKey:                        {"api_key", setCRUD},
	ResourceAssignOrgRole:                 {"assign_org_role", setCRUD | setAssign},
	ResourceAssignRole:                    {"assign_role", setAssign},
	ResourceAuditLog:                      {"audit_log", setC | setR},
	ResourceBoundaryLog:                   {"boundary_log", setC | setR | setD},
	ResourceBoundaryUsage:                 {"boundary_usage", setR | setU | setD},
	ResourceChat:                          {"chat", setCRUD | 1<<ActionShare},
	ResourceConnectionLog:                 {"connection_log", setR | setU},
	ResourceCryptoKey:                     {"crypto_key", setCRUD},
	ResourceDebugInfo:                     {"debug_info", setR},
	ResourceDeploymentConfig:              {"deployment_config", setR | setU},
	ResourceDeploymentStats:               {"deployment_stats", setR},
	ResourceFile:                          {"file", setC | setR},
	ResourceGroup:                         {"group", setCRUD},
	ResourceGroupMember:                   {"group_member", setR},
	ResourceIDPSyncSettings:               {"idpsync_settings", setR | setU},
	ResourceInboxNotification:             {"inbox_notification", setC | setR | setU},
	ResourceLicense:                       {"license", setC | setR | setD},
	ResourceNotificationMessage:           {"notification_message", setCRUD},
	ResourceNotificationPreference:        {"notification_preference", setR | setU},
	ResourceNotificationTemplate:          {"notification_template", setR | setU},
	ResourceOAuth2App:                     {"oauth2_app", setCRUD},
	ResourceOAuth2AppCodeToken:            {"oauth2_app_code_token", setC | setR | setD},
	ResourceOAuth2AppSecret:               {"oauth2_app_secret", setCRUD},
	ResourceOrganization:                  {"organization", setCRUD},
	ResourceOrganizationMember:            {"organization_member", setCRUD},
	ResourcePrebuiltWorkspace:             {"prebuilt_workspace", setU | setD},
	ResourceProvisionerDaemon:             {"provisioner_daemon", setCRUD},
	ResourceProvisionerJobs:               {"provisioner_jobs", setC | setR | setU},
	ResourceReplicas:                      {"replicas", setR},
	ResourceSystem:                        {"system", setCRUD},
	ResourceTailnetCoordinator:            {"tailnet_coordinator", setCRUD},
	ResourceTask:                          {"task", setCRUD},
	ResourceTemplate:                      {"template", setTemplate},
	ResourceUsageEvent:                    {"usage_event", setC | setR | setU},
	ResourceUser:                          {"user", setUser},
	ResourceUserSecret:                    {"user_secret", setCRUD},
	ResourceUserSkill:                     {"user_skill", setCRUD},
	ResourceWebpushSubscription:           {"webpush_subscription", setC | setR | setD},
	ResourceWorkspace:                     {"workspace", setWorkspace},
	ResourceWorkspaceAgentDevcontainers:   {"workspace_agent_devcontainers", setC},
	ResourceWorkspaceAgentResourceMonitor: {"workspace_agent_resource_monitor", setC | setR | setU},
	ResourceWorkspaceBuildOrchestration:   {"workspace_build_orchestration", setCRUD},
	ResourceWorkspaceDormant:              {"workspace_dormant", setWorkspace},
	ResourceWorkspaceProxy:                {"workspace_proxy", setCRUD},
}

// String returns the name of the resource on the wire.
func (r Resource) String() string { return resources[r].name }

// Actions returns the actions that exist on the resource.
func (r Resource) Actions() ActionSet { return resources[r].actions }

// ParseResource finds a resource by its name on the wire; "*" is the wildcard.
func ParseResource(name string) (Resource, bool) {
	for r, info := range resources {
		if info.name == name {
			return Resource(r), true
		}
	}
	return 0, false
}

// Permissions says which actions are granted on which resource.
type Permissions [numResources]ActionSet

// Has reports whether the action on the resource is granted.
func (p *Permissions) Has(r Resource, a Action) bool { return p[r].Has(a) }

// Union adds all that other grants.
func (p *Permissions) Union(other *Permissions) {
	for r := range p {
		p[r] |= other[r]
	}
}

// Permission is one granted or denied pair, as the API lists it.
type Permission struct {
	Negate   bool
	Resource Resource
	Action   Action
}

// String returns "resource:action".
func (p Permission) String() string { return p.Resource.String() + ":" + p.Action.String() }

// List returns the granted pairs, by resource and then by action.
func (p *Permissions) List() []Permission {
	list := []Permission{}
	for r := range p {
		for _, a := range p[r].List() {
			list = append(list, Permission{Resource: Resource(r), Action: a})
		}
	}
	return list
}

// everything grants every action on every resource.
func everything() Permissions {
	var p Permissions
	for r, info := range resources {
		p[r] = info.actions
	}
	return p
}

// parsePair reads "resource:action" or "resource:*".
func parsePair(name string) (Resource, ActionSet, bool) {
	resourceName, actionName, found := strings.Cut(name, ":")
	resource, known := ParseResource(resourceName)
	if !found || !known || resource == ResourceWildcard {
		return 0, 0, false
	}
	if actionName == "*" {
		return resource, resource.Actions(), true
	}
	action, known := ParseAction(actionName)
	if !known || !resource.Actions().Has(action) {
		return 0, 0, false
	}
	return resource, actions(action), true
}
