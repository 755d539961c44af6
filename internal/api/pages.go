package api

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"usher/internal/account"
	"usher/sdk"
)

//go:embed pages
var pageFiles embed.FS

// pages is what every page is made from.
type pages struct {
	templates map[string]*template.Template
	policies  policies
	assets    map[string]asset
}

// pageNames are the templates; each fills the blocks of layout.html.
func pageNames() []string {
	return []string{"cliauth", "device", "home", "key", "login", "refusal", "reset", "setup"}
}

func newPages(cfg PageHeaders) (*pages, error) {
	headers, err := newPolicies(cfg)
	if err != nil {
		return nil, err
	}
	assets, err := newAssets()
	if err != nil {
		return nil, err
	}
	p := &pages{templates: map[string]*template.Template{}, policies: headers, assets: assets}
	for _, name := range pageNames() {
		parsed, err := template.ParseFS(pageFiles, "pages/layout.html", "pages/form.html", "pages/"+name+".html")
		if err != nil {
			return nil, err
		}
		p.templates[name] = parsed
	}
	return p, nil
}

// frame is what every page has; the data of each page embeds it.
type frame struct {
	Title   string
	Problem *problem
	Script  string // the path of a script; empty for none
}

// framed lets show look at the frame of any page.
func (f frame) framed() frame { return f }

// show answers with a page.
func (c *call) show(status int, name string, view interface{ framed() frame }) error {
	var text bytes.Buffer
	if err := c.api.pages.templates[name].ExecuteTemplate(&text, "layout.html", view); err != nil {
		return err
	}
	headers := c.api.pages.policies.plain
	if view.framed().Script != "" {
		headers = c.api.pages.policies.scripted
	}
	header := c.w.Header()
	maps.Copy(header, headers)
	if len(header["Vary"]) == 0 {
		header.Set("Vary", "Accept, Cookie")
	}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(text.Bytes()) // the client is gone: nobody to tell
	return nil
}

// refusalView is a page that says why something did not happen.
type refusalView struct {
	frame
	Text []paragraph
	// Back and BackText are the link that leads on.
	Back, BackText string
}

// refusalPage tells somebody at a browser why they are not let in. For those who
// were not recognized it also says where to try again, which programs can follow
// and browsers, given the status, do not.
func (c *call) refusalPage(status int, e *account.Error) error {
	reason := cmp.Or(e.Detail, e.Message)
	if e.Kind == account.KindUnauthenticated {
		query := url.Values{"message": {reason}, "redirect": {c.wantedRedirect()}}
		c.w.Header().Set("Location", "/login?"+query.Encode())
	}
	return c.show(status, "refusal", refusalView{frame: frame{Title: e.Title}, Text: paragraphs(reason), Back: "/login", BackText: "Back to login"})
}

// wantedRedirect is where the login that is under way was to lead.
func (c *call) wantedRedirect() string {
	if cookie, err := c.r.Cookie(redirectCookie); err == nil {
		return sanitizeRedirect(cookie.Value)
	}
	return sanitizeRedirect(c.r.URL.Query().Get("redirect"))
}

// wantsPage reports that somebody at a browser asks, and not for the API.
func (c *call) wantsPage() bool {
	return !strings.HasPrefix(c.r.URL.Path, "/api/") && strings.Contains(c.r.Header.Get("Accept"), "text/html")
}

// failPage is fail for people.
func (c *call) failPage(status int, body sdk.Response) error {
	title, ok := errorTitles[status]
	if !ok {
		title = http.StatusText(status)
	}
	text := paragraph{{Text: strings.TrimSpace(body.Message + " " + body.Detail)}}
	return c.show(status, "refusal", refusalView{frame: frame{Title: title}, Text: []paragraph{text}, Back: "/", BackText: "Go to the first page"})
}

// errorTitles head the pages that tell an error.
var errorTitles = map[int]string{
	http.StatusForbidden:           "Not allowed",
	http.StatusNotFound:            "Page not found",
	http.StatusInternalServerError: "Something went wrong",
	http.StatusServiceUnavailable:  "Not available at the moment",
}

// problem is what is wrong with what somebody has sent.
type problem struct {
	Message string
	Fields  []fieldProblem
}

// fieldProblem is what is wrong with one field: ID is that of its input, empty
// where the form has no such field.
type fieldProblem struct{ ID, Text string }

// problemOf words an error for the page with the form that it is about, and
// returns the status of the answer. ok is false for errors that no form can help.
func (c *call) problemOf(err error, f *form) (status int, p *problem, ok bool) {
	e, known := errors.AsType[*account.Error](err)
	if !known || e.Kind == account.KindInternal {
		return 0, nil, false
	}
	status, body, retryAfter := describe(err)
	c.retryAfter(retryAfter)
	p = &problem{Message: strings.TrimSpace(body.Message + " " + body.Detail)}
	if len(e.Fields) > 0 {
		p.Message = "Please check what you have entered."
	}
	for _, fault := range e.Fields {
		p.Fields = append(p.Fields, f.blame(fault))
	}
	return status, p, true
}
