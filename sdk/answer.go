package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	// errorBodyLimit is how much of an unexpected answer is read, in bytes. The
	// bodies of Usher's own errors are far below it.
	errorBodyLimit = 64 << 10
	// excerptLimit is how much of a foreign answer is shown, in runes.
	excerptLimit = 200
	redacted     = "[redacted]"
)

// decode reads the expected answer. Anything that is not JSON comes from
// something between client and server, such as a proxy's login page.
func decode(res *http.Response, token string, result any) error {
	if !isJSON(res.Header) {
		return readError(res, token)
	}
	if err := json.NewDecoder(res.Body).Decode(result); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", res.Request.Method, printable(res.Request.URL), err)
	}
	return nil
}

// readError turns an unexpected answer into an error. The token is struck out of
// the body first: a debugging proxy may echo the request.
func readError(res *http.Response, token string) error {
	e := &Error{
		StatusCode:    res.StatusCode,
		Method:        res.Request.Method,
		URL:           printable(res.Request.URL),
		RequestID:     res.Header.Get(RequestIDHeader),
		RetryAfter:    retryAfter(res.Header, time.Now()),
		ServerVersion: res.Header.Get(BuildVersionHeader),
	}
	if location, err := res.Location(); err == nil && isRedirect(res.StatusCode) {
		e.Message = fmt.Sprintf("The server redirects to %s, which is not followed; use the new address.", printable(location))
		return e
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, errorBodyLimit))
	if err != nil {
		return fmt.Errorf("%s %s: read the answer %s: %w", e.Method, e.URL, statusText(e.StatusCode), err)
	}
	if token != "" {
		body = bytes.ReplaceAll(body, []byte(token), []byte(redacted))
	}
	var response Response
	if !isJSON(res.Header) || json.Unmarshal(body, &response) != nil {
		e.Message = notJSON(res.StatusCode, body)
		return e
	}
	e.Message, e.Detail, e.Validations = response.Message, response.Detail, response.Validations
	return e
}

// notJSON says what came instead of JSON. Control characters are left out,
// because the text may end up on a terminal.
func notJSON(status int, body []byte) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(string(body), " "))
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) == 0 {
		return "" // Error falls back to the status
	}
	excerpt := string(runes[:min(len(runes), excerptLimit)])
	return fmt.Sprintf("unexpected non-JSON response (%s): %s", statusText(status), excerpt)
}

// noAnswer names the request without its query, which url.Error would show.
func noAnswer(req *http.Request, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("%s %s: %w", req.Method, printable(req.URL), err)
}

// printable returns the URL without what may be secret: query, fragment and
// credentials.
func printable(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return shown.String()
}

// isJSON accepts a missing type, which some proxies leave; decoding tells then.
func isJSON(header http.Header) bool {
	contentType := header.Get("Content-Type")
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

func isRedirect(status int) bool { return status >= 300 && status < 400 }

// retryAfter reads Retry-After in both of its forms (RFC 9110 section 10.2.3).
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
