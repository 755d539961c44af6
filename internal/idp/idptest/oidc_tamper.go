package idptest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Endpoint is one of a provider's.
type Endpoint string

// The endpoints that Usher asks.
const (
	Discovery Endpoint = "/.well-known/openid-configuration"
	Token     Endpoint = "/oauth/token"
	UserInfo  Endpoint = "/userinfo"
	Keys      Endpoint = "/keys"

	refreshes Endpoint = "refresh" // those at Token that bring a refresh token
)

// Tampering is what makes a provider hostile or broken. Its zero value is one
// that does as it should.
type Tampering struct {
	// Down cuts every connection without an answer.
	Down bool
	// WithoutS256 and WithoutUserInfo leave these out of the discovery document.
	WithoutS256, WithoutUserInfo bool
	// Discovery changes the discovery document.
	Discovery func(document map[string]any)
	// WithoutIDToken leaves the ID token out of answers.
	WithoutIDToken bool
	// IDToken changes the claims of ID tokens, which the provider then signs.
	IDToken func(claims map[string]any)
	// ForeignSignature signs ID tokens and access tokens with a key that is not
	// among those published, under the name of the one that is.
	ForeignSignature bool
	// JWTAccessTokens makes access tokens JWTs that hold the claims of userinfo;
	// else they are opaque.
	JWTAccessTokens bool
	// AccessToken changes the claims of access tokens that are JWTs.
	AccessToken func(claims map[string]any)
	// UserInfo changes the answer of the userinfo endpoint.
	UserInfo func(claims map[string]any)
	// SignedUserInfo makes the answer of the userinfo endpoint a JWT.
	SignedUserInfo bool
	// Replace answers in place of the endpoint.
	Replace map[Endpoint]http.HandlerFunc
	// Oversized endpoints answer with more than 1 MiB.
	Oversized map[Endpoint]bool

	tokenLifetime time.Duration
}

// Tamper changes how the provider misbehaves from now on.
func (o *OIDC) Tamper(change func(*Tampering)) {
	o.gate.Lock()
	defer o.gate.Unlock()
	change(&o.gate.tampering)
	o.storage.setJWTAccessTokens(o.gate.tampering.JWTAccessTokens)
}

// Behave undoes all tampering.
func (o *OIDC) Behave() {
	o.Tamper(func(t *Tampering) { *t = Tampering{tokenLifetime: t.tokenLifetime} })
}

// Hang lets the requests to an endpoint wait until release is called or the
// caller gives up. waiting is sent each that has begun to wait.
func (o *OIDC) Hang(endpoint Endpoint) (waiting <-chan struct{}, release func()) {
	return o.gate.hang(endpoint)
}

// gate stands before the provider.
type gate struct {
	sync.Mutex
	next      http.Handler
	storage   *providerStorage
	issuer    string
	tampering Tampering
	counts    map[Endpoint]int
	barriers  map[Endpoint]*barrier
}

// barrier holds requests up.
type barrier struct {
	waiting chan struct{}
	opened  chan struct{}
}

func newGate(storage *providerStorage, issuer string) *gate {
	return &gate{storage: storage, issuer: issuer, counts: map[Endpoint]int{}, barriers: map[Endpoint]*barrier{}}
}

func (g *gate) count(endpoint Endpoint) int {
	g.Lock()
	defer g.Unlock()
	return g.counts[endpoint]
}

func (g *gate) hang(endpoint Endpoint) (<-chan struct{}, func()) {
	g.Lock()
	defer g.Unlock()
	b := &barrier{waiting: make(chan struct{}, 1024), opened: make(chan struct{})}
	g.barriers[endpoint] = b
	return b.waiting, sync.OnceFunc(func() {
		g.Lock()
		defer g.Unlock()
		close(b.opened)
		if g.barriers[endpoint] == b {
			delete(g.barriers, endpoint)
		}
	})
}

// open lets everything pass that is held up.
func (g *gate) open() {
	g.Lock()
	defer g.Unlock()
	for endpoint, b := range g.barriers {
		close(b.opened)
		delete(g.barriers, endpoint)
	}
}

