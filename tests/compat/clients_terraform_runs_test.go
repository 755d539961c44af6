package compat_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// TestTerraformResource is the life of a resource of each login type.
func TestTerraformResource(t *testing.T) {
	t.Parallel()
	eachTerraform(t, func(t *testing.T, s *servertest.Server, tf terraform) {
		for _, p := range []plan{
			{username: "Pass-Word", email: "Pass.Word@Example.com", loginType: "password", password: servertest.Password, roles: []string{"auditor"}},
			{username: "none", name: "No Body", email: "none@example.com", loginType: "none"},
			{username: "hub", email: "hub@example.com", loginType: "github", roles: []string{}},
			{username: "robot", loginType: "none", serviceAccount: true, roles: []string{"user-admin", "auditor"}},
		} {
			id := tf.create(t, p).ID
			tf.refresh(t, id, p) // a plan without changes

			p.username += "-2"
			p.name = "Another Name"
			tf.update(t, id, p) // renamed
			tf.update(t, id, p) // nothing changes, the password neither
			if p.loginType == "password" {
				p.password = "AnotherSecurePassword!"
				tf.update(t, id, p)
				signIn(t, s, p.email, p.password)
			}
			p.roles = []string{"template-admin", "auditor"}
			tf.update(t, id, p)
			p.roles = []string{}
			tf.update(t, id, p)
			p.suspended = true // from dormant
			tf.update(t, id, p)
			tf.update(t, id, p)
			p.suspended = false
			tf.update(t, id, p)
			tf.destroy(t, id)

			p.suspended = true // the same name and address again, suspended from the start
			tf.destroy(t, tf.create(t, p).ID)
		}
	})
}

// signIn shows that a password is the user's.
func signIn(t *testing.T, s *servertest.Server, email, password string) {
	t.Helper()
	_, err := s.Client(t).LoginWithPassword(t.Context(), sdk.LoginWithPasswordRequest{Email: email, Password: password})
	if err != nil {
		t.Errorf("log in as %s: %v", email, err)
	}
}

// TestTerraformReplacement: another address or login type destroys the user and
// creates one of the same name in the same run.
func TestTerraformReplacement(t *testing.T) {
	t.Parallel()
	eachTerraform(t, func(t *testing.T, _ *servertest.Server, tf terraform) {
		p := plan{username: "ada", email: "ada@example.com", loginType: "password", password: servertest.Password}
		first := tf.create(t, p).ID
		tf.destroy(t, first)
		p.loginType, p.password = "none", ""
		second := tf.create(t, p).ID
		tf.destroy(t, second)
		p.email, p.serviceAccount = "", true
		third := tf.create(t, p).ID
		if first == second || second == third {
			t.Errorf("the ids %s, %s and %s are not three", first, second, third)
		}
		// What was dropped from the state is not taken for the new one.
		if _, there := tf.read(t, first); there {
			t.Error("the first user passes for the third, who has its name")
		}
	})
}

