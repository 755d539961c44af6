package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
)

// Client calls one server. Its methods may be used by several goroutines at
// once; its fields are set before the first call. Make one with [New], or as a
// literal with at least a URL.
//
// Every method fails with an [*Error] where the server's answer is not the
// expected one. Redirects are never followed, because net/http would carry the
// session token along to any host: they fail, naming the new address. There is
// no time limit but the context's and HTTPClient's.
type Client struct {
	// URL is where the server is, without /api/v2. A path in it is kept, for
	// servers behind a proxy that gives them one.
	URL *url.URL
	// HTTPClient sends the requests; nil means [http.DefaultClient]. Its
	// CheckRedirect is not used.
	HTTPClient *http.Client
	// Version is the caller's version for the User-Agent header; empty means
	// "devel".
	Version string

	token atomic.Pointer[string]
}

// New returns a client of the server at an http or https address such as
// https://usher.example.com. It sends no request.
func New(serverURL string) (*Client, error) {
	u, err := url.Parse(strings.TrimSpace(serverURL))
	if err != nil {
		// The parser's error quotes its input, which may hold a password.
		return nil, errors.New("the server address is not a URL")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("the server address %q must begin with http:// or https:// and name a host", u.Redacted())
	}
	u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = "", false, "", ""
	return &Client{URL: u, Version: moduleVersion()}, nil
}

// SetSessionToken sets the session or API token for the requests that follow;
// the empty string removes it.
func (c *Client) SetSessionToken(token string) { c.token.Store(&token) }

// SessionToken returns the token that requests carry, or the empty string.
func (c *Client) SessionToken() string {
	if token := c.token.Load(); token != nil {
		return *token
	}
	return ""
}

// call is one request and what is expected of its answer.
type call struct {
	method string
	// path holds the segments below /api/v2, not yet escaped.
	path  []string
	query url.Values
	// body is sent as JSON; nil sends none.
	body any
	// status is the only status that counts as success.
	status int
	// result is a pointer that the JSON is decoded into; nil ignores the body.
	result any
}

func (c *Client) do(ctx context.Context, call call) error {
	token := c.SessionToken()
	req, err := c.request(ctx, call, token)
	if err != nil {
		return err
	}
	res, err := c.http().Do(req)
	if err != nil {
		return noAnswer(req, err)
	}
	defer res.Body.Close()
	if res.StatusCode != call.status {
		return readError(res, token)
	}
	if call.result != nil {
		if err := decode(res, token, call.result); err != nil {
			return err
		}
	}
	// A connection is used again only when its body was read to the end.
	_, _ = io.CopyN(io.Discard, res.Body, errorBodyLimit)
	return nil
}

func (c *Client) request(ctx context.Context, call call, token string) (*http.Request, error) {
	u, err := c.endpoint(call.path, call.query)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if call.body != nil {
		data, err := json.Marshal(call.body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, call.method, "", body)
	if err != nil {
		return nil, err
	}
	req.URL, req.Host = u, u.Host
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent())
	req.Header.Set(DialectHeader, DialectReference)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set(SessionTokenHeader, token)
	}
	return req, nil
}

// endpoint builds the URL from escaped segments. It refuses those that a server
// would resolve to another endpoint, so that deleting the user "" or ".." can
// never become a call on the list of users.
func (c *Client) endpoint(path []string, query url.Values) (*url.URL, error) {
	if c.URL == nil {
		return nil, errors.New("the client has no server address")
	}
	raw := strings.TrimRight(c.URL.EscapedPath(), "/") + "/api/v2"
	for _, segment := range path {
		if segment == "" || segment == "." || segment == ".." {
			return nil, fmt.Errorf("%q cannot be the name of a user or an organization", segment)
		}
		raw += "/" + url.PathEscape(segment)
	}
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		return nil, fmt.Errorf("the path of the server address: %w", err)
	}
	u := *c.URL
	u.Path, u.RawPath, u.RawQuery = decoded, raw, query.Encode()
	return &u, nil
}

// http returns the caller's HTTP client, made to stop at redirects.
func (c *Client) http() *http.Client {
	client := http.Client{}
	if c.HTTPClient != nil {
		client = *c.HTTPClient
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

func (c *Client) userAgent() string {
	version := c.Version
	if version == "" {
		version = "devel"
	}
	return fmt.Sprintf("usher/%s (%s/%s)", version, runtime.GOOS, runtime.GOARCH)
}

// moduleVersion returns the version of this module as the Go toolchain recorded
// it in the running program, or the empty string.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, module := range append(info.Deps, &info.Main) {
		if module.Path == "usher" && module.Version != "(devel)" {
			return module.Version
		}
	}
	return ""
}