// enter counts a request and returns what holds for it.
func (g *gate) enter(r *http.Request) (Tampering, *barrier) {
	endpoint := Endpoint(r.URL.Path)
	refreshing := endpoint == Token && r.FormValue("grant_type") == "refresh_token"
	g.Lock()
	defer g.Unlock()
	g.counts[endpoint]++
	if refreshing {
		g.counts[refreshes]++
	}
	return g.tampering, g.barriers[endpoint]
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tampering, held := g.enter(r)
	if tampering.Down {
		panic(http.ErrAbortHandler)
	}
	if held != nil {
		held.waiting <- struct{}{}
		select {
		case <-held.opened:
		case <-r.Context().Done():
			return
		}
	}
	endpoint := Endpoint(r.URL.Path)
	if tampering.Oversized[endpoint] {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"padding":"` + strings.Repeat("x", 1<<20) + `"}`))
		return
	}
	if replaced := tampering.Replace[endpoint]; replaced != nil {
		replaced(w, r)
		return
	}
	change := g.changeOf(endpoint, tampering)
	if change == nil {
		g.next.ServeHTTP(w, r)
		return
	}
	recorded := httptest.NewRecorder()
	g.next.ServeHTTP(recorded, r)
	g.rewrite(w, recorded, change)
}

// changeOf returns what is done to the JSON objects that the endpoint answers
// with, or nil.
func (g *gate) changeOf(endpoint Endpoint, t Tampering) func(map[string]any) any {
	switch endpoint {
	case Discovery:
		return func(document map[string]any) any { return changedDiscovery(document, t) }
	case Token:
		return func(answer map[string]any) any { return g.changedTokens(answer, t) }
	case UserInfo:
		return func(claims map[string]any) any { return g.changedUserInfo(claims, t) }
	default:
		return nil
	}
}

// rewrite passes an answer on, changed where it is a success. A string becomes a
// JWT's answer, anything else JSON.
func (g *gate) rewrite(w http.ResponseWriter, recorded *httptest.ResponseRecorder, change func(map[string]any) any) {
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(recorded.Body.Bytes()))
	decoder.UseNumber()
	if recorded.Code != http.StatusOK || decoder.Decode(&object) != nil {
		w.Header().Set("Content-Type", recorded.Header().Get("Content-Type"))
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes())
		return
	}
	changed := change(object)
	if token, ok := changed.(string); ok {
		w.Header().Set("Content-Type", "application/jwt")
		_, _ = w.Write([]byte(token))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(changed)
}

func changedDiscovery(document map[string]any, t Tampering) any {
	if t.WithoutS256 {
		delete(document, "code_challenge_methods_supported")
	}
	if t.WithoutUserInfo {
		delete(document, "userinfo_endpoint")
	}
	if t.Discovery != nil {
		t.Discovery(document)
	}
	return document
}

func (g *gate) changedTokens(answer map[string]any, t Tampering) any {
	delete(answer, "expires_in")
	if t.tokenLifetime != 0 {
		answer["expires_in"] = int64(t.tokenLifetime / time.Second)
	}
	if t.WithoutIDToken {
		delete(answer, "id_token")
	}
	g.resign(answer, "id_token", t.IDToken, t.ForeignSignature)
	if t.JWTAccessTokens {
		g.resign(answer, "access_token", t.AccessToken, t.ForeignSignature)
	}
	return answer
}

// resign changes the claims of a token in an answer and signs it again.
func (g *gate) resign(answer map[string]any, name string, change func(map[string]any), foreign bool) {
	token, ok := answer[name].(string)
	if !ok || change == nil && !foreign {
		return
	}
	claims := payloadOf(token)
	if change != nil {
		change(claims)
	}
	answer[name] = g.storage.sign(claims, foreign)
}

func (g *gate) changedUserInfo(claims map[string]any, t Tampering) any {
	if t.UserInfo != nil {
		t.UserInfo(claims)
	}
	if t.SignedUserInfo {
		return g.storage.sign(claims, t.ForeignSignature)
	}
	return claims
}
