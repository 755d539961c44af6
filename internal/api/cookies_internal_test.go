package api

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCookie: those of logins under way last as long as the browser, are for no
// script, and never have the prefix.
func TestCookie(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cookies Cookies
		want    string
	}{
		"plain":      {Cookies{}, "oauth_state=x; Path=/; HttpOnly; SameSite=Lax"},
		"secure":     {Cookies{Secure: true}, "oauth_state=x; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"cross-site": {Cookies{Secure: true, CrossSite: true}, "oauth_state=x; Path=/; HttpOnly; Secure; SameSite=None"},
		"prefix":     {Cookies{Secure: true, HostPrefix: true}, "oauth_state=x; Path=/; HttpOnly; Secure; SameSite=Lax"},
	} {
		w := httptest.NewRecorder()
		c := &call{api: &API{Config: Config{Cookies: test.cookies}}, w: &answer{ResponseWriter: w}}
		if got := c.cookie("oauth_state", "x").String(); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		c.forget("oauth_state")
		c.clearSession()
		c.setSession("key")
		attributes := test.want[len("oauth_state=x; Path=/; HttpOnly"):]
		session := test.cookies.sessionName()
		want := []string{
			"oauth_state=; Path=/; Max-Age=0; HttpOnly" + attributes,
			session + "=; Path=/; Max-Age=0" + attributes,
			session + "=key; Path=/; Max-Age=31536000; HttpOnly" + attributes,
		}
		if diff := cmp.Diff(want, w.Header().Values("Set-Cookie")); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// FuzzTakeHostPrefix: a session without the prefix is never seen, whatever a
// browser was made to send.
func FuzzTakeHostPrefix(f *testing.F) {
	for _, line := range []string{"coder_session_token=a", "__Host-coder_session_token=a; coder_session_token=b", "\tcoder_session_token =a", ";;=;coder_session_token", "coder_session_token=\"a\""} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r := &http.Request{Header: http.Header{"Cookie": {line}}}
		var want string
		if cookie, err := r.Cookie("__Host-coder_session_token"); err == nil {
			want = cookie.Value
		}
		Cookies{HostPrefix: true}.takeHostPrefix(httptest.NewRecorder(), r)
		cookie, err := r.Cookie("coder_session_token")
		if err != nil && want == "" {
			return
		}
		if err != nil || cookie.Value != want {
			t.Fatalf("%q: the session is seen as %v, want %q", line, cookie, want)
		}
	})
}
