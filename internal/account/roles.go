package account

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// The site roles. Everyone holds member without it being stored.
const (
	RoleOwner         = "owner"
	RoleUserAdmin     = "user-admin"
	RoleTemplateAdmin = "template-admin"
	RoleAuditor       = "auditor"
	RoleMember        = "member"
)

// The organization roles. A member of an organization holds organization-member,
// or organization-service-account, without it being stored.
const (
	RoleOrgAdmin                = "organization-admin"
	RoleOrgAuditor              = "organization-auditor"
	RoleOrgUserAdmin            = "organization-user-admin"
	RoleOrgTemplateAdmin        = "organization-template-admin"
	RoleOrgWorkspaceCreationBan = "organization-workspace-creation-ban"
	RoleOrgMember               = "organization-member"
	RoleOrgServiceAccount       = "organization-service-account"
)

// Role is a named bundle of permissions on four levels.
type Role struct {
	Name        string
	DisplayName string
	// OrganizationID is the organization of a custom role, and the nil UUID for
	// the built-in ones.
	OrganizationID uuid.UUID

	Site     Permissions // on every object of the deployment
	Org      Permissions // on the objects of the role's organization
	OrgDeny  Permissions // taken away in the organization, from Org and Own grants
	User     Permissions // on the caller's own objects, wherever they are
	OrgOwned Permissions // on the caller's own objects in the organization
}

// SiteRoles returns the four site roles that are listed and can be assigned.
func SiteRoles() []Role {
	roles := make([]Role, 0, len(siteRoles)-1)
	for i := range siteRoles {
		if siteRoles[i].Name != RoleMember {
			roles = append(roles, siteRoles[i])
		}
	}
	return roles
}

// OrgRoles returns the built-in organization roles that are listed and can be
// assigned.
func OrgRoles() []Role {
	roles := []Role{}
	for i := range orgRoles {
		if orgRoles[i].DisplayName != "" {
			roles = append(roles, orgRoles[i])
		}
	}
	return roles
}

// IsSiteRole reports whether the name is that of a site role, member included.
func IsSiteRole(name string) bool { return siteRole(name) != nil }

// IsBuiltInOrgRole reports whether the name is that of a built-in organization
// role, the implied ones included.
func IsBuiltInOrgRole(name string) bool { return orgRole(name) != nil }

// IsReservedRoleName reports whether no custom role can have the name, because
// in some spelling a built-in role has it.
func IsReservedRoleName(name string) bool {
	reserved := func(r Role) bool { return strings.EqualFold(r.Name, name) }
	return slices.ContainsFunc(siteRoles, reserved) || slices.ContainsFunc(orgRoles, reserved)
}

// CheckCustomRole says what is wrong with the name or the display name of a
// custom role, each under its field.
func CheckCustomRole(name, displayName string) []FieldError {
	faults := []FieldError{}
	if err := CheckOrganizationName(name); err != nil {
		faults = append(faults, FieldError{Field: "name", Detail: err.Error()})
	}
	if err := CheckDisplayName(displayName); err != nil {
		faults = append(faults, FieldError{Field: "display_name", Detail: err.Error()})
	}
	return faults
}

// CustomRole builds a role of an organization from what it allows and denies
// there. A pair that does not exist is reported.
func CustomRole(organization uuid.UUID, name, displayName string, list []NamedPermission) (Role, []FieldError) {
	role := Role{Name: name, DisplayName: displayName, OrganizationID: organization}
	faults := []FieldError{}
	for _, named := range list {
		meant, ok := named.expand()
		switch {
		case !ok:
			faults = append(faults, FieldError{
				Field:  "organization_permissions",
				Detail: fmt.Sprintf("%q on %q is no permission", named.Action, named.Resource),
			})
		case named.Negate:
			role.OrgDeny.Union(&meant)
		default:
			role.Org.Union(&meant)
		}
	}
	return role, faults
}

// NamedPermission is a permission as it is written; "*" is every resource or
// every action.
type NamedPermission struct {
	Negate   bool   `json:"negate,omitempty"`
	Resource string `json:"resource_type"`
	Action   string `json:"action"`
}

