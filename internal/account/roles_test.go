package account_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
)

// The columns of the matrix. The last two are the roles that members of an
// organization hold without its being stored.
const (
	owner = iota
	userAdmin
	templateAdmin
	auditor
	member
	orgAdmin
	orgUserAdmin
	orgTemplateAdmin
	orgAuditor
	orgMember
	numColumns
)

// columnRoles returns the stored role of each column, "" for the implied ones.
func columnRoles() [numColumns]string {
	return [numColumns]string{
		owner: "owner", userAdmin: "user-admin", templateAdmin: "template-admin", auditor: "auditor",
		orgAdmin: "organization-admin", orgUserAdmin: "organization-user-admin",
		orgTemplateAdmin: "organization-template-admin", orgAuditor: "organization-auditor",
	}
}

// matrixRow is a row of users.md, section 8.2: a resource and one cell for each
// column. A cell is a list of level:actions. The levels are site (everywhere),
// org (in the organization of the role), own (the caller's own objects that are
// in no foreign organization) and own@org (the caller's own objects in the
// organization of the role). The actions are Create, Read, Update, Delete, read
// Personal, Edit personal, Assign, unassign (X), or * for all that exist.
type matrixRow struct {
	resource string
	cells    [numColumns]string
}

// matrix is the whole table. Where the contract writes "own" for a role that
// has it only by being a member, so does this. A resource without a row is the
// owner's alone: the role is a wildcard, except over the secrets of others.
func matrix() []matrixRow {
	const (
		all  = "site:*"
		crud = "own:CRUD"
		own  = "own:*"
	)
	return []matrixRow{
		{"user", [...]string{all, all, "site:R", "site:R", "own:RPE", "site:R", "site:R", "", "", ""}},
		{"api_key", [...]string{all, crud, crud, crud, crud, crud, crud, crud, crud, crud}},
		{"assign_role", [...]string{"site:AXR", "site:AXR", "site:R", "site:R", "site:R", "site:R", "site:R", "site:R", "site:R", ""}},
		{"assign_org_role", [...]string{"site:AXRCUD", "site:AXR", "site:R", "site:R", "", "org:AXRCUD", "org:AXR", "org:R", "", "org:R"}},
		{"organization", [...]string{"site:CRUD", "site:R", "site:R", "site:R", "", "org:RUD", "org:R", "org:R", "org:R", "org:R"}},
		{"organization_member", [...]string{"site:CRUD", "site:CRUD", "site:R", "site:R", "", "org:CRUD", "org:CRUD", "org:R", "org:R", "own@org:R"}},
		{"group", [...]string{all, "site:CRUD", "site:R", "site:R", "", "org:*", "org:*", "org:R", "org:R", ""}},
		{"group_member", [...]string{all, "site:R", "site:R", "site:R", "", "org:*", "org:*", "org:R", "org:R", ""}},
		{"audit_log", [...]string{"site:CR", "", "", "site:R", "", "org:R", "", "", "org:R", ""}},
		{"connection_log", [...]string{all, "", "", "site:R", "", "org:R", "", "", "org:R", ""}},
		{"deployment_config", [...]string{"site:RU", "", "", "site:R", "", "", "", "", "", ""}},
		{"deployment_stats", [...]string{"site:R", "", "", "site:R", "", "", "", "", "", ""}},
		{"idpsync_settings", [...]string{"site:RU", "site:RU", "", "", "", "org:RU", "org:RU", "", "", ""}},
		{"license", [...]string{"site:RCD", "", "", "", "", "", "", "", "", ""}},
		{"replicas", [...]string{"site:R", "", "", "", "", "", "", "", "", ""}},
		{"debug_info", [...]string{"site:R", "", "", "", "", "", "", "", "", ""}},
		{"crypto_key", [...]string{all, "", "", "", "", "", "", "", "", ""}},
		{"user_secret", [...]string{crud, crud, crud, crud, crud, crud, crud, crud, crud, crud}},
		{"user_skill", [...]string{all, own, own, own, own, own, own, own, own, own}},
		{"inbox_notification", [...]string{all, own, own, own, own, own, own, own, own, own}},
		{"notification_preference", [...]string{all, own, own, own, own, own, own, own, own, own}},
		{"webpush_subscription", [...]string{all, own, own, own, own, own, own, own, own, own}},

		// Not in the table of the contract: what decisions D4 and the checks of
		// users.md, section 6.5, ask of the things that workspaces are made of.
		{"ai_seat", [...]string{all, all, all, "", "", "", "", "", "", ""}},
		{"workspace", [...]string{all, "", all, "", "", "org:*", "", "org:R", "", "own@org:*"}},
		{"template", [...]string{all, "", all, "", "", "org:*", "", "org:*", "", ""}},
		{"file", [...]string{all, "", all, "", "", "org:*", "", "org:*", "", ""}},
		{"task", [...]string{all, "", "", "", "", "", "", "", "", "own@org:*"}},
		{"prebuilt_workspace", [...]string{all, "", all, "", "", "", "", "", "", ""}},
		{"provisioner_daemon", [...]string{all, "", all, "", "", "org:*", "", "org:*", "", ""}},
		{"provisioner_jobs", [...]string{all, "", all, "", "", "org:*", "", "org:*", "", ""}},
	}
}

