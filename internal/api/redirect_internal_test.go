package api

import (
	"net/url"
	"strings"
	"testing"
)

func TestSanitizeRedirect(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]string{
		"":                          "/",
		"/":                         "/",
		"/a?b=c":                    "/a?b=c",
		"/a#f":                      "/a#f",
		"/a?b=c#f":                  "/a?b=c#f",
		"foo/bar":                   "/foo/bar",
		"/foo/bar?hello=world&b=z":  "/foo/bar?hello=world&b=z",
		"?b=c":                      "/?b=c",
		"#f":                        "/#f",
		"https://evil/x?y=1":        "/x?y=1",
		"https://evil":              "/",
		"https://evil?y=1":          "/?y=1",
		"https://a:b@evil/x":        "/x",
		"//evil.example":            "/",
		"//evil.example/x":          "/x",
		"///evil.example":           "/evil.example",
		"////evil.example":          "/evil.example",
		"https:///evil.example":     "/evil.example",
		"https:////evil.example":    "/evil.example",
		`/\evil`:                    "/%5Cevil",
		`\\evil`:                    "/%5C%5Cevil",
		`https:/\evil`:              "/%5Cevil",
		`/\/evil`:                   "/%5C/evil",
		"javascript:alert(1)":       "/",
		"data:text/html,<script>":   "/",
		"mailto:ada@example.com":    "/",
		"javascript:/alert(1)":      "/alert(1)",
		":":                         "/",
		"https://evil:port/":        "/",
		"/a\r\nSet-Cookie: x=y":     "/",
		"/a\tb":                     "/",
		" //evil.example":           "/%20//evil.example",
		"/%2F%2Fevil":               "/%2F%2Fevil",
		"/%5Cevil":                  "/%5Cevil",
		"/ada%20lovelace":           "/ada%20lovelace",
		"/ada lovelace?q=a b":       "/ada%20lovelace?q=a%20b",
		"/ä?q=ä#ä":                  "/%C3%A4?q=%C3%A4#%C3%A4",
		"/%":                        "/",
		"/../..//evil":              "/../..//evil",
		"https://malicious.com/m/p": "/m/p",
	} {
		if got := sanitizeRedirect(asked); got != want {
			t.Errorf("%q: got %q, want %q", asked, got, want)
		}
	}
}

// FuzzSanitizeRedirect: the result is a path of this server for everyone who
// reads it, and asking for it changes nothing.
func FuzzSanitizeRedirect(f *testing.F) {
	for _, asked := range []string{"/a?b#c", "//evil", `/\evil`, "https:/\\evil/%2f", "javascript:x", "/\t/evil", "/ä?ö", "a:b", "/;//x", "?\\", "/%2e%2e//x"} {
		f.Add(asked)
	}
	home := &url.URL{Scheme: "https", Host: "usher.example.com", Path: "/login"}
	f.Fuzz(func(t *testing.T, asked string) {
		got := sanitizeRedirect(asked)
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.HasPrefix(got, `/\`) {
			t.Fatalf("%q: %q can be read as another host", asked, got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return r <= ' ' || r >= 0x7f }); i >= 0 {
			t.Fatalf("%q: %q has a character that no header should", asked, got)
		}
		to, err := url.Parse(got)
		if err != nil {
			t.Fatalf("%q: %q cannot be parsed: %v", asked, got, err)
		}
		if at := home.ResolveReference(to); at.Host != home.Host || at.Scheme != home.Scheme {
			t.Fatalf("%q leads to %s", asked, at)
		}
		if again := sanitizeRedirect(got); again != got {
			t.Fatalf("%q: %q the first time and %q the second", asked, got, again)
		}
	})
}
