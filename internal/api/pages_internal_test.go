package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/internal/account"
)

// callback is a call at the end of a login through a provider.
func callback(t *testing.T, query, cookie string) (*call, *httptest.ResponseRecorder) {
	t.Helper()
	made, err := newPages(PageHeaders{})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/api/v2/users/oauth2/github/callback"+query, nil)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: redirectCookie, Value: cookie})
	}
	w := httptest.NewRecorder()
	return &call{api: &API{pages: made}, w: &answer{ResponseWriter: w}, r: r}, w
}

func TestRefusalPage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status   int
		refusal  account.Error
		query    string
		cookie   string
		location string
		has      []string
	}{
		"forbidden": {
			403,
			account.Error{Kind: account.KindForbidden, Title: "Email not verified", Message: "Verify the address."},
			"?redirect=%2Fx", "", "",
			[]string{"<title>Email not verified – Usher</title>", "<h1>Email not verified</h1>", "<p>Verify the address.</p>"},
		},
		"not recognized": {
			401,
			account.Error{Kind: account.KindUnauthenticated, Title: "Unauthorized", Message: "You are in no allowed organization."},
			"?redirect=%2Fy", "/x?y=z",
			"/login?message=You+are+in+no+allowed+organization.&redirect=%2Fx%3Fy%3Dz",
			[]string{"<h1>Unauthorized</h1>"},
		},
		"not recognized, to a foreign place": {
			401,
			account.Error{Kind: account.KindUnauthenticated, Title: "Unauthorized", Message: "No."},
			"?redirect=https://evil.example.com/y", "",
			"/login?message=No.&redirect=%2Fy", nil,
		},
		"Markdown": {
			403,
			account.Error{Kind: account.KindForbidden, Title: "Signups are disabled", Message: "Ask **us**.\n\nBy [mail](mailto:it@example.com) or [here](https://example.com/a?b=c&d=e)."},
			"", "", "",
			[]string{"<p>Ask **us**.</p>", `<p>By <a href="mailto:it@example.com">mail</a> or <a href="https://example.com/a?b=c&amp;d=e">here</a>.</p>`},
		},
		"hostile": {
			403,
			account.Error{Kind: account.KindForbidden, Title: `</title><script>"message"`, Message: `<script>alert(1)</script>[x](javascript:alert(1)) [y](" onclick="x) {"message":1}`},
			"", "", "",
			[]string{"&lt;script&gt;alert(1)", "[x](javascript:alert(1))"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, w := callback(t, test.query, test.cookie)
			if err := c.refusalPage(test.status, &test.refusal); err != nil {
				t.Fatal(err)
			}
			text := w.Body.String()
			if w.Code != test.status || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Location") != test.location {
				t.Errorf("status %d, headers %v", w.Code, w.Header())
			}
			for _, part := range append(test.has, "<!doctype html>", "Back to login", `href="/login"`) {
				if !strings.Contains(text, part) {
					t.Errorf("the page lacks %q:\n%s", part, text)
				}
			}
			for _, part := range []string{`"message"`, "<script", "javascript:alert(1)\"", "onclick=\"", http.StatusText(test.status) + " – "} {
				if strings.Contains(text, part) && part != "Unauthorized – " {
					t.Errorf("the page has %q:\n%s", part, text)
				}
			}
			if number := strings.Contains(text, "40"); number {
				t.Errorf("the page has the number of its status:\n%s", text)
			}
		})
	}
}

func TestParagraphs(t *testing.T) {
	t.Parallel()
	plain := func(text string) paragraph { return paragraph{{Text: text}} }
	for text, want := range map[string][]paragraph{
		"":                          nil,
		"  \n\n ":                   nil,
		"One.":                      {plain("One.")},
		"One.\nStill one.":          {plain("One.\nStill one.")},
		"One.\r\n\r\n\r\n  Two.":    {plain("One."), plain("Two.")},
		"# One * <b>":               {plain("# One * <b>")},
		"[a](https://b.c)":          {{{Text: ""}, {Text: "a", URL: "https://b.c"}, {Text: ""}}},
		"a [b](x:y) c":              {{{Text: "a "}, {Text: "[b](x:y)"}, {Text: " c"}}},
		"[b](/path) [c](//host)":    {{{Text: ""}, {Text: "[b](/path)"}, {Text: " "}, {Text: "[c](//host)"}, {Text: ""}}},
		"[b] (https://b.c)":         {plain("[b] (https://b.c)")},
		"[b](JavaScript:alert%281)": {{{Text: ""}, {Text: "[b](JavaScript:alert%281)"}, {Text: ""}}},
	} {
		if diff := cmp.Diff(want, paragraphs(text)); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"img-src https://a.b":              "",
		"":                                 "",
		" ; script-src 'nonce-x' blob: ; ": "",
		"https://a.b":                      "directive",
		"img-src\nx: y":                    "",
		"img_src x":                        "directive",
		"img-src a,b":                      "source",
		"img-src ä":                        "source",
		"img-src a\x00":                    "source",
	} {
		err := CheckPolicy(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := newPages(PageHeaders{ContentSecurityPolicy: []string{"img_src x"}}); err == nil {
		t.Error("pages are made with a policy that is none")
	}
	made, err := newPolicies(PageHeaders{ContentSecurityPolicy: []string{"script-src https://a.b; default-src 'self'"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		header http.Header
		want   string
	}{
		"plain":    {made.plain, "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' https: data:; style-src 'self'; script-src https://a.b"},
		"scripted": {made.scripted, "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' https: data:; style-src 'self'; connect-src 'self'; script-src 'self' https://a.b"},
	} {
		if got := test.header.Get("Content-Security-Policy"); got != test.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, test.want)
		}
	}
}

func TestProblemsOfForms(t *testing.T) {
	t.Parallel()
	f := &form{Fields: []field{emailField(), newPasswordField()}}
	f.fill(url.Values{"email": {"ada@example.com"}, "password": {"secret"}, "redirect": {"//evil"}})
	if f.Fields[0].Value != "ada@example.com" || f.Fields[1].Value != "" || !f.Fields[1].Focus || f.Redirect != "/" {
		t.Errorf("the form is %+v", f)
	}
	c, w := callback(t, "", "")
	status, p, ok := c.problemOf(account.ValidationFailed(
		account.FieldError{Field: "email", Detail: "must be another"}, account.FieldError{Field: "color", Detail: "must be red"},
	), f)
	want := &problem{Message: "Please check what you have entered.", Fields: []fieldProblem{
		{ID: "field-email", Text: "E-mail must be another."}, {Text: "color must be red."},
	}}
	if diff := cmp.Diff(want, p); diff != "" || status != http.StatusBadRequest || !ok {
		t.Errorf("%d, %t\n%s", status, ok, diff)
	}
	if !f.Fields[0].Focus || f.Fields[1].Focus || f.Fields[0].Described() != "field-email-fault" {
		t.Errorf("the form is %+v", f)
	}
	if _, _, ok := c.problemOf(http.ErrBodyNotAllowed, f); ok {
		t.Error("an unforeseen error is told")
	}
	if status, _, ok := c.problemOf(account.Unavailable("Later."), f); !ok || status != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%d, %t, %v", status, ok, w.Header())
	}
}
