package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

const orgExists = "An organization with this name already exists."

// found makes an organization, in which the owner is alone.
func found(t testing.TB, s *servertest.Server, name string) sdk.Organization {
	t.Helper()
	return decode[sdk.Organization](t, owner(s).post(t, orgsPath, body{"name": name}).want(t, http.StatusCreated))
}

// appoint makes a user a member of an organization, if it is none, with exactly
// these roles.
func appoint(t testing.TB, s *servertest.Server, organization, user uuid.UUID, roles ...string) {
	t.Helper()
	if owner(s).get(t, orgPath(organization, "members", user.String())).status == http.StatusNotFound {
		owner(s).post(t, orgPath(organization, "members", user.String()), nil).want(t, http.StatusOK)
	}
	owner(s).put(t, orgPath(organization, "members", user.String(), "roles"), body{"roles": roles}).want(t, http.StatusOK)
}

// outsider is a signed-in user of the given organization alone.
func outsider(t testing.TB, s *servertest.Server, organization uuid.UUID, username string, roles ...string) person {
	t.Helper()
	user := create(t, s, newUser(username).but("organization_ids", []uuid.UUID{organization}))
	if len(roles) > 0 {
		appoint(t, s, organization, user.ID, roles...)
	}
	return person{client: login(t, s, user.Email, servertest.Password), User: user}
}

func orgNames(t testing.TB, c client) []string {
	t.Helper()
	names := []string{}
	for _, o := range decode[[]sdk.Organization](t, c.get(t, orgsPath).want(t, http.StatusOK)) {
		names = append(names, o.Name)
	}
	return names
}

func TestListOrganizations(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		mia := join(t, s, "mia")
		for _, name := range []string{"Zeta", "alpha", "Beta"} {
			found(t, s, name)
		}
		gone := found(t, s, "gone")
		owner(s).delete(t, orgPath(gone.ID)).want(t, http.StatusOK)
		all := []string{"coder", "alpha", "Beta", "Zeta"} // the default one, then by name, whatever the case
		for name, c := range map[string]client{
			"owner": owner(s), "auditor": join(t, s, "aud", "auditor").client,
			"template-admin": join(t, s, "tom", "template-admin").client, "user-admin": join(t, s, "una", "user-admin").client,
		} {
			if got := orgNames(t, c); !slices.Equal(got, all) {
				t.Errorf("%s sees %q", name, got)
			}
		}
		if got := orgNames(t, mia.client); !slices.Equal(got, []string{"coder"}) {
			t.Errorf("a member sees %q", got)
		}
		owner(s).post(t, orgPath("zeta", "members/mia"), nil).want(t, http.StatusOK)
		if got := orgNames(t, mia.client); !slices.Equal(got, []string{"coder", "Zeta"}) {
			t.Errorf("a member of two sees %q", got)
		}
		for _, organization := range []string{"coder", "zeta"} {
			owner(s).delete(t, orgPath(organization, "members/mia")).want(t, http.StatusNoContent)
		}
		if a := mia.get(t, orgsPath).want(t, http.StatusOK); string(a.body) != "[]\n" {
			t.Errorf("a member of none sees %s", a)
		}
		guest(s).get(t, orgsPath).refused(t, http.StatusUnauthorized, signedOut)
	})
}

func TestCreateOrganization(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		a := owner(s).post(t, orgsPath, body{"name": "Other-1", "display_name": "The <Other>", "description": "d", "icon": "/i.png", "id": uuid.New()})
		got := decode[sdk.Organization](t, a.want(t, http.StatusCreated))
		want := sdk.Organization{
			ID: got.ID, Name: "Other-1", DisplayName: "The <Other>", Description: "d", Icon: "/i.png",
			CreatedAt: got.CreatedAt, UpdatedAt: got.CreatedAt,
		}
		if diff := cmp.Diff(want, got); diff != "" || got.ID == uuid.Nil || got.CreatedAt.IsZero() {
			t.Errorf("created %v (-want +got):\n%s", got, diff)
		}
		for _, ref := range []any{got.ID, "Other-1", "other-1", strings.ToUpper(got.ID.String())} {
			if again := decode[sdk.Organization](t, owner(s).get(t, orgPath(ref)).want(t, http.StatusOK)); again != got {
				t.Errorf("%v reads %+v", ref, again)
			}
		}
		if plain := found(t, s, "plain"); plain.DisplayName != "plain" || plain.Description != "" || plain.Icon != "" || plain.IsDefault {
			t.Errorf("without more than a name it is %+v", plain)
		}
		// Its creator is a plain member of it.
		me := owner(s).get(t, path("me")).user(t, http.StatusOK)
		if len(me.OrganizationIDs) != 3 || me.OrganizationIDs[0] != s.OrganizationID || !slices.Contains(me.OrganizationIDs, got.ID) {
			t.Errorf("the creator is in %v", me.OrganizationIDs)
		}
		member := decode[sdk.OrganizationMemberWithUserData](t, owner(s).get(t, orgPath(got.ID, "members/me")).want(t, http.StatusOK))
		if len(member.Roles) != 0 || member.UserID != me.ID {
			t.Errorf("the creator is %+v", member)
		}
		for _, taken := range []string{"other-1", "OTHER-1", "Coder"} {
			owner(s).post(t, orgsPath, body{"name": taken}).refused(t, http.StatusConflict, orgExists, "name")
		}
	})
}

