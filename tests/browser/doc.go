// Package browser goes through the pages of a real server with a real browser:
// Chromium without a window, which the tests start themselves, driven by
// chromedp. What people do with a keyboard, without scripts, and through an
// identity provider is done here as they would do it.
//
// It has tests only. They may import servertest, idptest and mailtest beside the
// SDK, and know the pages by what is on them. They wait for what is to be seen,
// and never for a time.
//
// Chromium is found by its usual names, or where USHER_TEST_CHROMIUM says. The
// script ./test installs it; without it the tests fail and say so.
package browser
