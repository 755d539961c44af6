package api_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

const exportPath = auditPath + "/export"

// exported returns the lines of an export as JSON lines.
func exported(t testing.TB, c client, query string) []string {
	t.Helper()
	a := c.get(t, exportPath+query).want(t, http.StatusOK)
	if got := a.header.Get("Content-Type"); got != "application/jsonl; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	if len(a.body) == 0 {
		return nil
	}
	text, ended := strings.CutSuffix(string(a.body), "\n")
	if !ended {
		t.Error("the last line does not end")
	}
	return strings.Split(steady(text), "\n")
}

// listed returns the entries of the list, each as the JSON it is there.
func listed(t testing.TB, c client, query string) []string {
	t.Helper()
	page := decode[struct {
		AuditLogs []json.RawMessage `json:"audit_logs"`
	}](t, c.get(t, auditPath+query).want(t, http.StatusOK))
	var lines []string
	for _, entry := range page.AuditLogs {
		lines = append(lines, steady(string(entry)))
	}
	return lines
}

// seen matches the times of an actor that change by its asking, in a moment of
// their own.
var seen = regexp.MustCompile(`"(updated_at|last_seen_at)":"[^"]*"`)

// steady takes them out of an entry, which is then the same however late it is
// read.
func steady(entry string) string { return seen.ReplaceAllString(entry, `"$1":"0001-01-01T00:00:00Z"`) }

// TestExportIsTheList: the same entries, in the same order and the same JSON, in
// every dialect and with the same searches.
func TestExportIsTheList(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann", "auditor")
		owner(s).put(t, path("ann", "profile"), body{"username": "ann", "name": "<Ann> & \"Co\"\n"}).want(t, http.StatusBadRequest)
		owner(s).put(t, path("ann", "profile"), body{"username": "ann", "name": `<Ann> & "Co"`}).want(t, http.StatusOK)
		appoint(t, s, s.OrganizationID, ann.ID, "organization-auditor")
		for _, dialect := range []string{sdk.DialectReference, sdk.DialectCoder, sdk.DialectLegacy} {
			for _, q := range []string{"", "username:me", "user", "action:login", "resource_target:nobody", "organization:coder"} {
				c, q := ann.with(sdk.DialectHeader, dialect), "q="+url.QueryEscape(q)
				want := listed(t, c, "?limit=1000&"+q)
				if diff := cmp.Diff(want, exported(t, c, "?"+q)); diff != "" {
					t.Errorf("%s, %s (-list +export):\n%s", dialect, q, diff)
				}
				if diff := cmp.Diff(want, exported(t, c, "?format=jsonl&"+q)); diff != "" {
					t.Errorf("%s, %s, named (-list +export):\n%s", dialect, q, diff)
				}
			}
		}
		if n := len(listed(t, owner(s), "?limit=1000")); n < 6 {
			t.Fatalf("only %d entries were compared", n)
		}
	})
}

// TestExportAsCSV: what encoding/csv reads is what the list says, but for what a
// spreadsheet would take for a formula.
func TestExportAsCSV(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		user := create(t, s, newUser("ann").but("name", "Ann, \"the\" first"))
		for _, agent := range []string{`=HYPERLINK("http://evil.example")`, "+1", "-1", "@SUM(A1)", `plain, "quoted"`, "=1\r\n"} {
			owner(s).with("User-Agent", strings.TrimRight(agent, "\r\n")).put(t, path(user.ID, "status/activate"), nil).want(t, http.StatusOK)
		}
		a := owner(s).get(t, exportPath+"?format=csv").want(t, http.StatusOK)
		if got := a.header.Get("Content-Type"); got != "text/csv; charset=utf-8" {
			t.Errorf("Content-Type %q", got)
		}
		rows, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		columns := "time id request_id user_id username action resource_type resource_id resource_target " +
			"organization_id status_code ip user_agent diff additional_fields"
		if got := strings.Join(rows[0], " "); got != columns {
			t.Errorf("columns %q", got)
		}
		entries := auditPage(t, owner(s), "?limit=1000").AuditLogs
		if len(rows)-1 != len(entries) {
			t.Fatalf("%d rows, %d entries", len(rows)-1, len(entries))
		}
		for i, e := range entries {
			if diff := cmp.Diff(csvRow(t, e), rows[i+1]); diff != "" {
				t.Errorf("row %d (-list +csv):\n%s", i+1, diff)
			}
		}
		owner(s).get(t, exportPath+"?format=csv&q=resource_target:nobody").want(t, http.StatusOK)
	})
}

func csvRow(t *testing.T, e sdk.AuditLog) []string {
	t.Helper()
	userID, username := "", ""
	if e.User != nil {
		userID, username = e.User.ID.String(), e.User.Username
	}
	agent := e.UserAgent
	if agent != "" && strings.ContainsAny(agent[:1], "=+-@") {
		agent = "'" + agent
	}
	return []string{
		e.Time.Format(time.RFC3339Nano), e.ID.String(), e.RequestID.String(), userID, username, string(e.Action),
		e.ResourceType, e.ResourceID.String(), e.ResourceTarget, e.OrganizationID.String(), fmt.Sprint(e.StatusCode),
		e.IP, agent, string(encode(t, e.Diff)), string(encode(t, e.AdditionalFields)),
	}
}

