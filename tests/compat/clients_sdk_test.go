package compat_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
)

// method is one method of Coder's Go SDK: what it sends, which statuses it
// takes, and what it must be able to decode.
type method struct {
	name         string
	verb, path   string
	body         any
	statuses     []int
	decode       func(t *testing.T, r reply)
	unauthorized bool // it is sent without a token
}

// into checks that an answer decodes, and that what was asked for is in it.
func into[T any](check func(T) bool) func(*testing.T, reply) {
	return func(t *testing.T, r reply) {
		t.Helper()
		if v := decode[T](t, r); !check(v) {
			t.Errorf("%s: the answer decodes to %+v", r.request, v)
		}
	}
}

func nothing(*testing.T, reply) {}

// TestMethodsOfTheSDK calls each of them once on one server, in an order in
// which each finds what it needs.
func TestMethodsOfTheSDK(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		user := s.CreateUser(t, "ada")
		for _, m := range sdkMethods(s, user.ID) {
			sender := c
			if m.unauthorized {
				sender = c.as("")
			}
			m.decode(t, sender.call(t, m.verb, m.path, m.body).want(t, m.statuses...))
		}
	})
}

func sdkMethods(s *servertest.Server, ada uuid.UUID) []method {
	return slices.Concat(sdkReads(s, ada), sdkChanges(s, ada), sdkLogins())
}

func sdkReads(s *servertest.Server, ada uuid.UUID) []method {
	ok := []int{http.StatusOK}
	isAda := into(func(u clientUser) bool { return u.ID == ada && u.Username == "ada" })
	isDefault := into(func(o clientOrganization) bool {
		return o.ID == s.OrganizationID && o.Name == "coder" && o.DisplayName == "Coder" && o.IsDefault && !o.CreatedAt.IsZero()
	})
	list := into[clientUsers]
	return []method{
		{name: "Users", verb: "GET", path: "/users?q=", statuses: ok, decode: list(func(u clientUsers) bool { return u.Count == 2 && len(u.Users) == 2 })},
		{
			name: "Users with a page", verb: "GET", path: "/users?limit=1&offset=1&q=", statuses: ok,
			decode: list(func(u clientUsers) bool { return len(u.Users) == 1 && u.Users[0].Username == "owner" }),
		},
		{
			name: "Users after one", verb: "GET", path: "/users?after_id=" + ada.String() + "&limit=5&q=", statuses: ok,
			decode: list(func(u clientUsers) bool { return len(u.Users) == 1 && u.Users[0].Username == "owner" }),
		},
		{
			name: "Users with every filter", verb: "GET", statuses: ok,
			path:   "/users?q=ADA+name%3A%22%22+status%3Aactive+role%3Amember+login_type%3Apassword+login_type%3Anone",
			decode: list(func(u clientUsers) bool { return len(u.Users) == 1 && u.Users[0].ID == ada }),
		},
		{name: "Users with a slash", verb: "GET", path: "/users/?q=", statuses: ok, decode: list(func(u clientUsers) bool { return u.Count == 2 })},
		{name: "User by name", verb: "GET", path: "/users/ADA", statuses: ok, decode: isAda},
		{name: "User by id", verb: "GET", path: "/users/" + ada.String(), statuses: ok, decode: isAda},
		{name: "UserRoles", verb: "GET", path: "/users/me/roles", statuses: ok, decode: into(func(r clientUserRoles) bool {
			return slices.Equal(r.Roles, []string{"owner"}) && len(r.OrganizationRoles) == 1 && r.OrganizationRoles[s.OrganizationID] != nil
		})},
		{name: "ListSiteRoles", verb: "GET", path: "/users/roles", statuses: ok, decode: into(func(r []clientAssignableRole) bool { return len(r) == 4 })},
		{name: "OrganizationsByUser", verb: "GET", path: "/users/me/organizations", statuses: ok, decode: into(func(o []clientOrganization) bool { return len(o) == 1 && o[0].IsDefault })},
		{name: "OrganizationByUserAndName", verb: "GET", path: "/users/ada/organizations/Coder", statuses: ok, decode: isDefault},
		{name: "OrganizationByName", verb: "GET", path: "/organizations/coder", statuses: ok, decode: isDefault},
		{name: "Organization", verb: "GET", path: "/organizations/" + s.OrganizationID.String(), statuses: ok, decode: isDefault},
		{name: "the default Organization", verb: "GET", path: "/organizations/default", statuses: ok, decode: isDefault},
		{name: "login type", verb: "GET", path: "/users/me/login-type", statuses: ok, decode: into(func(l struct {
			LoginType string `json:"login_type"`
		},
		) bool {
			return l.LoginType == "password"
		})},
		{name: "AuthMethods", verb: "GET", path: "/users/authmethods", unauthorized: true, statuses: ok, decode: into(func(m struct {
			Password struct {
				Enabled bool `json:"enabled"`
			} `json:"password"`
			GitHub struct {
				Enabled                   bool `json:"enabled"`
				DefaultProviderConfigured bool `json:"default_provider_configured"`
			} `json:"github"`
			OIDC struct {
				Enabled    bool   `json:"enabled"`
				SignInText string `json:"signInText"`
				IconURL    string `json:"iconUrl"`
			} `json:"oidc"`
		},
		) bool {
			return m.Password.Enabled && !m.GitHub.Enabled && !m.OIDC.Enabled
		})},
	}
}

