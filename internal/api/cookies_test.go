package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

const prefixed = "__Host-" + sdk.SessionTokenCookie

// TestSessionCookieSettings: what operators say about the session's cookie, and
// how it is written by the form, by the API, and when it ends.
func TestSessionCookieSettings(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	const plain, secure = "http://usher.example.com", "https://usher.example.com"
	for _, test := range []struct {
		name     string
		access   string
		settings server.PageConfig
		cookie   string // its name
		want     string // its attributes after HttpOnly
	}{
		{"http", plain, server.PageConfig{}, sdk.SessionTokenCookie, "SameSite=Lax"},
		{"https", secure, server.PageConfig{}, sdk.SessionTokenCookie, "Secure; SameSite=Lax"},
		{"http, and secure", plain, server.PageConfig{SecureAuthCookie: &yes}, sdk.SessionTokenCookie, "Secure; SameSite=Lax"},
		{"https, and not secure", secure, server.PageConfig{SecureAuthCookie: &no}, sdk.SessionTokenCookie, "SameSite=Lax"},
		{"lax", secure, server.PageConfig{SameSiteAuthCookie: "lax"}, sdk.SessionTokenCookie, "Secure; SameSite=Lax"},
		{"none", secure, server.PageConfig{SameSiteAuthCookie: "none"}, sdk.SessionTokenCookie, "Secure; SameSite=None"},
		{"none over http", plain, server.PageConfig{SameSiteAuthCookie: "none", SecureAuthCookie: &yes}, sdk.SessionTokenCookie, "Secure; SameSite=None"},
		{"prefix", secure, server.PageConfig{HostPrefixCookie: true}, prefixed, "Secure; SameSite=Lax"},
		{"prefix over http", plain, server.PageConfig{HostPrefixCookie: true}, prefixed, "Secure; SameSite=Lax"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := behind(t, test.access, func(c *server.Config) { c.PageConfig = test.settings })
			form := visit(s).post(t, "/login", "email", "owner@example.com", "password", servertest.Password).want(t, http.StatusSeeOther)
			api := guest(s).post(t, loginPath, credentials("owner@example.com", servertest.Password)).want(t, http.StatusCreated)
			for who, header := range map[string]http.Header{"form": form.header, "API": api.header} {
				cookie, value := oneCookie(t, header)
				if cookie != test.cookie+"=; Path=/; Max-Age=31536000; HttpOnly; "+test.want || len(value) != 33 {
					t.Errorf("%s: the cookie is %q, with %d bytes", who, cookie, len(value))
				}
			}
			_, key := oneCookie(t, form.header)
			end := visit(s).with("Cookie", test.cookie+"="+key).post(t, "/logout").leads(t, "/login")
			if cookie, value := oneCookie(t, end.header); cookie != test.cookie+"=; Path=/; Max-Age=0; "+test.want || value != "" {
				t.Errorf("after signing out the cookie is %q", cookie)
			}
			guest(s).as(key).get(t, path("me")).want(t, http.StatusUnauthorized)
		})
	}
}

// oneCookie returns the only cookie that an answer sets, without its value, and
// the value.
func oneCookie(t *testing.T, header http.Header) (cookie, value string) {
	t.Helper()
	lines := header.Values("Set-Cookie")
	if len(lines) != 1 {
		t.Fatalf("%d cookies are set: %q", len(lines), lines)
	}
	name, rest, _ := strings.Cut(lines[0], "=")
	value, attributes, _ := strings.Cut(rest, ";")
	return name + "=;" + attributes, value
}

// TestHostPrefix is auth.md, section 2.1: which cookies count, and which are
// deleted.
func TestHostPrefix(t *testing.T) {
	t.Parallel()
	off := servertest.New(t)
	key := off.Owner.SessionToken()
	off.Stop()
	off = servertest.Start(t, off.Store)
	deleted := []string{sdk.SessionTokenCookie + "=; Path=/; Max-Age=0; SameSite=Lax"}
	type row struct {
		name   string
		cookie string
		status int
		set    []string
	}
	check := func(t *testing.T, s *servertest.Server, rows []row) {
		for _, test := range rows {
			a := guest(s).with("Cookie", test.cookie).get(t, path("me"))
			if a.status != test.status || !slices.Equal(a.header.Values("Set-Cookie"), test.set) {
				t.Errorf("%s: status %d and cookies %q, want %d and %q", test.name, a.status, a.header.Values("Set-Cookie"), test.status, test.set)
			}
		}
	}
	check(t, off, []row{
		{"off, and the plain name", sdk.SessionTokenCookie + "=" + key, 200, nil},
		{"off, and the prefix", prefixed + "=" + key, 401, nil},
		{"off, and both", prefixed + "=nonsense; " + sdk.SessionTokenCookie + "=" + key, 200, nil},
	})
	off.Stop()
	on := servertest.Start(t, off.Store, func(c *server.Config) { c.HostPrefixCookie = true })
	check(t, on, []row{
		{"the prefix", prefixed + "=" + key, 200, nil},
		{"the plain name", sdk.SessionTokenCookie + "=" + key, 401, deleted},
		{"both", sdk.SessionTokenCookie + "=nonsense; " + prefixed + "=" + key, 200, deleted},
		{"both, the other way round", prefixed + "=nonsense; " + sdk.SessionTokenCookie + "=" + key, 401, deleted},
		{"another prefixed one", "__Host-other=x; " + prefixed + "=" + key, 200, nil},
		{"white space", "a=b;" + sdk.SessionTokenCookie + " =" + key, 401, deleted},
		{"nothing of interest", "a=b; __Host-coder_session_token_2=" + key, 401, nil},
		{"none", "", 401, nil},
	})
	// An explicit credential is none of its business, nor is the query.
	guest(on).as(key).get(t, path("me")).want(t, http.StatusOK)
	guest(on).get(t, path("me")+"?"+sdk.SessionTokenCookie+"="+key).want(t, http.StatusOK)
	lines := visitor{url: on.URL, header: http.Header{"Cookie": {"a=b", prefixed + "=" + key, sdk.SessionTokenCookie + "=nonsense"}}}
	lines.get(t, path("me")).want(t, http.StatusOK)
}

// TestHostPrefixLeavesOthersAlone: only the session's cookie has it.
func TestHostPrefixLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.Database(t), func(c *server.Config) { c.HostPrefixCookie = true })
	s.CreateFirstUser(t)
	cookie, _ := oneCookie(t, guest(s).post(t, loginPath, credentials("owner@example.com", servertest.Password)).header)
	if !strings.HasPrefix(cookie, prefixed+"=") {
		t.Errorf("the session is in %q", cookie)
	}
}
