package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestExportThatBreaksOff: what came is written, and the status says that it is
// not all.
func TestExportThatBreaksOff(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jsonl; charset=utf-8")
		fmt.Fprintln(w, `{"id":"1"}`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(server.Close)
	got := run(t, nil, "", "audit", "export", "--url", server.URL, "--token", testToken)
	if got.status != exitFailed || got.out != `{"id":"1"}`+"\n" || !strings.Contains(got.err, "broke off, and what was written is not all") {
		t.Errorf("%+v", got)
	}
}

// TestExportOfAnotherPage: a page of something in between is no export.
func TestExportOfAnotherPage(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<h1>Please sign in to the network</h1>")
	}))
	t.Cleanup(server.Close)
	got := run(t, nil, "", "audit", "export", "--url", server.URL, "--token", testToken)
	if got.status != exitFailed || got.out != "" || !strings.Contains(got.err, "Please sign in to the network") {
		t.Errorf("%+v", got)
	}
}

// TestAuditEntriesInWords: names stand in the sentences, and who acted where it
// was no user. What others wrote cannot steer a terminal.
func TestAuditEntriesInWords(t *testing.T) {
	t.Parallel()
	entry := func(user, description, target, additional string) string {
		return fmt.Sprintf(`{"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","request_id":"497f6eca-6276-4993-bfeb-53cbbbba6f08",
			"time":"2026-01-31T09:00:00Z","ip":"","resource_id":"497f6eca-6276-4993-bfeb-53cbbbba6f08",
			"organization_id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","status_code":404,
			"description":%q,"resource_target":%q,"additional_fields":%s,"user":%s}`, description, target, additional, user)
	}
	const ann = `{"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","username":"ann"}`
	url := answering(t, http.StatusOK, `{"count":4,"audit_logs":[`+strings.Join([]string{
		entry(ann, "{user} unsuccessfully attempted to delete user {target}", "bob", `{}`),
		entry(ann, "{user} created token {target}", "red\r\tturn", `{}`),
		entry("null", "{user} updated user {target}", "carol", `{"automatic_subsystem":"offline"}`),
		entry("null", "password reset requested for {target}", "dave", `{}`),
	}, ",")+`]}`)
	got := run(t, nil, "", "audit", "list", "--url", url, "--token", testToken)
	for _, want := range []string{
		"ann         unsuccessfully attempted to delete user bob   404      -\n", "ann         created token red\uFFFD\uFFFDturn ",
		"(offline)   updated user carol ", "-           password reset requested for dave ",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("%q lacks %q", got.out, want)
		}
	}
	if got.status != exitOK || got.err != "" {
		t.Errorf("%+v", got)
	}
}
