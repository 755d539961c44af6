package idptest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	githubCodeLife    = 10 * time.Minute
	githubTokenLife   = 8 * time.Hour
	githubRefreshLife = 184 * 24 * time.Hour
	githubDeviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
	githubDocs        = "https://docs.github.com/apps/"
)

// githubCode is what somebody brings back from the authorization.
type githubCode struct {
	user        int64
	scope       string
	redirectURI string
	challenge   string // empty without PKCE
	expires     time.Time
}

// githubToken speaks for a user.
type githubToken struct {
	access, refresh string
	user            int64
	scope           string
	device          bool      // made by the device flow: renewed without a secret
	expires         time.Time // zero: never
	refreshExpires  time.Time
}

func (g *GitHub) web() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/oauth/authorize", g.authorize)
	mux.HandleFunc("POST /login/oauth/authorize", g.authorize)
	mux.HandleFunc("POST /login/oauth/access_token", g.accessToken)
	mux.HandleFunc("POST /login/device/code", g.deviceCode)
	mux.HandleFunc("GET /login/device", g.devicePage)
	mux.HandleFunc("POST /login/device", g.devicePage)
	return mux
}

var githubPage = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title></head><body><main>
<h1>{{.Title}}</h1>{{with .Text}}<p>{{.}}</p>{{end}}
{{if .Buttons}}<form method="post">
{{if .AskCode}}<label for="user_code">Code</label> <input id="user_code" name="user_code" autocomplete="off" required>
{{else}}{{with .Code}}<input type="hidden" name="user_code" value="{{.}}">{{end}}{{end}}
{{range .Buttons}}<button name="decision" value="{{.}}">{{.}}</button>
{{end}}</form>{{end}}</main></body></html>
`))

// githubView is what a page shows.
type githubView struct {
	Title, Text string
	AskCode     bool
	Code        string
	Buttons     []string
}

func (v githubView) show(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = githubPage.Execute(w, v)
}

// authorize is where an app sends a browser (section "Web application flow").
func (g *GitHub) authorize(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	query := r.URL.Query()
	back, err := url.Parse(query.Get("redirect_uri"))
	if query.Get("client_id") != GitHubClientID || err != nil || back.Host == "" {
		githubView{Title: "Page not found"}.show(w, http.StatusNotFound)
		return
	}
	if g.users[g.signedIn].Login == "" {
		githubView{Title: "Sign in to GitHub", Text: "Nobody is signed in."}.show(w, http.StatusUnauthorized)
		return
	}
	if query.Get("code_challenge") != "" && query.Get("code_challenge_method") != "S256" {
		githubSendBack(w, r, back, query.Get("state"), githubError("invalid_request", "The code_challenge_method must be S256."))
		return
	}
	switch decision := r.PostForm.Get("decision"); {
	case decision == "Cancel":
		githubSendBack(w, r, back, query.Get("state"), githubError("access_denied", "The user has denied your application access."))
	case g.consent && decision != "Authorize":
		githubView{
			Title: "Authorize the app", Text: "Signed in as " + g.users[g.signedIn].Login, Buttons: []string{"Authorize", "Cancel"},
		}.show(w, http.StatusOK)
	default:
		code := githubRandom(20)
		g.codes[code] = &githubCode{
			user: g.signedIn, scope: query.Get("scope"), redirectURI: back.String(),
			challenge: query.Get("code_challenge"), expires: g.now().Add(githubCodeLife),
		}
		githubSendBack(w, r, back, query.Get("state"), url.Values{"code": {code}})
	}
}

func githubSendBack(w http.ResponseWriter, r *http.Request, back *url.URL, state string, with url.Values) {
	query := back.Query()
	maps.Copy(query, with)
	if state != "" {
		query.Set("state", state)
	}
	to := *back
	to.RawQuery = query.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

// accessToken gives tokens out. GitHub refuses with the status 200.
func (g *GitHub) accessToken(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.Form.Get("client_id") != GitHubClientID {
		githubAnswer(w, r, githubBadCredentials())
		return
	}
	var answer url.Values
	switch r.Form.Get("grant_type") {
	case "", "authorization_code":
		answer = g.redeemCode(r.Form)
	case githubDeviceGrant:
		answer = g.redeemDevice(r.Form)
	case "refresh_token":
		answer = g.redeemRefreshToken(r.Form)
	default:
		answer = githubError("unsupported_grant_type", "The grant type is not supported.")
	}
	githubAnswer(w, r, answer)
}

func (g *GitHub) redeemCode(form url.Values) url.Values {
	if form.Get("client_secret") != GitHubClientSecret {
		return githubBadCredentials()
	}
	code := g.codes[form.Get("code")]
	delete(g.codes, form.Get("code"))
	if code == nil || g.now().After(code.expires) || !code.verified(form.Get("code_verifier")) {
		return githubError("bad_verification_code", "The code passed is incorrect or expired.")
	}
	if uri := form.Get("redirect_uri"); uri != "" && uri != code.redirectURI {
		return githubError("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application.")
	}
	return g.grant(&githubToken{user: code.user, scope: code.scope})
}

// verified checks the proof of RFC 7636, section 4.6.
func (c *githubCode) verified(verifier string) bool {
	if c.challenge == "" {
		return true
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:]) == c.challenge
}

func (g *GitHub) redeemRefreshToken(form url.Values) url.Values {
	old := g.refreshes[form.Get("refresh_token")]
	if old == nil || g.now().After(old.refreshExpires) {
		return githubError("bad_refresh_token", "The refresh token passed is incorrect or expired.")
	}
	if secret := form.Get("client_secret"); secret != GitHubClientSecret && (secret != "" || !old.device) {
		return githubBadCredentials()
	}
	delete(g.refreshes, old.refresh)
	delete(g.tokens, old.access)
	return g.grant(&githubToken{user: old.user, scope: old.scope, device: old.device})
}

func (g *GitHub) grant(token *githubToken) url.Values {
	if !g.appTokens {
		token.access = "gho_" + githubRandom(36)
		g.tokens[token.access] = token
		return url.Values{
			"access_token": {token.access}, "token_type": {"bearer"},
			"scope": {strings.Join(strings.Fields(token.scope), ",")},
		}
	}
	token.access, token.refresh = "ghu_"+githubRandom(36), "ghr_"+githubRandom(76)
	token.expires, token.refreshExpires = g.now().Add(githubTokenLife), g.now().Add(githubRefreshLife)
	g.tokens[token.access], g.refreshes[token.refresh] = token, token
	return url.Values{
		"access_token": {token.access}, "expires_in": {"28800"},
		"refresh_token": {token.refresh}, "refresh_token_expires_in": {"15897600"},
		"token_type": {"bearer"}, "scope": {""},
	}
}

func githubBadCredentials() url.Values {
	return githubError("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
}

func githubError(code, description string) url.Values {
	return url.Values{"error": {code}, "error_description": {description}, "error_uri": {githubDocs + "errors/#" + code}}
}

// githubAnswer writes a form, or JSON to whom accepts it.
func githubAnswer(w http.ResponseWriter, r *http.Request, answer url.Values) {
	if !strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		_, _ = w.Write([]byte(answer.Encode()))
		return
	}
	object := map[string]any{}
	for key := range answer {
		object[key] = answer.Get(key)
	}
	for _, number := range []string{"expires_in", "interval", "refresh_token_expires_in"} {
		if answer.Has(number) {
			object[number] = json.Number(answer.Get(number))
		}
	}
	githubWriteJSON(w, http.StatusOK, object)
}

func githubWriteJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
