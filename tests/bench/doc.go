// Package bench measures requests a second, each beside a bare net/http handler
// that writes the same bytes under the same number of headers, in one run and by
// the same client: the ratio of the two says what Usher costs, whatever the
// machine. `make bench` runs it.
//
// It has tests only, and none that fails because something was slow.
package bench
