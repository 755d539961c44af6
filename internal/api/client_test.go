package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// client sends requests just as they are written, which package sdk would not,
// and holds every answer to openapi.yaml.
type client struct {
	url    string
	header http.Header
	// otherwise is the dialect of a server that was told to speak another one
	// than the reference to clients that do not say.
	otherwise string
}

// behind starts a server that clients are told to reach at another address than
// the one it listens on, which its log says.
func behind(t *testing.T, accessURL string, options ...servertest.Option) *servertest.Server {
	t.Helper()
	s := servertest.Start(t, storetest.Database(t), append(options, func(c *server.Config) { c.AccessURL = accessURL })...)
	_, after, found := strings.Cut(s.Log.String(), "msg=serving address=")
	if !found {
		t.Fatal("the log does not say where the server listens")
	}
	s.URL = "http://" + strings.Fields(after)[0]
	s.CreateFirstUser(t)
	return s
}

// guest is a client without a credential.
func guest(s *servertest.Server) client { return client{url: s.URL, header: http.Header{}} }

// owner is a client of the first user.
func owner(s *servertest.Server) client { return guest(s).as(s.Owner.SessionToken()) }

// with returns a client that sends one more header.
func (c client) with(name, value string) client {
	c.header = c.header.Clone()
	c.header.Set(name, value)
	return c
}

// as returns a client that presents the key.
func (c client) as(key string) client { return c.with(sdk.SessionTokenHeader, key) }

func (c client) get(t testing.TB, path string) answer {
	t.Helper()
	return c.do(t, http.MethodGet, path, nil)
}

func (c client) post(t testing.TB, path string, body any) answer {
	t.Helper()
	return c.do(t, http.MethodPost, path, body)
}

func (c client) put(t testing.TB, path string, body any) answer {
	t.Helper()
	return c.do(t, http.MethodPut, path, body)
}

func (c client) delete(t testing.TB, path string) answer {
	t.Helper()
	return c.do(t, http.MethodDelete, path, nil)
}

// do sends a request. A body that is text or a reader is sent as it is,
// anything else as JSON; nil is none.
func (c client) do(t testing.TB, method, path string, body any) answer {
	t.Helper()
	a, err := c.try(t, method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// try is do for goroutines, which must not end the test: it returns what is
// wrong with the answer.
func (c client) try(t testing.TB, method, path string, body any) (answer, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.url+path, reader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header = c.header.Clone()
	asked := time.Now()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode, header: res.Header, body: text, took: time.Since(asked)}
	if err := contract().check(req, a, c.otherwise); err != nil {
		return a, fmt.Errorf("the answer breaks the contract: %w\n%s", err, a)
	}
	return a, nil
}

func reader(body any) io.Reader {
	switch body := body.(type) {
	case nil:
		return http.NoBody
	case string:
		return strings.NewReader(body)
	case []byte:
		return bytes.NewReader(body)
	case io.Reader:
		return body
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // the bodies are written in the tests
	}
	return bytes.NewReader(text)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration // until the last byte
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// want ends the test unless the answer has the status.
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("got %s, want status %d", a, status)
	}
	return a
}

// decode reads the JSON of an answer.
func decode[T any](t testing.TB, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v in %s", err, a)
	}
	return v
}

// user expects a user with a status of success.
func (a answer) user(t testing.TB, status int) sdk.User {
	t.Helper()
	return decode[sdk.User](t, a.want(t, status))
}

// refused expects an error: its status, a part of its message, and exactly these
// fields among its validations.
func (a answer) refused(t testing.TB, status int, message string, fields ...string) sdk.Response {
	t.Helper()
	body := decode[sdk.Response](t, a.want(t, status))
	if !strings.Contains(body.Message, message) {
		t.Errorf("the message %q does not contain %q", body.Message, message)
	}
	var named []string
	for _, v := range body.Validations {
		named = append(named, v.Field)
	}
	if !slices.Equal(named, fields) {
		t.Errorf("validations name %q, want %q: %s", named, fields, a)
	}
	return body
}

// The messages that stand for a whole kind of refusal.
const (
	notFound   = "Resource not found or you do not have access to this resource"
	forbidden  = "Forbidden."
	badJSON    = "Request body must be valid JSON."
	badFields  = "Validation failed."
	badQuery   = "Query parameters have invalid values."
	signedOut  = "session has expired"
	badLogin   = "Incorrect email or password."
	userExists = "User already exists."
)

// lacks expects a 403 that names the permission and what lacked it.
func (a answer) lacks(t testing.TB, permission, lack string) {
	t.Helper()
	body := a.refused(t, http.StatusForbidden, forbidden)
	if !strings.Contains(body.Detail, permission) || !strings.Contains(body.Detail, lack) {
		t.Errorf("the detail %q does not name %s and the %s", body.Detail, permission, lack)
	}
}

// person is a user with a session.
type person struct {
	client
	sdk.User
}

// body is the JSON of a request.
type body map[string]any

// newUser is the request for an active user of the default organization.
func newUser(username string, roles ...string) body {
	return body{
		"username": username, "email": username + "@example.com", "password": servertest.Password,
		"user_status": "active", "organization_ids": []uuid.UUID{uuid.Nil}, "roles": roles,
	}
}

// but returns the body with another value of a member; nil takes it out.
func (b body) but(name string, value any) body {
	changed := body{}
	for k, v := range b {
		changed[k] = v
	}
	changed[name] = value
	if value == nil {
		delete(changed, name)
	}
	return changed
}

// join makes a user and signs it in.
func join(t testing.TB, s *servertest.Server, username string, roles ...string) person {
	t.Helper()
	user := create(t, s, newUser(username, roles...))
	return person{client: login(t, s, user.Email, servertest.Password), User: user}
}

func create(t testing.TB, s *servertest.Server, b body) sdk.User {
	t.Helper()
	return owner(s).post(t, "/api/v2/users", b).user(t, http.StatusCreated)
}

func login(t testing.TB, s *servertest.Server, email, password string) client {
	t.Helper()
	session := guest(s).post(t, "/api/v2/users/login", body{"email": email, "password": password})
	return guest(s).as(decode[sdk.LoginWithPasswordResponse](t, session.want(t, http.StatusCreated)).SessionToken)
}

// path is the path of a user, or of something below it.
func path(ref any, below ...string) string {
	return strings.Join(append([]string{fmt.Sprintf("/api/v2/users/%v", ref)}, below...), "/")
}
