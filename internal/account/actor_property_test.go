package account_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"usher/internal/account"
)

// world is what the properties below draw from: few enough ids that they meet.
type world struct {
	user        account.User
	memberships []account.Membership
	key         account.APIKey
}

func drawWorld(t *rapid.T) world {
	siteRoles := []string{"owner", "user-admin", "template-admin", "auditor", "member", "no-such-role"}
	orgRoles := []string{
		"organization-admin", "organization-user-admin", "organization-template-admin",
		"organization-auditor", "organization-workspace-creation-ban", "no-such-role",
	}
	w := world{user: account.User{
		ID:               someID(1),
		Roles:            rapid.SliceOfN(rapid.SampledFrom(siteRoles), 0, 2).Draw(t, "roles"),
		IsServiceAccount: rapid.Bool().Draw(t, "service account"),
	}}
	for _, n := range rapid.SliceOfNDistinct(rapid.ByteRange(100, 103), 0, 3, rapid.ID).Draw(t, "organizations") {
		w.memberships = append(w.memberships, membership(someID(n),
			rapid.SliceOfN(rapid.SampledFrom(orgRoles), 0, 2).Draw(t, "organization roles")...))
	}
	names := append(account.PublicScopes(), "audit_log:read", "debug_info:read", "no_user_data")
	w.key.Scopes = rapid.SliceOfN(rapid.SampledFrom(names), 0, 4).Draw(t, "scopes")
	w.key.AllowList = rapid.SliceOfN(drawEntry(), 0, 4).Draw(t, "allow list")
	return w
}

// drawnID returns one of the ids of the world: users are 1 to 3, organizations
// 100 to 103, and nothing is 0.
func drawnID() *rapid.Generator[uuid.UUID] {
	return rapid.Map(rapid.SampledFrom([]byte{0, 1, 2, 3, 100, 101, 102, 103}), func(n byte) uuid.UUID {
		if n == 0 {
			return uuid.Nil
		}
		return someID(n)
	})
}

func drawEntry() *rapid.Generator[account.AllowListEntry] {
	types := []account.Resource{
		account.ResourceWildcard, account.ResourceUser, account.ResourceOrganization, account.ResourceAuditLog, account.ResourceWorkspace,
	}
	return rapid.Custom(func(t *rapid.T) account.AllowListEntry {
		return account.AllowListEntry{Type: rapid.SampledFrom(types).Draw(t, "type"), ID: drawnID().Draw(t, "id")}
	})
}

func drawObject(t *rapid.T) account.Object {
	likely := []account.Resource{
		account.ResourceUser, account.ResourceOrganization, account.ResourceWorkspace, account.ResourceAuditLog, account.ResourceAPIKey,
	}
	return account.Object{
		Type:            rapid.OneOf(rapid.SampledFrom(likely), rapid.SampledFrom(every())).Draw(t, "type"),
		ID:              drawnID().Draw(t, "object"),
		Owner:           drawnID().Draw(t, "owner"),
		Organization:    drawnID().Draw(t, "organization"),
		AnyOrganization: rapid.Bool().Draw(t, "any organization"),
	}
}

// TestKeyIsWithinItsOwner: role, scope and allow list must all allow, so that a
// key never does what its owner could not.
func TestKeyIsWithinItsOwner(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		action, object := rapid.SampledFrom(everyAction()).Draw(t, "action"), drawObject(t)
		byRole := account.NewActor(w.user, w.memberships, fullKey()).Can(action, object)
		granted := account.ExpandScopes(w.key.Scopes)
		byScope := granted.Has(object.Type, action)
		byList := w.key.AllowList.Matches(object.Type, object.ID)

		want := account.LackNothing
		switch {
		case !byRole:
			want = account.LackRole
		case !byScope:
			want = account.LackScope
		case !byList:
			want = account.LackAllowList
		}
		actor := account.NewActor(w.user, w.memberships, w.key)
		if got := actor.Missing(action, object); got != want {
			t.Fatalf("missing %q, want %q", got, want)
		}
		if refused := actor.Authorize(action, object) != nil; refused != (want != account.LackNothing) {
			t.Fatalf("Authorize refuses: %v, missing %q", refused, want)
		}
	})
}

// TestReadableAgreesWithCan: a list shows exactly what can be read one by one.
func TestReadableAgreesWithCan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		actor := account.NewActor(w.user, w.memberships, w.key)
		audits, some := actor.ReadableAuditLogs()
		for _, n := range []byte{1, 2, 3} {
			user := account.User{ID: someID(n)}
			agree(t, "user", user.ID, actor.ReadableUsers(), actor.Can(account.ActionRead, user.Object()))
		}
		for _, n := range []byte{100, 101, 102, 103, 104} {
			organization := account.Organization{ID: someID(n)}
			agree(t, "organization", organization.ID, actor.ReadableOrganizations(), actor.Can(account.ActionRead, organization.Object()))
			agree(t, "audit log", organization.ID, audits, actor.Can(account.ActionRead,
				account.Object{Type: account.ResourceAuditLog, Organization: organization.ID}))
		}
		if some == empty(audits) {
			t.Fatalf("audit logs %v, but some are readable: %v", audits, some)
		}
	})
}

func agree(t *rapid.T, what string, id uuid.UUID, reach account.Reach, can bool) {
	if got := reach.All || slices.Contains(reach.IDs, id); got != can {
		t.Fatalf("%s %v: in the list %v, readable %v", what, id, got, can)
	}
}

// wideKey has as many scopes and allow list entries as a key may have, and the
// object that matches is the last of them.
func wideKey(tb testing.TB) (*account.Actor, account.Object) {
	tb.Helper()
	scopes := []string{}
	for len(scopes) < 100 {
		scopes = append(scopes, account.PublicScopes()...)
	}
	entries := []account.AllowListEntry{}
	for n := range account.MaxAllowListEntries {
		entries = append(entries, account.AllowListEntry{Type: account.ResourceUser, ID: someID(byte(n + 1))})
	}
	list, err := account.NormalizeAllowList(entries)
	if err != nil {
		tb.Fatal(err)
	}
	actor := account.NewActor(account.User{ID: someID(1)},
		[]account.Membership{membership(someID(100), "organization-admin")}, narrowKey(scopes[:100], list...))
	last := account.User{ID: list[len(list)-1].ID}
	if lack := actor.Missing(account.ActionRead, last.Object()); lack != account.LackNothing {
		tb.Fatalf("missing %q", lack)
	}
	return actor, last.Object()
}

// TestMissingDoesNotAllocate is not parallel, because it counts allocations.
func TestMissingDoesNotAllocate(t *testing.T) {
	actor, object := wideKey(t)
	if got := testing.AllocsPerRun(100, func() { actor.Missing(account.ActionRead, object) }); got != 0 {
		t.Errorf("%v allocations a decision", got)
	}
}

func BenchmarkMissing(b *testing.B) {
	actor, object := wideKey(b)
	b.ReportAllocs()
	for b.Loop() {
		actor.Missing(account.ActionRead, object)
	}
}
