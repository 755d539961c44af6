package idp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"usher/internal/account"
)

const (
	// answerTime bounds one answer of a provider, and loginTime all that a login
	// asks for.
	answerTime = 10 * time.Second
	loginTime  = 20 * time.Second
	// maxAnswer bounds the body of an answer, in bytes: one below where the library
	// for OAuth stops to read without a word.
	maxAnswer = 1<<20 - 1
	// maxUnderWay bounds how many logins one provider is asked about at a time,
	// and queueTime how long a further one waits for a place.
	maxUnderWay = 32
	queueTime   = 2 * time.Second
	// maxRedirects bounds how far a provider can send a request on.
	maxRedirects = 3
)

// newClient returns a client whose answers are bounded. roots are further
// authorities beside the system's; nil for none.
func newClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: answerTime,
		Transport: boundedTransport{&http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: answerTime / 2}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			TLSHandshakeTimeout:    answerTime / 2,
			ResponseHeaderTimeout:  answerTime,
			MaxResponseHeaderBytes: 64 << 10,
			MaxConnsPerHost:        maxUnderWay,
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        time.Minute,
			ForceAttemptHTTP2:      true,
		}},
		CheckRedirect: func(next *http.Request, earlier []*http.Request) error {
			if len(earlier) > maxRedirects {
				return errors.New("the provider redirects too often")
			}
			if earlier[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
				return errors.New("the provider redirects to an address without TLS")
			}
			return nil
		},
	}
}

// boundedTransport cuts answers off that are too long.
type boundedTransport struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = &boundedBody{ReadCloser: response.Body, left: maxAnswer}
	}
	return response, err
}

// boundedBody fails, rather than end early, where there is too much: half an
// answer must not be taken for a whole one.
type boundedBody struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return 0, fmt.Errorf("the provider's answer is longer than %d bytes", maxAnswer)
	}
	return n, err
}

// outbound makes the libraries use the bounded client.
func (p *Provider) outbound(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, p.client)
}

// acquire takes one of the provider's places, or says that all are taken.
func (p *Provider) acquire(ctx context.Context) (release func(), err error) {
	wait, cancel := context.WithTimeout(ctx, queueTime)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-wait.Done():
		return nil, account.TooMany("Too many logins wait for the identity provider "+p.Product+". Try again in a moment.", queueTime)
	}
}

// withoutURL drops the address from an error of net/http: its query may hold a
// secret.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
