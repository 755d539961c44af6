package account_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"usher/internal/account"
)

// someID returns the n-th id of a test.
func someID(n byte) uuid.UUID { return uuid.UUID{0xda, 15: n} }

func membership(organization uuid.UUID, roles ...string) account.Membership {
	return account.Membership{OrganizationID: organization, Roles: roles}
}

// fullKey is a key that does not narrow its owner.
func fullKey() account.APIKey {
	return account.APIKey{Scopes: []string{"coder:all"}, AllowList: account.AllowEverything()}
}

func narrowKey(scopes []string, entries ...account.AllowListEntry) account.APIKey {
	return account.APIKey{Scopes: scopes, AllowList: entries}
}

func TestAnonymousMayNothing(t *testing.T) {
	t.Parallel()
	// A user without an id is nobody, whatever else is claimed for it.
	impostor := account.NewActor(account.User{Roles: []string{"owner"}},
		[]account.Membership{membership(someID(100), "organization-admin")}, fullKey())
	for name, actor := range map[string]*account.Actor{
		"anonymous": account.Anonymous(account.Origin{IP: "192.0.2.1"}), "without an id": impostor,
	} {
		if !actor.IsAnonymous() || actor.Is(uuid.Nil) {
			t.Errorf("%s: is taken for somebody", name)
		}
		for _, resource := range every() {
			for _, object := range []account.Object{
				{Type: resource},
				{Type: resource, Organization: someID(100)},
				{Type: resource, AnyOrganization: true},
			} {
				if got := allowed(actor, object); len(got) > 0 {
					t.Errorf("%s: may %v %s", name, got, resource)
				}
			}
		}
		_, audits := actor.ReadableAuditLogs()
		if audits || !empty(actor.ReadableUsers()) || !empty(actor.ReadableOrganizations()) {
			t.Errorf("%s: may read a list", name)
		}
	}
}

func empty(reach account.Reach) bool { return !reach.All && len(reach.IDs) == 0 }

func TestActorIdentity(t *testing.T) {
	t.Parallel()
	origin := account.Origin{IP: "192.0.2.1", UserAgent: "test", RequestID: someID(9)}
	actor := account.NewActor(account.User{ID: someID(1), Roles: []string{"owner"}}, nil, fullKey())
	moved := actor.From(origin)

	if diff := cmp.Diff(origin, moved.Origin); diff != "" {
		t.Errorf("origin (-want +got):\n%s", diff)
	}
	if actor.Origin != (account.Origin{}) {
		t.Error("From changed the actor that it was called on")
	}
	if !moved.Is(someID(1)) || moved.Is(someID(2)) || moved.IsAnonymous() || !moved.IsOwner() {
		t.Error("From lost who is asking")
	}
	if !moved.Can(account.ActionCreate, account.Object{Type: account.ResourceUser}) {
		t.Error("From lost what the actor may do")
	}
	if plain := account.NewActor(account.User{ID: someID(1)}, nil, fullKey()); plain.IsOwner() {
		t.Error("somebody without roles is an owner")
	}
}

