package api_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

const usersPath = "/api/v2/users"

func TestCreateUser(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		made := owner(s).post(t, usersPath, body{
			"username": "Ann-1", "email": "Ann@Example.com", "name": "Ann", "password": servertest.Password,
			"organization_ids": []uuid.UUID{s.OrganizationID, uuid.Nil, s.OrganizationID},
			"roles":            []string{"auditor", "user-admin", "auditor"},
		}).user(t, http.StatusCreated)
		if made.Username != "Ann-1" || made.Email != "Ann@Example.com" || made.Name != "Ann" || made.AvatarURL != "" {
			t.Errorf("%+v", made)
		}
		if made.Status != sdk.UserStatusDormant || made.LoginType != sdk.LoginTypePassword || made.IsServiceAccount || made.HasAISeat {
			t.Errorf("%+v", made)
		}
		if !made.LastSeenAt.IsZero() || !made.CreatedAt.Equal(made.UpdatedAt) {
			t.Errorf("seen at %s, created at %s, updated at %s", made.LastSeenAt, made.CreatedAt, made.UpdatedAt)
		}
		if !slices.Equal(made.OrganizationIDs, []uuid.UUID{s.OrganizationID}) {
			t.Errorf("organizations %v, want the default one once", made.OrganizationIDs)
		}
		want := []sdk.SlimRole{{Name: "auditor", DisplayName: "Auditor"}, {Name: "user-admin", DisplayName: "User Admin"}}
		if !slices.Equal(made.Roles, want) {
			t.Errorf("roles %v, want %v", made.Roles, want)
		}
		read := owner(s).get(t, path(made.ID)).user(t, http.StatusOK)
		if read.CreatedAt != made.CreatedAt || read.ID != made.ID || !slices.Equal(read.Roles, made.Roles) {
			t.Errorf("it reads back as %+v", read)
		}
		login(t, s, "ann@example.com", servertest.Password)
	})
}

// TestCreateUserForms: what different clients send for the same thing.
func TestCreateUserForms(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		none := []uuid.UUID{uuid.Nil}
		for name, b := range map[string]body{
			"only-org-id":  newUser("only-org-id").but("organization_ids", nil).but("organization_id", s.OrganizationID),
			"both-org-ids": newUser("both-org-ids").but("organization_id", s.OrganizationID),
			"nil-org-id":   newUser("nil-org-id").but("organization_ids", nil).but("organization_id", uuid.Nil),
			"newer-client": {
				"username": "newer-client", "email": "n@example.com", "password": servertest.Password, "login_type": "",
				"user_status": nil, "organization_ids": none, "name": "", "roles": nil, "service_account": false, "disable_login": false,
			},
			"keys-only":  newUser("keys-only").but("password", nil).but("login_type", "none"),
			"by-github":  newUser("by-github").but("password", "").but("login_type", "github"),
			"robot":      {"username": "robot", "email": "", "login_type": "none", "service_account": true, "organization_ids": none},
			"robot-2":    {"username": "robot-2", "login_type": "", "service_account": true, "organization_ids": none},
			"suspended":  newUser("suspended").but("user_status", "suspended"),
			"longest-29": newUser("longest-29").but("username", strings.Repeat("x", 32)).but("name", strings.Repeat("ä", 64)),
		} {
			user := owner(s).post(t, usersPath, b).user(t, http.StatusCreated)
			if !slices.Equal(user.OrganizationIDs, []uuid.UUID{s.OrganizationID}) {
				t.Errorf("%s: organizations %v", name, user.OrganizationIDs)
			}
			if isRobot := strings.HasPrefix(name, "robot"); user.IsServiceAccount != isRobot || (user.Email == "") != isRobot {
				t.Errorf("%s: %+v", name, user)
			}
		}
	})
}

