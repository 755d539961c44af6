package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"usher/internal/account"
	"usher/internal/api"
	"usher/internal/secret"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// crossed is how many of the scopes meet every list; the others meet two.
const crossed = 4

// narrowScopes and narrowLists are what the keys of the matrix are narrowed by;
// "self" and "ted" stand for ids.
var narrowScopes = [][]string{
	{"coder:all"},
	{"user:*"},
	{"api_key:*", "user:read"},
	{"user:read"},
	{"user:read", "user:read_personal", "user:update_personal"},
	{"coder:apikeys.manage_self"},
	{"api_key:read", "organization:read"},
	{"organization:*"},
	{"coder:application_connect"},
}

var narrowLists = [][]string{
	{"*:*"}, {"user:ted", "api_key:*"}, {"user:*"}, {"user:self", "organization:*"}, {"*:ted"}, {"template:*"},
}

// field is one role's part of the matrix: a user who holds it, and everything
// that its keys ask about.
type field struct {
	t           *testing.T
	s           *servertest.Server
	db          *store.Store
	transport   *http.Transport
	user        account.User
	memberships []account.Membership
	ted         account.User
	full        string // the unrestricted key
	// answers of the unrestricted key to routes that have no row, by operation
	unrestricted map[string]int
}

// narrowKey is a key of the matrix.
type narrowKey struct {
	account.APIKey
	presented string
}

func (k *narrowKey) String() string {
	return fmt.Sprintf("%v on %v", k.Scopes, k.AllowList)
}

// TestKeysDoNoMoreThanTheySay asks every route of the table with keys of every
// role, narrowed by scopes and allow lists, and holds the answers to the one
// decision function: a key never does what its owner could not, and never more
// than its scopes and its allow list say.
func TestKeysDoNoMoreThanTheySay(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	db := storetest.Open(t, s.Store)
	transport := &http.Transport{MaxIdleConnsPerHost: 5}
	t.Cleanup(transport.CloseIdleConnections)
	for _, role := range []string{"member", "auditor", "template-admin", "user-admin", "owner"} {
		ann, ted := create(t, s, newUser("ann-"+role, rolesOf(role)...)), create(t, s, newUser("ted-"+role))
		f := &field{s: s, db: db, transport: transport, unrestricted: map[string]int{}}
		f.load(t, ann.ID, ted.ID)
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			f.t = t
			f.full = f.insert([]string{account.ScopeAll}, account.AllowEverything()).presented
			for i, scopes := range narrowScopes {
				for j, texts := range narrowLists {
					if i >= crossed && j >= 2 { // lists narrow all scopes in the same way
						continue
					}
					f.probe(f.insert(scopes, f.list(texts)))
				}
			}
		})
	}
}

