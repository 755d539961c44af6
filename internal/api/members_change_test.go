package api_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

func slimNames(roles []sdk.SlimRole) []string {
	names := []string{}
	for _, role := range roles {
		names = append(names, role.Name)
	}
	return names
}

func TestAddMember(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "Other")
		mia := join(t, s, "Mia")
		mia.get(t, orgPath("other")).refused(t, http.StatusNotFound, notFound)
		got := decode[sdk.OrganizationMember](t, owner(s).post(t, orgPath("OTHER", "members/mia"), nil).want(t, http.StatusOK))
		want := sdk.OrganizationMember{UserID: mia.ID, OrganizationID: other.ID, CreatedAt: got.CreatedAt, UpdatedAt: got.CreatedAt, Roles: []sdk.SlimRole{}}
		if diff := cmp.Diff(want, got); diff != "" || time.Since(got.CreatedAt) > time.Minute {
			t.Errorf("%v (-want +got):\n%s", got.CreatedAt, diff)
		}
		mia.get(t, orgPath("other")).want(t, http.StatusOK) // from the next request on, in the same session
		if ids := mia.get(t, path("me")).user(t, http.StatusOK).OrganizationIDs; !slices.Equal(ids, []uuid.UUID{s.OrganizationID, other.ID}) {
			t.Errorf("it is in %v", ids)
		}
		for _, ref := range []string{"mia", mia.ID.String()} {
			owner(s).post(t, orgPath("other", "members", ref), nil).refused(t, http.StatusBadRequest, "already an organization member")
		}
		owner(s).post(t, orgPath("other", "members/me"), nil).refused(t, http.StatusBadRequest, "already an organization member")
		// No body is needed, and none is looked at.
		robot := create(t, s, body{"username": "robot", "service_account": true, "organization_ids": []uuid.UUID{uuid.Nil}})
		owner(s).post(t, orgPath("other", "members", robot.ID.String()), "nonsense").want(t, http.StatusOK)

		gone := create(t, s, newUser("gone"))
		owner(s).delete(t, path(gone.ID)).want(t, http.StatusOK)
		for _, ref := range []string{"nobody", "gone", gone.ID.String(), "mia@example.com", uuid.NewString()} {
			owner(s).post(t, orgPath("other", "members", ref), nil).refused(t, http.StatusNotFound, notFound)
		}
		owner(s).post(t, orgPath("nowhere", "members/mia"), nil).refused(t, http.StatusNotFound, notFound)
	})
}

// TestAddMemberByOthers: somebody must be readable to be added, and whoever may
// not even see the members does not learn what it lacks.
func TestAddMemberByOthers(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other, third := found(t, s, "other"), found(t, s, "third")
		mia := create(t, s, newUser("mia"))
		add := func(c client, organization sdk.Organization) answer {
			return c.post(t, orgPath(organization.ID, "members/mia"), nil)
		}
		for _, role := range []string{"organization-admin", "organization-user-admin"} {
			who := outsider(t, s, other.ID, "zoe", role)
			add(who.client, third).refused(t, http.StatusNotFound, notFound)
			add(who.client, other).want(t, http.StatusOK)
			owner(s).delete(t, orgPath(other.ID, "members", mia.ID.String())).want(t, http.StatusNoContent)
			owner(s).delete(t, path(who.ID)).want(t, http.StatusOK)
		}
		una := join(t, s, "una", "user-admin")
		add(una.client, other).want(t, http.StatusOK)
		una.delete(t, orgPath(other.ID, "members/mia")).want(t, http.StatusNoContent)
		for _, role := range []string{"auditor", "template-admin"} {
			add(join(t, s, role+"s", role).client, other).lacks(t, "organization_member:create", "role")
		}
		for _, role := range []string{"organization-auditor", "organization-template-admin"} { // who may not read users
			who := outsider(t, s, other.ID, role[13:], role)
			add(who.client, other).refused(t, http.StatusNotFound, notFound)
			who.post(t, orgPath(other.ID, "members/me"), nil).lacks(t, "organization_member:create", "role")
		}
		plain := outsider(t, s, other.ID, "plain")
		add(plain.client, other).refused(t, http.StatusNotFound, notFound)
		plain.post(t, orgPath(other.ID, "members/me"), nil).refused(t, http.StatusNotFound, notFound)
		plain.post(t, orgPath(third.ID, "members/me"), nil).refused(t, http.StatusNotFound, notFound)
	})
}

