package compat_test

import (
	"net/http"
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
// is one, and gives up without entitlements.
func (tf *terraform) configure(t *testing.T) {
	t.Helper()
	me := tf.me(t)
	if len(me.OrganizationIDs) == 0 {
		t.Fatal("the caller is in no organization, which ends the provider")
	}
	tf.organization = me.OrganizationIDs[0]
	entitlements := decode[struct {
		Features map[string]struct {
			Entitlement string `json:"entitlement"`
			Enabled     bool   `json:"enabled"`
		} `json:"features"`
	}](t, tf.call(t, "GET", "/entitlements", nil).want(t, http.StatusOK))
	if !entitlements.Features["service_accounts"].Enabled || entitlements.Features["template_rbac"].Enabled {
		t.Errorf("the provider would refuse service accounts, or offer groups: %+v", entitlements.Features)
	}
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
