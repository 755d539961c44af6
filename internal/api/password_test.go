package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

const nextPassword = "Another-Good-Passphrase"

// TestPasswordEndsAllSessions: those of the user whose password it is, whoever
// changes it.
func TestPasswordEndsAllSessions(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann")
		other := login(t, s, ann.Email, servertest.Password)
		key := guest(s).as(decode[sdk.GenerateAPIKeyResponse](t, ann.post(t, path("me", "keys"), nil)).Key)

		a := ann.put(t, path("me", "password"), body{"old_password": servertest.Password, "password": nextPassword})
		a.want(t, http.StatusNoContent)
		for name, c := range map[string]client{"itself": ann.client, "its other session": other, "its key": key} {
			if got := c.get(t, path("me")); got.status != http.StatusUnauthorized {
				t.Errorf("%s: got %s, want 401", name, got)
			}
		}
		owner(s).get(t, path("me")).user(t, http.StatusOK)
		guest(s).post(t, loginPath, credentials(ann.Email, servertest.Password)).refused(t, http.StatusUnauthorized, badLogin)
		again := login(t, s, ann.Email, nextPassword)

		before := again.get(t, path("me")).user(t, http.StatusOK)
		una := join(t, s, "una", "user-admin")
		una.put(t, path("ann", "password"), body{"password": servertest.Password}).want(t, http.StatusNoContent)
		again.get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
		una.get(t, path("me")).user(t, http.StatusOK)
		if after := una.get(t, path("ann")).user(t, http.StatusOK); !after.UpdatedAt.After(before.UpdatedAt) {
			t.Error("updated_at stays")
		}
	})
}

// TestPasswordChecks walks the refusals in their order: each request is wrong in
// all the ways that come after the one that is told.
func TestPasswordChecks(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann, una, aud := join(t, s, "ann"), join(t, s, "una", "user-admin"), join(t, s, "aud", "auditor")
		create(t, s, newUser("git").but("password", nil).but("login_type", "github"))
		create(t, s, body{"username": "robot", "service_account": true, "organization_ids": []uuid.UUID{uuid.Nil}})
		second := create(t, s, newUser("second", "owner"))
		set := func(c client, ref any, b any) answer { return c.put(t, path(ref, "password"), b) }

		set(aud.client, "ann", "nonsense").refused(t, http.StatusNotFound, notFound)
		set(ann.client, "una", "nonsense").refused(t, http.StatusNotFound, notFound)
		set(una.client, uuid.New(), body{"password": nextPassword}).refused(t, http.StatusNotFound, notFound)
		set(una.client, "owner", "nonsense").refused(t, http.StatusBadRequest, "Only owners can change the password of an owner")
		set(una.client, "git", "nonsense").refused(t, http.StatusBadRequest, badJSON)
		set(una.client, "git", body{"password": ""}).refused(t, http.StatusBadRequest, badFields, "password")
		set(una.client, "git", body{"password": "weak"}).refused(t, http.StatusBadRequest, "github")
		set(una.client, "robot", body{"password": "weak"}).refused(t, http.StatusBadRequest, "none")
		set(ann.client, "me", body{"password": "weak"}).refused(t, http.StatusBadRequest, "Old password is required.")
		set(owner(s), "owner", body{"password": "weak"}).refused(t, http.StatusBadRequest, "Old password is required.")
		set(ann.client, "me", body{"password": "weak", "old_password": "wrong"}).refused(t, http.StatusBadRequest, "", "password")
		set(ann.client, "me", body{"password": strings.Repeat("aB3$", 17), "old_password": "wrong"}).refused(t, http.StatusBadRequest, "", "password")
		set(ann.client, "me", body{"password": servertest.Password, "old_password": "wrong"}).refused(t, http.StatusBadRequest, "", "old_password")
		set(una.client, "ann", body{"password": nextPassword, "old_password": "wrong"}).refused(t, http.StatusBadRequest, "", "old_password")
		same := set(ann.client, "me", body{"password": servertest.Password, "old_password": servertest.Password})
		same.refused(t, http.StatusBadRequest, "New password cannot match old password.")
		set(una.client, "ann", body{"password": servertest.Password}).refused(t, http.StatusBadRequest, "New password cannot match old password.")
		ann.get(t, path("me")).user(t, http.StatusOK) // nothing of all that ended its session

		set(owner(s), second.ID, body{"password": nextPassword}).want(t, http.StatusNoContent)
		set(owner(s), second.ID, body{"password": nextPassword}).refused(t, http.StatusBadRequest, "New password cannot match old password.")
		set(una.client, "ann", body{"password": nextPassword, "old_password": servertest.Password}).want(t, http.StatusNoContent)
	})
}

// TestPasswordSecretInAudit: that it changed, and nothing else.
func TestPasswordSecretInAudit(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	create(t, s, newUser("ann"))
	e := entryOf(t, s, owner(s).put(t, path("ann", "password"), body{"password": nextPassword}).want(t, http.StatusNoContent))
	field, ok := e.Diff["hashed_password"]
	if !ok || !field.Secret || unlessEmpty(field.Old) != nil || unlessEmpty(field.New) != nil || len(e.Diff) != 1 {
		t.Errorf("%+v", e.Diff)
	}
}

func TestValidatePassword(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	const at = "/api/v2/users/validate-password"
	for password, valid := range map[string]bool{
		"SomeSecurePassword!": true, "notstrong": false, "correct-horse-battery-staple": true, "aaaaaaaaaaaaaaaaaaaaaaaa": false,
		strings.Repeat("aB3$", 16): true, strings.Repeat("aB3$", 16) + "x": false, " ": false,
	} {
		got := decode[sdk.ValidateUserPasswordResponse](t, guest(s).post(t, at, body{"password": password}).want(t, http.StatusOK))
		if got.Valid != valid || (got.Details == "") != valid {
			t.Errorf("%q: %+v", password, got)
		}
	}
	guest(s).post(t, at, body{"password": ""}).refused(t, http.StatusBadRequest, badFields, "password")
	guest(s).post(t, at, body{}).refused(t, http.StatusBadRequest, badFields, "password")
	guest(s).post(t, at, "").refused(t, http.StatusBadRequest, badJSON)
}
