package compat_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// These tests replay what Coder's command lines of 2025-09 (C25) and 2026-07
// (C26), its Go SDK and its Terraform provider were seen to send, in their
// order, with their headers.

// program is a client, on a server as it would be set up for it.
type program struct {
	name    string
	dialect string // of the server
	caller  caller
}

// programs: C25 does not say who it is, so that its server must be told; C26
// is known by its User-Agent on any server.
func programs() []program {
	return []program{
		{
			name: "C25 on a coder server", dialect: sdk.DialectCoder,
			caller: caller{userAgent: "Go-http-client/1.1", telemetry: true},
		},
		{
			name: "C26 on a reference server", dialect: sdk.DialectReference,
			caller: caller{userAgent: "coder-cli/2.33.1 (linux/amd64; coder users list)", telemetry: true},
		},
	}
}

// eachProgram runs a test with each program against a server on each engine,
// which has no user yet.
func eachProgram(t *testing.T, test func(t *testing.T, s *servertest.Server, c caller)) {
	t.Helper()
	for _, p := range programs() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db store.Config) {
				s := servertest.Start(t, db, func(cfg *server.Config) { cfg.Dialect = p.dialect })
				c := p.caller
				c.url = s.URL
				test(t, s, c)
			})
		})
	}
}

// eachSignedIn is eachProgram with the session of the first user, an owner.
func eachSignedIn(t *testing.T, test func(t *testing.T, s *servertest.Server, c caller)) {
	t.Helper()
	eachProgram(t, func(t *testing.T, s *servertest.Server, c caller) {
		s.CreateFirstUser(t)
		test(t, s, c.as(s.Owner.SessionToken()))
	})
}

// The types below decode as the clients' own do: a UUID or a time that is
// there must be one, everything that is absent is zero.

type clientRole struct {
	Name           string `json:"name"`
	DisplayName    string `json:"display_name"`
	OrganizationID string `json:"organization_id"`
}

type clientUser struct {
	ID               uuid.UUID    `json:"id"`
	Username         string       `json:"username"`
	Name             string       `json:"name"`
	AvatarURL        string       `json:"avatar_url"`
	Email            string       `json:"email"`
	CreatedAt        time.Time    `json:"created_at"`
	UpdatedAt        time.Time    `json:"updated_at"`
	LastSeenAt       time.Time    `json:"last_seen_at"`
	Status           string       `json:"status"`
	LoginType        string       `json:"login_type"`
	IsServiceAccount bool         `json:"is_service_account"`
	HasAISeat        bool         `json:"has_ai_seat"`
	OrganizationIDs  []uuid.UUID  `json:"organization_ids"`
	Roles            []clientRole `json:"roles"`
}

// roleNames returns the names of the roles in order.
func (u clientUser) roleNames() []string {
	names := []string{}
	for _, role := range u.Roles {
		names = append(names, role.Name)
	}
	slices.Sort(names)
	return names
}

type clientUsers struct {
	Users []clientUser `json:"users"`
	Count int          `json:"count"`
}

type clientUserRoles struct {
	Roles             []string               `json:"roles"`
	OrganizationRoles map[uuid.UUID][]string `json:"organization_roles"`
}

type clientAssignableRole struct {
	clientRole
	Assignable bool `json:"assignable"`
	BuiltIn    bool `json:"built_in"`
}