// levels is what one resource grants on each level.
type levels struct{ site, org, own, ownInOrg account.ActionSet }

func (l *levels) add(other levels) {
	l.site |= other.site
	l.org |= other.org
	l.own |= other.own
	l.ownInOrg |= other.ownInOrg
}

func parseCell(t *testing.T, resource account.Resource, cell string) levels {
	t.Helper()
	var parsed levels
	for part := range strings.FieldsSeq(cell) {
		level, letters, _ := strings.Cut(part, ":")
		set := letterSet(t, resource, letters)
		switch level {
		case "site":
			parsed.site = set
		case "org":
			parsed.org = set
		case "own":
			parsed.own = set
		case "own@org":
			parsed.ownInOrg = set
		default:
			t.Fatalf("cell %q has an unknown level", cell)
		}
	}
	return parsed
}

func letterSet(t *testing.T, resource account.Resource, letters string) account.ActionSet {
	t.Helper()
	names := map[rune]string{
		'C': "create", 'R': "read", 'U': "update", 'D': "delete",
		'P': "read_personal", 'E': "update_personal", 'A': "assign", 'X': "unassign",
	}
	var set account.ActionSet
	for _, letter := range letters {
		if letter == '*' {
			return resource.Actions()
		}
		action, known := account.ParseAction(names[letter])
		if !known || !resource.Actions().Has(action) {
			t.Fatalf("%s has no action %q", resource, letter)
		}
		set |= 1 << action
	}
	return set
}

// expected returns what somebody of that column may do: what the role grants
// and, with it, what everyone and what every member of an organization has.
func expected(t *testing.T, resource account.Resource, column int) levels {
	t.Helper()
	want := levels{}
	if column == owner {
		want.site = resource.Actions()
	}
	rows := matrix()
	i := slices.IndexFunc(rows, func(row matrixRow) bool { return row.resource == resource.String() })
	if i < 0 {
		return want
	}
	want = parseCell(t, resource, rows[i].cells[column])
	want.add(parseCell(t, resource, rows[i].cells[member]))
	if column >= orgAdmin {
		want.add(parseCell(t, resource, rows[i].cells[orgMember]))
	}
	return want
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	home := someID(100)
	for column, role := range columnRoles() {
		user, memberships := account.User{ID: someID(1)}, []account.Membership(nil)
		switch {
		case column >= orgAdmin:
			memberships = []account.Membership{membership(home, role)}
		case role != "":
			user.Roles = []string{role}
		}
		checkColumn(t, column, account.NewActor(user, memberships, fullKey()))
	}
}

// TestMatrixOfServiceAccounts: the role that a service account's membership
// implies has another name and grants the same.
func TestMatrixOfServiceAccounts(t *testing.T) {
	t.Parallel()
	robot := account.User{ID: someID(1), IsServiceAccount: true}
	checkColumn(t, orgMember, account.NewActor(robot, []account.Membership{membership(someID(100))}, fullKey()))
}

// checkColumn asks about every action on every resource, whether or not the
// action exists there, on each level.
func checkColumn(t *testing.T, column int, actor *account.Actor) {
	t.Helper()
	self, other, home, away := actor.User.ID, someID(2), someID(100), someID(101)
	for _, resource := range every() {
		want := expected(t, resource, column)
		inHome := want.site
		if column >= orgAdmin {
			inHome |= want.own | want.ownInOrg
		}
		probes := []struct {
			level  string
			object account.Object
			want   account.ActionSet
		}{
			{"all", account.Object{Type: resource}, want.site},
			{"another's", account.Object{Type: resource, Owner: other}, want.site},
			{"another's, in the organization", account.Object{Type: resource, Owner: other, Organization: home}, want.site | want.org},
			{"another's, in a foreign organization", account.Object{Type: resource, Owner: other, Organization: away}, want.site},
			{"another's, in any organization", account.Object{Type: resource, Owner: other, AnyOrganization: true}, want.site | want.org},
			{"own", account.Object{Type: resource, Owner: self}, want.site | want.own},
			{"own, in the organization", account.Object{Type: resource, Owner: self, Organization: home}, inHome | want.org},
			{"own, in a foreign organization", account.Object{Type: resource, Owner: self, Organization: away}, want.site},
		}
		for _, probe := range probes {
			if diff := cmp.Diff(actionNames(probe.want), allowed(actor, probe.object)); diff != "" {
				t.Errorf("column %d, %s, %s (-contract +code):\n%s", column, resource, probe.level, diff)
			}
		}
	}
}