func (f *field) load(t *testing.T, ann, ted uuid.UUID) {
	t.Helper()
	err := f.db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		if f.user, err = tx.UserByID(ctx, ann); err != nil {
			return err
		}
		if f.ted, err = tx.UserByID(ctx, ted); err != nil {
			return err
		}
		f.memberships, err = tx.Memberships(ctx, ann)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (f *field) list(texts []string) account.AllowList {
	f.t.Helper()
	entries := []account.AllowListEntry{}
	for _, text := range texts {
		text = strings.NewReplacer(":self", ":"+f.user.ID.String(), ":ted", ":"+f.ted.ID.String()).Replace(text)
		entries = append(entries, entry(f.t, text))
	}
	normal, err := account.NormalizeAllowList(entries)
	if err != nil {
		f.t.Fatal(err)
	}
	return normal
}

// insert stores a token of the field's user.
func (f *field) insert(scopes []string, list account.AllowList) *narrowKey {
	f.t.Helper()
	minted, err := secret.MintKey()
	if err != nil {
		f.t.Fatal(err)
	}
	now := time.Now()
	key := account.APIKey{
		ID: minted.ID, UserID: f.user.ID, LoginType: account.LoginToken, Name: minted.ID, Scopes: scopes, AllowList: list,
		Lifetime: time.Hour, ExpiresAt: now.Add(time.Hour), LastUsed: now, CreatedAt: now, UpdatedAt: now,
	}
	f.write(func(ctx context.Context, tx *store.Tx) error { return tx.InsertKey(ctx, key, minted.Hash(), "") })
	return &narrowKey{APIKey: key, presented: minted.Reveal()}
}

func (f *field) write(body store.Body) {
	f.t.Helper()
	if err := f.db.Write(f.t.Context(), body); err != nil {
		f.t.Fatal(err)
	}
}

// probe asks every route with one key.
func (f *field) probe(key *narrowKey) {
	actor := account.NewActor(f.user, f.memberships, key.APIKey)
	rows := scopeRows()
	for _, operation := range operations(f.t) {
		requests := rows[operation.ID]
		for _, row := range requests {
			f.holdToRow(operation, row, key, actor)
		}
		if len(requests) == 0 && slices.Contains([]string{"coder:all", "user:*", "coder:application_connect"}, key.Scopes[0]) {
			f.holdToOwner(operation, key)
		}
	}
}

// holdToRow compares an answer with what the permissions of the row say.
func (f *field) holdToRow(operation api.Operation, row scopeRow, key *narrowKey, actor *account.Actor) {
	f.t.Helper()
	want, lacking := row.verdict(f, actor)
	path, body := row.request(f, key)
	status, text := f.send(operation.Method, path, key.presented, body)
	if status != want {
		f.t.Errorf("%s: %s %s: got %d %s, want %d", key, operation.Method, path, status, text, want)
	}
	if status == http.StatusForbidden && lacking != "" && !strings.Contains(text, lacking) {
		f.t.Errorf("%s: %s %s: %s does not say %q", key, operation.Method, path, text, lacking)
	}
	if status < 300 && row.done != nil {
		row.done(f, key, text)
	}
}

// holdToOwner compares an answer with that to the unrestricted key, on a route
// that has no row: what serves a narrow key must serve that one, and a key for
// nothing that is kept here gets what is open, no more.
func (f *field) holdToOwner(operation api.Operation, key *narrowKey) {
	f.t.Helper()
	path := strings.NewReplacer("{user}", f.ted.ID.String(), "{organization}", "default", "{rolename}", "nobody",
		"{organizationname}", "coder", "{workspacename}", "w", "{keyid}", "ush0000000", "{keyname}", "n", "{$}", "").Replace(operation.Path)
	status, text := f.send(operation.Method, path, key.presented, struct{}{})
	if status >= 300 {
		return
	}
	if key.Scopes[0] == account.ScopeApplicationConnect && !isOpen(operation.ID) {
		f.t.Errorf("%s: %s %s: a key for nothing gets %d %s", key, operation.Method, path, status, text)
	}
	full, asked := f.unrestricted[operation.ID]
	if !asked {
		if operation.ID == "removeMember" { // which can be done once only
			f.send(http.MethodPost, path, f.s.Owner.SessionToken(), nil)
		}
		full, _ = f.send(operation.Method, path, f.full, struct{}{})
		f.unrestricted[operation.ID] = full
	}
	if full >= 300 {
		f.t.Errorf("%s: %s %s: got %d, but the unrestricted key got %d", key, operation.Method, path, status, full)
	}
}

// send is a request without the looks that client takes at its answer: there are
// thousands of them.
func (f *field) send(method, path, key string, body any) (int, string) {
	f.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		f.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.s.URL+path, bytes.NewReader(text))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set(sdk.SessionTokenHeader, key)
	res, err := f.transport.RoundTrip(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

// operations lists the route table, without the pages for people: those are the
// same use cases, and have tests of their own.
func operations(t *testing.T) []api.Operation {
	t.Helper()
	routes, err := api.New(api.Config{
		Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
		AccessURL: &url.URL{Scheme: "http", Host: "usher.example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(routes.Operations(), isPage)
}