type clientOrganization struct {
	ID          uuid.UUID `json:"id"`
	Name        string    `json:"name"`
	DisplayName string    `json:"display_name"`
	Description string    `json:"description"`
	Icon        string    `json:"icon"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	IsDefault   bool      `json:"is_default"`
}

type clientFirstUser struct {
	UserID         uuid.UUID `json:"user_id"`
	OrganizationID uuid.UUID `json:"organization_id"`
}

type clientLogin struct {
	SessionToken string `json:"session_token"`
}

type clientKey struct {
	Key string `json:"key"`
}

// clientMessage is an error, or a success that has nothing else to say.
type clientMessage struct {
	Message     string `json:"message"`
	Detail      string `json:"detail"`
	Validations []struct {
		Field  string `json:"field"`
		Detail string `json:"detail"`
	} `json:"validations"`
}

func (m clientMessage) fields() []string {
	fields := []string{}
	for _, v := range m.Validations {
		fields = append(fields, v.Field)
	}
	return fields
}

// me is whom the token belongs to.
func (c caller) me(t *testing.T) clientUser {
	t.Helper()
	return decode[clientUser](t, c.call(t, "GET", "/users/me", nil).want(t, http.StatusOK))
}

// seed puts n active users of the default organization straight into the
// database; name gives each its username and address. A transaction takes few of
// them: its time is bounded, also on a busy machine.
func seed(t *testing.T, s *servertest.Server, n int, name func(i int) (username, email string)) {
	t.Helper()
	const perTransaction = 20
	db := storetest.Open(t, s.Store)
	now := time.Now()
	for begin := 0; begin < n; begin += perTransaction {
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i := begin; i < min(begin+perTransaction, n); i++ {
				username, email := name(i)
				err := tx.InsertUser(ctx, account.User{
					ID: uuid.New(), Username: username, Email: email, Status: account.StatusActive, LoginType: account.LoginNone,
					OrganizationIDs: oneID(s), CreatedAt: now, UpdatedAt: now,
				}, "")
				if err != nil {
					return fmt.Errorf("insert %s: %w", username, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatEveryRequestCarries: the headers of these programs are understood or
// ignored, and who called is in the audit log.
func TestWhatEveryRequestCarries(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		// An empty token is none: on a route for everyone it does no harm, and
		// elsewhere the answer is that of an absent one.
		c.as("").call(t, "GET", "/users/first", nil).want(t, http.StatusOK)
		refused := decode[clientMessage](t, c.as("").call(t, "GET", "/users/me", nil).want(t, http.StatusUnauthorized))
		if want := `Cookie "coder_session_token" or query parameter must be provided.`; refused.Detail != want {
			t.Errorf("without a token the detail is %q, want %q", refused.Detail, want)
		}
		// What the programs tell of themselves may be any junk.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+"/api/v2/users/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Coder-Session-Token", c.token)
		req.Header.Set("Coder-CLI-Telemetry", strings.Repeat("~", 4096))
		send(t, req).want(t, http.StatusOK)

		c.call(t, "POST", "/users/"+s.OwnerID.String()+"/keys", nil).want(t, http.StatusCreated)
		log, err := s.Owner.AuditLogs(t.Context(), sdk.AuditLogsRequest{Search: "resource_type:api_key action:create"})
		if err != nil || len(log.AuditLogs) != 1 {
			t.Fatalf("%d entries, %v; want one", len(log.AuditLogs), err)
		}
		if got := log.AuditLogs[0].UserAgent; got != c.userAgent {
			t.Errorf("the audit log has the User-Agent %q, want %q", got, c.userAgent)
		}
	})
}

// TestBypassOfTheRateLimit is the header that scripts add with --header.
func TestBypassOfTheRateLimit(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, func(cfg *server.Config) { cfg.RateLimit, cfg.Dialect = 3, sdk.DialectCoder })
	member, _ := s.SignedIn(t, "member")
	ask := func(token string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/v2/users/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Coder-Session-Token", token)
		req.Header.Set("X-Coder-Bypass-Ratelimit", "true")
		return send(t, req).status
	}
	for i := range 6 {
		if got := ask(s.Owner.SessionToken()); got != http.StatusOK {
			t.Fatalf("request %d of the owner: status %d, want 200", i+1, got)
		}
	}
	if got := ask(member.SessionToken()); got != http.StatusPreconditionRequired {
		t.Errorf("a member: status %d, want 428", got)
	}
	if got := ask(""); got != http.StatusUnauthorized {
		t.Errorf("nobody: status %d, want 401", got)
	}
}
