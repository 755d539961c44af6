package account

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// Origin is where a request came from; it is written to the audit log.
type Origin struct {
	IP        string // without a port, "" if unknown
	UserAgent string
	RequestID uuid.UUID
}

// Membership is a user's place in one organization.
type Membership struct {
	OrganizationID uuid.UUID
	Roles          []string // the stored organization roles
	// CustomRoles are what those of the roles mean that are not built in.
	CustomRoles []Role
}

// role finds one of the membership's roles, nil for one that is no more.
func (m *Membership) role(name string) *Role { return heldRole(name, m.CustomRoles) }

func heldRole(name string, custom []Role) *Role {
	if role := orgRole(name); role != nil {
		return role
	}
	return findRole(custom, name)
}

// Actor is who is asking and from where: a user, the API key it presented, and
// all that both together allow. It comes from NewActor or Anonymous and is never
// changed.
type Actor struct {
	*standing
	Origin Origin
}

// standing is what stays the same from one request of a key to the next, so that
// it is worked out once.
type standing struct {
	User User
	Key  APIKey

	site  Permissions
	own   Permissions
	orgs  map[uuid.UUID]orgGrants
	scope Permissions
}

// nobody is the standing of whoever presents no key.
var nobody = &standing{}

type orgGrants struct {
	allow, deny, own Permissions
}

// NewActor works out what the user may do with the key.
func NewActor(user User, memberships []Membership, key APIKey) *Actor {
	actor := &Actor{standing: &standing{
		User:  user,
		Key:   key,
		orgs:  make(map[uuid.UUID]orgGrants, len(memberships)),
		scope: ExpandScopes(key.Scopes),
	}}
	for _, name := range append([]string{RoleMember}, user.Roles...) {
		if role := siteRole(name); role != nil {
			actor.site.Union(&role.Site)
			actor.own.Union(&role.User)
		}
	}
	for _, m := range memberships {
		actor.join(m)
	}
	return actor
}

// Anonymous returns the actor of a request without a credential.
func Anonymous(origin Origin) *Actor { return &Actor{standing: nobody, Origin: origin} }

// From returns the same actor, asking from another place.
func (a *Actor) From(origin Origin) *Actor {
	return &Actor{standing: a.standing, Origin: origin}
}

func (a *Actor) join(m Membership) {
	implied := RoleOrgMember
	if a.User.IsServiceAccount {
		implied = RoleOrgServiceAccount
	}
	var grants orgGrants
	for _, name := range append([]string{implied}, m.Roles...) {
		role := m.role(name)
		if role == nil {
			continue
		}
		a.site.Union(&role.Site)
		grants.allow.Union(&role.Org)
		grants.deny.Union(&role.OrgDeny)
		grants.own.Union(&role.OrgOwned)
	}
	a.orgs[m.OrganizationID] = grants
}

// IsAnonymous reports whether nobody known is asking.
func (a *Actor) IsAnonymous() bool { return a.User.ID == uuid.Nil }

// Is reports whether the actor is the user with that id.
func (a *Actor) Is(id uuid.UUID) bool { return !a.IsAnonymous() && a.User.ID == id }

// IsOwner reports whether the actor holds the site role owner.
func (a *Actor) IsOwner() bool { return a.User.HasRole(RoleOwner) }

// Object is what a permission is asked about. Fields that do not apply are the
// nil UUID; an Object with a type alone stands for all objects of that type.
type Object struct {
	Type         Resource
	ID           uuid.UUID
	Owner        uuid.UUID
	Organization uuid.UUID
	// AnyOrganization asks whether the action is allowed in at least one of the
	// actor's organizations.
	AnyOrganization bool
}

// Object returns the user as something that permissions are about.
func (u *User) Object() Object {
	return Object{Type: ResourceUser, ID: u.ID, Owner: u.ID}
}

// Lack is what a refused action was missing.
type Lack string

// What can be missing, in the order in which it is looked at.
const (
	LackNothing   Lack = ""
	LackRole      Lack = "role"
	LackScope     Lack = "scope"
	LackAllowList Lack = "allow list"
)

