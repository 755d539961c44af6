package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// chromiumVariable names a browser that is not in one of the usual places.
const chromiumVariable = "USHER_TEST_CHROMIUM"

// errNoChromium is what a test fails with on a machine without Chromium.
var errNoChromium = errors.New("no Chromium was found; run `./test --install` in the repository's root directory to install it, " +
	"or set " + chromiumVariable + " to the path of Chromium or Chrome")

// chromiumNames are those of the program, on the PATH or as paths. The script
// ./test looks for the same.
func chromiumNames() []string {
	return []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell",
		"/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	}
}

// findChromium returns the path of the browser: the one that was given, else the
// first of the names that there is.
func findChromium(given string, names []string) (string, error) {
	if given != "" {
		return exec.LookPath(given)
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoChromium
}

func TestFindChromium(t *testing.T) {
	t.Parallel()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		given string
		names []string
		want  string
	}{
		"given":             {own, []string{"/bin/sh"}, own},
		"given and missing": {"/no/such/browser", []string{own}, ""},
		"the first":         {"", []string{"/no/such/browser", own, "/bin/sh"}, own},
		"none":              {"", []string{"/no/such/browser"}, ""},
	} {
		got, err := findChromium(test.given, test.names)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if name == "none" && !errors.Is(err, errNoChromium) {
			t.Errorf("%s: %v does not say what to do", name, err)
		}
	}
}

// patience is how long a test waits for what is to be seen.
const patience = time.Minute

// process is the one Chromium of all tests; each test has a profile of its own
// in it.
type process struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func (p *process) start() {
	path, err := findChromium(os.Getenv(chromiumVariable), chromiumNames())
	if err != nil {
		p.err = err
		return
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		// A host that is neither this machine's name nor reached by TLS, so that the
		// browser trusts it as little as one on a network.
		chromedp.Flag("host-resolver-rules", "MAP "+plainHost+" 127.0.0.1"),
	)
	if os.Geteuid() == 0 { // whom Chromium's sandbox does not work for
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stopBrowser := chromedp.NewContext(allocator)
	p.ctx = ctx
	p.stop = func() { stopBrowser(); stopAllocator() }
	if err := chromedp.Run(ctx); err != nil {
		p.err = fmt.Errorf("start %s: %w", path, err)
	}
}

var chromium process

func TestMain(m *testing.M) {
	status := m.Run()
	if chromium.stop != nil {
		chromium.stop()
	}
	os.Exit(status)
}

// window is a browser in which nobody has been anywhere.
type window struct {
	ctx context.Context

	mu         sync.Mutex
	complaints []string // of the browser about the pages
}

// open returns a window that closes with the test. At its end the browser must
// not have complained about a page: of a broken policy, or of a script.
func open(t *testing.T, actions ...chromedp.Action) *window {
	t.Helper()
	chromium.once.Do(chromium.start)
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	profile, tab := newWindow(t)
	ctx, closeTab := chromedp.NewContext(chromium.ctx, chromedp.WithTargetID(tab))
	ctx, cancel := context.WithTimeout(ctx, patience)
	w := &window{ctx: ctx}
	chromedp.ListenTarget(ctx, w.listen)
	t.Cleanup(func() {
		cancel()
		closeTab()
		_ = target.DisposeBrowserContext(profile).Do(browserOf(chromium.ctx)) // it ends with the process at the latest
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, complaint := range w.complaints {
			t.Errorf("the browser complained: %s", complaint)
		}
	})
	w.do(t, append([]chromedp.Action{log.Enable()}, actions...)...)
	return w
}

// newWindow makes a profile of its own and a window in it. (chromedp's own way
// asks for a tab, and a new profile has no window for one.)
func newWindow(t *testing.T) (cdp.BrowserContextID, target.ID) {
	t.Helper()
	ctx := browserOf(chromium.ctx)
	profile, err := target.CreateBrowserContext().Do(ctx)
	if err != nil {
		t.Fatal(err)
	}
	tab, err := target.CreateTarget("about:blank").WithBrowserContextID(profile).WithNewWindow(true).Do(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return profile, tab
}

// browserOf is for commands to the browser as a whole.
func browserOf(ctx context.Context) context.Context {
	return cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser)
}

// listen keeps what the browser says against a page: that it breaks its own
// policy, or that a script failed. That an answer was an error is for the test to
// see, and the rest is advice.
func (w *window) listen(event any) {
	var complaint string
	switch event := event.(type) {
	case *log.EventEntryAdded:
		if slices.Contains([]log.Source{log.SourceNetwork, log.SourceRecommendation, log.SourceOther}, event.Entry.Source) {
			return
		}
		complaint = string(event.Entry.Source) + ": " + event.Entry.Text
	case *runtime.EventExceptionThrown:
		complaint = event.ExceptionDetails.Error()
	default:
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complaints = append(w.complaints, complaint)
}

// do does things in the window, one after the other.
func (w *window) do(t testing.TB, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(w.ctx, actions...); err != nil {
		var text string
		look, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), time.Second)
		defer cancel()
		_ = chromedp.Run(look, chromedp.OuterHTML("html", &text, chromedp.ByQuery))
		t.Fatalf("%v; the page is\n%s", err, text)
	}
}

// shows waits for something on the page, named by a CSS selector.
func (w *window) shows(t testing.TB, selector string) {
	t.Helper()
	w.do(t, chromedp.WaitVisible(selector, chromedp.ByQuery))
}

// text returns what an element says.
func (w *window) text(t testing.TB, selector string) string {
	t.Helper()
	var text string
	w.do(t, chromedp.Text(selector, &text, chromedp.ByQuery))
	return strings.TrimSpace(text)
}

// value returns what an input holds.
func (w *window) value(t testing.TB, selector string) string {
	t.Helper()
	var value string
	w.do(t, chromedp.Value(selector, &value, chromedp.ByQuery))
	return value
}

// fill types into the inputs, by their names.
func (w *window) fill(t testing.TB, fields ...string) {
	t.Helper()
	for i := 0; i < len(fields); i += 2 {
		w.do(t, chromedp.SendKeys(`input[name="`+fields[i]+`"]`, fields[i+1], chromedp.ByQuery))
	}
}

// press presses a button of a form, or a link.
func (w *window) press(t testing.TB, selector string) {
	t.Helper()
	w.do(t, chromedp.Click(selector, chromedp.ByQuery))
}

// at returns the address of the page.
func (w *window) at(t testing.TB) string {
	t.Helper()
	var address string
	w.do(t, chromedp.Location(&address))
	return address
}

func withoutScripts() chromedp.Action { return emulation.SetScriptExecutionDisabled(true) }
