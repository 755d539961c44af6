package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// TestUserReferences: "me", an id in any form, and the name in any case are the
// same user; an address is none.
func TestUserReferences(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "Ann-1")
		ann.get(t, path("me")).want(t, http.StatusOK)
		var me sdk.User
		plain := strings.ReplaceAll(ann.ID.String(), "-", "")
		for _, ref := range []string{"me", "Ann-1", "ann-1", "ANN-1", ann.ID.String(), strings.ToUpper(ann.ID.String()), plain, "%7B" + ann.ID.String() + "%7D", "urn:uuid:" + ann.ID.String(), "%61nn-1"} {
			user := ann.get(t, path(ref)).user(t, http.StatusOK)
			user.LastSeenAt, user.UpdatedAt = ann.LastSeenAt, ann.UpdatedAt // they move with each use
			if me.Username == "" {
				me = user
			}
			if diff := cmp.Diff(me, user); diff != "" {
				t.Errorf("%s is another user:\n%s", ref, diff)
			}
		}
		for _, ref := range []string{
			"ann-1@example.com", "nobody", uuid.NewString(), uuid.Nil.String(), "ME", "a_b", "..%2F..", "ann-1%2F", "%00", "%FF",
			strings.Repeat("x", 1000), "'", "%25", "ann-1%20", "create", "otp",
		} {
			owner(s).get(t, path(ref)).refused(t, http.StatusNotFound, notFound)
		}
		ann.get(t, path("owner")).refused(t, http.StatusNotFound, notFound)
		ann.get(t, path(s.OwnerID)).refused(t, http.StatusNotFound, notFound)
		guest(s).get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
	})
}

// TestUnreadableIsAbsent: the two answers are the same to the byte.
func TestUnreadableIsAbsent(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	mia := join(t, s, "mia")
	for _, below := range []string{"", "/roles", "/organizations", "/login-type", "/organizations/coder"} {
		unreadable, absent := mia.get(t, path("owner")+below), mia.get(t, path("nobody")+below)
		if unreadable.want(t, http.StatusNotFound).String() != absent.want(t, http.StatusNotFound).String() {
			t.Errorf("%s: %s differs from %s", below, unreadable, absent)
		}
	}
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann, mia, una := join(t, s, "Ann", "auditor"), join(t, s, "mia"), join(t, s, "una", "user-admin")
		mia.delete(t, path(ann.ID)).refused(t, http.StatusNotFound, notFound)
		mia.delete(t, path("owner")).refused(t, http.StatusNotFound, notFound)
		ann.delete(t, path(mia.ID)).lacks(t, "user:delete", "role")
		for _, ref := range []any{"me", mia.ID, "mia"} {
			mia.delete(t, path(ref)).refused(t, http.StatusForbidden, "You cannot delete yourself!")
		}

		a := owner(s).delete(t, path("ann")).want(t, http.StatusOK)
		if got := decode[sdk.Response](t, a).Message; got != "User has been deleted!" {
			t.Errorf("message %q", got)
		}
		ann.get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
		guest(s).post(t, loginPath, credentials(ann.Email, servertest.Password)).refused(t, http.StatusUnauthorized, badLogin)

		// It is found by its id, by its own GET and DELETE only.
		gone := owner(s).get(t, path(ann.ID)).user(t, http.StatusOK)
		if gone.Username != "Ann" || gone.Email != ann.Email || len(gone.OrganizationIDs) != 0 || len(gone.Roles) != 1 {
			t.Errorf("%+v", gone)
		}
		owner(s).get(t, path("Ann")).refused(t, http.StatusNotFound, notFound)
		owner(s).delete(t, path("Ann")).refused(t, http.StatusNotFound, notFound)
		owner(s).delete(t, path(ann.ID)).want(t, http.StatusOK)
		mia.delete(t, path(ann.ID)).refused(t, http.StatusNotFound, notFound)
		for _, call := range belowUser() {
			owner(s).do(t, call.method, path(ann.ID, call.below), call.body).refused(t, http.StatusNotFound, notFound)
		}

		// Its name and address are free at once, and the new user can be deleted too.
		again := create(t, s, newUser("ann"))
		if again.ID == ann.ID {
			t.Error("an id was used again")
		}
		if got := owner(s).get(t, path("ANN")).user(t, http.StatusOK); got.ID != again.ID {
			t.Error("the name finds the deleted user")
		}
		una.delete(t, path("ann")).want(t, http.StatusOK)
		// User-admins delete owners too, while there is another.
		second := create(t, s, newUser("second", "owner"))
		una.delete(t, path(second.ID)).want(t, http.StatusOK)
		una.delete(t, path("owner")).refused(t, http.StatusConflict, "last owner")
	})
}

// below is a call on something of a user's.
type below struct {
	method, below string
	body          any
}

