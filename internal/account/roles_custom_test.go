package account_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
)

// pairs reads "resource:action" and "!resource:action".
func pairs(names ...string) []account.NamedPermission {
	list := []account.NamedPermission{}
	for _, name := range names {
		resource, action, _ := strings.Cut(strings.TrimPrefix(name, "!"), ":")
		list = append(list, account.NamedPermission{Negate: strings.HasPrefix(name, "!"), Resource: resource, Action: action})
	}
	return list
}

func custom(t *testing.T, organization uuid.UUID, name string, permissions ...string) account.Role {
	t.Helper()
	role, faults := account.CustomRole(organization, name, "", pairs(permissions...))
	if len(faults) > 0 {
		t.Fatalf("%v: %v", permissions, faults)
	}
	return role
}

// holding is a member of the organization with custom roles.
func holding(organization uuid.UUID, roles ...account.Role) account.Membership {
	m := account.Membership{OrganizationID: organization, CustomRoles: roles}
	for _, role := range roles {
		m.Roles = append(m.Roles, role.Name)
	}
	return m
}

func TestCustomRole(t *testing.T) {
	t.Parallel()
	home := someID(100)
	role, faults := account.CustomRole(home, "Helper", "A Helper", pairs("template:read", "template:use", "!file:*"))
	if len(faults) != 0 || role.Name != "Helper" || role.DisplayName != "A Helper" || role.OrganizationID != home {
		t.Errorf("%+v, %v", role, faults)
	}
	var names []string
	for _, p := range role.OrgPermissions() {
		names = append(names, strings.Repeat("!", map[bool]int{true: 1}[p.Negate])+p.String())
	}
	if want := []string{"template:read", "template:use", "!file:create", "!file:read"}; !slices.Equal(names, want) {
		t.Errorf("it permits %q, want %q", names, want)
	}
	if len(role.Site.List())+len(role.User.List())+len(role.OrgOwned.List()) != 0 {
		t.Error("it permits something outside of the organization")
	}

	// "*" is every resource, or every action, but for the secrets of others.
	all := custom(t, home, "all", "*:*")
	if !all.Org.Has(account.ResourceWorkspace, account.ActionSSH) || all.Org.Has(account.ResourceUserSecret, account.ActionRead) {
		t.Error("everything is not what an owner may do")
	}
	deleting := custom(t, home, "none", "!*:delete")
	for _, p := range deleting.OrgDeny.List() {
		if p.Action != account.ActionDelete {
			t.Errorf("no deletion denies %s", p)
		}
	}
	if len(deleting.OrgDeny.List()) < 10 || len(deleting.Org.List()) != 0 {
		t.Errorf("no deletion denies %d pairs and allows %d", len(deleting.OrgDeny.List()), len(deleting.Org.List()))
	}

	for _, bad := range []string{"", ":", "spaceship:read", "template:fly", "template:ssh", "template:", "*:", "*:fly", "*", "template:read:", "Template:read"} {
		if _, faults := account.CustomRole(home, "bad", "", pairs(bad, "!"+bad)); len(faults) != 2 || faults[0].Field != "organization_permissions" {
			t.Errorf("%q: %v", bad, faults)
		}
	}
}

func TestReservedRoleNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"owner", "Owner", "member", "organization-member", "organization-service-account", "ORGANIZATION-ADMIN"} {
		if !account.IsReservedRoleName(name) {
			t.Errorf("%q is not reserved", name)
		}
	}
	for _, name := range []string{"", "own", "owners", "organization", "helper"} {
		if account.IsReservedRoleName(name) {
			t.Errorf("%q is reserved", name)
		}
	}
}

