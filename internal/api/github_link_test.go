package api_test

import (
	"net/http"
	"testing"

	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/server/servertest"
	"usher/sdk"
)

// TestLinkGitHub: a password user who adds an account at GitHub, by either flow,
// is found by its number until the identity is unlinked.
func TestLinkGitHub(t *testing.T) {
	t.Parallel()
	for name, flow := range map[string]func(*idp.GitHubConfig){"web": nil, "device": byDevice} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := idptest.NewGitHub(t)
			g.SetUser(kyle())
			s := servertest.New(t, withGitHub(g, flow))
			create(t, s, newUser("pat"))
			v := visitGitHub(s, g)
			pat := v.signInByPassword(t, "pat@example.com")
			begun := pat.post(t, path("me", "identities"), body{"provider": "github"}).want(t, http.StatusCreated)
			end := v.visit(t, v.beginAt(t, decode[sdk.LinkIdentityResponse](t, begun).RedirectURL))
			if end.status != http.StatusTemporaryRedirect && end.status != http.StatusOK {
				t.Fatalf("the link ends with %s", end)
			}
			count := func() int {
				return decode[sdk.GetUsersResponse](t, owner(s).get(t, "/api/v2/users?q=github_com_user_id:1050").want(t, http.StatusOK)).Count
			}
			linked := identitiesOf(t, pat.client, "me")
			if len(linked) != 1 || linked[0].Provider != "github" || linked[0].Subject != "1050" || count() != 1 {
				t.Fatalf("linked: %+v, found by the number: %d", linked, count())
			}
			pat.delete(t, path("me", "identities", linked[0].ID.String())).want(t, http.StatusNoContent)
			if count() != 0 {
				t.Error("the number outlives the identity")
			}
		})
	}
}
