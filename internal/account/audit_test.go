package account_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/internal/account"
)

// TestDescription is the row of users.md, section 6.6: verbs, words, and the
// sentences that are cut short.
func TestDescription(t *testing.T) {
	t.Parallel()
	const done, refused = account.OutcomeOK, account.Outcome(account.KindForbidden)
	cases := []struct {
		action   account.AuditAction
		resource account.AuditResource
		outcome  account.Outcome
		want     string
	}{
		{"create", "user", account.OutcomeCreated, "{user} created user {target}"},
		{"write", "user", done, "{user} updated user {target}"},
		{"delete", "user", account.OutcomeNoContent, "{user} deleted user {target}"},
		{"write", "user", refused, "{user} unsuccessfully attempted to write user {target}"},
		{"delete", "user", account.Outcome(account.KindNotFound), "{user} unsuccessfully attempted to delete user {target}"},
		{"create", "api_key", done, "{user} created token {target}"},
		{"delete", "api_key", refused, "{user} unsuccessfully attempted to delete token {target}"},
		{"login", "api_key", account.OutcomeCreated, "{user} logged in"},
		{"login", "api_key", account.Outcome(account.KindUnauthenticated), "{user} unsuccessfully attempted to login"},
		{"logout", "api_key", done, "{user} logged out"},
		{"register", "api_key", done, "{user} registered"},
		{"write", "git_ssh_key", done, "{user} updated git ssh key"},
		{"open", "git_ssh_key", refused, "{user} unsuccessfully attempted to open git ssh key"},
		{"request_password_reset", "user", account.OutcomeNoContent, "password reset requested for {target}"},
		{"create", "organization", account.OutcomeCreated, "{user} created organization {target}"},
		{"create", "organization_member", done, "{user} created organization member {target}"},
		{"write", "custom_role", done, "{user} updated custom role {target}"},
		{"create", "convert_login", done, "{user} created login type conversion {target}"},
		{"write", "idp_sync_settings_organization", done, "{user} updated settings {target}"},
		{"write", "idp_sync_settings_group", done, "{user} updated settings {target}"},
		{"write", "idp_sync_settings_role", done, "{user} updated settings {target}"},
		{"write", "notifications_settings", done, "{user} updated settings {target}"},
		{"delete", "workspace_proxy", done, "{user} deleted workspace proxy {target}"},
		{"create", "oauth2_provider_app", done, "{user} created oauth2 app {target}"},
		{"delete", "oauth2_provider_app_secret", done, "{user} deleted oauth2 app secret {target}"},
		{"start", "workspace", done, "{user} started workspace {target}"},
		{"stop", "workspace", done, "{user} stopped workspace {target}"},
		{"create", "template", done, "{user} created template {target}"},
		{"write", "group", done, "{user} updated group {target}"},
		{"connect", "workspace_agent", done, "{user} connected workspace agent {target}"},
		{"disconnect", "workspace_agent", done, "{user} disconnected workspace agent {target}"},
		{"open", "workspace_app", done, "{user} opened workspace app {target}"},
		{"close", "workspace_app", done, "{user} closed workspace app {target}"},
	}
	for _, c := range cases {
		entry := account.AuditEntry{Action: c.action, Resource: c.resource, Outcome: c.outcome, Target: "never in the template"}
		if got := entry.Description(); got != c.want {
			t.Errorf("%s %s, %s: %q, want %q", c.action, c.resource, c.outcome, got, c.want)
		}
	}
}

