package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
)

func TestProfile(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := create(t, s, newUser("ann").but("name", "Ann"))
		profile := func(c client, ref any, b body) answer { return c.put(t, path(ref, "profile"), b) }

		after := profile(owner(s), "ann", body{"username": "anna", "name": "Anna"}).user(t, http.StatusOK)
		if after.Username != "anna" || after.Name != "Anna" || after.Email != ann.Email || !after.UpdatedAt.After(ann.UpdatedAt) {
			t.Errorf("%+v", after)
		}
		owner(s).get(t, path("ann")).refused(t, http.StatusNotFound, notFound)
		if got := profile(owner(s), "anna", body{"username": "ANNA"}).user(t, http.StatusOK); got.Username != "ANNA" || got.Name != "" {
			t.Errorf("an absent name clears it and case may change: %+v", got)
		}
		// The same once more changes nothing.
		profile(owner(s), "anna", body{"username": "ANNA"}).user(t, http.StatusOK)

		profile(owner(s), uuid.New(), body{"username": "x"}).refused(t, http.StatusNotFound, notFound)
		profile(owner(s), "anna", body{"username": "Owner"}).refused(t, http.StatusConflict, userExists, "username")
		profile(owner(s), "anna", body{"username": ""}).refused(t, http.StatusBadRequest, badFields, "username")
		profile(owner(s), "anna", body{"username": "me", "name": "x "}).refused(t, http.StatusBadRequest, badFields, "username", "name")
		owner(s).put(t, path("anna", "profile"), "[]").refused(t, http.StatusBadRequest, badJSON)
		if got := owner(s).get(t, path("ANNA")).user(t, http.StatusOK); got.Username != "ANNA" || got.Name != "" {
			t.Errorf("a refused change left %+v", got)
		}

		// Oneself: an owner both, a member the name alone.
		profile(owner(s), "me", body{"username": "boss", "name": "The Boss"}).user(t, http.StatusOK)
		mia := join(t, s, "mia")
		if got := profile(mia.client, "me", body{"username": "mia", "name": "Mia"}).user(t, http.StatusOK); got.Name != "Mia" {
			t.Errorf("%+v", got)
		}
		profile(mia.client, "me", body{"username": "mio", "name": "Mia"}).refused(t, http.StatusNotFound, notFound)
		profile(mia.client, "me", body{"username": "MIA"}).refused(t, http.StatusNotFound, notFound)
		profile(mia.client, "me", body{"username": "m_a"}).refused(t, http.StatusBadRequest, badFields, "username")
		profile(mia.client, "boss", body{"username": "boss"}).refused(t, http.StatusNotFound, notFound)
		aud := join(t, s, "aud", "auditor")
		profile(aud.client, "mia", body{"username": "mia", "name": "M"}).lacks(t, "user:update_personal", "role")
		profile(aud.client, "mia", body{"username": "mio"}).refused(t, http.StatusNotFound, notFound)

		// The suspended and the programs have a profile too.
		owner(s).put(t, path("mia", "status/suspend"), nil).user(t, http.StatusOK)
		profile(owner(s), "mia", body{"username": "mia-2"}).user(t, http.StatusOK)
		create(t, s, body{"username": "robot", "service_account": true, "organization_ids": []uuid.UUID{uuid.Nil}})
		profile(owner(s), "robot", body{"username": "robot-2", "name": "Robot"}).user(t, http.StatusOK)
	})
}

// TestAvatar: absent leaves it, present sets it, and who signs in elsewhere has
// it from there.
func TestAvatar(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		const picture = "https://example.com/ann.png?a=1&b=2"
		ann := join(t, s, "ann")
		set := func(b body) string { return ann.put(t, path("me", "profile"), b).user(t, http.StatusOK).AvatarURL }
		same := body{"username": "ann"}
		if got := set(same.but("avatar_url", picture)); got != picture {
			t.Errorf("set: %q", got)
		}
		if got := set(same); got != picture {
			t.Errorf("absent: %q", got)
		}
		same["avatar_url"] = nil
		if got := set(same); got != picture {
			t.Errorf("null: %q", got)
		}
		if got := set(same.but("avatar_url", "")); got != "" {
			t.Errorf("empty: %q", got)
		}
		for _, bad := range []string{"javascript:alert(1)", "ftp://example.com/x", "/relative", "https://", strings.Repeat("x", 3000), "https://example.com/" + strings.Repeat("x", 2048)} {
			ann.put(t, path("me", "profile"), same.but("avatar_url", bad)).refused(t, http.StatusBadRequest, badFields, "avatar_url")
		}
		create(t, s, newUser("git").but("password", nil).but("login_type", "github"))
		git := owner(s).put(t, path("git", "profile"), body{"username": "git", "name": "Git", "avatar_url": picture}).user(t, http.StatusOK)
		if git.AvatarURL != "" || git.Name != "Git" {
			t.Errorf("%+v", git)
		}
	})
}

func TestEmail(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann, una := join(t, s, "ann"), join(t, s, "una", "user-admin")
		email := func(c client, ref any, address string) answer {
			return c.put(t, path(ref, "email"), body{"email": address})
		}
		after := email(una.client, ann.ID, "New@Example.com").user(t, http.StatusOK)
		if after.Email != "New@Example.com" || after.Username != "ann" || !after.UpdatedAt.After(ann.UpdatedAt) {
			t.Errorf("%+v", after)
		}
		email(una.client, ann.ID, "New@Example.com").user(t, http.StatusOK)
		email(una.client, ann.ID, "NEW@example.com").user(t, http.StatusOK)
		ann.get(t, path("me")).user(t, http.StatusOK) // sessions go on
		login(t, s, "new@example.com", servertest.Password)
		guest(s).post(t, loginPath, credentials(ann.Email, servertest.Password)).refused(t, http.StatusUnauthorized, badLogin)

		email(una.client, ann.ID, "OWNER@example.com").refused(t, http.StatusConflict, userExists, "email")
		for _, bad := range []string{"", "nobody", "a@b c", "Ann <a@example.com>", strings.Repeat("x", 250) + "@example.com", "a\x00@example.com"} {
			email(una.client, ann.ID, bad).refused(t, http.StatusBadRequest, badFields, "email")
		}
		una.put(t, path(ann.ID, "email"), nil).refused(t, http.StatusBadRequest, badJSON)
		create(t, s, newUser("git").but("password", nil).but("login_type", "github"))
		email(una.client, "git", "x@example.com").refused(t, http.StatusBadRequest, "github")
		create(t, s, body{"username": "robot", "service_account": true, "organization_ids": []uuid.UUID{uuid.Nil}})
		email(una.client, "robot", "x@example.com").refused(t, http.StatusBadRequest, "service account")
		create(t, s, newUser("keys").but("password", nil).but("login_type", "none"))
		email(una.client, "keys", "x@example.com").user(t, http.StatusOK)

		email(una.client, "me", "una@example.org").user(t, http.StatusOK)
		email(ann.client, "me", "y@example.com").lacks(t, "user:update", "role")
		email(ann.client, "una", "y@example.com").refused(t, http.StatusNotFound, notFound)
		email(join(t, s, "aud", "auditor").client, "ann", "nonsense").lacks(t, "user:update", "role")
	})
}