// TestExportRefusals are those of the list, and a format that there is not.
func TestExportRefusals(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	join(t, s, "ann").get(t, exportPath).lacks(t, "audit_log:read", "role")
	guest(s).get(t, exportPath).refused(t, http.StatusUnauthorized, signedOut)
	narrow := guest(s).as(mint(t, owner(s), "me", body{"scopes": []string{"user:read"}}))
	narrow.get(t, exportPath+"?format=csv").lacks(t, "audit_log:read", "scope")
	for _, format := range []string{"xml", "JSONL", "csv ", "json"} {
		owner(s).get(t, exportPath+"?format="+url.QueryEscape(format)).refused(t, http.StatusBadRequest, badQuery, "format")
	}
	owner(s).get(t, exportPath+"?format=csv&format=csv").refused(t, http.StatusBadRequest, badQuery, "format")
	owner(s).get(t, exportPath+"?q=nonsense").refused(t, http.StatusBadRequest, "Invalid audit search query.", "resource_type")
	join(t, s, "ben").get(t, exportPath+"?format=xml").want(t, http.StatusForbidden) // what is not theirs is not discussed
	if got := owner(s).get(t, exportPath+"?format=&q=").want(t, http.StatusOK); len(got.body) == 0 {
		t.Error("empty parameters are not their defaults")
	}
}

// TestExportOfAnOrganization: its auditors get its entries and no others.
func TestExportOfAnOrganization(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other, third := found(t, s, "other"), found(t, s, "third")
		oda := outsider(t, s, other.ID, "oda", "organization-auditor")
		outsider(t, s, third.ID, "tom")
		lines := exported(t, oda.client, "")
		if diff := cmp.Diff(exported(t, owner(s), "?q=organization:other"), lines); diff != "" || len(lines) < 2 {
			t.Errorf("%d entries (-owner's search +export):\n%s", len(lines), diff)
		}
		for _, line := range lines {
			if e := decode[sdk.AuditLog](t, answer{body: []byte(line)}); e.OrganizationID != other.ID {
				t.Errorf("an entry of %s: %s", e.OrganizationID, line)
			}
		}
		if rest := exported(t, oda.client, "?q=organization:"+third.ID.String()); len(rest) > 0 {
			t.Errorf("entries of another organization: %q", rest)
		}
	})
}

// insertEntries writes so many entries about nobody, many of the same moment.
func insertEntries(t *testing.T, s *servertest.Server, count int) {
	t.Helper()
	db := storetest.Open(t, s.Store)
	const perTransaction, perMoment = 100, 70
	begin := time.Now().Add(-time.Hour)
	for first := 0; first < count; first += perTransaction {
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i := first; i < min(first+perTransaction, count); i++ {
				err := tx.InsertAuditEntry(ctx, account.AuditEntry{
					ID: uuid.New(), Time: begin.Add(time.Duration(i/perMoment) * time.Millisecond), Action: account.AuditWrite,
					Resource: account.AuditUser, ResourceID: uuid.New(), Target: fmt.Sprintf("nobody-%d", i), Outcome: account.OutcomeOK,
					UserAgent: strings.Repeat("x", 400),
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestExportOfMany: more entries than are read at a time come once each, in the
// order of the list, also where many have the same time.
func TestExportOfMany(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		insertEntries(t, s, 1234)
		want := listed(t, owner(s), "?limit=5000")
		if diff := cmp.Diff(want, exported(t, owner(s), "")); diff != "" || len(want) < 1234 {
			t.Errorf("%d entries (-list +export):\n%s", len(want), diff)
		}
		a := owner(s).get(t, exportPath+"?format=csv").want(t, http.StatusOK)
		if rows, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll(); err != nil || len(rows) != len(want)+1 {
			t.Errorf("%d rows, %v; want %d", len(rows), err, len(want)+1)
		}
	})
}

// TestExportToAClientThatLeaves ends, and so can the server.
func TestExportToAClientThatLeaves(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		insertEntries(t, s, 9000) // more than the buffers on the way hold
		for _, format := range []string{"jsonl", "csv"} {
			ctx, leave := context.WithCancel(t.Context())
			stream, err := sdkOf(t, s).ExportAuditLogs(ctx, format, "")
			if err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(stream).ReadString('\n'); err != nil || len(line) < 100 {
				t.Errorf("%q, %v", line, err)
			}
			leave()
			if err := stream.Close(); err != nil {
				t.Error(err)
			}
		}
		owner(s).get(t, path("me")).want(t, http.StatusOK)
		eventually(t, func() bool { return strings.Count(s.Log.String(), "path="+exportPath) == 2 })
		s.Stop()
		if log := s.Log.String(); strings.Contains(log, "did not end in time") || strings.Contains(log, "panic") {
			t.Errorf("the server did not end well:\n%s", log[max(0, len(log)-4000):])
		}
	})
}

// sdkOf is the owner's client of package sdk.
func sdkOf(t *testing.T, s *servertest.Server) *sdk.Client {
	t.Helper()
	c := s.Client(t)
	c.SetSessionToken(s.Owner.SessionToken())
	return c
}
