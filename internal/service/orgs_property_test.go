package service_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"usher/internal/account"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// newOrgModel is a deployment with some users of every kind.
func newOrgModel(t testing.TB, db store.Config) *orgModel {
	t.Helper()
	w := open(t, db)
	w.begin(t)
	m := &orgModel{world: w}
	home := &orgState{id: w.owner.User.OrganizationIDs[0], name: "coder", members: map[*orgUser][]string{}, roles: map[string][]string{}}
	m.orgs = []*orgState{home}
	add := func(u account.User) {
		key := w.token(t, u, service.NewToken{})
		one := &orgUser{id: u.ID, name: u.Username, robot: u.IsServiceAccount, site: u.Roles, key: key}
		m.users = append(m.users, one)
		home.members[one] = []string{}
	}
	add(w.owner.User)
	add(w.user(t, "boss", "owner"))
	add(w.user(t, "una", "user-admin"))
	add(w.user(t, "aud", "auditor"))
	for _, name := range []string{"ann", "ben", "cal"} {
		add(w.user(t, name))
	}
	add(w.robot(t, "robot", "owner"))
	return m
}

// step is one attempt: what it does, whether it should succeed, and what is true
// then.
type step struct {
	attempt func(ctx context.Context, actor *account.Actor) error
	allowed bool
	apply   func()
	silent  bool // it changes nothing and leaves no entry
}

