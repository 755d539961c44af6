package api_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/idp/idptest"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/sdk"
)

// syncingRoles makes site roles of the claim "groups".
func syncingRoles(c *server.Config) {
	c.OIDCSync.UserRoleField = "groups"
	c.OIDCSync.UserRoleMapping = map[string][]string{"people-team": {"user-admin"}, "everything": {"user-admin", "template-admin"}}
	c.OIDCSync.UserRoleDefault = []string{"auditor"}
}

func namesOfRoles(u sdk.User) []string {
	names := []string{}
	for _, role := range u.Roles {
		names = append(names, role.Name)
	}
	slices.Sort(names)
	return names
}

func wantRoles(t *testing.T, u sdk.User, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), namesOfRoles(u)); diff != "" {
		t.Errorf("the roles of %s (-want +got):\n%s", u.Username, diff)
	}
}

// TestRolesOfALogin is auth.md, section 11, from the provider's word to the rights
// of the session.
func TestRolesOfALogin(t *testing.T) {
	t.Parallel()
	eachWithOIDC(t, func(t *testing.T, s *servertest.Server, provider *idptest.OIDC) {
		says := func(groups any) {
			provider.SetUser("kyle", verified("kyle@example.com", "name", "Kyle", "groups", groups))
		}
		says([]string{"people-team", "gardeners"})
		before := len(audit(t, s, ""))
		kyle := browse(s).signedIn(t, provider)
		wantRoles(t, kyle.User, "auditor", "user-admin")
		if n := len(audit(t, s, "")) - before; n != 1 {
			t.Errorf("a new user is %d entries", n)
		}
		kyle.post(t, usersPath, newUser("made-by-kyle")).user(t, http.StatusCreated)

		says("template-admin")
		again := browse(s).signedIn(t, provider)
		wantRoles(t, again.User, "auditor", "template-admin")
		kyle.post(t, usersPath, newUser("not-made-by-kyle")).want(t, http.StatusForbidden) // older sessions as well
		owner(s).put(t, path(kyle.ID, "roles"), body{"roles": []string{}}).refused(t, http.StatusBadRequest, "Cannot modify roles for OIDC users when role sync is enabled.")

		says("")
		wantRoles(t, browse(s).signedIn(t, provider).User, "auditor")
		b := browse(s)
		for _, broken := range []any{7, map[string]any{"a": "b"}, "one,two", []any{"auditor", 7}} {
			says(broken)
			b.logIn(t, provider, oidcPath).refused(t, http.StatusInternalServerError, "roles")
		}
		if b.cookies[sdk.SessionTokenCookie] != "" {
			t.Error("roles that cannot be read let somebody in")
		}
		wantRoles(t, owner(s).get(t, path(kyle.ID)).user(t, http.StatusOK), "auditor")
		join(t, s, "pat")
		owner(s).put(t, path("pat", "roles"), body{"roles": []string{"auditor"}}).user(t, http.StatusOK) // no matter of the provider's
	}, syncingRoles)
}

func TestOrganizationsOfALogin(t *testing.T) {
	t.Parallel()
	eachWithOIDC(t, func(t *testing.T, s *servertest.Server, provider *idptest.OIDC) {
		red, blue := found(t, s, "red"), found(t, s, "blue")
		settings := owner(s).patch(t, "/api/v2/settings/idpsync/organization", body{
			"field": "teams", "organization_assign_default": true,
			"mapping": body{"r": []uuid.UUID{red.ID}, "b": []uuid.UUID{blue.ID}},
		})
		settings.want(t, http.StatusOK)
		home := decode[sdk.Organization](t, owner(s).get(t, orgPath("default")).want(t, http.StatusOK)).ID
		cases := []struct {
			teams any
			want  []uuid.UUID
		}{
			{[]string{"r", "unknown"}, []uuid.UUID{home, red.ID}},
			{"b", []uuid.UUID{home, blue.ID}},
			{[]string{"b", "r"}, []uuid.UUID{home, red.ID, blue.ID}},
			{[]string{}, []uuid.UUID{home}},
		}
		for _, c := range cases {
			provider.SetUser("kyle", verified("kyle@example.com", "teams", c.teams))
			kyle := browse(s).signedIn(t, provider)
			order := func(ids []uuid.UUID) []uuid.UUID {
				return slices.SortedFunc(slices.Values(ids), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
			}
			if diff := cmp.Diff(order(c.want), order(kyle.OrganizationIDs)); diff != "" {
				t.Errorf("teams %v (-want +got):\n%s", c.teams, diff)
			}
		}
		owner(s).post(t, orgPath(red.ID, "members", "kyle"), nil).want(t, http.StatusBadRequest)
		owner(s).delete(t, orgPath(home, "members", "kyle")).want(t, http.StatusBadRequest)
		provider.SetUser("kyle", verified("kyle@example.com", "teams", 7))
		browse(s).logIn(t, provider, oidcPath).refused(t, http.StatusInternalServerError, "organizations")
	})
}

// TestOtherProvidersSyncNothing: what a partner's provider says of groups gives no
// rights here.
func TestOtherProvidersSyncNothing(t *testing.T) {
	t.Parallel()
	partners := idptest.NewOIDC(t)
	s, _ := newWithOIDC(t, syncingRoles, withFurther(t, "partners", partners))
	partners.SetUser("kyle", verified("kyle@example.com", "groups", []string{"everything", "owner"}))
	b := browse(s)
	b.logIn(t, partners, "/api/v2/users/oidc/partners/callback").sentTo(t)
	wantRoles(t, b.person(t).User)
	owner(s).put(t, path("kyle", "roles"), body{"roles": []string{"auditor"}}).user(t, http.StatusOK)
	b.logIn(t, partners, "/api/v2/users/oidc/partners/callback").sentTo(t)
	wantRoles(t, b.person(t).User, "auditor")
}