// TestAuthcheckMatrix is the table of users.md, section 6.5, and the rows that
// its rules of evaluation add.
func TestAuthcheckMatrix(t *testing.T) {
	t.Parallel()
	self, home, away := someID(1), someID(100), someID(101)
	asMember := account.NewActor(account.User{ID: self}, []account.Membership{membership(home)}, fullKey())
	asOrgAdmin := account.NewActor(account.User{ID: self}, []account.Membership{membership(home, "organization-admin")}, fullKey())
	asOwner := account.NewActor(account.User{ID: self, Roles: []string{"owner"}}, []account.Membership{membership(home)}, fullKey())
	alone := account.NewActor(account.User{ID: self}, nil, fullKey())
	cases := []struct {
		name     string
		resource account.Resource
		action   account.Action
		object   account.Object
		want     string // of the member, the organization's admin, the owner, and somebody in no organization
	}{
		{"all users", account.ResourceUser, account.ActionRead, account.Object{}, "-++-"},
		{"oneself", account.ResourceUser, account.ActionRead, account.Object{Owner: self}, "++++"},
		{"own workspace, no organization", account.ResourceWorkspace, account.ActionRead, account.Object{Owner: self}, "--+-"},
		{"workspace in the organization", account.ResourceWorkspace, account.ActionRead, account.Object{Organization: home}, "-++-"},
		{"own workspace in the organization", account.ResourceWorkspace, account.ActionRead, account.Object{Owner: self, Organization: home}, "+++-"},
		{"own workspace in a foreign organization", account.ResourceWorkspace, account.ActionRead, account.Object{Owner: self, Organization: away}, "--+-"},
		{"own workspace in any organization", account.ResourceWorkspace, account.ActionRead, account.Object{Owner: self, AnyOrganization: true}, "+++-"},
		{"template by id", account.ResourceTemplate, account.ActionUpdate, account.Object{ID: someID(50), Organization: home}, "-++-"},
		{"template by id elsewhere", account.ResourceTemplate, account.ActionUpdate, account.Object{ID: someID(50), Organization: away}, "--+-"},
		{"templates of any organization", account.ResourceTemplate, account.ActionUpdate, account.Object{AnyOrganization: true}, "-++-"},
		{"templates of all", account.ResourceTemplate, account.ActionUpdate, account.Object{}, "--+-"},
		{"oneself, in any organization", account.ResourceUser, account.ActionRead, account.Object{Owner: self, AnyOrganization: true}, "++++"},
		{"own keys, in the organization", account.ResourceAPIKey, account.ActionRead, account.Object{Owner: self, Organization: home}, "+++-"},
		{"audit log of any organization", account.ResourceAuditLog, account.ActionRead, account.Object{AnyOrganization: true}, "-++-"},
		{"any organization", account.ResourceOrganization, account.ActionRead, account.Object{AnyOrganization: true}, "+++-"},
		{"create an organization", account.ResourceOrganization, account.ActionCreate, account.Object{}, "--+-"},
	}
	for _, c := range cases {
		c.object.Type = c.resource
		got := ""
		for _, actor := range []*account.Actor{asMember, asOrgAdmin, asOwner, alone} {
			got += map[bool]string{true: "+", false: "-"}[actor.Can(c.action, c.object)]
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestDenial: the ban on creating workspaces beats what the organization and
// ownership grant there, and never what a site role grants.
func TestDenial(t *testing.T) {
	t.Parallel()
	const ban = "organization-workspace-creation-ban"
	self, home, second := someID(1), someID(100), someID(101)
	ownIn := func(organization uuid.UUID) account.Object {
		return account.Object{Type: account.ResourceWorkspace, Owner: self, Organization: organization}
	}
	othersIn := account.Object{Type: account.ResourceWorkspace, Owner: someID(2), Organization: home}
	anywhere := account.Object{Type: account.ResourceWorkspace, Owner: self, AnyOrganization: true}
	banned := []account.Membership{membership(home, ban)}
	admin := []account.Membership{membership(home, "organization-admin", ban)}
	two := []account.Membership{membership(home, ban), membership(second)}
	cases := []struct {
		name        string
		roles       []string
		memberships []account.Membership
		action      account.Action
		object      account.Object
		want        bool
	}{
		{"own, without a ban", nil, []account.Membership{membership(home)}, account.ActionCreate, ownIn(home), true},
		{"own", nil, banned, account.ActionCreate, ownIn(home), false},
		{"own, to read", nil, banned, account.ActionRead, ownIn(home), true},
		{"own, in another organization", nil, two, account.ActionCreate, ownIn(second), true},
		{"own, in any organization", nil, two, account.ActionCreate, anywhere, true},
		{"own, in the only organization", nil, banned, account.ActionCreate, anywhere, false},
		{"granted by the organization", nil, admin, account.ActionCreate, othersIn, false},
		{"granted by the organization, own", nil, admin, account.ActionCreate, ownIn(home), false},
		{"granted by the organization, to update", nil, admin, account.ActionUpdate, othersIn, true},
		{"of an owner", []string{"owner"}, admin, account.ActionCreate, othersIn, true},
		{"of a template admin", []string{"template-admin"}, banned, account.ActionCreate, ownIn(home), true},
		{"of a user admin", []string{"user-admin"}, banned, account.ActionCreate, ownIn(home), false},
	}
	for _, c := range cases {
		actor := account.NewActor(account.User{ID: self, Roles: c.roles}, c.memberships, fullKey())
		if got := actor.Can(c.action, c.object); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestRefusalsAreExplained(t *testing.T) {
	t.Parallel()
	self := account.User{ID: someID(1)}
	other := account.User{ID: someID(2)}
	everyone := account.AllowListEntry{}
	cases := []struct {
		name   string
		key    account.APIKey
		action account.Action
		object account.Object
		lack   account.Lack
		words  []string
	}{
		{"allowed", fullKey(), account.ActionRead, self.Object(), account.LackNothing, nil},
		{"role", fullKey(), account.ActionUpdate, other.Object(), account.LackRole, []string{"user:update", "role"}},
		{
			"scope", narrowKey([]string{"user:read"}, everyone), account.ActionUpdatePersonal, self.Object(),
			account.LackScope,
			[]string{"user:update_personal", "scopes"},
		},
		{
			"allow list", narrowKey([]string{"coder:all"}, account.AllowListEntry{Type: account.ResourceUser, ID: other.ID}),
			account.ActionReadPersonal, self.Object(), account.LackAllowList,
			[]string{"user:read_personal", "allow list"},
		},
		{"all three", account.APIKey{}, account.ActionDelete, other.Object(), account.LackRole, []string{"user:delete", "role"}},
		{"scope and allow list", account.APIKey{}, account.ActionRead, self.Object(), account.LackScope, []string{"user:read", "scopes"}},
	}
	for _, c := range cases {
		actor := account.NewActor(self, nil, c.key)
		if got := actor.Missing(c.action, c.object); got != c.lack {
			t.Errorf("%s: missing %q, want %q", c.name, got, c.lack)
		}
		err := actor.Authorize(c.action, c.object)
		if c.lack == account.LackNothing {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		var refusal *account.Error
		if !errors.As(err, &refusal) || refusal.Kind != account.KindForbidden || refusal.Message != "Forbidden." {
			t.Errorf("%s: %v, want a forbidden error", c.name, err)
			continue
		}
		for _, word := range c.words {
			if !strings.Contains(refusal.Detail, word) {
				t.Errorf("%s: the detail %q does not say %q", c.name, refusal.Detail, word)
			}
		}
	}
}

func TestReadable(t *testing.T) {
	t.Parallel()
	self, other, home, second := someID(1), someID(2), someID(100), someID(101)
	everything := account.Reach{All: true}
	only := func(ids ...uuid.UUID) account.Reach { return account.Reach{IDs: ids} }
	site := func(role string) account.User { return account.User{ID: self, Roles: []string{role}} }
	in := func(roles ...string) []account.Membership {
		return []account.Membership{membership(home, roles...), membership(second)}
	}
	onUser := account.AllowListEntry{Type: account.ResourceUser, ID: other}
	onHome := account.AllowListEntry{ID: home}
	cases := []struct {
		name        string
		user        account.User
		memberships []account.Membership
		key         account.APIKey
		users       account.Reach
		orgs        account.Reach
		audits      account.Reach
	}{
		{"member", account.User{ID: self}, in(), fullKey(), only(self), only(home, second), only()},
		{"in no organization", account.User{ID: self}, nil, fullKey(), only(self), only(), only()},
		{"owner", site("owner"), in(), fullKey(), everything, everything, everything},
		{"user admin", site("user-admin"), in(), fullKey(), everything, everything, only()},
		{"template admin", site("template-admin"), in(), fullKey(), everything, everything, only()},
		{"auditor", site("auditor"), nil, fullKey(), everything, everything, everything},
		{"organization's admin", account.User{ID: self}, in("organization-admin"), fullKey(), everything, only(home, second), only(home)},
		{"organization's user admin", account.User{ID: self}, in("organization-user-admin"), fullKey(), everything, only(home, second), only()},
		{"organization's auditor", account.User{ID: self}, in("organization-auditor"), fullKey(), only(self), only(home, second), only(home)},
		{"owner, application connect", site("owner"), in(), narrowKey([]string{"coder:application_connect"}, account.AllowListEntry{}), only(), only(), only()},
		{"owner, scope for users", site("owner"), in(), narrowKey([]string{"user:read"}, account.AllowListEntry{}), everything, only(), only()},
		{"owner, scope for organizations", site("owner"), in(), narrowKey([]string{"organization:read"}, account.AllowListEntry{}), only(), everything, only()},
		{"owner, allow list", site("owner"), in(), narrowKey([]string{"coder:all"}, onUser, onHome), only(other, home), only(home), only()},
		{"owner, one user named twice", site("owner"), in(), narrowKey([]string{"coder:all"}, onUser, account.AllowListEntry{ID: other}), only(other), only(other), only()},
		{"member, allow list of another", account.User{ID: self}, in(), narrowKey([]string{"coder:all"}, onUser, onHome), only(), only(home), only()},
		{"owner, empty allow list", site("owner"), in(), narrowKey([]string{"coder:all"}), only(), only(), only()},
	}
	for _, c := range cases {
		actor := account.NewActor(c.user, c.memberships, c.key)
		audits, ok := actor.ReadableAuditLogs()
		got := []account.Reach{actor.ReadableUsers(), actor.ReadableOrganizations(), audits}
		want := []account.Reach{c.users, c.orgs, c.audits}
		sorted := cmpopts.SortSlices(func(a, b uuid.UUID) bool { return a.String() < b.String() })
		if diff := cmp.Diff(want, got, sorted, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: users, organizations, audit logs (-want +got):\n%s", c.name, diff)
		}
		if ok == empty(c.audits) {
			t.Errorf("%s: audit log readable: %v", c.name, ok)
		}
	}
}