// try makes the attempt as the user.
func (m *orgModel) try(t *rapid.T, u *orgUser, s step) {
	m.clock.advance(time.Millisecond)
	actor, err := m.Authenticate(t.Context(), u.key, account.Origin{})
	if u.deleted {
		if account.KindOf(err) != account.KindUnauthenticated {
			t.Fatalf("%s was deleted and is let in: %v", u.name, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("%s: %v", u.name, err)
	}
	before := m.entriesSoFar(t)
	err = s.attempt(t.Context(), actor)
	switch kind := account.KindOf(err); kind {
	case account.KindInternal, account.KindUnavailable:
		t.Fatalf("%s: %v", u.name, err)
	default:
		if (kind == "") != s.allowed {
			t.Fatalf("%s: allowed: %t, but: %v", u.name, s.allowed, err)
		}
	}
	if err == nil {
		s.apply()
		if left := m.entriesSoFar(t) - before; left != 1 && !s.silent {
			t.Fatalf("%s: the change left %d entries", u.name, left)
		}
	}
}

func (m *orgModel) entriesSoFar(t *rapid.T) int {
	n, err := m.Store.Direct().CountAuditEntries(t.Context(), store.AuditList{Readable: account.Reach{All: true}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (m *orgModel) somebody(t *rapid.T, label string) *orgUser {
	return rapid.SampledFrom(m.users).Draw(t, label)
}

func (m *orgModel) somewhere(t *rapid.T) *orgState {
	return rapid.SampledFrom(m.orgs).Draw(t, "organization")
}

func orgName(t *rapid.T) string {
	return rapid.SampledFrom([]string{"Alpha", "alpha", "Beta", "gamma"}).Draw(t, "name")
}

func (m *orgModel) createOrganization(t *rapid.T) {
	u, name := m.somebody(t, "actor"), orgName(t)
	made := &orgState{name: name, members: map[*orgUser][]string{u: {}}, roles: map[string][]string{}}
	m.try(t, u, step{allowed: u.is("owner") && m.free(name, nil), attempt: func(ctx context.Context, a *account.Actor) error {
		created, err := m.CreateOrganization(ctx, a, service.NewOrganization{Name: name}, nil)
		made.id = created.ID
		return err
	}, apply: func() { m.orgs = append(m.orgs, made) }})
}

func (m *orgModel) renameOrganization(t *rapid.T) {
	u, o, name := m.somebody(t, "actor"), m.somewhere(t), orgName(t)
	allowed := o.sees(u) && o.may(u, "organization:update") && m.free(name, o)
	m.try(t, u, step{allowed: allowed, attempt: func(ctx context.Context, a *account.Actor) error {
		_, err := m.UpdateOrganization(ctx, a, o.ref(), service.OrganizationPatch{Name: name}, nil)
		return err
	}, apply: func() { o.name = name }})
}

func (m *orgModel) deleteOrganization(t *rapid.T) {
	u, o := m.somebody(t, "actor"), m.somewhere(t)
	allowed := o.sees(u) && o.may(u, "organization:delete") && o != m.orgs[0] && o.alone(u)
	m.try(t, u, step{allowed: allowed, attempt: func(ctx context.Context, a *account.Actor) error {
		return m.DeleteOrganization(ctx, a, o.ref())
	}, apply: func() { o.deleted = true }})
}

func (m *orgModel) addMember(t *rapid.T) {
	u, o, who := m.somebody(t, "actor"), m.somewhere(t), m.somebody(t, "member")
	allowed := o.sees(u) && !who.deleted && m.seesUser(u, who) && !o.member(who) &&
		o.may(u, "organization_member:create") && o.may(u, "assign_org_role:assign")
	m.try(t, u, step{allowed: allowed, attempt: func(ctx context.Context, a *account.Actor) error {
		_, err := m.AddMember(ctx, a, o.ref(), who.ref())
		return err
	}, apply: func() { o.members[who] = []string{} }})
}

func (m *orgModel) removeMember(t *rapid.T) {
	u, o, who := m.somebody(t, "actor"), m.somewhere(t), m.somebody(t, "member")
	allowed := o.seesMember(u, who) && o.may(u, "organization_member:delete") && u != who
	m.try(t, u, step{allowed: allowed, attempt: func(ctx context.Context, a *account.Actor) error {
		return m.RemoveMember(ctx, a, o.ref(), who.ref())
	}, apply: func() { delete(o.members, who) }})
}

func (m *orgModel) updateMemberRoles(t *rapid.T) {
	u, o, who := m.somebody(t, "actor"), m.somewhere(t), m.somebody(t, "member")
	known := []string{
		"organization-admin", "organization-user-admin", "organization-auditor", "organization-workspace-creation-ban",
		"organization-member", "r1", "r2", "r3",
	}
	roles := rapid.SliceOfNDistinct(rapid.SampledFrom(known), 0, 2, rapid.ID).Draw(t, "roles")
	slices.Sort(roles)
	m.try(t, u, step{allowed: o.mayAssign(u, who, roles), attempt: func(ctx context.Context, a *account.Actor) error {
		_, err := m.UpdateMemberRoles(ctx, a, o.ref(), who.ref(), append(roles, roles...), nil)
		return err
	}, apply: func() { o.members[who] = roles }})
}

// customRole draws a role that fits into few names, and means something.
func customRole(t *rapid.T) (string, []string, service.NewRole) {
	meanings := [][]string{
		{},
		{"audit_log:read"},
		{"organization:update"},
		{"organization:create"},
		{"organization_member:delete", "organization_member:read"},
		{"assign_org_role:create", "assign_org_role:assign", "assign_org_role:unassign"},
		{"!organization_member:read"},
		{"!organization:read"},
	}
	name := rapid.SampledFrom([]string{"r1", "r2", "r3"}).Draw(t, "role")
	permissions := rapid.SampledFrom(meanings).Draw(t, "permissions")
	n := service.NewRole{Name: name}
	for _, p := range permissions {
		n.Permissions = append(n.Permissions, namedPermission(p))
	}
	return name, permissions, n
}

func (m *orgModel) createRole(t *rapid.T) {
	u, o := m.somebody(t, "actor"), m.somewhere(t)
	name, permissions, n := customRole(t)
	allowed := o.sees(u) && !o.knows(name) && o.may(u, "assign_org_role:create") && o.coversAll(u, permissions)
	m.try(t, u, step{allowed: allowed, attempt: func(ctx context.Context, a *account.Actor) error {
		_, err := m.CreateRole(ctx, a, o.ref(), n, nil)
		return err
	}, apply: func() { o.roles[name] = permissions }})
}

func (m *orgModel) updateRole(t *rapid.T) {
	u, o := m.somebody(t, "actor"), m.somewhere(t)
	name, permissions, n := customRole(t)
	allowed := o.sees(u) && o.knows(name) && o.may(u, "assign_org_role:update") && o.coversAll(u, permissions)
	m.try(t, u, step{allowed: allowed, attempt: func(ctx context.Context, a *account.Actor) error {
		_, err := m.UpdateRole(ctx, a, o.ref(), n, nil)
		return err
	}, apply: func() { o.roles[name] = permissions }})
}

func (m *orgModel) deleteRole(t *rapid.T) {
	u, o := m.somebody(t, "actor"), m.somewhere(t)
	name, _, _ := customRole(t)
	allowed := o.sees(u) && o.knows(name) && o.may(u, "assign_org_role:delete")
	m.try(t, u, step{allowed: allowed, attempt: func(ctx context.Context, a *account.Actor) error {
		return m.DeleteRole(ctx, a, o.ref(), name)
	}, apply: func() {
		delete(o.roles, name)
		for who, roles := range o.members {
			o.members[who] = slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return role == name })
		}
	}})
}

func (m *orgModel) updateSiteRoles(t *rapid.T) {
	u, who := m.somebody(t, "actor"), m.somebody(t, "user")
	roles := rapid.SampledFrom([][]string{{}, {"owner"}, {"user-admin"}, {"auditor"}}).Draw(t, "roles")
	unchanged := u.is("user-admin") && slices.Equal(roles, who.site)
	loses := !slices.Contains(roles, "owner") && m.lastOwner(who)
	allowed := u != who && !who.deleted && m.seesUser(u, who) && (u.is("owner") || unchanged) && !loses
	m.try(t, u, step{allowed: allowed, attempt: func(ctx context.Context, a *account.Actor) error {
		_, err := m.UpdateRoles(ctx, a, who.ref(), roles, nil)
		return err
	}, apply: func() { who.site = roles }})
}

func (m *orgModel) deleteUser(t *rapid.T) {
	u, who := m.somebody(t, "actor"), m.somebody(t, "user")
	allowed := u != who && u.is("owner", "user-admin") && (who.deleted || !m.lastOwner(who))
	m.try(t, u, step{allowed: allowed, silent: who.deleted, attempt: func(ctx context.Context, a *account.Actor) error {
		return m.DeleteUser(ctx, a, who.ref())
	}, apply: func() { who.deleted = true }})
}

// check compares everything that is stored with the model.
func (m *orgModel) check(t *rapid.T) {
	direct := m.Store.Direct()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	all, err := direct.ListOrganizations(t.Context(), account.Reach{All: true})
	must(err)
	stored, wanted := map[uuid.UUID]string{}, map[uuid.UUID]string{}
	for _, o := range all {
		stored[o.ID] = o.Name
		if o.IsDefault != (o.ID == m.orgs[0].id) {
			t.Fatalf("%s is the default organization: %t", o.Name, o.IsDefault)
		}
	}
	for _, o := range m.orgs {
		if !o.deleted {
			wanted[o.id] = o.name
			m.checkOrganization(t, o)
		}
	}
	if diff := cmp.Diff(wanted, stored); diff != "" {
		t.Fatalf("the organizations (-want +got):\n%s", diff)
	}
	owners, err := direct.CountUsableOwners(t.Context())
	must(err)
	if owners == 0 {
		t.Fatal("nobody is an owner any more")
	}
	for _, u := range m.users {
		m.checkUser(t, u)
	}
}

func (m *orgModel) checkOrganization(t *rapid.T, o *orgState) {
	list := store.MemberList{OrganizationID: o.id, Users: store.UserList{Readable: account.Reach{All: true}}}
	members, err := m.Store.Direct().ListMembers(t.Context(), list, store.UserPage{})
	if err != nil {
		t.Fatal(err)
	}
	count, err := m.Store.Direct().CountMembers(t.Context(), list)
	if err != nil || count != len(members) {
		t.Fatalf("%s: %d members, count %d (%v)", o.name, len(members), count, err)
	}
	stored, wanted, holders := map[string][]string{}, map[string][]string{}, map[string]int{}
	for _, member := range members {
		stored[member.User.Username] = member.Roles
	}
	for u, roles := range o.members {
		if !u.deleted {
			wanted[u.name] = roles
		}
		for _, role := range roles {
			holders[role]++
		}
	}
	if diff := cmp.Diff(wanted, stored); diff != "" {
		t.Fatalf("the members of %s (-want +got):\n%s", o.name, diff)
	}
	custom, err := m.Store.Direct().CustomRoles(t.Context(), o.id)
	if err != nil || len(custom) != len(o.roles) {
		t.Fatalf("%s has %d custom roles, want %d (%v)", o.name, len(custom), len(o.roles), err)
	}
	for _, role := range []string{"r1", "r2", "r3", "organization-admin"} {
		ids, err := m.Store.Direct().MemberIDs(t.Context(), o.id, role)
		if err != nil || len(ids) != holders[role] {
			t.Fatalf("%s: %d users hold %s, want %d (%v)", o.name, len(ids), role, holders[role], err)
		}
	}
}

// checkUser compares what is told of a user, and what it is shown itself.
func (m *orgModel) checkUser(t *rapid.T, u *orgUser) {
	stored, err := m.Store.Direct().UserByID(t.Context(), u.id)
	if err != nil {
		t.Fatal(err)
	}
	less := func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }
	if diff := cmp.Diff(slices.SortedFunc(slices.Values(m.organizationIDs(u)), less), slices.SortedFunc(slices.Values(stored.OrganizationIDs), less)); diff != "" && !u.deleted {
		t.Fatalf("the organizations of %s (-want +got):\n%s", u.name, diff)
	}
	if u.deleted {
		return
	}
	actor, err := m.Authenticate(t.Context(), u.key, account.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := m.ListOrganizations(t.Context(), actor)
	if err != nil {
		t.Fatal(err)
	}
	m.checkRights(t, u, actor)
	shown, wanted := map[string]bool{}, map[string]bool{}
	for _, o := range seen {
		shown[o.Name] = true
	}
	for _, o := range m.orgs {
		if o.sees(u) {
			wanted[o.name] = true
		}
	}
	if !maps.Equal(shown, wanted) {
		t.Fatalf("%s is shown %v, want %v", u.name, shown, wanted)
	}
}

// checkRights asks what a request of the user that comes now may do.
func (m *orgModel) checkRights(t *rapid.T, u *orgUser, actor *account.Actor) {
	for _, o := range m.orgs {
		for _, permission := range orgGrants("organization-admin") {
			resourceName, actionName, _ := strings.Cut(permission, ":")
			resource, _ := account.ParseResource(resourceName)
			action, _ := account.ParseAction(actionName)
			got := actor.Can(action, account.Object{Type: resource, Organization: o.id})
			if want := o.may(u, permission); got != want {
				t.Fatalf("%s may %s in %s: %t, want %t", u.name, permission, o.name, got, want)
			}
		}
	}
}

// TestOrganizationsAgainstModel drives random changes by random users, and holds
// each answer and everything that is stored to the model.
func TestOrganizationsAgainstModel(t *testing.T) {
	t.Parallel()
	for name, engine := range map[string]struct {
		open   func(t *testing.T) store.Config
		budget time.Duration
		most   int // each run has a database of its own, and PostgreSQL's connections are few
	}{
		"sqlite": {func(t *testing.T) store.Config { t.Helper(); return storetest.SQLite(t) }, 4 * time.Second, 100},
		"postgres": {func(t *testing.T) store.Config {
			t.Helper()
			return store.Config{DatabaseURL: storetest.MigratedPostgres(t), DataDir: t.TempDir()}
		}, 3 * time.Second, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin, runs, steps, failing := time.Now(), 0, 0, false
			rapid.Check(t, func(rt *rapid.T) {
				if !failing && (time.Since(begin) > engine.budget || runs >= engine.most) {
					return
				}
				failing = true // until the end of the run: what fails is made smaller, however long it takes
				runs++
				m := newOrgModel(t, engine.open(t))
				changes := map[string]func(*rapid.T){
					"create organization": m.createOrganization, "rename organization": m.renameOrganization,
					"delete organization": m.deleteOrganization, "add member": m.addMember, "add another": m.addMember, "remove member": m.removeMember,
					"member roles": m.updateMemberRoles, "more member roles": m.updateMemberRoles,
					"create role": m.createRole, "update role": m.updateRole, "delete role": m.deleteRole,
					"site roles": m.updateSiteRoles, "delete user": m.deleteUser, "": m.check,
				}
				for name, change := range maps.Clone(changes) {
					changes[name] = func(rt *rapid.T) { steps++; change(rt) }
				}
				rt.Repeat(changes)
				m.stop()
				failing = false
			})
			t.Logf("%d steps in %d runs", steps, runs)
		})
	}
}