func TestResourceLink(t *testing.T) {
	t.Parallel()
	cases := []struct {
		resource account.AuditResource
		deleted  bool
		want     string
	}{
		{account.AuditUser, false, "/users?filter=ada"},
		{account.AuditUser, true, ""},
		{account.AuditAPIKey, false, ""},
		{account.AuditOrganization, false, ""},
		{account.AuditGitSSHKey, false, ""},
	}
	for _, c := range cases {
		record := account.AuditRecord{
			AuditEntry:      account.AuditEntry{Resource: c.resource, Target: "ada"},
			ResourceDeleted: c.deleted,
		}
		if got := record.ResourceLink(); got != c.want {
			t.Errorf("%s, deleted %v: %q, want %q", c.resource, c.deleted, got, c.want)
		}
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	for _, outcome := range []account.Outcome{account.OutcomeOK, account.OutcomeCreated, account.OutcomeNoContent} {
		if !outcome.Succeeded() {
			t.Errorf("%q is a failure", outcome)
		}
	}
	cases := []struct {
		err  error
		want account.Outcome
	}{
		{nil, "ok"},
		{account.Invalid("No."), "invalid"},
		{account.Unauthenticated("Who?", ""), "unauthenticated"},
		{account.Forbidden("why"), "forbidden"},
		{account.NotFound(), "not_found"},
		{account.Conflict("Taken."), "conflict"},
		{account.Unavailable("Busy."), "unavailable"},
		{errors.New("disk on fire"), "internal"},
	}
	for _, c := range cases {
		got := account.OutcomeOf(c.err)
		if got != c.want || got.Succeeded() != (c.err == nil) {
			t.Errorf("OutcomeOf(%v) = %q, succeeded %v", c.err, got, got.Succeeded())
		}
	}
}

// ada is a user with every field set.
func ada() account.User {
	return account.User{
		ID: someID(1), Username: "ada", Name: "Ada Lovelace", Email: "ada@example.com", AvatarURL: "https://example.com/a.png",
		Status: account.StatusActive, LoginType: account.LoginPassword, IsServiceAccount: true, GitHubUserID: 7,
		Roles: []string{"owner", "auditor"}, CreatedAt: moment(), UpdatedAt: moment(), LastSeenAt: moment(),
	}
}

// sameJSON compares what is written down with what is expected, as JSON.
func sameJSON(t *testing.T, name string, got account.Diff, want string) {
	t.Helper()
	written, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var gotValue, wantValue any
	if err := errors.Join(json.Unmarshal(written, &gotValue), json.Unmarshal([]byte(want), &wantValue)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantValue, gotValue); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestUserDiff is users.md, section 3.6: the tracked fields, those that changed
// alone, and a secret never.
func TestUserDiff(t *testing.T) {
	t.Parallel()
	untracked := ada()
	untracked.UpdatedAt, untracked.LastSeenAt, untracked.CreatedAt = moment().Add(1), moment().Add(2), moment().Add(3)
	untracked.AvatarURL, untracked.GitHubUserID = "", 8
	renamed := ada()
	renamed.Username, renamed.Status = "countess", account.StatusSuspended
	reordered := ada()
	reordered.Roles = []string{"auditor", "owner"}
	demoted := ada()
	demoted.Roles = nil
	deleted := ada()
	deleted.Deleted = true
	cases := []struct {
		name          string
		before, after account.User
		password      bool
		want          string
	}{
		{"created", account.User{}, ada(), true, `{
			"id": {"old": "", "new": "da000000-0000-0000-0000-000000000001", "secret": false},
			"email": {"old": "", "new": "ada@example.com", "secret": false},
			"username": {"old": "", "new": "ada", "secret": false},
			"name": {"old": "", "new": "Ada Lovelace", "secret": false},
			"status": {"old": "", "new": "active", "secret": false},
			"rbac_roles": {"old": [], "new": ["auditor", "owner"], "secret": false},
			"login_type": {"old": "", "new": "password", "secret": false},
			"is_service_account": {"old": false, "new": true, "secret": false},
			"hashed_password": {"old": "", "new": "", "secret": true}}`},
		{"unchanged", ada(), ada(), false, `{}`},
		{"changed where nobody looks", ada(), untracked, false, `{}`},
		{"roles in another order", ada(), reordered, false, `{}`},
		{"renamed and suspended", ada(), renamed, false, `{
			"username": {"old": "ada", "new": "countess", "secret": false},
			"status": {"old": "active", "new": "suspended", "secret": false}}`},
		{"demoted", ada(), demoted, false, `{"rbac_roles": {"old": ["auditor", "owner"], "new": [], "secret": false}}`},
		{"deleted", ada(), deleted, false, `{"deleted": {"old": false, "new": true, "secret": false}}`},
		{"password", ada(), ada(), true, `{"hashed_password": {"old": "", "new": "", "secret": true}}`},
	}
	for _, c := range cases {
		sameJSON(t, c.name, account.UserDiff(c.before, c.after, c.password), c.want)
	}
	if diff := cmp.Diff([]string{"owner", "auditor"}, ada().Roles); diff != "" {
		t.Errorf("the user was changed (-want +got):\n%s", diff)
	}
}

func TestKeyDiff(t *testing.T) {
	t.Parallel()
	key := account.APIKey{
		ID: "ush0123456", UserID: someID(1), LoginType: account.LoginToken, Name: "deploy", Scopes: []string{"user:read"},
		AllowList: account.AllowEverything(), Lifetime: time.Hour, ExpiresAt: moment().Add(time.Hour), LastUsed: account.NeverUsed(),
		CreatedAt: moment(), UpdatedAt: moment(),
	}
	created := `{
		"user_id": {"old": "", "new": "da000000-0000-0000-0000-000000000001", "secret": false},
		"login_type": {"old": "", "new": "token", "secret": false},
		"token_name": {"old": "", "new": "deploy", "secret": false},
		"scopes": {"old": [], "new": ["user:read"], "secret": false},
		"last_used": {"old": "", "new": "1970-01-01T00:00:00Z", "secret": false},
		"expires_at": {"old": "", "new": "2026-05-12T11:30:00.123456Z", "secret": false},
		"created_at": {"old": "", "new": "2026-05-12T10:30:00.123456Z", "secret": false}}`
	sameJSON(t, "created", account.KeyDiff(account.APIKey{}, key), created)
	sameJSON(t, "unchanged", account.KeyDiff(key, key), `{}`)

	expired := key
	expired.ExpiresAt, expired.UpdatedAt = moment().In(time.FixedZone("elsewhere", 3600)), moment().Add(1)
	sameJSON(t, "expired", account.KeyDiff(key, expired), `{
		"expires_at": {"old": "2026-05-12T11:30:00.123456Z", "new": "2026-05-12T10:30:00.123456Z", "secret": false}}`)

	same := key
	same.ExpiresAt = key.ExpiresAt.In(time.FixedZone("elsewhere", 3600))
	sameJSON(t, "the same moment elsewhere", account.KeyDiff(key, same), `{}`)

	written, err := json.Marshal(account.KeyDiff(key, account.APIKey{}))
	if err != nil || strings.Contains(string(written), key.ID) {
		t.Errorf("the diff of a deletion shows the key itself: %s, %v", written, err)
	}
}

func TestAutomaticFields(t *testing.T) {
	t.Parallel()
	want := map[string]string{"automatic_actor": "coder", "automatic_subsystem": "dormancy"}
	if diff := cmp.Diff(want, account.AutomaticFields("dormancy")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