func sdkChanges(s *servertest.Server, ada uuid.UUID) []method {
	ok := []int{http.StatusOK}
	path := "/users/" + ada.String()
	status := func(want string) func(*testing.T, reply) {
		return into(func(u clientUser) bool { return u.ID == ada && u.Status == want })
	}
	return []method{
		{
			name: "CreateUserWithOrgs", verb: "POST", path: "/users", statuses: []int{http.StatusCreated},
			body: map[string]any{
				"email": "bob@example.com", "username": "bob", "name": "", "password": servertest.Password, "login_type": "",
				"user_status": "active", "organization_ids": oneID(s), "roles": nil,
			},
			decode: into(func(u clientUser) bool { return u.Username == "bob" && u.Status == "active" }),
		},
		{
			name: "CreateUser", verb: "POST", path: "/users", statuses: []int{http.StatusCreated},
			body: map[string]any{
				"email": "cy@example.com", "username": "cy", "password": servertest.Password, "login_type": "password",
				"disable_login": false, "organization_id": s.OrganizationID,
			},
			decode: into(func(u clientUser) bool { return slices.Equal(u.OrganizationIDs, oneID(s)) }),
		},
		{
			name: "UpdateUserProfile", verb: "PUT", path: path + "/profile", statuses: ok,
			body:   map[string]any{"username": "Countess", "name": "Ada King", "avatar_url": ""},
			decode: into(func(u clientUser) bool { return u.ID == ada && u.Username == "Countess" && u.Name == "Ada King" }),
		},
		{name: "UpdateUserStatus to suspended", verb: "PUT", path: path + "/status/suspend", statuses: ok, decode: status("suspended")},
		{name: "UpdateUserStatus to suspended again", verb: "PUT", path: path + "/status/suspend", statuses: ok, decode: status("suspended")},
		{name: "UpdateUserStatus to active", verb: "PUT", path: path + "/status/activate", statuses: ok, decode: status("active")},
		{
			name: "UpdateUserRoles", verb: "PUT", path: path + "/roles", statuses: ok,
			body: map[string]any{"roles": []string{"template-admin", "auditor", "auditor"}},
			decode: into(func(u clientUser) bool {
				return cmp.Equal(u.roleNames(), []string{"auditor", "template-admin"})
			}),
		},
		{
			name: "UpdateUserRoles to none", verb: "PUT", path: path + "/roles", statuses: ok, body: map[string]any{"roles": nil},
			decode: into(func(u clientUser) bool {
				return cmp.Equal(u.Roles, []clientRole{}, cmpopts.EquateEmpty()) && u.Roles != nil
			}),
		},
		{
			name: "UpdateUserPassword", verb: "PUT", path: path + "/password", statuses: []int{http.StatusNoContent},
			body: map[string]any{"old_password": "", "password": "AnotherSecurePassword!"}, decode: nothing,
		},
		{name: "DeleteUser", verb: "DELETE", path: "/users/" + ada.String(), statuses: []int{http.StatusOK, http.StatusNoContent}, decode: nothing},
	}
}

func sdkLogins() []method {
	password := map[string]any{"password": servertest.Password}
	verdict := func(valid bool) func(*testing.T, reply) {
		return into(func(v struct {
			Valid   bool   `json:"valid"`
			Details string `json:"details"`
		},
		) bool {
			return v.Valid == valid && (v.Details == "") == valid
		})
	}
	return []method{
		{name: "HasFirstUser", verb: "GET", path: "/users/first", unauthorized: true, statuses: []int{http.StatusOK}, decode: into(func(m clientMessage) bool {
			return m.Message == "The initial user has already been created!"
		})},
		{
			name: "CreateFirstUser, too late", verb: "POST", path: "/users/first", unauthorized: true, statuses: []int{http.StatusConflict},
			body:   map[string]any{"email": "late@example.com", "username": "late", "password": servertest.Password, "trial": false},
			decode: nothing,
		},
		{name: "ValidateUserPassword", verb: "POST", path: "/users/validate-password", unauthorized: true, body: password, statuses: []int{http.StatusOK}, decode: verdict(true)},
		{
			name: "ValidateUserPassword of a weak one", verb: "POST", path: "/users/validate-password", unauthorized: true,
			body: map[string]any{"password": "notstrong"}, statuses: []int{http.StatusOK}, decode: verdict(false),
		},
		{
			name: "LoginWithPassword", verb: "POST", path: "/users/login", unauthorized: true, statuses: []int{http.StatusCreated},
			body:   map[string]any{"email": "Owner@Example.COM", "password": servertest.Password},
			decode: into(func(l clientLogin) bool { return len(l.SessionToken) == 33 }),
		},
		{
			name: "CreateAPIKey", verb: "POST", path: "/users/me/keys", statuses: []int{http.StatusOK, http.StatusCreated},
			decode: into(func(k clientKey) bool { return len(k.Key) == 33 }),
		},
		{name: "Logout", verb: "POST", path: "/users/logout", statuses: []int{http.StatusOK}, decode: nothing},
	}
}

// TestTimesAreThoseOfDeployedServers: "never" is the zero time, and a user who
// was seen was seen just now.
func TestTimesAreThoseOfDeployedServers(t *testing.T) {
	t.Parallel()
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		s.CreateUser(t, "ada")
		c := raw(s)
		if seen := c.getUser(t, "ada").LastSeenAt; !seen.IsZero() {
			t.Errorf("a user who made no request was seen at %v", seen)
		}
		// The first use of a key shows within a second.
		for deadline := time.Now().Add(10 * time.Second); ; {
			seen := c.me(t).LastSeenAt
			if age := time.Since(seen); age > -time.Second && age < time.Minute {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the caller was seen at %v", seen)
			}
		}
	})
}
