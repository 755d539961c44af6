package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"usher/internal/service"
)

// Config is what the API needs to know and to hold.
type Config struct {
	Service *service.Service
	Log     *slog.Logger
	// Registry receives the metrics and is what /metrics shows.
	Registry *prometheus.Registry
	// AccessURL is how clients reach the server.
	AccessURL *url.URL
	// Dialect is that of clients that do not say which they speak.
	Dialect Dialect
	// RateLimit is how many requests a minute a user or address may send to one
	// route; 0 or less turns every limit off.
	RateLimit int
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Cookies says how those of browsers are made, PageHeaders what the pages
	// for them have in their headers.
	Cookies     Cookies
	PageHeaders PageHeaders
	// Settings are what the operator chose, without secrets, for those who may
	// read it.
	Settings map[string]any
	// DeploymentID identifies the deployment to its clients.
	DeploymentID string
}

// API answers the HTTP requests of one node.
type API struct {
	Config
	mux        *http.ServeMux
	limiter    *rateLimiter
	crossSite  *http.CrossOriginProtection
	metrics    *metrics
	headers    fixedHeaders
	pages      *pages
	operations []route
}

// New builds the API. It fails only on settings that make no sense.
func New(cfg Config) (*API, error) {
	a := &API{
		Config:    cfg,
		mux:       http.NewServeMux(),
		limiter:   newRateLimiter(),
		crossSite: http.NewCrossOriginProtection(),
		metrics:   newMetrics(cfg.Registry),
		headers:   newFixedHeaders(),
	}
	pages, err := newPages(cfg.PageHeaders)
	if err != nil {
		return nil, err
	}
	a.pages = pages
	if err := a.crossSite.AddTrustedOrigin(cfg.AccessURL.Scheme + "://" + cfg.AccessURL.Host); err != nil {
		return nil, err
	}
	a.operations = a.routes()
	a.mount(a.operations)
	return a, nil
}

// Operation is one endpoint, as the API description names it.
type Operation struct{ Method, Path, ID string }

// Operations lists every endpoint.
func (a *API) Operations() []Operation {
	list := make([]Operation, len(a.operations))
	for i, r := range a.operations {
		list[i] = Operation{Method: r.method, Path: r.path, ID: r.operation}
	}
	return list
}

// mount registers the routes. What none of them matches falls to the last row:
// an unknown path, or a known one with a wrong method.
func (a *API) mount(routes []route) {
	for _, r := range routes {
		if r.path == namedCallback {
			continue // see unmatched
		}
		a.mux.HandleFunc(r.method+" "+r.path, func(w http.ResponseWriter, req *http.Request) {
			a.serve(w, req, r)
		})
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		a.serve(w, req, a.unmatched(req))
	})
}

// unmatched returns the route that answers a request without one: it asks the
// mux which other methods the path has.
func (a *API) unmatched(r *http.Request) route {
	if provider, ok := isNamedCallback(r.URL.Path); ok {
		r.SetPathValue("provider", provider)
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			return a.operationAt(namedCallback)
		}
		return wrongMethod([]string{http.MethodGet, http.MethodHead})
	}
	var allowed []string
	for _, method := range []string{"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"} {
		other := &http.Request{Method: method, Host: r.Host, URL: r.URL}
		if _, pattern := a.mux.Handler(other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return unknownRoute()
	}
	return wrongMethod(allowed)
}

// operationAt returns the route with that pattern.
func (a *API) operationAt(pattern string) route {
	i := slices.IndexFunc(a.operations, func(r route) bool { return r.path == pattern })
	return a.operations[i]
}

// ServeHTTP implements http.Handler. Paths are normalised first: repeated
// slashes are one, and a trailing slash means nothing.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.Cookies.takeHostPrefix(w, r)
	if !normalizePath(r.URL) {
		a.serve(w, r, unknownRoute())
		return
	}
	a.mux.ServeHTTP(w, r)
}

// ctx is the context of the request; it ends when the client leaves. What it
// waits for the database is bounded as a whole.
func (c *call) ctx() context.Context { return c.context }