func TestCreateOrganizationFaults(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	for name, c := range map[string]struct {
		body   body
		fields []string
	}{
		"no name":           {body{}, []string{"name"}},
		"empty name":        {body{"name": ""}, []string{"name"}},
		"default":           {body{"name": "Default"}, []string{"name"}},
		"new":               {body{"name": "new"}, []string{"name"}},
		"underscore":        {body{"name": "a_b"}, []string{"name"}},
		"space":             {body{"name": "a b"}, []string{"name"}},
		"hyphen at the end": {body{"name": "a-"}, []string{"name"}},
		"two hyphens":       {body{"name": "a--b"}, []string{"name"}},
		"33 letters":        {body{"name": strings.Repeat("x", 33)}, []string{"name"}},
		"a UUID":            {body{"name": strings.ReplaceAll(uuid.NewString(), "-", "")}, []string{"name"}},
		"65 letters":        {body{"name": "a", "display_name": strings.Repeat("x", 65)}, []string{"display_name"}},
		"leading space":     {body{"name": "a", "display_name": " A"}, []string{"display_name"}},
		"trailing space":    {body{"name": "a", "display_name": "A "}, []string{"display_name"}},
		"long description":  {body{"name": "a", "description": strings.Repeat("x", 1025)}, []string{"description"}},
		"long icon":         {body{"name": "a", "icon": strings.Repeat("x", 2049)}, []string{"icon"}},
		"everything":        {body{"name": "-", "display_name": "\n", "description": "\x00", "icon": "\x00"}, []string{"name", "display_name", "description", "icon"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			owner(s).post(t, orgsPath, c.body).refused(t, http.StatusBadRequest, badFields, c.fields...)
		})
	}
	for _, bad := range []string{"", "nonsense", `{"name":1}`, `[]`} {
		owner(s).post(t, orgsPath, bad).refused(t, http.StatusBadRequest, badJSON)
	}
	longest := body{"name": strings.Repeat("x", 32), "display_name": strings.Repeat("é", 32), "description": strings.Repeat("x", 1024), "icon": strings.Repeat("x", 2048)}
	owner(s).post(t, orgsPath, longest).want(t, http.StatusCreated)
}

func TestUpdateOrganization(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		before := decode[sdk.Organization](t, owner(s).post(t, orgsPath, body{"name": "Other", "display_name": "O", "description": "d", "icon": "i"}))
		found(t, s, "third")
		patch := func(ref any, b any) answer { return owner(s).do(t, http.MethodPatch, orgPath(ref), b) }
		want := before
		for _, step := range []struct {
			ref    any
			body   any
			change func(*sdk.Organization)
		}{
			{"other", body{}, func(*sdk.Organization) {}},
			{before.ID, body{"name": "", "display_name": "", "description": nil, "icon": nil}, func(*sdk.Organization) {}},
			{"OTHER", body{"display_name": "Another", "is_default": true}, func(o *sdk.Organization) { o.DisplayName = "Another" }},
			{"other", body{"description": "", "icon": ""}, func(o *sdk.Organization) { o.Description, o.Icon = "", "" }},
			{"other", body{"name": "OTHER"}, func(o *sdk.Organization) { o.Name = "OTHER" }},
			{before.ID, body{"name": "next", "icon": "/i.svg"}, func(o *sdk.Organization) { o.Name, o.Icon = "next", "/i.svg" }},
		} {
			got := decode[sdk.Organization](t, patch(step.ref, step.body).want(t, http.StatusOK))
			if !got.UpdatedAt.After(want.UpdatedAt) {
				t.Errorf("%v: updated at %v, which is not after %v", step.body, got.UpdatedAt, want.UpdatedAt)
			}
			step.change(&want)
			want.UpdatedAt = got.UpdatedAt
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v (-want +got):\n%s", step.body, diff)
			}
		}
		owner(s).get(t, orgPath("other")).refused(t, http.StatusNotFound, notFound)
		for _, name := range []string{"THIRD", "coder"} {
			patch("next", body{"name": name, "display_name": "x"}).refused(t, http.StatusConflict, orgExists, "name")
		}
		for _, name := range []string{"default", "a_b", strings.Repeat("x", 33)} {
			patch("next", body{"name": name}).refused(t, http.StatusBadRequest, badFields, "name")
		}
		patch("next", body{"display_name": " x", "description": strings.Repeat("x", 1025)}).refused(t, http.StatusBadRequest, badFields, "display_name", "description")
		patch("next", "nonsense").refused(t, http.StatusBadRequest, badJSON)
		patch("nowhere", "nonsense").refused(t, http.StatusNotFound, notFound)
		if got := decode[sdk.Organization](t, owner(s).get(t, orgPath("next"))); got != want {
			t.Errorf("a refused change left %+v", got)
		}
		// The default one is no exception.
		if got := decode[sdk.Organization](t, patch("default", body{"name": "home"}).want(t, http.StatusOK)); !got.IsDefault || got.Name != "home" {
			t.Errorf("%+v", got)
		}
	})
}