// expand returns the pairs that are meant. Every resource is every one that an
// owner has a right on: nobody can give more.
func (n *NamedPermission) expand() (Permissions, bool) {
	if n.Resource != ResourceWildcard.String() {
		var meant Permissions
		resource, set, ok := parsePair(n.Resource + ":" + n.Action)
		meant[resource] = set
		return meant, ok
	}
	meant := ownerPermissions()
	if n.Action == "*" {
		return meant, true
	}
	action, known := ParseAction(n.Action)
	for r := range meant {
		meant[r] &= actions(action)
	}
	return meant, known
}

// OrgPermissions lists what the role allows and denies in its organization.
func (r *Role) OrgPermissions() []Permission {
	list := r.Org.List()
	for _, p := range r.OrgDeny.List() {
		p.Negate = true
		list = append(list, p)
	}
	return list
}

// SiteRoleDisplayName returns what people call the site role, "" if unknown.
func SiteRoleDisplayName(name string) string {
	if role := siteRole(name); role != nil {
		return role.DisplayName
	}
	return ""
}

// BuiltInOrgRole returns a built-in organization role, the implied ones included.
func BuiltInOrgRole(name string) (Role, bool) {
	if role := orgRole(name); role != nil {
		return *role, true
	}
	return Role{}, false
}

func siteRole(name string) *Role { return findRole(siteRoles, name) }
func orgRole(name string) *Role  { return findRole(orgRoles, name) }

