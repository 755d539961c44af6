package idp_test

import (
	"context"
	"sync"
	"testing"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/idp/idptest"
)

// No answer of a provider is read beyond 1 MiB.
func TestOIDCOversizedAnswers(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []idptest.Endpoint{idptest.Token, idptest.Keys, idptest.UserInfo} {
		server := idptest.NewOIDC(t)
		server.Tamper(func(tampering *idptest.Tampering) {
			tampering.Oversized = map[idptest.Endpoint]bool{endpoint: true}
		})
		_, err := logIn(t, server, newOIDC(t, server, nil))
		if e := refused(t, err); e.Kind != account.KindInternal || e.Detail != "" {
			t.Errorf("%s: %.300v", endpoint, err)
		}
	}
}

// A provider that cuts its connections is no reason to say why.
func TestOIDCDownAtTheExchange(t *testing.T) {
	t.Parallel()
	server := idptest.NewOIDC(t)
	p := newOIDC(t, server, nil)
	cb := begin(t, server, p, oidcState)
	server.Tamper(func(tampering *idptest.Tampering) { tampering.Down = true })
	_, err := p.Finish(t.Context(), cb)
	if e := refused(t, err); e.Kind != account.KindInternal || e.Detail != "" {
		t.Errorf("got %#v", e)
	}
}

// A provider that does not answer holds 32 logins; those beyond are told so, and
// logins at another provider go on.
func TestOIDCShareOfConnections(t *testing.T) {
	t.Parallel()
	server, other := idptest.NewOIDC(t), idptest.NewOIDC(t)
	p := newOIDC(t, server, nil)
	cb := begin(t, server, p, oidcState)
	waiting, release := server.Hang(idptest.Token)
	defer release()
	hanging, leave := context.WithCancel(t.Context())
	var logins sync.WaitGroup
	for range 32 {
		logins.Go(func() { _, _ = p.Finish(hanging, idp.Callback{Code: "x", Verifier: cb.Verifier}) })
	}
	for range 32 {
		<-waiting
	}
	_, err := p.Finish(t.Context(), cb)
	if e := refused(t, err); e.Kind != account.KindTooMany || e.RetryAfter <= 0 {
		t.Errorf("the 33rd login: %v", err)
	}
	if _, err := logIn(t, other, newOIDC(t, other, nil)); err != nil {
		t.Errorf("at another provider: %v", err)
	}
	leave()
	logins.Wait()
	release()
	if _, err := p.Finish(t.Context(), cb); err != nil {
		t.Errorf("once the places are free again: %v", err)
	}
}
