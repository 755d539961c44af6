package browser

import (
	_ "embed"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"usher/internal/idp/idptest"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
)

// checks lists what is wrong with the page that it runs in: text without enough
// contrast, controls without a name or an edge to see, headings and landmarks
// that are missing, and what is wider than the window.
//
//go:embed testdata/accessible.js
var checks string

// TestPagesAreAccessible in light and in dark, in a window as wide as a small
// telephone (WCAG 2.2: 1.3.1, 1.4.3, 1.4.10, 1.4.11, 2.4.2, 3.1.1, 4.1.2).
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	g := idptest.NewGitHub(t)
	s := servertest.New(t, withGitHub(g))
	empty := servertest.Start(t, storetest.Database(t))
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			w := open(t,
				emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
				emulation.SetDeviceMetricsOverride(320, 640, 1, false))
			visit := func(address, shown string) {
				t.Helper()
				w.do(t, chromedp.Navigate(address))
				w.shows(t, shown)
				w.accessible(t)
			}
			visit(s.URL, `a[href="/login"]`)
			visit(s.URL+"/login?message=Hello", submit)
			visit(s.URL+"/no/such/page", "h1")
			visit(s.URL+"/reset-password", submit)
			visit(s.URL+"/reset-password?email=", submit)
			visit(empty.URL+"/setup", submit)
			w.fill(t, "email", "x", "username", "y z", "password", "a")
			w.press(t, submit)
			w.shows(t, problem)
			w.accessible(t)
			visit(s.URL+"/login", ".providers a")
			w.press(t, ".providers a")
			w.shows(t, userCode)
			w.accessible(t)
			visit(s.URL+"/login", submit)
			w.fill(t, "email", "owner@example.com", "password", servertest.Password)
			w.press(t, submit)
			w.shows(t, signOut)
			w.accessible(t)
			visit(s.URL+"/cli-auth", submit)
			w.press(t, submit)
			w.shows(t, keyInput)
			w.accessible(t)
		})
	}
}

func (w *window) accessible(t *testing.T) {
	t.Helper()
	var faults []string
	w.do(t, chromedp.Evaluate(checks, &faults))
	for _, fault := range faults {
		t.Errorf("%s: %s", w.at(t), fault)
	}
}
