package account_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/internal/account"
)

// catalogue is the vocabulary of permissions as auth.md, section 5.3, has it,
// with what its column M adds.
const catalogue = `
	ai_gateway_key create delete read update
	ai_model_price read update
	ai_provider create delete read update
	ai_seat create read
	aibridge_interception create read update
	api_key create delete read update
	assign_org_role assign create delete read unassign update
	assign_role assign read unassign
	audit_log create read
	boundary_log create delete read
	boundary_usage delete read update
	chat create delete read share update
	connection_log read update
	crypto_key create delete read update
	debug_info read
	deployment_config read update
	deployment_stats read
	file create read
	group create delete read update
	group_member read
	idpsync_settings read update
	inbox_notification create read update
	license create delete read
	notification_message create delete read update
	notification_preference read update
	notification_template read update
	oauth2_app create delete read update
	oauth2_app_code_token create delete read
	oauth2_app_secret create delete read update
	organization create delete read update
	organization_member create delete read update
	prebuilt_workspace delete update
	provisioner_daemon create delete read update
	provisioner_jobs create read update
	replicas read
	system create delete read update
	tailnet_coordinator create delete read update
	task create delete read update
	template create delete read update use view_insights
	usage_event create read update
	user create delete read read_personal update update_personal
	user_secret create delete read update
	user_skill create delete read update
	webpush_subscription create delete read
	workspace application_connect create create_agent delete delete_agent read share ssh start stop update update_agent
	workspace_agent_devcontainers create
	workspace_agent_resource_monitor create read update
	workspace_build_orchestration create delete read update
	workspace_dormant application_connect create create_agent delete delete_agent read share ssh start stop update update_agent
	workspace_proxy create delete read update
`

// catalogued returns the catalogue as action names, sorted, by resource name.
func catalogued() map[string][]string {
	byResource := map[string][]string{}
	for line := range strings.Lines(catalogue) {
		if words := strings.Fields(line); len(words) > 0 {
			byResource[words[0]] = words[1:]
		}
	}
	return byResource
}

// every returns all resources but the wildcard, in their declared order.
func every() []account.Resource {
	list := []account.Resource{}
	for r := range len(account.Permissions{}) {
		if account.Resource(r) != account.ResourceWildcard {
			list = append(list, account.Resource(r))
		}
	}
	return list
}

// everyAction returns all actions, whichever resource they exist on.
func everyAction() []account.Action { return account.ActionSet(1<<32 - 1).List() }

func actionNames(set account.ActionSet) []string {
	names := []string{}
	for _, action := range set.List() {
		names = append(names, action.String())
	}
	slices.Sort(names)
	return names
}

func pairNames(p account.Permissions) []string {
	names := []string{}
	for _, permission := range p.List() {
		names = append(names, permission.String())
	}
	slices.Sort(names)
	return names
}

func TestCatalogueIsTheContracts(t *testing.T) {
	t.Parallel()
	got := map[string][]string{}
	for _, resource := range every() {
		got[resource.String()] = actionNames(resource.Actions())
	}
	if diff := cmp.Diff(catalogued(), got); diff != "" {
		t.Errorf("resources and actions (-contract +code):\n%s", diff)
	}
}

func TestParseResource(t *testing.T) {
	t.Parallel()
	for name := range catalogued() {
		resource, known := account.ParseResource(name)
		if !known || resource.String() != name {
			t.Errorf("ParseResource(%q) = %v, %v", name, resource, known)
		}
	}
	if resource, known := account.ParseResource("*"); !known || resource != account.ResourceWildcard {
		t.Errorf("ParseResource(*) = %v, %v", resource, known)
	}
	for _, name := range []string{"", "User", "users", "user ", "user:read", "**"} {
		if resource, known := account.ParseResource(name); known {
			t.Errorf("ParseResource(%q) = %v, want unknown", name, resource)
		}
	}
}

func TestParseAction(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, actions := range catalogued() {
		for _, name := range actions {
			names[name] = true
			if action, known := account.ParseAction(name); !known || action.String() != name {
				t.Errorf("ParseAction(%q) = %v, %v", name, action, known)
			}
		}
	}
	if got, want := len(everyAction()), len(names); got != want {
		t.Errorf("%d actions, the catalogue has %d", got, want)
	}
	for _, name := range []string{"", "Read", "*", "view"} {
		if action, known := account.ParseAction(name); known {
			t.Errorf("ParseAction(%q) = %v, want unknown", name, action)
		}
	}
}

func TestPermissionsUnion(t *testing.T) {
	t.Parallel()
	reader := account.ExpandScopes([]string{"user:read"})
	writer := account.ExpandScopes([]string{"user:update", "file:create"})
	both := reader
	both.Union(&writer)

	if diff := cmp.Diff([]string{"file:create", "user:read", "user:update"}, pairNames(both)); diff != "" {
		t.Errorf("union (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"user:read"}, pairNames(reader)); diff != "" {
		t.Errorf("the union changed what it was made of (-want +got):\n%s", diff)
	}
	if both.Has(account.ResourceUser, account.ActionDelete) || !both.Has(account.ResourceFile, account.ActionCreate) {
		t.Error("Has does not answer for the pairs that were put in")
	}
}
