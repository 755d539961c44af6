package api

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts requests by route, never by path: the number of series is
// bounded by the routes.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newMetrics(registry *prometheus.Registry) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "usher_http_requests_total",
			Help: "Requests that were answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "usher_http_request_duration_seconds",
			Help:    "Time from the arrival of a request to the end of its answer, by route.",
			Buckets: []float64{.0002, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"route"}),
	}
	registry.MustRegister(m.requests, m.duration)
	return m
}

// knownMethods keeps a client from inventing series.
var knownMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

func (m *metrics) observe(r route, method string, status int, elapsed time.Duration) {
	if !slices.Contains(knownMethods, method) {
		method = "other"
	}
	m.requests.WithLabelValues(r.path, method, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(r.path).Observe(elapsed.Seconds())
}

// showMetrics shows the metrics in Prometheus' text format.
func (a *API) showMetrics(c *call) error {
	promhttp.HandlerFor(a.Registry, promhttp.HandlerOpts{}).ServeHTTP(c.w, c.r)
	return nil
}
