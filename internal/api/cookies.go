package api

import (
	"net/http"
	"strings"

	"usher/sdk"
)

// hostPrefix marks a cookie that a browser takes only over TLS, for this host
// alone and for all its paths (RFC 6265bis, section 4.1.3.2).
const hostPrefix = "__Host-"

// cookieMaxAge is a year, in seconds: the server decides when a session ends.
const cookieMaxAge = 365 * 24 * 60 * 60

// Cookies says how the cookies of browsers are made.
type Cookies struct {
	// Secure keeps them from being sent without TLS.
	Secure bool
	// CrossSite lets pages of other sites send them (SameSite=None), which
	// browsers allow only together with Secure; otherwise they are Lax.
	CrossSite bool
	// HostPrefix gives the session's cookie, and no other, the prefix __Host-. It
	// is then Secure whatever else is said, because no browser takes it otherwise.
	HostPrefix bool
}

// sessionName is what the session's cookie is called in the browser.
func (k Cookies) sessionName() string {
	if k.HostPrefix {
		return hostPrefix + sdk.SessionTokenCookie
	}
	return sdk.SessionTokenCookie
}

func (k Cookies) sameSite() http.SameSite {
	if k.CrossSite {
		return http.SameSiteNoneMode
	}
	return http.SameSiteLaxMode
}

// cookie makes a cookie that lasts as long as the browser runs and that no
// script can read, with the attributes that the operator chose.
func (c *call) cookie(name, value string) *http.Cookie {
	return &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     "/",
		HttpOnly: true,
		Secure:   c.api.Cookies.Secure,
		SameSite: c.api.Cookies.sameSite(),
	}
}

// forget makes the browser forget a cookie.
func (c *call) forget(name string) {
	cookie := c.cookie(name, "")
	cookie.MaxAge = -1 // written as Max-Age=0
	http.SetCookie(c.w, cookie)
}

// setSession gives a browser its session.
func (c *call) setSession(key string) {
	cookie := c.sessionCookie()
	cookie.Value, cookie.MaxAge, cookie.HttpOnly = key, cookieMaxAge, true
	http.SetCookie(c.w, cookie)
}

// clearSession takes it away again.
func (c *call) clearSession() {
	cookie := c.sessionCookie()
	cookie.MaxAge = -1 // written as Max-Age=0
	http.SetCookie(c.w, cookie)
}

func (c *call) sessionCookie() *http.Cookie {
	cookie := c.cookie(c.api.Cookies.sessionName(), "")
	cookie.HttpOnly = false
	cookie.Secure = cookie.Secure || c.api.Cookies.HostPrefix
	return cookie
}

// takeHostPrefix makes a request look as if the session's cookie had no prefix.
// One that comes without it may have been set by a neighbouring host or without
// TLS: it counts for nothing and is deleted.
func (k Cookies) takeHostPrefix(w http.ResponseWriter, r *http.Request) {
	lines := r.Header["Cookie"]
	if !k.HostPrefix || len(lines) == 0 {
		return
	}
	var kept []string
	bare := false
	for _, part := range strings.Split(strings.Join(lines, ";"), ";") {
		part = strings.TrimSpace(part)
		name, value, _ := strings.Cut(part, "=")
		switch strings.TrimSpace(name) { // as net/http reads it
		case "":
			continue
		case sdk.SessionTokenCookie:
			bare = true
			continue
		case hostPrefix + sdk.SessionTokenCookie:
			part = sdk.SessionTokenCookie + "=" + value
		}
		kept = append(kept, part)
	}
	r.Header["Cookie"] = []string{strings.Join(kept, "; ")}
	if bare {
		http.SetCookie(w, &http.Cookie{
			Name: sdk.SessionTokenCookie, Path: "/", MaxAge: -1, Secure: k.Secure, SameSite: k.sameSite(),
		})
	}
}
