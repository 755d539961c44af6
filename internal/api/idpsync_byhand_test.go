package api_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

const rolesSynced = "Cannot modify roles for OIDC users when role sync is enabled."

// comers stores users who log in elsewhere, members of the default organization, each
// with identities of these providers.
func comers(t *testing.T, s *servertest.Server, loginType account.LoginType, providers map[string][]string) map[string]uuid.UUID {
	t.Helper()
	ids := map[string]uuid.UUID{}
	err := storetest.Open(t, s.Store).Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for name, list := range providers {
			user := account.User{
				ID: uuid.New(), Username: name, Email: name + "@example.com", Status: account.StatusActive, LoginType: loginType,
				OrganizationIDs: []uuid.UUID{s.OrganizationID}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
			}
			if err := tx.InsertUser(ctx, user, ""); err != nil {
				return err
			}
			for _, provider := range list {
				identity := store.Identity{Identity: account.Identity{
					ID: uuid.New(), UserID: user.ID, Provider: provider, Issuer: "https://" + provider + ".example.com", Subject: name, CreatedAt: time.Now(),
				}}
				if err := tx.InsertIdentity(ctx, identity); err != nil {
					return err
				}
			}
			ids[name] = user.ID
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// byHand tries everything that a sync forbids on a user, and returns what was
// answered: to site roles, roles of the default organization, a new membership, the
// same again, and the end of one.
func byHand(t *testing.T, s *servertest.Server, id, other uuid.UUID) []answer {
	t.Helper()
	boss := owner(s)
	return []answer{
		boss.put(t, path(id, "roles"), body{"roles": []string{"auditor"}}),
		boss.put(t, orgPath("default", "members", id.String(), "roles"), body{"roles": []string{"organization-auditor"}}),
		boss.post(t, orgPath(other, "members", id.String()), nil),
		boss.delete(t, orgPath("default", "members", id.String())),
	}
}

func withRoleSync(c *server.Config) { c.OIDCSync.UserRoleField = "roles" }

// TestNothingSyncedIsChangedByHand, but for users whom the sync never reaches.
func TestNothingSyncedIsChangedByHand(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other").ID
		owner(s).patch(t, orgSyncPath+"/config", body{"field": "groups"}).want(t, http.StatusOK)
		owner(s).patch(t, roleSyncPath("default", "config"), body{"field": "groups"}).want(t, http.StatusOK)
		for name, id := range comers(t, s, account.LoginOIDC, map[string][]string{"ann": {"oidc"}, "ben": nil, "cal": {"acme", "oidc"}}) {
			answers := byHand(t, s, id, other)
			answers[0].refused(t, http.StatusBadRequest, rolesSynced)
			answers[1].refused(t, http.StatusBadRequest, rolesSynced)
			for _, a := range answers[2:] {
				a.refused(t, http.StatusBadRequest, "Cannot modify the organizations of OIDC users when organization sync is enabled.")
			}
			if user := owner(s).get(t, path(id)).user(t, http.StatusOK); len(user.Roles) != 0 || len(user.OrganizationIDs) != 1 {
				t.Errorf("%s was changed all the same: %+v", name, user)
			}
			e := entryOf(t, s, answers[0])
			if e.Action != "write" || e.StatusCode != http.StatusBadRequest || e.ResourceID != id {
				t.Errorf("%s: the refusal left %+v", name, e)
			}
		}
		free := comers(t, s, account.LoginOIDC, map[string][]string{"dan": {"acme"}, "eve": {"acme", "github"}})
		free["fay"] = comers(t, s, account.LoginGitHub, map[string][]string{"fay": {"github", "oidc"}})["fay"]
		free["gus"] = create(t, s, newUser("gus")).ID
		for name, id := range free {
			for i, a := range byHand(t, s, id, other) {
				if a.status >= 300 {
					t.Errorf("%s, %d: %s", name, i, a)
				}
			}
		}
	}, withRoleSync)
}

// TestByHandWithoutASync: what is not synced can be changed, organization for
// organization.
func TestByHandWithoutASync(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other").ID
		owner(s).patch(t, roleSyncPath(other, "config"), body{"field": "groups"}).want(t, http.StatusOK)
		ann := comers(t, s, account.LoginOIDC, map[string][]string{"ann": {"oidc"}})["ann"]
		for i, a := range byHand(t, s, ann, other) {
			if a.status >= 300 {
				t.Errorf("%d: %s", i, a)
			}
		}
		roles := body{"roles": []string{}}
		owner(s).put(t, orgPath(other, "members", ann.String(), "roles"), roles).refused(t, http.StatusBadRequest, rolesSynced)
		owner(s).patch(t, roleSyncPath(other, "config"), body{"field": ""}).want(t, http.StatusOK)
		owner(s).put(t, orgPath(other, "members", ann.String(), "roles"), roles).want(t, http.StatusOK)
	})
}

// TestRefusalsOfTheSyncHideNothingElse: who may not see a user is told so, and the
// sync is named before what else is wrong (users.md, section 5.10).
func TestRefusalsOfTheSyncHideNothingElse(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, withRoleSync)
	ann := comers(t, s, account.LoginOIDC, map[string][]string{"ann": {"oidc"}})["ann"]
	roles := body{"roles": []string{"auditor"}}
	join(t, s, "mia").put(t, path(ann, "roles"), roles).refused(t, http.StatusNotFound, notFound)
	owner(s).put(t, path(ann, "roles"), "nonsense").refused(t, http.StatusBadRequest, rolesSynced)
	owner(s).put(t, path(ann, "roles"), body{"roles": []string{"nothing"}}).refused(t, http.StatusBadRequest, rolesSynced)
	owner(s).put(t, path("me", "roles"), roles).refused(t, http.StatusBadRequest, "You cannot change your own roles.")
	owner(s).put(t, path("nobody", "roles"), roles).refused(t, http.StatusNotFound, notFound)
	if user := owner(s).get(t, path(ann)).user(t, http.StatusOK); user.LoginType != sdk.LoginTypeOIDC {
		t.Errorf("%+v", user)
	}
}

// TestNobodyIsMadeWithSyncedRoles: a user who will come from the provider cannot be
// given site roles in advance either.
func TestNobodyIsMadeWithSyncedRoles(t *testing.T) {
	t.Parallel()
	s, _ := newWithOIDC(t, withRoleSync)
	coming := newUser("ann", "auditor").but("password", nil).but("login_type", "oidc")
	owner(s).post(t, usersPath, coming).refused(t, http.StatusBadRequest, rolesSynced)
	owner(s).post(t, usersPath, coming.but("roles", []string{})).user(t, http.StatusCreated)
	owner(s).post(t, usersPath, newUser("ben", "auditor")).user(t, http.StatusCreated)
}