// Missing is the one decision of the whole product: it returns what the actor
// lacks for the action on the object, or LackNothing when role, scope and allow
// list all allow it.
func (a *Actor) Missing(action Action, object Object) Lack {
	switch {
	case !a.roleAllows(action, object):
		return LackRole
	case !a.scope.Has(object.Type, action):
		return LackScope
	case !a.Key.AllowList.Matches(object.Type, object.ID):
		return LackAllowList
	}
	return LackNothing
}

// Can reports whether the actor may do this.
func (a *Actor) Can(action Action, object Object) bool {
	return a.Missing(action, object) == LackNothing
}

// Authorize returns nil when the actor may do this, and a forbidden error that
// explains the refusal otherwise.
func (a *Actor) Authorize(action Action, object Object) error {
	lack := a.Missing(action, object)
	if lack == LackNothing {
		return nil
	}
	return Forbidden(explain(lack, Permission{Resource: object.Type, Action: action}))
}

func explain(lack Lack, p Permission) string {
	switch lack {
	case LackScope:
		return fmt.Sprintf("The permission %s is missing: the scopes of the API key do not include it.", p)
	case LackAllowList:
		return fmt.Sprintf("The permission %s is missing: the allow list of the API key does not include this object.", p)
	default:
		return fmt.Sprintf("The permission %s is missing: no role of yours grants it here.", p)
	}
}

// roleAllows asks the levels from the widest to the narrowest: the site grants
// everywhere; a denial in an organization beats what the organization grants,
// also on one's own objects there.
func (a *Actor) roleAllows(action Action, object Object) bool {
	if a.IsAnonymous() {
		return false
	}
	if a.site.Has(object.Type, action) {
		return true
	}
	if object.AnyOrganization && a.anyOrgAllows(action, object) {
		return true
	}
	if object.Organization != uuid.Nil {
		return a.orgAllows(object.Organization, action, object)
	}
	return a.Is(object.Owner) && a.own.Has(object.Type, action)
}

func (a *Actor) anyOrgAllows(action Action, object Object) bool {
	for id := range a.orgs {
		if a.orgAllows(id, action, object) {
			return true
		}
	}
	return false
}

func (a *Actor) orgAllows(organization uuid.UUID, action Action, object Object) bool {
	grants, member := a.orgs[organization]
	if !member || grants.deny.Has(object.Type, action) {
		return false
	}
	if grants.allow.Has(object.Type, action) {
		return true
	}
	return a.Is(object.Owner) &&
		(grants.own.Has(object.Type, action) || a.own.Has(object.Type, action))
}

// MayAssignSiteRole reports whether the actor's roles let it give that site role
// to somebody, or take it away.
func (a *Actor) MayAssignSiteRole(role string) bool {
	return slices.ContainsFunc(a.User.Roles, func(held string) bool {
		return slices.Contains(siteAssigners[held], role)
	})
}

// MayAssignOrgRole reports whether the actor may give that role to a member of
// the organization, or take it away. All but the implied role are for those who
// may make roles, and who may do themselves what the role permits.
func (a *Actor) MayAssignOrgRole(organization uuid.UUID, role Role) bool {
	object := Object{Type: ResourceAssignOrgRole, Organization: organization}
	if !a.Can(ActionAssign, object) {
		return false
	}
	return role.Name == RoleOrgMember || a.Can(ActionCreate, object) && a.AuthorizeRole(organization, role) == nil
}

// AuthorizeRole asks whether a role permits only what the actor may do itself
// in the organization, so that nobody rises by handing out roles. What it denies
// may be anything.
func (a *Actor) AuthorizeRole(organization uuid.UUID, role Role) error {
	for _, p := range role.Org.List() {
		if err := a.Authorize(p.Action, Object{Type: p.Resource, Organization: organization}); err != nil {
			return err
		}
	}
	for _, p := range role.Site.List() {
		if err := a.Authorize(p.Action, Object{Type: p.Resource}); err != nil {
			return err
		}
	}
	return nil
}

// Reach is a set of ids, or everything.
type Reach struct {
	All bool
	IDs []uuid.UUID
}

// ReadableUsers returns which users the actor may read: lists are filtered by
// it, never refused.
func (a *Actor) ReadableUsers() Reach {
	object := Object{Type: ResourceUser}
	if !a.scope.Has(ResourceUser, ActionRead) {
		return Reach{}
	}
	if !a.roleAllows(ActionRead, object) {
		own := a.User.Object()
		if a.Can(ActionRead, own) {
			return Reach{IDs: []uuid.UUID{own.ID}}
		}
		return Reach{}
	}
	return a.Key.AllowList.Reach(ResourceUser)
}