// TestTerraformDrift is what others do between two runs.
func TestTerraformDrift(t *testing.T) {
	t.Parallel()
	eachTerraform(t, func(t *testing.T, s *servertest.Server, tf terraform) {
		p := plan{username: "ada", email: "ada@example.com", loginType: "none", roles: []string{"auditor"}}
		id := tf.create(t, p).ID
		if _, err := s.Owner.UpdateUserRoles(t.Context(), "ada", sdk.UpdateRolesRequest{Roles: []string{"user-admin"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Owner.SuspendUser(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		got, there := tf.read(t, id)
		if !there || got.Status != "suspended" || !slices.Equal(got.roleNames(), []string{"user-admin"}) {
			t.Errorf("the provider finds %+v, there: %t", got, there)
		}
		tf.update(t, id, p)
		if err := s.Owner.DeleteUser(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		if _, there := tf.read(t, id); there {
			t.Error("the provider does not notice that the user was deleted")
		}
		tf.create(t, p)
	})
}

// TestTerraformImport by id, and by name, which it turns into the id.
func TestTerraformImport(t *testing.T) {
	t.Parallel()
	eachTerraform(t, func(t *testing.T, s *servertest.Server, tf terraform) {
		user := s.CreateUser(t, "Ada", "auditor")
		if got, there := tf.read(t, user.ID); !there || got.Username != "Ada" {
			t.Errorf("imported by id: %+v, there: %t", got, there)
		}
		byName := decode[clientUser](t, tf.call(t, "GET", "/users/ada", nil).want(t, http.StatusOK))
		if got, there := tf.read(t, byName.ID); !there || got.ID != user.ID {
			t.Errorf("imported by name: %+v, there: %t", got, there)
		}
		if !isNotFound(t, tf.call(t, "GET", "/users/nobody", nil)) {
			t.Error("the import of nobody is not refused as the provider knows it")
		}
	})
}

// TestTerraformOIDCNeedsItsConfiguration is the one login type that fails.
func TestTerraformOIDCNeedsItsConfiguration(t *testing.T) {
	t.Parallel()
	eachTerraform(t, func(t *testing.T, _ *servertest.Server, tf terraform) {
		r := tf.call(t, "POST", "/users", map[string]any{
			"email": "ada@example.com", "username": "ada", "name": "", "password": "", "login_type": "oidc",
			"user_status": nil, "organization_ids": []uuid.UUID{tf.organization}, "service_account": false,
		}).want(t, http.StatusBadRequest)
		if got, want := decode[clientMessage](t, r).Message, "You must configure OIDC before creating OIDC users."; got != want {
			t.Errorf("message %q, want %q", got, want)
		}
	})
}

// byEmail is the data source's search for an address: pages of a hundred, from
// one to the next by the last user, until one is not full. It returns the users
// whose address is this one and how many pages it took.
func (tf *terraform) byEmail(t *testing.T, email string) (found []clientUser, pages int) {
	t.Helper()
	const page = 100
	query := url.Values{"q": {email}, "limit": {fmt.Sprint(page)}}
	for {
		pages++
		list := decode[clientUsers](t, tf.call(t, "GET", "/users?"+query.Encode(), nil).want(t, http.StatusOK))
		for _, u := range list.Users {
			if strings.EqualFold(u.Email, email) {
				found = append(found, u)
			}
		}
		if len(list.Users) < page {
			return found, pages
		}
		query.Set("after_id", list.Users[page-1].ID.String())
	}
}

func TestTerraformDataSource(t *testing.T) {
	t.Parallel()
	eachTerraform(t, func(t *testing.T, s *servertest.Server, tf terraform) {
		// The address that is looked for is part of 230 others; its user comes last.
		seed(t, s, 230, func(i int) (username, email string) {
			return fmt.Sprintf("User-%03d", i), fmt.Sprintf("u%03d-Ada@Example.com", i)
		})
		ada := s.CreateUser(t, "zz-ada").ID
		email := "Ada@Example.com"
		if _, err := s.Owner.UpdateUserEmail(t.Context(), "zz-ada", sdk.UpdateUserEmailRequest{Email: email}); err != nil {
			t.Fatal(err)
		}
		for _, spelling := range []string{email, "ada@example.com", "ADA@EXAMPLE.COM"} {
			found, pages := tf.byEmail(t, spelling)
			if len(found) != 1 || found[0].ID != ada || pages != 3 {
				t.Errorf("%s: %d users in %d pages, want zz-ada alone in 3", spelling, len(found), pages)
			}
		}
		if found, _ := tf.byEmail(t, "nobody@example.com"); len(found) != 0 {
			t.Errorf("an address of nobody finds %+v", found)
		}
		for _, reference := range []string{"ZZ-Ada", ada.String()} {
			if got := tf.getUser(t, reference); got.ID != ada || got.Email != email {
				t.Errorf("%s is %+v", reference, got)
			}
		}
	})
}

// TestTerraformOrganization is the data source coderd_organization.
func TestTerraformOrganization(t *testing.T) {
	t.Parallel()
	eachTerraform(t, func(t *testing.T, s *servertest.Server, tf terraform) {
		ada := s.CreateUser(t, "ada").ID
		for _, reference := range []string{"default", "coder", s.OrganizationID.String()} {
			organization := decode[clientOrganization](t, tf.call(t, "GET", "/organizations/"+reference, nil).want(t, http.StatusOK))
			if organization.ID != s.OrganizationID || !organization.IsDefault {
				t.Errorf("%s is %+v", reference, organization)
			}
			path := "/organizations/" + organization.ID.String()
			tf.call(t, "GET", path+"/settings/workspace-sharing", nil).want(t, http.StatusOK, http.StatusNotFound)
			members := decode[[]struct {
				UserID         uuid.UUID `json:"user_id"`
				OrganizationID uuid.UUID `json:"organization_id"`
				Username       string    `json:"username"`
			}](t, tf.call(t, "GET", path+"/members/", nil).want(t, http.StatusOK))
			if len(members) != 2 || members[0].UserID != ada || members[1].UserID != s.OwnerID {
				t.Errorf("the members are %+v, want ada and the owner", members)
			}
		}
	})
}
