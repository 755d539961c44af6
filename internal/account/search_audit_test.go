package account_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
)

// TestAuditSearch is the table of keys of users.md, section 6.6.
func TestAuditSearch(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse(idA)
	cases := []struct {
		query string
		want  account.AuditSearch
	}{
		{"", account.AuditSearch{}},
		{"user", account.AuditSearch{ResourceType: "user"}},
		{"resource_type:git_ssh_key", account.AuditSearch{ResourceType: "git_ssh_key"}},
		{"action:Login", account.AuditSearch{Action: "login"}},
		{"action:request_password_reset workspace", account.AuditSearch{Action: "request_password_reset", ResourceType: "workspace"}},
		{"resource_id:" + strings.ToUpper(idA), account.AuditSearch{ResourceID: id}},
		{"request_id:" + idA, account.AuditSearch{RequestID: id}},
		{`resource_target:"Ada Key"`, account.AuditSearch{Target: "ada key"}},
		{"username:me", account.AuditSearch{Username: "me"}},
		{"username:Ada email:Ada@Example.com", account.AuditSearch{Username: "ada", Email: "ada@example.com"}},
		{"date_from:2023-01-02", account.AuditSearch{From: at(t, "2023-01-02T00:00:00Z")}},
		{"date_to:2023-01-31", account.AuditSearch{Until: at(t, "2023-02-01T00:00:00Z")}},
		{"date_from:2024-02-29 date_to:2024-02-29", account.AuditSearch{From: at(t, "2024-02-29T00:00:00Z"), Until: at(t, "2024-03-01T00:00:00Z")}},
		{"organization:coder", account.AuditSearch{Organization: "coder"}},
		{"organization:" + idA, account.AuditSearch{Organization: idA}},
		{"build_reason:autostart", account.AuditSearch{MatchesNothing: true}},
		{"build_reason:initiator user", account.AuditSearch{MatchesNothing: true, ResourceType: "user"}},
		{`resource_type:"" action:"" build_reason:"" resource_id:"" request_id:"" resource_target:"" username:"" email:"" ` +
			`date_from:"" date_to:"" organization:""`, account.AuditSearch{}},
	}
	for _, c := range cases {
		got, err := account.ParseAuditSearch(c.query)
		if err != nil {
			t.Errorf("%q: %v", c.query, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.query, diff)
		}
	}
}

// TestAuditSearchWords: the actions and resource types of the contract and our
// own, and no others, can be searched for.
func TestAuditSearchWords(t *testing.T) {
	t.Parallel()
	actions := strings.Fields(`create write delete start stop login logout register request_password_reset
		connect disconnect open close`)
	resources := strings.Fields(`template template_version user workspace workspace_build git_ssh_key api_key group license
		convert_login health_settings notifications_settings prebuilds_settings workspace_proxy organization
		oauth2_provider_app oauth2_provider_app_secret custom_role organization_member notification_template
		idp_sync_settings_organization idp_sync_settings_group idp_sync_settings_role workspace_agent workspace_app
		encryption_key identity`)
	for _, action := range actions {
		if search, err := account.ParseAuditSearch("action:" + action); err != nil || string(search.Action) != action {
			t.Errorf("action:%s: %v, %v", action, search.Action, err)
		}
	}
	for _, resource := range resources {
		if search, err := account.ParseAuditSearch(resource); err != nil || string(search.ResourceType) != resource {
			t.Errorf("%s: %v, %v", resource, search.ResourceType, err)
		}
	}
	if len(account.AuditActions()) != len(actions) || len(account.AuditResources()) != len(resources) {
		t.Errorf("actions %v and resources %v, want those of the contract and our own", account.AuditActions(), account.AuditResources())
	}
}

func TestAuditSearchFaults(t *testing.T) {
	t.Parallel()
	const twice, unknown = "provided more than once", "is not a valid query param"
	cases := []struct {
		query string
		want  []fault
	}{
		{"invalid", []fault{{"resource_type", "invalid"}}},
		{"user organization", []fault{{"resource_type", "user organization"}}},
		{"user resource_type:user", []fault{{"resource_type", twice}}},
		{"resource_type:users", []fault{{"resource_type", "users"}}},
		{"action:read", []fault{{"action", "read"}}},
		{"action:login,logout", []fault{{"action", "login,logout"}}},
		{"build_reason:boredom", []fault{{"build_reason", "boredom"}}},
		{"resource_id:one", []fault{{"resource_id", "one"}}},
		{"request_id:two", []fault{{"request_id", "two"}}},
		{"date_from:yesterday", []fault{{"date_from", "yesterday"}}},
		{"date_to:2023-02-30", []fault{{"date_to", "2023-02-30"}}},
		{`date_to:"2023-01-02T00:00:00Z"`, []fault{{"date_to", "2023-01-02"}}},
		{"username:a username:b", []fault{{"username", twice}}},
		{"status:active", []fault{{"status", unknown}}},
		{"a:b:c", []fault{{"q", "a:b:c"}}},
		{"\xff", []fault{{"q", "text"}}},
		{"nonsense action:read resource_id:one colour:red x:", []fault{
			{"q", "x:"}, {"resource_type", "nonsense"}, {"action", "read"}, {"resource_id", "one"}, {"colour", unknown},
		}},
	}
	for _, c := range cases {
		_, err := account.ParseAuditSearch(c.query)
		checkFaults(t, c.query, err, "Invalid audit search query.", c.want)
	}
}
