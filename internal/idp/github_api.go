package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"usher/internal/account"
	"usher/internal/secret"
)

// githubVersion is that of the REST API, whose answers this package knows.
const githubVersion = "2022-11-28"

// githubAsk asks the REST API in the name of whom the token is of.
type githubAsk struct {
	api    string
	client *http.Client
	token  secret.Redacted
}

type githubUser struct {
	ID        int64  `json:"id"`
	Login     string `json:"login"`
	Name      string `json:"name"` // null in many accounts
	AvatarURL string `json:"avatar_url"`
}

type githubEmail struct {
	Email    string `json:"email"`
	Primary  bool   `json:"primary"`
	Verified bool   `json:"verified"`
}

type githubMembership struct {
	State        string `json:"state"` // active or pending
	Organization struct {
		Login string `json:"login"`
	} `json:"organization"`
}

func (a githubAsk) user(ctx context.Context) (githubUser, error) {
	var user githubUser
	err := a.get(ctx, "/user", &user)
	return user, err
}

// emails returns the first page, which has the primary address unless somebody
// has more than 30 of them.
func (a githubAsk) emails(ctx context.Context) ([]githubEmail, error) {
	var list []githubEmail
	err := a.get(ctx, "/user/emails", &list)
	return list, err
}

// memberships returns the first 100 organizations.
func (a githubAsk) memberships(ctx context.Context) ([]githubMembership, error) {
	var list []githubMembership
	err := a.get(ctx, "/user/memberships/orgs?per_page=100&state=active", &list)
	return list, err
}

// inTeam reports whether the user is in the team, accepted or only invited.
// GitHub says "not found" of a team that the user is not in, and forbids to look
// at one that the app has no access to; only other refusals are errors.
func (a githubAsk) inTeam(ctx context.Context, team githubTeam, login string) (bool, error) {
	path := "/orgs/" + url.PathEscape(team.org) + "/teams/" + url.PathEscape(team.slug) + "/memberships/" + url.PathEscape(login)
	var membership struct {
		State string `json:"state"`
	}
	err := a.get(ctx, path, &membership)
	if fault, ok := errors.AsType[*githubFault](err); ok && !fault.limited &&
		(fault.status == http.StatusNotFound || fault.status == http.StatusForbidden) {
		return false, nil
	}
	return err == nil, err
}

// get asks for what is at the path and decodes it.
func (a githubAsk) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.api+path, nil)
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, withoutURL(err))
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("Authorization", "Bearer "+a.token.Reveal())
	request.Header.Set("User-Agent", "usher")
	request.Header.Set("X-GitHub-Api-Version", githubVersion)
	response, err := a.client.Do(request)
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return &githubFault{path: path, status: response.StatusCode, limited: isLimited(response)}
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("GET %s: read the answer: %w", path, err)
	}
	return nil
}

// isLimited tells GitHub's rate limits, the primary and the secondary one, from
// other refusals.
func isLimited(response *http.Response) bool {
	switch response.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return response.Header.Get("X-RateLimit-Remaining") == "0" || response.Header.Get("Retry-After") != ""
	}
	return false
}

// githubFault is an answer that is none. It holds nothing of the body.
type githubFault struct {
	path    string
	status  int
	limited bool
}

// Error implements error.
func (f *githubFault) Error() string {
	text := fmt.Sprintf("GET %s: GitHub answered %d %s", f.path, f.status, http.StatusText(f.status))
	if f.limited {
		text += " because of its rate limit"
	}
	return text
}

// githubFailed tells of a GitHub that could not be asked; why is for the log.
func githubFailed(cause error) error {
	failed := &account.Error{
		Kind:    account.KindInternal,
		Message: "GitHub could not be asked who you are. Try again in a minute.",
	}
	if fault, ok := errors.AsType[*githubFault](cause); ok && fault.limited {
		failed.Message = "GitHub limits how often it can be asked, and answers no more for now. Try again in a few minutes."
	}
	return failed.Because(cause)
}
