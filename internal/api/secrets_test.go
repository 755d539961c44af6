package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"usher/internal/secret"
	"usher/internal/server/servertest"
	"usher/sdk"
)

// vault remembers every secret of a test, and which answers may show one.
type vault struct{ secrets []string }

func (v *vault) keep(text string) string {
	v.secrets = append(v.secrets, text)
	return text
}

// key keeps the secret half of a key: the other half names it in the log.
func (v *vault) key(key string) string {
	_, half, _ := strings.Cut(key, "-")
	v.keep(half)
	return key
}

// check looks for the secrets in a text.
func (v *vault) check(t *testing.T, where, text string) {
	t.Helper()
	for i, s := range v.secrets {
		for _, form := range []string{s, url.QueryEscape(s), fmt.Sprintf("%q", s), strings.ToLower(s)} {
			if strings.Contains(text, form) {
				t.Errorf("secret %d is in %s", i, where)
			}
		}
	}
}

// TestSecretsStaySecret plays everything that has to do with a password or a
// key, also the wrong way, and then looks for them in the log, in the audit log
// and in the answers that are not for showing one.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		v := &vault{}
		quiet := func(a answer) answer {
			v.check(t, "an answer", string(a.body)+fmt.Sprint(a.header))
			return a
		}
		c := guest(s)
		v.key(s.Owner.SessionToken())
		v.keep(servertest.Password)
		password, later := v.keep("Very-Secret-One-4711"), v.keep("Very-Secret-Two-0815")

		user := quiet(owner(s).post(t, usersPath, newUser("ann").but("password", password))).user(t, http.StatusCreated)
		session := c.post(t, loginPath, credentials("ann@example.com", password)).want(t, http.StatusCreated)
		ann := v.key(decode[sdk.LoginWithPasswordResponse](t, session).SessionToken)
		made := c.as(ann).post(t, path("me", "keys"), nil).want(t, http.StatusCreated)
		key := v.key(decode[sdk.GenerateAPIKeyResponse](t, made).Key)

		// Every way to present a key, and keys that do not hold.
		minted, err := secret.MintKey()
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{key, v.key(minted.Reveal()), v.key(mistyped(key)), v.keep("NotAKeyAtAllButASecret")} {
			quiet(c.as(k).get(t, path("me")))
			quiet(c.with("Authorization", "Bearer "+k).get(t, path("me")))
			quiet(c.cookie(k).get(t, path("me")))
			quiet(c.get(t, path("me")+"?coder_session_token="+k))
			quiet(c.get(t, usersPath+"?limit=x&access_token="+k))
		}
		// Passwords in bodies that are refused, and in fields where they do not belong.
		wrong := v.keep("Wrong-Guess-Number-1")
		quiet(c.post(t, loginPath, credentials("ann@example.com", wrong)).want(t, 401))
		quiet(c.post(t, loginPath, credentials("nobody@example.com", wrong)).want(t, 401))
		quiet(c.post(t, loginPath, `{"email":"ann@example.com","password":"`+password+`"`).want(t, 400))
		quiet(c.post(t, loginPath, `{"email":1,"password":"`+password+`"}`).want(t, 400))
		quiet(c.post(t, loginPath, body{"email": "ann@example.com", "password": []string{password}}).want(t, 400))
		quiet(c.post(t, "/api/v2/users/first", first().but("password", wrong)).want(t, 409))
		quiet(c.post(t, "/api/v2/users/validate-password", body{"password": wrong}).want(t, 200))
		quiet(owner(s).post(t, usersPath, newUser("ann").but("password", wrong)).want(t, 409))
		quiet(owner(s).post(t, usersPath, newUser("git").but("password", wrong).but("login_type", "github")).want(t, 400))
		robot := body{"username": "robot", "service_account": true, "password": wrong, "organization_ids": []uuid.UUID{uuid.Nil}}
		quiet(owner(s).post(t, usersPath, robot).want(t, 400))
		weak := v.keep("w3ak-xy")
		quiet(owner(s).put(t, path("ann", "password"), body{"password": weak}).want(t, 400))
		quiet(c.post(t, "/api/v2/users/validate-password", body{"password": weak}).want(t, 200))
		quiet(c.as(ann).put(t, path("me", "password"), body{"password": later, "old_password": wrong}).want(t, 400))
		quiet(c.as(ann).put(t, path("me", "password"), body{"password": password, "old_password": password}).want(t, 400))
		quiet(c.as(ann).put(t, path("me", "password"), body{"password": later, "old_password": password}).want(t, 204))
		quiet(owner(s).put(t, path("ann", "password"), body{"password": password}).want(t, 204))
		quiet(owner(s).delete(t, path(user.ID)).want(t, 200))
		quiet(owner(s).get(t, auditPath+"?limit=1000").want(t, 200))
		quiet(c.get(t, "/metrics"))
		quiet(owner(s).post(t, "/api/v2/users/logout", nil).want(t, 200))
		s.Stop()
		v.check(t, "the log", s.Log.String())
		if !strings.Contains(s.Log.String(), "path=/api/v2/users/me") {
			t.Error("the log is not what was looked through")
		}
	})
}
