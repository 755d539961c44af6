package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// sanitizeRedirect makes a path of this server of what somebody asked to be sent
// to after a login: whatever host it named, a browser that follows the result
// stays here. What has no path leads to the first page.
func sanitizeRedirect(asked string) string {
	to, err := url.Parse(asked)
	if err != nil || to.Opaque != "" {
		return "/"
	}
	// Two slashes at the beginning would be a host (RFC 3986, section 4.2), and so
	// would a backslash for a browser; EscapedPath leaves none.
	path := "/" + strings.TrimLeft(to.EscapedPath(), "/")
	if to.RawQuery != "" || to.ForceQuery {
		path += "?" + to.RawQuery
	}
	if to.Fragment != "" {
		path += "#" + to.EscapedFragment()
	}
	return printableASCII(path)
}

// printableASCII percent-encodes what may not stand in a header.
func printableASCII(text string) string {
	var safe strings.Builder
	for i := range len(text) {
		if b := text[i]; b > ' ' && b < 0x7f {
			safe.WriteByte(b)
			continue
		}
		fmt.Fprintf(&safe, "%%%02X", text[i])
	}
	return safe.String()
}

// seeOther sends a browser on, with a GET, to a path of this server.
func (c *call) seeOther(path string) error {
	header := c.w.Header()
	for _, name := range []string{"Cache-Control", "Referrer-Policy", "Strict-Transport-Security"} {
		if values := c.api.pages.policies.plain[name]; len(values) > 0 {
			header[name] = values
		}
	}
	header.Set("Location", path)
	c.w.WriteHeader(http.StatusSeeOther)
	return nil
}
