package compat_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// listUsers is the request of `users list`: q is always there, a limit never.
func (c caller) listUsers(t *testing.T, search string) clientUsers {
	t.Helper()
	query := url.Values{"q": {search}}
	return decode[clientUsers](t, c.call(t, "GET", "/users?"+query.Encode(), nil).want(t, http.StatusOK))
}

// getUser is how every command that names a user begins.
func (c caller) getUser(t *testing.T, name string) clientUser {
	t.Helper()
	return decode[clientUser](t, c.call(t, "GET", "/users/"+name, nil).want(t, http.StatusOK))
}

func TestUsersList(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		const more = 130 // more than any usual page
		seed(t, s, more, func(i int) (username, email string) {
			return fmt.Sprintf("user-%03d", i), fmt.Sprintf("user-%03d@example.com", i)
		})
		list := c.listUsers(t, "")
		if len(list.Users) != more+1 || list.Count != more+1 {
			t.Fatalf("%d users, count %d; want %d", len(list.Users), list.Count, more+1)
		}
		for _, u := range list.Users {
			if u.Username == "" || !strings.HasSuffix(u.Email, "@example.com") || u.CreatedAt.IsZero() || u.Status != "active" {
				t.Errorf("a row of the table lacks something: %+v", u)
			}
		}
		if !slices.IsSortedFunc(list.Users, func(a, b clientUser) int { return strings.Compare(a.Username, b.Username) }) {
			t.Error("the users are not in the order of their names")
		}
	})
}

func TestUsersListByGitHubID(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		user := s.CreateUser(t, "octocat")
		s.CreateUser(t, "other")
		err := storetest.Open(t, s.Store).Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			u, err := tx.UserByID(ctx, user.ID)
			if err != nil {
				return err
			}
			u.GitHubUserID = 583231
			return tx.UpdateUser(ctx, u)
		})
		if err != nil {
			t.Fatal(err)
		}
		list := c.listUsers(t, "github_com_user_id:583231")
		if len(list.Users) != 1 || list.Users[0].ID != user.ID {
			t.Errorf("found %+v, want octocat alone", list.Users)
		}
		if list := c.listUsers(t, "github_com_user_id:583232"); len(list.Users) != 0 {
			t.Errorf("found %+v, want nobody", list.Users)
		}
	})
}

// TestUsersShow: a failure on any organization would fail the command.
func TestUsersShow(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		user := s.CreateUser(t, "Ada", "auditor")
		for _, name := range []string{"Ada", "ada", "ADA", user.ID.String()} {
			shown := c.getUser(t, name)
			if shown.ID != user.ID || shown.Username != "Ada" || len(shown.OrganizationIDs) == 0 {
				t.Errorf("%s shows %+v", name, shown)
			}
			for _, id := range shown.OrganizationIDs {
				organization := decode[clientOrganization](t, c.call(t, "GET", "/organizations/"+id.String(), nil).want(t, http.StatusOK))
				if organization.Name != "coder" || organization.ID != id {
					t.Errorf("organization %s is %+v", id, organization)
				}
			}
		}
		if got := c.getUser(t, "me"); got.ID != s.OwnerID {
			t.Errorf("me is %s, want the owner", got.Username)
		}
		c.call(t, "GET", "/users/nobody", nil).want(t, http.StatusNotFound)
		c.call(t, "GET", "/users/ada@example.com", nil).want(t, http.StatusNotFound)
	})
}

// chooseOrganization is how commands find theirs: it must be the only one.
func (c caller) chooseOrganization(t *testing.T) clientOrganization {
	t.Helper()
	list := decode[[]clientOrganization](t, c.call(t, "GET", "/users/me/organizations", nil).want(t, http.StatusOK))
	if len(list) != 1 || list[0].ID == uuid.Nil || list[0].Name != "coder" {
		t.Fatalf("the caller's organizations are %+v, want coder alone", list)
	}
	return list[0]
}

// TestUsersCreate with what each of the command's flags makes of its body.
func TestUsersCreate(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, _ *servertest.Server, c caller) {
		for i, test := range []struct {
			name string
			more map[string]any
			want clientUser
		}{
			{
				name: "a password", more: map[string]any{"email": "Ada@Example.com", "password": servertest.Password, "login_type": "password"},
				want: clientUser{Email: "Ada@Example.com", LoginType: "password"},
			},
			{
				name: "the password's type left open", more: map[string]any{"email": "bob@example.com", "password": servertest.Password, "login_type": ""},
				want: clientUser{Email: "bob@example.com", LoginType: "password"},
			},
			{
				name: "--disable-login", more: map[string]any{"email": "cy@example.com", "password": "", "login_type": "none", "disable_login": true},
				want: clientUser{Email: "cy@example.com", LoginType: "none"},
			},
			{
				name: "--login-type github", more: map[string]any{"email": "di@example.com", "password": "", "login_type": "github"},
				want: clientUser{Email: "di@example.com", LoginType: "github"},
			},
			{
				name: "--service-account", more: map[string]any{"email": "", "password": "", "login_type": "none", "service_account": true},
				want: clientUser{LoginType: "none", IsServiceAccount: true},
			},
		} {
			organization := c.chooseOrganization(t)
			username := fmt.Sprintf("New-%d", i)
			body := map[string]any{
				"username": username, "name": "Some Body", "user_status": nil, "organization_ids": []any{organization.ID},
			}
			for name, value := range test.more {
				body[name] = value
			}
			got := decode[clientUser](t, c.call(t, "POST", "/users", body).want(t, http.StatusCreated))
			if got.ID == uuid.Nil || got.CreatedAt.IsZero() || !got.LastSeenAt.IsZero() {
				t.Errorf("%s: id %s, created %v, seen %v", test.name, got.ID, got.CreatedAt, got.LastSeenAt)
			}
			want := test.want
			want.ID, want.CreatedAt, want.UpdatedAt = got.ID, got.CreatedAt, got.UpdatedAt
			want.Username, want.Name, want.Status = username, "Some Body", "dormant"
			want.OrganizationIDs, want.Roles = []uuid.UUID{organization.ID}, []clientRole{}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
		}
	})
}