func allowed(actor *account.Actor, object account.Object) []string {
	names := []string{}
	for _, action := range everyAction() {
		if actor.Can(action, object) {
			names = append(names, action.String())
		}
	}
	slices.Sort(names)
	return names
}

func TestListedRoles(t *testing.T) {
	t.Parallel()
	names := func(roles []account.Role) map[string]string {
		byName := map[string]string{}
		for _, role := range roles {
			byName[role.Name] = role.DisplayName
			if role.OrganizationID != uuid.Nil {
				t.Errorf("the built-in role %s belongs to an organization", role.Name)
			}
		}
		return byName
	}
	wantSite := map[string]string{
		"owner": "Owner", "user-admin": "User Admin", "template-admin": "Template Admin", "auditor": "Auditor",
	}
	wantOrg := map[string]string{
		"organization-admin":                  "Organization Admin",
		"organization-user-admin":             "Organization User Admin",
		"organization-template-admin":         "Organization Template Admin",
		"organization-auditor":                "Organization Auditor",
		"organization-workspace-creation-ban": "Organization Workspace Creation Ban",
	}
	if diff := cmp.Diff(wantSite, names(account.SiteRoles())); diff != "" {
		t.Errorf("site roles (-contract +code):\n%s", diff)
	}
	if diff := cmp.Diff(wantOrg, names(account.OrgRoles())); diff != "" {
		t.Errorf("organization roles (-contract +code):\n%s", diff)
	}
}

func TestRoleNames(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name        string
		site        bool
		siteDisplay string
		orgDisplay  string
	}{
		{name: "owner", site: true, siteDisplay: "Owner"},
		{name: "user-admin", site: true, siteDisplay: "User Admin"},
		{name: "template-admin", site: true, siteDisplay: "Template Admin"},
		{name: "auditor", site: true, siteDisplay: "Auditor"},
		{name: "member", site: true, siteDisplay: "Member"},
		{name: "organization-admin", orgDisplay: "Organization Admin"},
		{name: "organization-auditor", orgDisplay: "Organization Auditor"},
		{name: "organization-member"},
		{name: "organization-service-account"},
		{name: "Owner"},
		{name: "no-such-role"},
		{name: ""},
	}
	for _, c := range cases {
		if got := account.IsSiteRole(c.name); got != c.site {
			t.Errorf("IsSiteRole(%q) = %v", c.name, got)
		}
		if got := account.SiteRoleDisplayName(c.name); got != c.siteDisplay {
			t.Errorf("SiteRoleDisplayName(%q) = %q, want %q", c.name, got, c.siteDisplay)
		}
		if role, _ := account.BuiltInOrgRole(c.name); role.DisplayName != c.orgDisplay {
			t.Errorf("BuiltInOrgRole(%q) is called %q, want %q", c.name, role.DisplayName, c.orgDisplay)
		}
	}
}

// TestRolesOfTheOtherKindGrantNothing: a role counts only where it belongs.
func TestRolesOfTheOtherKindGrantNothing(t *testing.T) {
	t.Parallel()
	home := someID(100)
	misplaced := account.NewActor(
		account.User{ID: someID(1), Roles: []string{"organization-admin", "no-such-role", ""}},
		[]account.Membership{membership(home, "owner", "member", "no-such-role")}, fullKey())
	checkColumn(t, orgMember, misplaced)
}

// TestWhoAssignsSiteRoles is users.md, section 8.4.
func TestWhoAssignsSiteRoles(t *testing.T) {
	t.Parallel()
	cases := []struct {
		held []string
		want []string
	}{
		{held: []string{"owner"}, want: []string{"owner", "auditor", "template-admin", "user-admin", "member"}},
		{held: []string{"user-admin"}, want: []string{"member"}},
		{held: []string{"auditor", "user-admin"}, want: []string{"member"}},
		{held: []string{"template-admin"}},
		{held: []string{"auditor"}},
		{held: []string{"member"}},
		{held: []string{"organization-admin"}},
		{held: nil},
	}
	asked := []string{
		"owner", "auditor", "template-admin", "user-admin", "member",
		"organization-admin", "organization-member", "no-such-role", "",
	}
	for _, c := range cases {
		actor := account.NewActor(account.User{ID: someID(1), Roles: c.held},
			[]account.Membership{membership(someID(100), "organization-admin")}, fullKey())
		for _, role := range asked {
			if got, want := actor.MayAssignSiteRole(role), slices.Contains(c.want, role); got != want {
				t.Errorf("somebody with %v may assign %q: %v, want %v", c.held, role, got, want)
			}
		}
	}
	if account.Anonymous(account.Origin{}).MayAssignSiteRole("member") {
		t.Error("nobody may assign a role")
	}
}
