package cli

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/sdk"
)

// TestWrongUsageOfOrganizations: what makes no sense is refused before anything
// is asked of a server, of which there is none here.
func TestWrongUsageOfOrganizations(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string
	}{
		"no subcommand":         {[]string{"organizations", "frobnicate"}, "there is no command \"frobnicate\"\nRun 'usher organizations --help' for usage.\n"},
		"too much":              {[]string{"orgs", "show", "a", "b"}, "there are too many arguments; the form is: usher organizations show [ORG] [flags]\nRun 'usher organizations show --help' for usage.\n"},
		"an empty name":         {[]string{"organizations", "show", ""}, "ORG is empty\nRun 'usher organizations show --help' for usage.\n"},
		"no name":               {[]string{"organizations", "create"}, "NAME is missing\nRun 'usher organizations create --help' for usage.\n"},
		"no member":             {[]string{"organizations", "members", "remove"}, "USER is missing\nRun 'usher organizations members remove --help' for usage.\n"},
		"no roles":              {[]string{"organizations", "members", "edit-roles", "a"}, "--role is missing; --clear takes every role away\nRun 'usher organizations members edit-roles --help' for usage.\n"},
		"roles and clear":       {[]string{"organizations", "members", "edit-roles", "a", "--role", "x", "--clear"}, "--role and --clear exclude each other\nRun 'usher organizations members edit-roles --help' for usage.\n"},
		"no role":               {[]string{"organizations", "roles", "create"}, "ROLE is missing\nRun 'usher organizations roles create --help' for usage.\n"},
		"file and permission":   {[]string{"organizations", "roles", "create", "--file", "x", "--permission", "a:b"}, "--file and --permission exclude each other\nRun 'usher organizations roles create --help' for usage.\n"},
		"file and clear":        {[]string{"organizations", "roles", "update", "--file", "x", "--clear"}, "--file and --clear exclude each other\nRun 'usher organizations roles update --help' for usage.\n"},
		"an empty file":         {[]string{"organizations", "roles", "create", "--file", ""}, "--file is empty\nRun 'usher organizations roles create --help' for usage.\n"},
		"permissions and clear": {[]string{"organizations", "roles", "update", "a", "--permission", "a:b", "--clear"}, "--permission and --clear exclude each other\nRun 'usher organizations roles update --help' for usage.\n"},
		"nothing to change":     {[]string{"organizations", "roles", "update", "a"}, "nothing is to be changed; say what with --permission, --clear, --display-name or --file\nRun 'usher organizations roles update --help' for usage.\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, nil, "", test.args...)
			if diff := cmp.Diff("usher: "+test.want, got.err); diff != "" || got.status != exitUsage || got.out != "" {
				t.Errorf("status %d, out %q, stderr (-want +got):\n%s", got.status, got.out, diff)
			}
		})
	}
}

func TestWithoutAnOrganization(t *testing.T) {
	t.Parallel()
	env := map[string]string{"USHER_URL": answering(t, http.StatusOK, `[]`), "USHER_SESSION_TOKEN": testToken}
	for _, args := range [][]string{{"orgs", "show"}, {"orgs", "members", "list"}, {"orgs", "roles", "show"}, {"orgs", "roles", "delete", "a", "-y"}} {
		got := run(t, env, "", args...)
		if want := "usher: you belong to no organization; say which one with --org\n"; got.err != want || got.status != exitFailed {
			t.Errorf("%v: %d, %q", args, got.status, got.err)
		}
	}
}

func TestParsePermission(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]sdk.Permission{
		"template:read":  {ResourceType: "template", Action: "read"},
		"!template:read": {Negate: true, ResourceType: "template", Action: "read"},
		"*:*":            {ResourceType: "*", Action: "*"},
		"a:b:c":          {ResourceType: "a", Action: "b:c"}, // for the server to refuse
	} {
		if got, err := parsePermission(text); got != want || err != nil {
			t.Errorf("%q is %+v (%v)", text, got, err)
		}
	}
	for _, bad := range []string{"", "!", ":", "template", "template:", ":read", "!:read"} {
		if got, err := parsePermission(bad); err == nil {
			t.Errorf("%q is %+v", bad, got)
		}
	}
}