func TestRemoveMember(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		ann := outsider(t, s, other.ID, "ann", "organization-admin")
		mia := outsider(t, s, other.ID, "mia")
		remove := func(c client, ref string) answer { return c.delete(t, orgPath(other.ID, "members", ref)) }

		// Oneself: 400 with the right to, 403 without.
		remove(owner(s), "me").refused(t, http.StatusBadRequest, "remove yourself")
		remove(ann.client, "ann").refused(t, http.StatusBadRequest, "remove yourself")
		remove(mia.client, "me").lacks(t, "organization_member:delete", "role")
		// Others: whoever may not do it does not learn whether they are there.
		remove(mia.client, "ann").refused(t, http.StatusNotFound, notFound)
		remove(mia.client, "nobody").refused(t, http.StatusNotFound, notFound)
		for _, role := range []string{"auditor", "template-admin"} {
			remove(join(t, s, role+"s", role).client, "mia").refused(t, http.StatusNotFound, notFound)
		}
		remove(outsider(t, s, other.ID, "ota", "organization-template-admin").client, "mia").refused(t, http.StatusNotFound, notFound)
		remove(join(t, s, "stranger").client, "mia").refused(t, http.StatusNotFound, notFound)

		if a := remove(ann.client, "mia").want(t, http.StatusNoContent); len(a.body) != 0 {
			t.Errorf("204 with %s", a)
		}
		mia.get(t, orgPath(other.ID)).refused(t, http.StatusNotFound, notFound)
		if ids := mia.get(t, path("me")).user(t, http.StatusOK).OrganizationIDs; len(ids) != 0 {
			t.Errorf("it is still in %v", ids)
		}
		remove(ann.client, "mia").refused(t, http.StatusNotFound, notFound)
		remove(owner(s), "stranger").refused(t, http.StatusNotFound, notFound)

		// Its roles went with the membership, at once and for good.
		remove(owner(s), "ann").want(t, http.StatusNoContent)
		ann.get(t, orgPath(other.ID)).refused(t, http.StatusNotFound, notFound)
		ann.get(t, path("owner")).refused(t, http.StatusNotFound, notFound)
		again := decode[sdk.OrganizationMember](t, owner(s).post(t, orgPath(other.ID, "members/ann"), nil).want(t, http.StatusOK))
		if len(again.Roles) != 0 {
			t.Errorf("it came back with %v", again.Roles)
		}
		// The default organization is no exception.
		owner(s).delete(t, orgPath("default", "members/stranger")).want(t, http.StatusNoContent)
	})
}

