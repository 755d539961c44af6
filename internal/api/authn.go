package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/sdk"
)

// credentialParameters are where a client that can set no header puts its key
// into the query, in the order in which they count.
var credentialParameters = []string{sdk.SessionTokenCookie, "access_token"}

// credential finds the API key of a request; the first place that is not empty
// wins, and an explicit header beats a cookie.
func credential(r *http.Request) secret.Redacted {
	if key := headerCredential(r); key != "" {
		return key
	}
	if cookie, err := r.Cookie(sdk.SessionTokenCookie); err == nil && cookie.Value != "" {
		return secret.Redacted(cookie.Value)
	}
	if r.URL.RawQuery == "" {
		return ""
	}
	query := r.URL.Query()
	for _, name := range credentialParameters {
		if key := strings.TrimSpace(query.Get(name)); key != "" {
			return secret.Redacted(key)
		}
	}
	return ""
}

func headerCredential(r *http.Request) secret.Redacted {
	if key := r.Header.Get(sdk.SessionTokenHeader); key != "" {
		return secret.Redacted(key)
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return secret.Redacted(strings.TrimSpace(key))
	}
	return ""
}

func hasHeaderCredential(r *http.Request) bool { return headerCredential(r) != "" }

// challenge sets WWW-Authenticate (RFC 6750, section 3) for a refused
// credential.
func (c *call) challenge(refusal error) {
	if account.KindOf(refusal) != account.KindUnauthenticated {
		return
	}
	description := "The access token is invalid"
	if e, ok := errors.AsType[*account.Error](refusal); ok && strings.Contains(e.Message+e.Detail, "expired") {
		description = "The access token has expired"
	}
	c.w.Header().Set("WWW-Authenticate", fmt.Sprintf(
		`Bearer realm="coder", error="invalid_token", error_description=%q, resource_metadata=%q`,
		description, c.api.AccessURL.String()+"/.well-known/oauth-protected-resource"))
}