func TestCreateUserFields(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	for name, test := range map[string]struct {
		b       body
		message string
		fields  []string
	}{
		"nothing":              {body{}, badFields, []string{"email", "username"}},
		"no e-mail":            {newUser("ann").but("email", nil), badFields, []string{"email"}},
		"bad e-mail":           {newUser("ann").but("email", "Ann <ann@example.com>"), badFields, []string{"email"}},
		"underscore":           {newUser("an_n"), badFields, []string{"username"}},
		"hyphen first":         {newUser("-ann").but("email", "a@example.com"), badFields, []string{"username"}},
		"hyphen last":          {newUser("ann-").but("email", "a@example.com"), badFields, []string{"username"}},
		"two hyphens":          {newUser("a--n").but("email", "a@example.com"), badFields, []string{"username"}},
		"too long":             {newUser(strings.Repeat("a", 33)), badFields, []string{"username"}},
		"no ASCII":             {newUser("änn").but("email", "a@example.com"), badFields, []string{"username"}},
		"a UUID":               {newUser("x").but("username", strings.ReplaceAll(uuid.NewString(), "-", "")), badFields, []string{"username"}},
		"a word of the routes": {newUser("x").but("username", "Oidc-Claims"), badFields, []string{"username"}},
		"me":                   {newUser("x").but("username", "me"), badFields, []string{"username"}},
		"space in front":       {newUser("ann").but("name", " Ann"), badFields, []string{"name"}},
		"long name":            {newUser("ann").but("name", strings.Repeat("x", 129)), badFields, []string{"name"}},
		"control character":    {newUser("ann").but("name", "A\x00nn"), badFields, []string{"name"}},
		"status":               {newUser("ann").but("user_status", "asleep"), badFields, []string{"user_status"}},
		"all at once": {
			newUser("a b").but("email", "x").but("name", "x ").but("user_status", "x"), badFields,
			[]string{"email", "username", "name", "user_status"},
		},
		"no organization":     {newUser("ann").but("organization_ids", nil), "No organization specified", []string{"organization_ids"}},
		"empty list":          {newUser("ann").but("organization_ids", []string{}), "No organization specified", []string{"organization_ids"}},
		"no UUID":             {newUser("ann").but("organization_ids", []string{"coder"}), badJSON, nil},
		"weak password":       {newUser("ann").but("password", "password"), "assword", []string{"password"}},
		"no password":         {newUser("ann").but("password", nil), "assword", []string{"password"}},
		"long password":       {newUser("ann").but("password", strings.Repeat("aB3$", 17)), "assword", []string{"password"}},
		"a password too many": {newUser("ann").but("login_type", "github"), "assword", nil},
		"oidc":                {newUser("ann").but("password", nil).but("login_type", "oidc"), "You must configure OIDC before creating OIDC users.", nil},
		"token":               {newUser("ann").but("password", nil).but("login_type", "token"), "login type", []string{"login_type"}},
		"unknown login type":  {newUser("ann").but("password", nil).but("login_type", "magic"), "login type", []string{"login_type"}},
		"unknown role":        {newUser("ann", "auditor", "king"), badFields, []string{"roles"}},
		"organization role":   {newUser("ann", "organization-admin"), badFields, []string{"roles"}},
	} {
		t.Run(name, func(t *testing.T) {
			owner(s).post(t, usersPath, test.b).refused(t, http.StatusBadRequest, test.message, test.fields...)
		})
	}
	robot := body{"username": "robot", "service_account": true, "organization_ids": []uuid.UUID{uuid.Nil}}
	for _, b := range []body{
		robot.but("login_type", "password"), robot.but("login_type", "github"), robot.but("password", servertest.Password),
		robot.but("email", "robot@example.com"), robot.but("organization_ids", nil), robot.but("username", "r_"),
	} {
		owner(s).post(t, usersPath, b).want(t, http.StatusBadRequest)
	}
	if list := users(t, owner(s), ""); list.Count != 1 {
		t.Errorf("%v were made", names(list.Users))
	}
}

// TestCreateUserOrder: of several things that are wrong the first in the order
// of the contract is told.
func TestCreateUserOrder(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		create(t, s, newUser("ann"))
		mia, unknown := join(t, s, "mia"), []uuid.UUID{uuid.New()}
		weak := func(b body) body { return b.but("password", "weak") }

		// A taken name or address comes before the organization and the password.
		owner(s).post(t, usersPath, weak(newUser("ANN").but("organization_ids", unknown))).
			refused(t, http.StatusConflict, userExists, "username", "email")
		owner(s).post(t, usersPath, newUser("ben").but("email", "ANN@example.com")).refused(t, http.StatusConflict, userExists, "email")
		owner(s).post(t, usersPath, newUser("ANN").but("email", "b@example.com")).refused(t, http.StatusConflict, userExists, "username")
		// The organization comes before the password, and before any permission.
		body := owner(s).post(t, usersPath, weak(newUser("ben").but("organization_ids", unknown))).refused(t, http.StatusNotFound, notFound)
		if !strings.Contains(body.Detail, unknown[0].String()) {
			t.Errorf("the detail %q does not name the organization", body.Detail)
		}
		mia.post(t, usersPath, newUser("ben").but("organization_ids", unknown)).refused(t, http.StatusNotFound, notFound)
		// Everything else comes before the permission.
		mia.post(t, usersPath, newUser("b_n").but("email", "b@example.com")).refused(t, http.StatusBadRequest, badFields, "username")
		mia.post(t, usersPath, weak(newUser("ben"))).refused(t, http.StatusBadRequest, "", "password")
		mia.post(t, usersPath, newUser("MIA")).refused(t, http.StatusConflict, userExists, "username", "email")
		mia.post(t, usersPath, newUser("ben")).lacks(t, "user:create", "role")
		mia.post(t, usersPath, newUser("ben", "king")).lacks(t, "user:create", "role")
		// Of a user that it may not read it learns nothing.
		mia.post(t, usersPath, newUser("ann")).lacks(t, "user:create", "role")
	})
}

// TestCreateUserRoles: nobody gives away more than the right to assign allows.
func TestCreateUserRoles(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		una := join(t, s, "una", "user-admin")
		una.post(t, usersPath, newUser("ann", "owner")).lacks(t, "assign_role:assign", "role")
		una.post(t, usersPath, newUser("ann", "member", "auditor")).lacks(t, "assign_role:assign", "role")
		ann := una.post(t, usersPath, newUser("ann", "member")).user(t, http.StatusCreated)
		if len(ann.Roles) != 1 || ann.Roles[0].Name != "member" {
			t.Errorf("roles %v", ann.Roles)
		}
		owner(s).post(t, usersPath, newUser("bob", "owner")).user(t, http.StatusCreated)
	})
}

// TestCreateUserRace: of many who create the same user one succeeds, and the
// others learn that it is taken, not that something broke.
func TestCreateUserRace(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		const racers = 8
		for _, field := range []string{"username", "email"} {
			outcomes := make([]int, racers)
			var wait sync.WaitGroup
			for i := range racers {
				b := newUser(field + "-" + strings.Repeat("x", i+1))
				b[field] = newUser("the-same-" + field)[field]
				wait.Go(func() {
					a, err := owner(s).try(t, http.MethodPost, usersPath, b)
					if err != nil {
						t.Error(err)
					}
					outcomes[i] = a.status
				})
			}
			wait.Wait()
			slices.Sort(outcomes)
			if outcomes[0] != http.StatusCreated || outcomes[1] != http.StatusConflict || outcomes[racers-1] != http.StatusConflict {
				t.Errorf("%s: %v, want one 201, the rest 409", field, outcomes)
			}
		}
	})
}