// TestCustomRolesDecide: a denial beats every permission of the organization and
// none of the site; neither leaves the organization.
func TestCustomRolesDecide(t *testing.T) {
	t.Parallel()
	home, away := someID(100), someID(101)
	user := account.User{ID: someID(1)}
	template := account.Object{Type: account.ResourceTemplate, Organization: home}
	elsewhere := account.Object{Type: account.ResourceTemplate, Organization: away}
	own := account.Object{Type: account.ResourceWorkspace, Organization: home, Owner: user.ID}
	for name, c := range map[string]struct {
		siteRoles []string
		roles     []account.Role
		object    account.Object
		want      bool
	}{
		"nothing":                   {nil, []account.Role{custom(t, home, "a")}, template, false},
		"allowed":                   {nil, []account.Role{custom(t, home, "a", "template:read")}, template, true},
		"every action":              {nil, []account.Role{custom(t, home, "a", "template:*")}, template, true},
		"every resource":            {nil, []account.Role{custom(t, home, "a", "*:read")}, template, true},
		"another action":            {nil, []account.Role{custom(t, home, "a", "template:use")}, template, false},
		"another organization":      {nil, []account.Role{custom(t, home, "a", "*:*")}, elsewhere, false},
		"the whole site":            {nil, []account.Role{custom(t, home, "a", "*:*")}, account.Object{Type: account.ResourceTemplate}, false},
		"in one's organizations":    {nil, []account.Role{custom(t, home, "a", "*:*")}, account.Object{Type: account.ResourceTemplate, AnyOrganization: true}, true},
		"denied in the same role":   {nil, []account.Role{custom(t, home, "a", "template:*", "!template:read")}, template, false},
		"denied in another":         {nil, []account.Role{custom(t, home, "a", "template:*"), custom(t, home, "b", "!*:read")}, template, false},
		"something else denied":     {nil, []account.Role{custom(t, home, "a", "template:*", "!template:use")}, template, true},
		"denied, but a site role":   {[]string{"template-admin"}, []account.Role{custom(t, home, "b", "!*:*")}, template, true},
		"own":                       {nil, nil, own, true},
		"own, denied":               {nil, []account.Role{custom(t, home, "b", "!workspace:read")}, own, false},
		"own elsewhere, denied":     {nil, []account.Role{custom(t, home, "b", "!*:*")}, user.Object(), true},
		"implied, denied":           {nil, []account.Role{custom(t, home, "b", "!organization:read")}, account.Object{Type: account.ResourceOrganization, ID: home, Organization: home}, false},
		"the organization, implied": {nil, []account.Role{custom(t, home, "b", "!template:*")}, account.Object{Type: account.ResourceOrganization, ID: home, Organization: home}, true},
	} {
		who := user
		who.Roles = c.siteRoles
		actor := account.NewActor(who, []account.Membership{holding(home, c.roles...), membership(away)}, fullKey())
		if got := actor.Can(account.ActionRead, c.object); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
	// A built-in role is not to be replaced by a custom one of its name.
	impostor := custom(t, home, "organization-auditor", "*:*")
	if account.NewActor(user, []account.Membership{holding(home, impostor)}, fullKey()).Can(account.ActionUpdate, template) {
		t.Error("a custom role took the place of a built-in one")
	}
}

// TestMayAssignOrgRole is the table of users.md, section 8.4, and that nobody
// gives more than it has.
func TestMayAssignOrgRole(t *testing.T) {
	t.Parallel()
	home, away := someID(100), someID(101)
	implied, _ := account.BuiltInOrgRole("organization-member")
	reader, empty := custom(t, home, "reader", "audit_log:read"), custom(t, home, "empty", "!*:*")
	above := custom(t, home, "above", "organization:create")
	giver := custom(t, home, "giver", "assign_org_role:*")
	roles := append(account.OrgRoles(), implied, reader, empty, above, giver)
	builtIn := []string{"organization-admin", "organization-user-admin", "organization-template-admin", "organization-auditor", "organization-workspace-creation-ban"}
	everything := slices.Concat(builtIn, []string{"organization-member", "reader", "empty", "above", "giver"})
	for name, c := range map[string]struct {
		site       []string
		membership account.Membership
		want       []string
	}{
		"owner":                       {[]string{"owner"}, membership(away), everything},
		"user-admin":                  {[]string{"user-admin"}, membership(away), []string{"organization-member"}},
		"auditor":                     {[]string{"auditor"}, membership(home), nil},
		"template-admin":              {[]string{"template-admin"}, membership(home), nil},
		"organization-admin":          {nil, membership(home, "organization-admin"), slices.DeleteFunc(slices.Clone(everything), func(n string) bool { return n == "above" })},
		"organization-user-admin":     {nil, membership(home, "organization-user-admin"), []string{"organization-member"}},
		"organization-template-admin": {nil, membership(home, "organization-template-admin"), nil},
		"organization-auditor":        {nil, membership(home, "organization-auditor"), nil},
		"member":                      {nil, membership(home), nil},
		"stranger":                    {nil, membership(away, "organization-admin"), nil},
		"giver":                       {nil, holding(home, giver), []string{"organization-workspace-creation-ban", "organization-member", "empty", "giver"}},
		"giver and reader":            {nil, holding(home, giver, reader), []string{"organization-workspace-creation-ban", "organization-member", "reader", "empty", "giver"}},
	} {
		actor := account.NewActor(account.User{ID: someID(1), Roles: c.site}, []account.Membership{c.membership}, fullKey())
		var got []string
		for _, role := range roles {
			if actor.MayAssignOrgRole(home, role) {
				got = append(got, role.Name)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	narrow := account.NewActor(account.User{ID: someID(1), Roles: []string{"owner"}}, nil, narrowKey([]string{"user:read"}, account.AllowEverything()...))
	if narrow.MayAssignOrgRole(home, implied) {
		t.Error("a key without the scope assigns roles")
	}
}

func TestReadableMembers(t *testing.T) {
	t.Parallel()
	home, away, self, other := someID(100), someID(101), someID(1), someID(2)
	one := account.AllowListEntry{Type: account.ResourceOrganizationMember, ID: other}
	for name, c := range map[string]struct {
		site       []string
		membership account.Membership
		key        account.APIKey
		want       account.Reach
	}{
		"auditor":              {[]string{"auditor"}, membership(away), fullKey(), account.Reach{All: true}},
		"organization-auditor": {nil, membership(home, "organization-auditor"), fullKey(), account.Reach{All: true}},
		"member":               {nil, membership(home), fullKey(), account.Reach{IDs: []uuid.UUID{self}}},
		"stranger":             {nil, membership(away, "organization-admin"), fullKey(), account.Reach{}},
		"denied":               {nil, holding(home, custom(t, home, "b", "!*:read")), fullKey(), account.Reach{}},
		"no scope":             {[]string{"owner"}, membership(home), narrowKey([]string{"organization:read"}, account.AllowEverything()...), account.Reach{}},
		"allow list":           {[]string{"owner"}, membership(home), narrowKey([]string{"coder:all"}, one), account.Reach{IDs: []uuid.UUID{other}}},
		"allow list of others": {nil, membership(home), narrowKey([]string{"coder:all"}, one), account.Reach{}},
	} {
		actor := account.NewActor(account.User{ID: self, Roles: c.site}, []account.Membership{c.membership}, c.key)
		if diff := cmp.Diff(c.want, actor.ReadableMembers(home)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestMemberRole(t *testing.T) {
	t.Parallel()
	m := account.Member{Roles: []string{"helper", "gone"}, CustomRoles: []account.Role{{Name: "helper", DisplayName: "A Helper"}}}
	for name, want := range map[string]string{"helper": "A Helper", "gone": "", "organization-auditor": "Organization Auditor"} {
		if got := m.Role(name); got.Name != name || got.DisplayName != want {
			t.Errorf("%s is %q, called %q", name, got.Name, got.DisplayName)
		}
	}
}
