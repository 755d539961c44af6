package idptest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	githubVersion    = "2022-11-28"
	githubLimit      = 5000 // requests an hour
	githubResetAfter = time.Hour
	githubPageSize   = 30
	githubMaxPage    = 100
)

// api is the REST API as it is at the root of api.github.com.
func (g *GitHub) api() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /user", g.asUser("", func(w http.ResponseWriter, _ *http.Request, user GitHubUser) {
		githubWriteJSON(w, http.StatusOK, map[string]any{
			"login": user.Login, "id": user.ID, "node_id": fmt.Sprintf("U_%d", user.ID), "avatar_url": user.AvatarURL,
			"html_url": g.URL + "/" + user.Login, "type": "User", "site_admin": false,
			"name": githubNull(user.Name), "email": nil, "two_factor_authentication": true,
		})
	}))
	mux.HandleFunc("GET /user/emails", g.asUser("user:email", func(w http.ResponseWriter, r *http.Request, user GitHubUser) {
		var list []map[string]any
		for _, email := range githubPaged(w, r, user.Emails) {
			visibility := ""
			if email.Primary {
				visibility = "private"
			}
			list = append(list, map[string]any{
				"email": email.Email, "primary": email.Primary, "verified": email.Verified, "visibility": githubNull(visibility),
			})
		}
		githubWriteJSON(w, http.StatusOK, slices.Concat([]map[string]any{}, list))
	}))
	mux.HandleFunc("GET /user/memberships/orgs", g.asUser("read:org", g.orgMemberships))
	mux.HandleFunc("GET /orgs/{org}/teams/{slug}/memberships/{username}", g.asUser("read:org", g.teamMembership))
	mux.HandleFunc("/", g.asUser("", func(w http.ResponseWriter, _ *http.Request, _ GitHubUser) {
		githubFails(w, http.StatusNotFound, "Not Found")
	}))
	return mux
}

func (g *GitHub) orgMemberships(w http.ResponseWriter, r *http.Request, user GitHubUser) {
	wanted := r.URL.Query().Get("state")
	list := slices.Clone(user.Orgs)
	list = slices.DeleteFunc(list, func(org GitHubOrg) bool { return wanted != "" && org.state() != wanted })
	answer := []map[string]any{}
	for _, org := range githubPaged(w, r, list) {
		answer = append(answer, map[string]any{
			"url": g.APIURL + "/orgs/" + org.Login + "/memberships/" + user.Login, "state": org.state(), "role": "member",
			"organization": map[string]any{"login": org.Login, "url": g.APIURL + "/orgs/" + org.Login},
			"user":         map[string]any{"login": user.Login, "id": user.ID},
		})
	}
	githubWriteJSON(w, http.StatusOK, answer)
}

func (o GitHubOrg) state() string { return cmp.Or(o.State, "active") }

// teamMembership finds organizations, teams and people in any case, as GitHub
// does.
func (g *GitHub) teamMembership(w http.ResponseWriter, r *http.Request, user GitHubUser) {
	if !strings.EqualFold(r.PathValue("username"), user.Login) {
		githubFails(w, http.StatusNotFound, "Not Found")
		return
	}
	i := slices.IndexFunc(user.Teams, func(team GitHubTeam) bool {
		return strings.EqualFold(team.Org, r.PathValue("org")) && strings.EqualFold(team.Slug, r.PathValue("slug"))
	})
	if i < 0 {
		githubFails(w, http.StatusNotFound, "Not Found")
		return
	}
	githubWriteJSON(w, http.StatusOK, map[string]any{
		"url": g.APIURL + r.URL.Path, "role": "member", "state": cmp.Or(user.Teams[i].State, "active"),
	})
}

// asUser answers for the user of the token, within the rate limit. An OAuth
// app's token needs the scope; one of a GitHub App has none.
func (g *GitHub) asUser(scope string, answer func(http.ResponseWriter, *http.Request, GitHubUser)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if r.UserAgent() == "" {
			githubFails(w, http.StatusForbidden, "Request forbidden by administrative rules.")
			return
		}
		if version := r.Header.Get("X-Github-Api-Version"); version != "" && version != githubVersion {
			githubFails(w, http.StatusBadRequest, "The API version is not supported.")
			return
		}
		token := g.tokens[githubBearer(r)]
		if token == nil || !token.expires.IsZero() && g.now().After(token.expires) {
			githubFails(w, http.StatusUnauthorized, "Bad credentials")
			return
		}
		if !g.withinLimit(w, token.user) {
			return
		}
		held := strings.Fields(token.scope)
		if !g.appTokens {
			w.Header().Set("X-OAuth-Scopes", strings.Join(held, ", "))
			w.Header().Set("X-Accepted-OAuth-Scopes", scope)
			if scope != "" && !slices.Contains(held, scope) {
				githubFails(w, http.StatusNotFound, "Not Found")
				return
			}
		}
		answer(w, r, g.users[token.user])
	}
}

// githubBearer returns the token of a request; GitHub knows two words for it.
func githubBearer(r *http.Request) string {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(kind, "bearer") || strings.EqualFold(kind, "token") {
		return token
	}
	return ""
}

// withinLimit counts a request and writes the refusal of one too many.
func (g *GitHub) withinLimit(w http.ResponseWriter, user int64) bool {
	left := g.left
	if left < 0 {
		left = githubLimit
	}
	refused := left == 0
	left = max(left-1, 0)
	if g.left >= 0 {
		g.left = left
	}
	header := w.Header()
	header.Set("X-RateLimit-Limit", strconv.Itoa(githubLimit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	header.Set("X-RateLimit-Used", strconv.Itoa(githubLimit-left))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(g.now().Add(githubResetAfter).Unix(), 10))
	header.Set("X-RateLimit-Resource", "core")
	switch {
	case g.secondary:
		header.Set("Retry-After", "60")
		githubFails(w, g.limited, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	case refused:
		githubFails(w, g.limited, fmt.Sprintf("API rate limit exceeded for user ID %d.", user))
	}
	return !refused && !g.secondary
}

// githubPaged cuts a list by the parameters page and per_page, and tells of the
// next page in the header Link.
func githubPaged[T any](w http.ResponseWriter, r *http.Request, list []T) []T {
	number := func(name string, fallback int) int {
		n, err := strconv.Atoi(r.URL.Query().Get(name))
		if err != nil || n < 1 {
			return fallback
		}
		return n
	}
	size, page := min(number("per_page", githubPageSize), githubMaxPage), number("page", 1)
	start := min((page-1)*size, len(list))
	end := min(start+size, len(list))
	if end < len(list) {
		next := *r.URL
		query := next.Query()
		query.Set("page", strconv.Itoa(page+1))
		next.RawQuery = query.Encode()
		w.Header().Set("Link", fmt.Sprintf("<http://%s%s>; rel=%q", r.Host, next.RequestURI(), "next"))
	}
	return list[start:end]
}

func githubFails(w http.ResponseWriter, status int, message string) {
	githubWriteJSON(w, status, map[string]string{
		"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status),
	})
}

// githubNull is how the API shows what is empty.
func githubNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