// ReadableOrganizations returns which organizations the actor may read.
func (a *Actor) ReadableOrganizations() Reach {
	if !a.scope.Has(ResourceOrganization, ActionRead) {
		return Reach{}
	}
	listed := a.Key.AllowList.Reach(ResourceOrganization)
	if a.roleAllows(ActionRead, Object{Type: ResourceOrganization}) {
		return listed
	}
	reach := Reach{}
	for id := range a.orgs {
		object := Object{Type: ResourceOrganization, ID: id, Organization: id}
		if a.Can(ActionRead, object) {
			reach.IDs = append(reach.IDs, id)
		}
	}
	return reach
}

// ReadableMembers returns which members of an organization the actor may read,
// by the ids of the users.
func (a *Actor) ReadableMembers(organization uuid.UUID) Reach {
	if !a.scope.Has(ResourceOrganizationMember, ActionRead) {
		return Reach{}
	}
	if a.roleAllows(ActionRead, Object{Type: ResourceOrganizationMember, Organization: organization}) {
		return a.Key.AllowList.Reach(ResourceOrganizationMember)
	}
	own := Member{OrganizationID: organization, User: a.User}
	if a.Can(ActionRead, own.Object()) {
		return Reach{IDs: []uuid.UUID{a.User.ID}}
	}
	return Reach{}
}

// ReadableAuditLogs returns the organizations whose audit entries the actor may
// read; All includes the entries of no organization. ok is false where there is
// no entry at all for the actor to read, which is a refusal.
func (a *Actor) ReadableAuditLogs() (reach Reach, ok bool) {
	if a.Can(ActionRead, Object{Type: ResourceAuditLog}) {
		return Reach{All: true}, true
	}
	for id := range a.orgs {
		if a.Can(ActionRead, Object{Type: ResourceAuditLog, Organization: id}) {
			reach.IDs = append(reach.IDs, id)
		}
	}
	return reach, len(reach.IDs) > 0
}

// AuthorizeMint asks whether a key with these scopes and this allow list may be
// made by the actor: it must not be wider than the presented key.
func (a *Actor) AuthorizeMint(scopes []string, list AllowList) error {
	for _, name := range scopes {
		wanted := ExpandScopes([]string{name})
		for _, p := range wanted.List() {
			if !a.scope.Has(p.Resource, p.Action) {
				return Forbidden(fmt.Sprintf("A key cannot make a wider one. The permission %s of the scope %s is missing: "+
					"the scopes of the API key do not include it.", p, name))
			}
		}
	}
	for _, e := range list {
		if !a.Key.AllowList.Covers(AllowList{e}) {
			return Forbidden(fmt.Sprintf("A key cannot make a wider one. The permission api_key:create is missing "+
				"for a key that may touch %s: the allow list of the API key does not include it.", e))
		}
	}
	return nil
}

// MayReadOthersKeys reports whether there can be keys of anybody else that the
// actor may read: by a permission, or those of service accounts.
func (a *Actor) MayReadOthersKeys() bool {
	return a.Can(ActionRead, Object{Type: ResourceAPIKey}) || a.User.HasRole(RoleUserAdmin)
}

// MayManageKeysOf reports whether the actor may act on the keys of a service
// account without a permission on keys: as a user-admin, if every role of the
// account is one that it could assign.
func (a *Actor) MayManageKeysOf(action Action, owner User, memberships []Membership) bool {
	if !owner.IsServiceAccount || !a.User.HasRole(RoleUserAdmin) ||
		!a.scope.Has(ResourceAPIKey, action) || !a.Key.AllowList.Matches(ResourceAPIKey, uuid.Nil) {
		return false
	}
	cannot := func(role string) bool { return !a.MayAssignSiteRole(role) }
	hasOrgRole := func(m Membership) bool { return len(m.Roles) > 0 }
	return !slices.ContainsFunc(owner.Roles, cannot) && !slices.ContainsFunc(memberships, hasOrgRole)
}

// MayDoAnything reports whether the actor is an owner with an unrestricted key.
func (a *Actor) MayDoAnything() bool { return a.IsOwner() && a.Key.Unrestricted() }