// belowUser lists a good call of every route under a user.
func belowUser() []below {
	return []below{
		{http.MethodPut, "profile", body{"username": "renamed"}},
		{http.MethodPut, "email", body{"email": "renamed@example.com"}},
		{http.MethodPut, "password", body{"password": "another good passphrase"}},
		{http.MethodPut, "status/activate", nil},
		{http.MethodPut, "status/suspend", nil},
		{http.MethodGet, "roles", nil},
		{http.MethodPut, "roles", body{"roles": []string{}}},
		{http.MethodGet, "login-type", nil},
		{http.MethodGet, "organizations", nil},
		{http.MethodGet, "organizations/coder", nil},
		{http.MethodPost, "keys", nil},
	}
}

// TestLastOwner: a suspended owner, or a program with that role, keeps nobody
// in charge.
func TestLastOwner(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		una := join(t, s, "una", "user-admin")
		robot := create(t, s, body{"username": "robot", "service_account": true, "organization_ids": []uuid.UUID{uuid.Nil}, "roles": []string{"owner"}})
		out := create(t, s, newUser("out", "owner").but("user_status", "suspended"))
		una.delete(t, path("owner")).refused(t, http.StatusConflict, "last owner")
		key := owner(s).post(t, path(robot.ID, "keys"), nil).want(t, http.StatusCreated)
		program := guest(s).as(decode[sdk.GenerateAPIKeyResponse](t, key).Key)
		program.put(t, path("owner", "roles"), body{"roles": []string{}}).refused(t, http.StatusConflict, "last owner")
		// These two count for nothing, so they may go.
		una.delete(t, path(out.ID)).want(t, http.StatusOK)
		owner(s).put(t, path(robot.ID, "roles"), body{"roles": []string{}}).want(t, http.StatusOK)
		// A dormant owner can sign in whenever it wants.
		create(t, s, newUser("dora", "owner").but("user_status", nil))
		una.delete(t, path("owner")).want(t, http.StatusOK)
		una.delete(t, path("dora")).refused(t, http.StatusConflict, "last owner")
	})
}

func TestStatus(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		una := join(t, s, "una", "user-admin")
		user := create(t, s, newUser("ann").but("user_status", nil))
		for _, step := range []struct {
			below string
			want  sdk.UserStatus
		}{
			{"status/suspend", "suspended"},
			{"status/suspend", "suspended"},
			{"status/activate", "active"},
			{"status/activate", "active"},
			{"status/suspend", "suspended"},
			{"status/activate", "active"},
		} {
			after := una.put(t, path(user.ID, step.below), nil).user(t, http.StatusOK)
			if after.Status != step.want || after.UpdatedAt.Before(user.UpdatedAt) || after.Username != "ann" {
				t.Errorf("%s: %+v", step.below, after)
			}
			user = after
		}
		dormant := create(t, s, newUser("dora").but("user_status", nil))
		if got := una.put(t, path(dormant.ID, "status/activate"), nil).user(t, http.StatusOK); got.Status != "active" || !got.LastSeenAt.IsZero() {
			t.Errorf("%+v", got)
		}
		for _, ref := range []any{"me", una.ID, "UNA"} {
			una.put(t, path(ref, "status/suspend"), nil).refused(t, http.StatusBadRequest, "suspend yourself")
		}
		una.put(t, path("owner", "status/suspend"), nil).refused(t, http.StatusBadRequest, "owner")
		create(t, s, newUser("second", "owner"))
		owner(s).put(t, path("second", "status/suspend"), nil).refused(t, http.StatusBadRequest, "owner")
		una.put(t, path("owner", "status/activate"), nil).user(t, http.StatusOK)
		owner(s).put(t, path("me", "status/activate"), nil).user(t, http.StatusOK)
		una.put(t, path(uuid.New(), "status/suspend"), nil).refused(t, http.StatusNotFound, notFound)
	})
}

func TestLoginType(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann")
		for _, ref := range []any{"me", "ANN", ann.ID} {
			a := ann.get(t, path(ref, "login-type")).want(t, http.StatusOK)
			if got := strings.TrimSpace(string(a.body)); got != `{"login_type":"password"}` {
				t.Errorf("%v: %s", ref, got)
			}
		}
		if body := owner(s).get(t, path(ann.ID, "login-type")).refused(t, http.StatusForbidden, forbidden); body.Detail == "" {
			t.Error("the refusal does not say why")
		}
		ann.get(t, path("owner", "login-type")).refused(t, http.StatusNotFound, notFound)
		robot := create(t, s, body{"username": "robot", "service_account": true, "organization_ids": []uuid.UUID{uuid.Nil}})
		key := owner(s).post(t, path(robot.ID, "keys"), nil).want(t, http.StatusCreated)
		a := guest(s).as(decode[sdk.GenerateAPIKeyResponse](t, key).Key).get(t, path("me", "login-type")).want(t, http.StatusOK)
		if got := strings.TrimSpace(string(a.body)); got != `{"login_type":"none"}` {
			t.Errorf("a service account: %s", got)
		}
	})
}