func TestUpdateMemberRoles(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		ann := outsider(t, s, other.ID, "ann")
		set := func(c client, ref string, roles ...string) answer {
			return c.put(t, orgPath("other", "members", ref, "roles"), body{"roles": roles})
		}
		ann.get(t, orgPath("other", "paginated-members")).want(t, http.StatusForbidden)
		before := decode[sdk.OrganizationMember](t, set(owner(s), "ann").want(t, http.StatusOK))
		got := decode[sdk.OrganizationMember](t, set(owner(s), "ANN", "organization-user-admin", "organization-auditor", "organization-auditor").want(t, http.StatusOK))
		if names := slimNames(got.Roles); !slices.Equal(names, []string{"organization-auditor", "organization-user-admin"}) {
			t.Errorf("roles %v", names)
		}
		if got.Roles[0] != (sdk.SlimRole{Name: "organization-auditor", DisplayName: "Organization Auditor", OrganizationID: other.ID.String()}) {
			t.Errorf("%+v", got.Roles[0])
		}
		if !got.UpdatedAt.After(before.UpdatedAt) || !got.CreatedAt.Equal(before.CreatedAt) {
			t.Errorf("%+v after %+v", got, before)
		}
		ann.get(t, orgPath("other", "paginated-members")).want(t, http.StatusOK) // from the next request on
		for _, none := range []string{`{}`, `{"roles":null}`, `{"roles":[]}`} {
			set(owner(s), "ann", "organization-auditor").want(t, http.StatusOK)
			a := owner(s).put(t, orgPath("other", "members/ann/roles"), none)
			if left := decode[sdk.OrganizationMember](t, a.want(t, http.StatusOK)).Roles; len(left) != 0 {
				t.Errorf("%s leaves %v", none, left)
			}
		}
		ann.get(t, orgPath("other", "paginated-members")).want(t, http.StatusForbidden)
		if roles := ann.get(t, path("me")).user(t, http.StatusOK).Roles; len(roles) != 0 {
			t.Errorf("site roles %v", roles)
		}

		for _, bad := range []string{"king", "owner", "auditor", "member", "Organization-Admin", "organization-admin:" + other.ID.String(), "", " "} {
			set(owner(s), "ann", "organization-auditor", bad).refused(t, http.StatusBadRequest, "is not a supported role", "roles")
		}
		owner(s).put(t, orgPath("other", "members/ann/roles"), `{"roles":"x"}`).refused(t, http.StatusBadRequest, badJSON)
		// Oneself, before anything else is looked at; even an owner.
		set(owner(s), "me", "organization-admin").refused(t, http.StatusBadRequest, "own organization roles")
		owner(s).put(t, orgPath("other", "members/owner/roles"), "nonsense").refused(t, http.StatusBadRequest, "own organization roles")
		set(ann.client, "ann", "king").refused(t, http.StatusBadRequest, "own organization roles")
		// Nobody, and nowhere.
		create(t, s, newUser("elsewhere"))
		for _, ref := range []string{"elsewhere", "nobody", uuid.NewString()} {
			set(owner(s), ref, "organization-admin").refused(t, http.StatusNotFound, notFound)
		}
		owner(s).put(t, orgPath("nowhere", "members/ann/roles"), body{}).refused(t, http.StatusNotFound, notFound)
		set(ann.client, "owner").refused(t, http.StatusNotFound, notFound)
	})
}

// TestWhoAssignsOrganizationRoles is the table of users.md, section 8.4.
func TestWhoAssignsOrganizationRoles(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		owner(s).post(t, orgPath(other.ID, "members/roles"), body{"name": "custom"}).want(t, http.StatusOK)
		outsider(t, s, other.ID, "ben")
		set := func(c client, roles ...string) answer {
			return c.put(t, orgPath(other.ID, "members/ben/roles"), body{"roles": roles})
		}
		every := []string{
			"organization-admin", "organization-auditor", "organization-template-admin", "organization-user-admin",
			"organization-workspace-creation-ban", "custom", "organization-member",
		}
		oda := outsider(t, s, other.ID, "oda", "organization-admin")
		for name, c := range map[string]client{"owner": owner(s), "organization-admin": oda.client} {
			for _, role := range every {
				got := decode[sdk.OrganizationMember](t, set(c, role).want(t, http.StatusOK))
				if names := slimNames(got.Roles); !slices.Equal(names, []string{role}) {
					t.Errorf("%s: %v, want %s", name, names, role)
				}
			}
			set(c).want(t, http.StatusOK)
		}
		una, uma := join(t, s, "una", "user-admin"), outsider(t, s, other.ID, "uma", "organization-user-admin")
		for name, c := range map[string]client{"user-admin": una.client, "organization-user-admin": uma.client} {
			for _, role := range every[:6] {
				if a := set(c, role); a.status != http.StatusBadRequest {
					t.Errorf("%s gives %s: %s", name, role, a)
				}
				set(owner(s), role).want(t, http.StatusOK)
				set(c).refused(t, http.StatusBadRequest, "not authorized to assign or remove")
				// What stays need not be assignable.
				set(c, role, "organization-member").want(t, http.StatusOK)
				set(owner(s)).want(t, http.StatusOK)
			}
		}
		for name, c := range map[string]client{
			"auditor": join(t, s, "aud", "auditor").client, "template-admin": join(t, s, "tom", "template-admin").client,
			"organization-auditor":        outsider(t, s, other.ID, "ora", "organization-auditor").client,
			"organization-template-admin": outsider(t, s, other.ID, "ota", "organization-template-admin").client,
		} {
			set(c, "organization-member").lacks(t, "assign_org_role:assign", "role")
			if a := set(c, "king"); a.status != http.StatusBadRequest {
				t.Errorf("%s gives king: %s", name, a)
			}
		}
		// Administrators of one organization are nobody in another.
		oda.put(t, orgPath("default", "members/owner/roles"), body{"roles": []string{}}).refused(t, http.StatusNotFound, notFound)
	})
}
