package api_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// visitor is somebody with a browser that runs no scripts and follows no
// redirects. It holds every page to what all of them have.
type visitor struct {
	url    string
	header http.Header
}

// visit returns a visitor who is not signed in.
func visit(s *servertest.Server) visitor {
	return visitor{url: s.URL, header: http.Header{
		"Accept":         {"text/html,application/xhtml+xml,*/*;q=0.8"},
		"Sec-Fetch-Site": {"same-origin"},
	}}
}

// with returns a visitor whose browser sends one more header, or another one.
func (v visitor) with(name, value string) visitor {
	v.header = v.header.Clone()
	v.header.Set(name, value)
	return v
}

// without returns a visitor whose browser does not send a header.
func (v visitor) without(name string) visitor {
	v.header = v.header.Clone()
	v.header.Del(name)
	return v
}

// holding returns a visitor with a session.
func (v visitor) holding(key string) visitor { return v.with("Cookie", sdk.SessionTokenCookie+"="+key) }

func (v visitor) get(t testing.TB, path string) sheet {
	t.Helper()
	return v.do(t, http.MethodGet, path, nil)
}

// post sends a form of names and values.
func (v visitor) post(t testing.TB, path string, fields ...string) sheet {
	t.Helper()
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return v.with("Content-Type", "application/x-www-form-urlencoded").do(t, http.MethodPost, path, strings.NewReader(values.Encode()))
}

func (v visitor) do(t testing.TB, method, path string, body io.Reader) sheet {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, v.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = v.header.Clone()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	p := sheet{status: res.StatusCode, header: res.Header, text: string(text), cookies: res.Cookies(), was: method + " " + path}
	p.checkPage(t)
	return p
}

// sheet is what a browser was answered.
type sheet struct {
	was     string
	status  int
	header  http.Header
	cookies []*http.Cookie
	text    string
}

// policyOfPages is what pages may load.
const policyOfPages = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' https: data:; style-src 'self'"

// checkPage holds a page to what all pages have.
func (p sheet) checkPage(t testing.TB) {
	t.Helper()
	if p.status == http.StatusSeeOther {
		p.wantHeader(t, "Cache-Control", "no-store")
		return
	}
	if !strings.HasPrefix(p.header.Get("Content-Type"), "text/html") {
		return
	}
	p.wantHeader(t, "Content-Type", "text/html; charset=utf-8")
	p.wantHeader(t, "Cache-Control", "no-store")
	p.wantHeader(t, "Cross-Origin-Opener-Policy", "same-origin")
	p.wantHeader(t, "Referrer-Policy", "no-referrer")
	p.wantHeader(t, "X-Content-Type-Options", "nosniff")
	if got := p.header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; ") || !strings.Contains(got, "; frame-ancestors 'none'; ") {
		t.Errorf("%s: Content-Security-Policy %q", p.was, got)
	}
	if got := p.header.Get("Permissions-Policy"); !strings.Contains(got, "camera=()") {
		t.Errorf("%s: Permissions-Policy %q", p.was, got)
	}
	if strings.HasPrefix(p.was, http.MethodHead) {
		return
	}
	p.has(t, "<!doctype html>", `<html lang="en">`, "<title>", "<main>", "<h1>", `<meta name="viewport"`)
	p.lacks(t, "<script>", "style=", "onclick", "ZgotmplZ", "<no value>")
	p.checkLabels(t)
}

var (
	inputs = regexp.MustCompile(`<input id="([^"]+)"`)
	labels = regexp.MustCompile(`<label for="([^"]+)"`)
)

// checkLabels: every input that people see has a label.
func (p sheet) checkLabels(t testing.TB) {
	t.Helper()
	for _, input := range inputs.FindAllStringSubmatch(p.text, -1) {
		p.has(t, `<label for="`+input[1]+`"`)
	}
	for _, label := range labels.FindAllStringSubmatch(p.text, -1) {
		p.has(t, `<input id="`+label[1]+`"`)
	}
}

// want ends the test unless the answer has the status.
func (p sheet) want(t testing.TB, status int) sheet {
	t.Helper()
	if p.status != status {
		t.Fatalf("%s: status %d, want %d\n%s", p.was, p.status, status, p.text)
	}
	return p
}

// leads expects a redirect to a path.
func (p sheet) leads(t testing.TB, to string) sheet {
	t.Helper()
	p.want(t, http.StatusSeeOther).wantHeader(t, "Location", to)
	return p
}

func (p sheet) wantHeader(t testing.TB, name, want string) {
	t.Helper()
	if got := p.header.Get(name); got != want {
		t.Errorf("%s: %s is %q, want %q", p.was, name, got, want)
	}
}

// has expects parts of the page as they are written.
func (p sheet) has(t testing.TB, parts ...string) sheet {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(p.text, part) {
			t.Errorf("%s: the page lacks %q:\n%s", p.was, part, p.text)
		}
	}
	return p
}

func (p sheet) lacks(t testing.TB, parts ...string) sheet {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(p.text, part) {
			t.Errorf("%s: the page has %q:\n%s", p.was, part, p.text)
		}
	}
	return p
}

// problem expects the summary of what is wrong.
func (p sheet) problem(t testing.TB, texts ...string) sheet {
	t.Helper()
	p.has(t, `role="alert"`, "<title>Error: ")
	for _, text := range texts {
		p.has(t, html.EscapeString(text))
	}
	return p
}

// session returns the key in the cookie of a login.
func (p sheet) session(t testing.TB) string {
	t.Helper()
	for _, cookie := range p.cookies {
		if cookie.Name == sdk.SessionTokenCookie && cookie.Value != "" {
			return cookie.Value
		}
	}
	t.Fatalf("%s: there is no session among the cookies %v", p.was, p.cookies)
	return ""
}