func TestDeleteOrganization(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "Other")
		ann, bob := join(t, s, "ann"), create(t, s, newUser("bob"))
		appoint(t, s, other.ID, ann.ID, "organization-auditor")
		appoint(t, s, other.ID, bob.ID)
		ann.get(t, orgPath("other", "paginated-members")).want(t, http.StatusOK)

		blocked := func(detail string) {
			t.Helper()
			body := owner(s).delete(t, orgPath("other")).refused(t, http.StatusConflict, `"Other" cannot be deleted`)
			if !strings.Contains(body.Detail, detail) {
				t.Errorf("the detail %q does not say %q", body.Detail, detail)
			}
		}
		blocked("2 other members")
		owner(s).delete(t, orgPath("other", "members/bob")).want(t, http.StatusNoContent)
		blocked("one other member")
		// Who was deleted is in nobody's way.
		owner(s).delete(t, path("ann")).want(t, http.StatusOK)
		a := owner(s).delete(t, orgPath("OTHER")).want(t, http.StatusOK)
		if got := decode[sdk.Response](t, a).Message; got == "" {
			t.Error("there is no message")
		}
		for _, ref := range []any{"other", other.ID} {
			owner(s).get(t, orgPath(ref)).refused(t, http.StatusNotFound, notFound)
			owner(s).delete(t, orgPath(ref)).refused(t, http.StatusNotFound, notFound)
			owner(s).get(t, orgPath(ref, "members")).refused(t, http.StatusNotFound, notFound)
			owner(s).get(t, orgPath(ref, "members/roles")).refused(t, http.StatusNotFound, notFound)
		}
		if got := owner(s).get(t, path("me")).user(t, http.StatusOK).OrganizationIDs; !slices.Equal(got, []uuid.UUID{s.OrganizationID}) {
			t.Errorf("the owner is still in %v", got)
		}
		if again := found(t, s, "other"); again.ID == other.ID {
			t.Error("an id was used again")
		}
		owner(s).delete(t, orgPath("default")).refused(t, http.StatusBadRequest, "default organization")
		owner(s).delete(t, orgPath(uuid.Nil)).refused(t, http.StatusBadRequest, "default organization")
	})
}

// TestDeletedOrganizationIsGoneAtOnce: its administrator's session has no right
// left, not even the site-wide one that came with the role.
func TestDeletedOrganizationIsGoneAtOnce(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		oda := outsider(t, s, other.ID, "oda", "organization-admin")
		owner(s).delete(t, orgPath(other.ID, "members/me")).refused(t, http.StatusBadRequest, "remove yourself")
		oda.get(t, path("owner")).want(t, http.StatusOK)
		oda.delete(t, orgPath(other.ID, "members/owner")).want(t, http.StatusNoContent)
		oda.delete(t, orgPath(other.ID)).want(t, http.StatusOK) // alone in it, an administrator may
		oda.get(t, path("owner")).refused(t, http.StatusNotFound, notFound)
		oda.get(t, auditPath).lacks(t, "audit_log:read", "role")
		if got := orgNames(t, oda.client); len(got) != 0 {
			t.Errorf("it sees %q", got)
		}
		if got := oda.get(t, path("me")).user(t, http.StatusOK).OrganizationIDs; got == nil || len(got) != 0 {
			t.Errorf("it is in %v", got)
		}
	})
}