func findRole(roles []Role, name string) *Role {
	i := slices.IndexFunc(roles, func(r Role) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &roles[i]
}

// siteRoles is the site half of the permission matrix (users.md, section 8.2).
var siteRoles = []Role{
	{
		Name: RoleOwner, DisplayName: "Owner",
		Site: ownerPermissions(),
	},
	{
		Name: RoleUserAdmin, DisplayName: "User Admin",
		Site: Permissions{
			ResourceUser:               setUser,
			ResourceAssignRole:         setAssign,
			ResourceAssignOrgRole:      setAssign,
			ResourceOrganization:       setR,
			ResourceOrganizationMember: setCRUD,
			ResourceGroup:              setCRUD,
			ResourceGroupMember:        setR,
			ResourceIDPSyncSettings:    setR | setU,
			ResourceAISeat:             setC | setR,
		},
	},
	{
		Name: RoleTemplateAdmin, DisplayName: "Template Admin",
		Site: Permissions{
			ResourceUser:               setR,
			ResourceAssignRole:         setR,
			ResourceAssignOrgRole:      setR,
			ResourceOrganization:       setR,
			ResourceOrganizationMember: setR,
			ResourceGroup:              setR,
			ResourceGroupMember:        setR,
			ResourceTemplate:           setTemplate,
			ResourceFile:               setC | setR,
			ResourceWorkspace:          setWorkspace,
			ResourcePrebuiltWorkspace:  setU | setD,
			ResourceProvisionerDaemon:  setCRUD,
			ResourceProvisionerJobs:    setC | setR | setU,
			ResourceAISeat:             setC | setR,
		},
	},
	{
		Name: RoleAuditor, DisplayName: "Auditor",
		Site: Permissions{
			ResourceUser:               setR,
			ResourceAssignRole:         setR,
			ResourceAssignOrgRole:      setR,
			ResourceOrganization:       setR,
			ResourceOrganizationMember: setR,
			ResourceGroup:              setR,
			ResourceGroupMember:        setR,
			ResourceAuditLog:           setR,
			ResourceConnectionLog:      setR,
			ResourceDeploymentConfig:   setR,
			ResourceDeploymentStats:    setR,
		},
	},
	{
		Name: RoleMember, DisplayName: "Member",
		Site: Permissions{
			ResourceAssignRole: setR,
		},
		User: Permissions{
			ResourceUser:                   setOwn,
			ResourceAPIKey:                 setCRUD,
			ResourceUserSecret:             setCRUD,
			ResourceUserSkill:              setCRUD,
			ResourceInboxNotification:      setC | setR | setU,
			ResourceNotificationPreference: setR | setU,
			ResourceWebpushSubscription:    setC | setR | setD,
		},
	},
}

// orgRoles is the organization half of the permission matrix. The
// administrators of people may read every user of the deployment, because they
// choose from among them whom to add.
var orgRoles = []Role{
	{
		Name: RoleOrgAdmin, DisplayName: "Organization Admin",
		Site: Permissions{ResourceUser: setR},
		Org: Permissions{
			ResourceOrganization:       setR | setU | setD,
			ResourceOrganizationMember: setCRUD,
			ResourceAssignOrgRole:      setCRUD | setAssign,
			ResourceGroup:              setCRUD,
			ResourceGroupMember:        setR,
			ResourceAuditLog:           setR,
			ResourceConnectionLog:      setR,
			ResourceIDPSyncSettings:    setR | setU,
			ResourceTemplate:           setTemplate,
			ResourceFile:               setC | setR,
			ResourceWorkspace:          setWorkspace,
			ResourceProvisionerDaemon:  setCRUD,
			ResourceProvisionerJobs:    setC | setR | setU,
		},
	},
	{
		Name: RoleOrgUserAdmin, DisplayName: "Organization User Admin",
		Site: Permissions{ResourceUser: setR},
		Org: Permissions{
			ResourceOrganization:       setR,
			ResourceOrganizationMember: setCRUD,
			ResourceAssignOrgRole:      setAssign,
			ResourceGroup:              setCRUD,
			ResourceGroupMember:        setR,
			ResourceIDPSyncSettings:    setR | setU,
		},
	},
	{
		Name: RoleOrgTemplateAdmin, DisplayName: "Organization Template Admin",
		Org: Permissions{
			ResourceOrganization:       setR,
			ResourceOrganizationMember: setR,
			ResourceAssignOrgRole:      setR,
			ResourceGroup:              setR,
			ResourceGroupMember:        setR,
			ResourceTemplate:           setTemplate,
			ResourceFile:               setC | setR,
			ResourceWorkspace:          setR,
			ResourceProvisionerDaemon:  setCRUD,
			ResourceProvisionerJobs:    setC | setR | setU,
		},
	},
	{
		Name: RoleOrgAuditor, DisplayName: "Organization Auditor",
		Org: Permissions{
			ResourceOrganization:       setR,
			ResourceOrganizationMember: setR,
			ResourceAssignOrgRole:      setR,
			ResourceGroup:              setR,
			ResourceGroupMember:        setR,
			ResourceAuditLog:           setR,
			ResourceConnectionLog:      setR,
		},
	},
	{
		Name: RoleOrgWorkspaceCreationBan, DisplayName: "Organization Workspace Creation Ban",
		OrgDeny: Permissions{
			ResourceWorkspace: setC | setD | 1<<ActionCreateAgent | 1<<ActionDeleteAgent,
		},
	},
	{
		Name:     RoleOrgMember,
		Org:      Permissions{ResourceOrganization: setR, ResourceAssignOrgRole: setR},
		OrgOwned: memberOwned(),
	},
	{
		Name:     RoleOrgServiceAccount,
		Org:      Permissions{ResourceOrganization: setR, ResourceAssignOrgRole: setR},
		OrgOwned: memberOwned(),
	},
}

// ownerPermissions is everything but the secrets of other people, which not
// even an owner can read.
func ownerPermissions() Permissions {
	p := everything()
	p[ResourceUserSecret] = 0
	return p
}

func memberOwned() Permissions {
	return Permissions{
		ResourceOrganizationMember: setR,
		ResourceWorkspace:          setWorkspace,
		ResourceTask:               setCRUD,
	}
}

// siteAssigners says who may assign, and take away, which site role
// (users.md, section 8.4).
var siteAssigners = map[string][]string{
	RoleOwner:     {RoleOwner, RoleAuditor, RoleTemplateAdmin, RoleUserAdmin, RoleMember},
	RoleUserAdmin: {RoleMember},
}
