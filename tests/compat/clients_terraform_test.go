package compat_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// terraform is the provider coderd: Coder's SDK without what the command line
// adds.
type terraform struct {
	caller
	organization uuid.UUID // of the caller, as the provider found it
}

// eachTerraform configures the provider on a server on each engine, as every
// run of terraform does.
func eachTerraform(t *testing.T, test func(t *testing.T, s *servertest.Server, tf terraform)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		s := servertest.Start(t, db, func(cfg *server.Config) { cfg.Dialect = sdk.DialectCoder })
		s.CreateFirstUser(t)
		tf := terraform{caller: raw(s)}
		tf.configure(t)
		test(t, s, tf)
	})
}

// configure takes the caller's first organization without looking whether there
// is one.
func (tf *terraform) configure(t *testing.T) {
	t.Helper()
	me := tf.me(t)
	if len(me.OrganizationIDs) == 0 {
		t.Fatal("the caller is in no organization, which ends the provider")
	}
	tf.organization = me.OrganizationIDs[0]
}

// plan is the resource coderd_user as somebody wrote it.
type plan struct {
	username, name, email string
	loginType, password   string
	roles                 []string // nil: not managed
	suspended             bool
	serviceAccount        bool
}

// create sends what the provider does for a new resource, and compares what it
// compares: an address or a name that was rewritten is an error to terraform.
func (tf *terraform) create(t *testing.T, p plan) clientUser {
	t.Helper()
	tf.configure(t)
	created := decode[clientUser](t, tf.call(t, "POST", "/users", map[string]any{
		"email": p.email, "username": p.username, "name": p.name, "password": p.password, "login_type": p.loginType,
		"user_status": nil, "organization_ids": []uuid.UUID{tf.organization}, "service_account": p.serviceAccount,
	}).want(t, http.StatusCreated))
	if created.Email != p.email || created.Username != p.username || created.IsServiceAccount != p.serviceAccount {
		t.Errorf("created %+v from the plan %+v", created, p)
	}
	tf.apply(t, created.ID, p)
	if p.suspended {
		tf.call(t, "PUT", "/users/"+created.ID.String()+"/status/suspend", nil).want(t, http.StatusOK)
	}
	return tf.refresh(t, created.ID, p)
}

// apply sets profile and roles, which create and update have in common.
func (tf *terraform) apply(t *testing.T, id uuid.UUID, p plan) {
	t.Helper()
	name := p.name
	if name == "" {
		name = p.username
	}
	profile := decode[clientUser](t, tf.call(t, "PUT", "/users/"+id.String()+"/profile", map[string]any{
		"username": p.username, "name": name, "avatar_url": "",
	}).want(t, http.StatusOK))
	if profile.Name != name {
		t.Errorf("the name is %q, want %q", profile.Name, name)
	}
	if p.roles != nil {
		tf.call(t, "PUT", "/users/"+id.String()+"/roles", map[string]any{"roles": p.roles}).want(t, http.StatusOK)
	}
}

// read is how the provider learns what became of a user: by its id, and then by
// its name, because an id still finds a deleted user. It reports whether the
// user is still there.
func (tf *terraform) read(t *testing.T, id uuid.UUID) (clientUser, bool) {
	t.Helper()
	byID := decode[clientUser](t, tf.call(t, "GET", "/users/"+id.String(), nil).want(t, http.StatusOK))
	r := tf.call(t, "GET", "/users/"+byID.Username, nil)
	if isNotFound(t, r) {
		return byID, false
	}
	byName := decode[clientUser](t, r.want(t, http.StatusOK))
	if byName.ID != id {
		return byID, false
	}
	if len(byName.OrganizationIDs) == 0 {
		t.Errorf("%s is in no organization, which is an error to the provider", byName.Username)
	}
	return byName, true
}

// isNotFound is how the provider tells it.
func isNotFound(t *testing.T, r reply) bool {
	t.Helper()
	if r.status == http.StatusNotFound {
		return true
	}
	return r.status == http.StatusBadRequest && strings.Contains(decode[clientMessage](t, r).Message, "must be an existing uuid or username")
}

// refresh reads the user and fails where a new plan would not be empty.
func (tf *terraform) refresh(t *testing.T, id uuid.UUID, p plan) clientUser {
	t.Helper()
	tf.configure(t)
	got, there := tf.read(t, id)
	if !there {
		t.Fatalf("%s is gone", p.username)
	}
	want := p
	if want.name == "" {
		want.name = want.username
	}
	found := plan{
		username: got.Username, name: got.Name, email: got.Email, loginType: got.LoginType, password: p.password,
		roles: got.roleNames(), suspended: got.Status == "suspended", serviceAccount: got.IsServiceAccount,
	}
	slices.Sort(want.roles)
	if p.roles == nil {
		want.roles = found.roles
	}
	if diff := cmp.Diff(want, found, cmp.AllowUnexported(plan{})); diff != "" {
		t.Errorf("the next plan would not be empty (-plan +found):\n%s", diff)
	}
	return got
}

// update brings the user to another plan.
func (tf *terraform) update(t *testing.T, id uuid.UUID, p plan) {
	t.Helper()
	tf.configure(t)
	path := "/users/" + id.String()
	before := decode[clientUser](t, tf.call(t, "GET", path, nil).want(t, http.StatusOK))
	tf.apply(t, id, p)
	if p.loginType == "password" {
		// Sent every time; only this one refusal is taken for success.
		r := tf.call(t, "PUT", path+"/password", map[string]any{"old_password": "", "password": p.password})
		if r.status != http.StatusNoContent {
			r.want(t, http.StatusBadRequest)
			if got := decode[clientMessage](t, r).Message; !strings.Contains(got, "New password cannot match old password.") {
				t.Errorf("the same password again is refused with %q", got)
			}
		}
	}
	switch {
	case p.suspended:
		tf.call(t, "PUT", path+"/status/suspend", nil).want(t, http.StatusOK)
	case before.Status == "suspended":
		tf.call(t, "PUT", path+"/status/activate", nil).want(t, http.StatusOK)
	}
	tf.refresh(t, id, p)
}

// destroy deletes the user; a 404 would be an error.
func (tf *terraform) destroy(t *testing.T, id uuid.UUID) {
	t.Helper()
	tf.configure(t)
	tf.call(t, "DELETE", "/users/"+id.String(), nil).want(t, http.StatusOK, http.StatusNoContent)
	if _, there := tf.read(t, id); there {
		t.Error("the user is there after its destruction")
	}
}

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
