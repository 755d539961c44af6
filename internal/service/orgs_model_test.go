package service_test

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
)

// orgModel is what organizations, members and roles should be, and who may
// change them, in the simplest way to say it. It shares no table with the
// product.
type orgModel struct {
	*world
	users []*orgUser
	orgs  []*orgState // those that were deleted too; the first is the default one
}

type orgUser struct {
	id      uuid.UUID
	name    string
	robot   bool // a service account
	deleted bool
	site    []string // sorted
	key     secret.Redacted
}

type orgState struct {
	id      uuid.UUID
	name    string
	deleted bool
	members map[*orgUser][]string // their roles, sorted; users who were deleted stay
	roles   map[string][]string   // what the custom roles permit, and deny with "!"
}

// siteGrants is what site roles permit in every organization. An owner may do
// everything.
func siteGrants(role string) []string {
	switch role {
	case "user-admin":
		return []string{
			"organization:read", "organization_member:create", "organization_member:read", "organization_member:delete",
			"assign_org_role:read", "assign_org_role:assign", "assign_org_role:unassign",
		}
	case "auditor":
		return []string{"organization:read", "organization_member:read", "assign_org_role:read", "audit_log:read"}
	}
	return nil
}

// orgGrants is what organization roles permit in theirs; every member has those
// of "".
func orgGrants(role string) []string {
	switch role {
	case "":
		return []string{"organization:read", "assign_org_role:read"}
	case "organization-admin":
		return []string{
			"organization:read", "organization:update", "organization:delete",
			"organization_member:create", "organization_member:read", "organization_member:delete",
			"assign_org_role:create", "assign_org_role:read", "assign_org_role:update", "assign_org_role:delete",
			"assign_org_role:assign", "assign_org_role:unassign", "audit_log:read",
		}
	case "organization-user-admin":
		return []string{
			"organization:read", "organization_member:create", "organization_member:read", "organization_member:delete",
			"assign_org_role:read", "assign_org_role:assign", "assign_org_role:unassign",
		}
	case "organization-auditor":
		return []string{"organization:read", "organization_member:read", "assign_org_role:read", "audit_log:read"}
	}
	return nil
}

func (u *orgUser) is(roles ...string) bool {
	return slices.ContainsFunc(u.site, func(role string) bool { return slices.Contains(roles, role) })
}

// member reports whether the user belongs to the organization today.
func (o *orgState) member(u *orgUser) bool {
	_, in := o.members[u]
	return in && !u.deleted && !o.deleted
}

func (o *orgState) denies(u *orgUser, permission string) bool {
	return slices.ContainsFunc(o.members[u], func(role string) bool {
		return slices.Contains(o.roles[role], "!"+permission)
	})
}

// may decides what the user may do in the organization.
func (o *orgState) may(u *orgUser, permission string) bool {
	if u.is("owner") {
		return true
	}
	for _, role := range u.site {
		if slices.Contains(siteGrants(role), permission) {
			return true
		}
	}
	if !o.member(u) || o.denies(u, permission) {
		return false
	}
	for _, role := range append([]string{""}, o.members[u]...) {
		if slices.Contains(orgGrants(role), permission) || slices.Contains(o.roles[role], permission) {
			return true
		}
	}
	return false
}

// sees reports whether the organization is there for the user.
func (o *orgState) sees(u *orgUser) bool { return !o.deleted && o.may(u, "organization:read") }

// seesMember reports whether a membership is there for the user.
func (o *orgState) seesMember(u, of *orgUser) bool {
	own := u == of && !o.denies(u, "organization_member:read")
	return o.sees(u) && o.member(of) && (own || o.may(u, "organization_member:read"))
}

// covers reports whether the user may do all that a role permits.
func (o *orgState) covers(u *orgUser, role string) bool {
	if permissions, custom := o.roles[role]; custom {
		return o.coversAll(u, permissions)
	}
	if role == "organization-workspace-creation-ban" || u.is("owner") {
		return true
	}
	// The other built-in roles permit things that only an administrator may do,
	// and what is denied to it is among them.
	denied := slices.ContainsFunc(o.members[u], func(held string) bool {
		return slices.ContainsFunc(o.roles[held], func(p string) bool { return strings.HasPrefix(p, "!") })
	})
	return o.member(u) && slices.Contains(o.members[u], "organization-admin") && !denied
}

func (o *orgState) coversAll(u *orgUser, permissions []string) bool {
	return !slices.ContainsFunc(permissions, func(p string) bool { return !strings.HasPrefix(p, "!") && !o.may(u, p) })
}

func (o *orgState) assignable(u *orgUser, role string) bool {
	return o.may(u, "assign_org_role:assign") &&
		(role == "organization-member" || o.may(u, "assign_org_role:create") && o.covers(u, role))
}

func (o *orgState) knows(role string) bool {
	_, custom := o.roles[role]
	return custom || role == "organization-member" || role == "organization-workspace-creation-ban" || orgGrants(role) != nil && role != ""
}

// mayAssign reports whether the user may turn the roles of a member into others.
func (o *orgState) mayAssign(u, of *orgUser, roles []string) bool {
	if !o.seesMember(u, of) || u == of || !o.may(u, "assign_org_role:assign") || !o.may(u, "assign_org_role:unassign") {
		return false
	}
	before := o.members[of]
	for _, role := range roles {
		if !o.knows(role) || !slices.Contains(before, role) && !o.assignable(u, role) {
			return false
		}
	}
	return !slices.ContainsFunc(before, func(role string) bool { return !slices.Contains(roles, role) && !o.assignable(u, role) })
}

// alone reports whether nobody but the user belongs to the organization.
func (o *orgState) alone(u *orgUser) bool {
	for other := range o.members {
		if other != u && !other.deleted {
			return false
		}
	}
	return true
}

// seesUser reports whether the user may read another.
func (m *orgModel) seesUser(u, other *orgUser) bool {
	if u == other || u.is("owner", "user-admin", "auditor") {
		return true
	}
	return slices.ContainsFunc(m.orgs, func(o *orgState) bool {
		return o.member(u) && (slices.Contains(o.members[u], "organization-admin") || slices.Contains(o.members[u], "organization-user-admin"))
	})
}

// lastOwner reports whether the user is the only person left who is an owner.
func (m *orgModel) lastOwner(u *orgUser) bool {
	usable := func(u *orgUser) bool { return u.is("owner") && !u.deleted && !u.robot }
	return usable(u) && !slices.ContainsFunc(m.users, func(other *orgUser) bool { return other != u && usable(other) })
}

// free reports whether no organization but the given one has the name.
func (m *orgModel) free(name string, but *orgState) bool {
	return !slices.ContainsFunc(m.orgs, func(o *orgState) bool { return o != but && !o.deleted && strings.EqualFold(o.name, name) })
}

// organizationIDs are those of a user, as everybody is told.
func (m *orgModel) organizationIDs(u *orgUser) []uuid.UUID {
	ids := []uuid.UUID{}
	for _, o := range m.orgs {
		if o.member(u) {
			ids = append(ids, o.id)
		}
	}
	return ids
}

func (u *orgUser) ref() account.UserRef { return account.UserRef{ID: u.id} }

func (o *orgState) ref() account.OrganizationRef { return account.OrganizationRef{ID: o.id} }

// namedPermission reads "resource:action" or "!resource:action".
func namedPermission(text string) account.NamedPermission {
	pair, negate := strings.CutPrefix(text, "!")
	resource, action, _ := strings.Cut(pair, ":")
	return account.NamedPermission{Negate: negate, Resource: resource, Action: action}
}