// TestUsersCreateInAnOrganization is --org: taken from the caller's own by name
// or id, and asked for only where it is none of these.
func TestUsersCreateInAnOrganization(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, _ *servertest.Server, c caller) {
		mine := c.chooseOrganization(t)
		for _, reference := range []string{"coder", mine.ID.String(), "default"} {
			got := decode[clientOrganization](t, c.call(t, "GET", "/organizations/"+reference, nil).want(t, http.StatusOK))
			if got.ID != mine.ID || !got.IsDefault {
				t.Errorf("%s is %+v, want the default organization", reference, got)
			}
		}
		for _, unknown := range []string{"elsewhere", uuid.NewString()} {
			r := c.call(t, "GET", "/organizations/"+unknown, nil).want(t, http.StatusNotFound)
			if message := decode[clientMessage](t, r).Message; !strings.Contains(message, "not found") {
				t.Errorf("%s: message %q", unknown, message)
			}
		}
	})
}

// TestUsersSuspendAndActivate: the user that comes back is decoded and its
// status compared.
func TestUsersSuspendAndActivate(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		member, created := s.SignedIn(t, "ada")
		for _, step := range []struct {
			action, status string
			session        int // of the user
		}{
			{"suspend", "suspended", http.StatusUnauthorized},
			{"activate", "active", http.StatusOK},
		} {
			if before := c.getUser(t, "ada"); before.Status == step.status {
				t.Fatalf("the user is %s already", before.Status)
			}
			changed := decode[clientUser](t, c.call(t, "PUT", "/users/"+created.ID.String()+"/status/"+step.action, nil).want(t, http.StatusOK))
			if changed.Status != step.status || changed.ID != created.ID || changed.Username != "ada" {
				t.Errorf("%s answers with %+v", step.action, changed)
			}
			if after := c.getUser(t, "ada"); after.Status != step.status {
				t.Errorf("after %s the user is %s", step.action, after.Status)
			}
			c.as(member.SessionToken()).call(t, "GET", "/users/me", nil).want(t, step.session)
		}
	})
}

// TestUsersEditRoles: the present roles are the defaults of the question, the
// known ones its choices.
func TestUsersEditRoles(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		s.CreateUser(t, "Ada", "auditor")
		for _, roles := range [][]string{{"template-admin", "auditor"}, {"user-admin"}, {}} {
			user := c.getUser(t, "ada")
			present := decode[clientUserRoles](t, c.call(t, "GET", "/users/"+user.Username+"/roles", nil).want(t, http.StatusOK))
			if diff := cmp.Diff(user.roleNames(), slices.Sorted(slices.Values(present.Roles)), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the user's roles and its roles' names differ (-user +names):\n%s", diff)
			}
			if diff := cmp.Diff(map[uuid.UUID][]string{s.OrganizationID: {}}, present.OrganizationRoles); diff != "" {
				t.Errorf("organization_roles differ (-want +got):\n%s", diff)
			}
			known := decode[[]clientAssignableRole](t, c.call(t, "GET", "/users/roles", nil).want(t, http.StatusOK))
			names := []string{}
			for _, role := range known {
				names = append(names, role.Name)
				if !role.Assignable || !role.BuiltIn {
					t.Errorf("the owner may not assign %s, or it is not built in", role.Name)
				}
			}
			slices.Sort(names)
			if diff := cmp.Diff([]string{"auditor", "owner", "template-admin", "user-admin"}, names); diff != "" {
				t.Errorf("known roles differ (-want +got):\n%s", diff)
			}
			changed := decode[clientUser](t, c.call(t, "PUT", "/users/"+user.Username+"/roles", map[string]any{"roles": roles}).want(t, http.StatusOK))
			if diff := cmp.Diff(slices.Sorted(slices.Values(roles)), changed.roleNames(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the new roles differ (-want +got):\n%s", diff)
			}
		}
	})
}

// TestUsersDelete: afterwards the name is unknown and free, and the user's
// sessions are over.
func TestUsersDelete(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		member, created := s.SignedIn(t, "ada")
		user := c.getUser(t, "ada")
		r := c.call(t, "DELETE", "/users/"+user.ID.String(), nil).want(t, http.StatusOK, http.StatusNoContent)
		if got := decode[clientMessage](t, r).Message; got != "User has been deleted!" {
			t.Errorf("message %q", got)
		}
		c.call(t, "GET", "/users/ada", nil).want(t, http.StatusNotFound)
		c.as(member.SessionToken()).call(t, "GET", "/users/me", nil).want(t, http.StatusUnauthorized)
		gone := c.getUser(t, created.ID.String()) // by id an owner still sees it
		if len(gone.OrganizationIDs) != 0 || gone.Status != "active" {
			t.Errorf("the deleted user reads %+v", gone)
		}
		if again := s.CreateUser(t, "ada"); again.ID == created.ID {
			t.Error("the name is not free")
		}
	})
}
