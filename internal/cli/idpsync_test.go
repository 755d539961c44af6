package cli

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWrongUsageOfSyncs: what makes no sense is refused before anything is asked of
// a server, of which there is none here.
func TestWrongUsageOfSyncs(t *testing.T) {
	t.Parallel()
	const organizations, roles = "organization-sync", "role-sync"
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no such settings":  {[]string{"show", "group-sync"}, "there is no command \"group-sync\"\nRun 'usher organizations settings show --help' for usage.\n"},
		"too much":          {[]string{"show", roles, "x"}, "there are too many arguments; the form is: usher organizations settings show role-sync [flags]\nRun 'usher organizations settings show role-sync --help' for usage.\n"},
		"file and field":    {[]string{"set", roles, "--file", "x", "--field", "y"}, "--file and --field exclude each other\nRun 'usher organizations settings set role-sync --help' for usage.\n"},
		"file and default":  {[]string{"set", organizations, "--file", "x", "--assign-default"}, "--file and --assign-default exclude each other\nRun 'usher organizations settings set organization-sync --help' for usage.\n"},
		"an empty file":     {[]string{"set", roles, "--file", ""}, "--file is empty\nRun 'usher organizations settings set role-sync --help' for usage.\n"},
		"no target":         {[]string{"set", roles, "--map", "x"}, "--map: \"x\" is not of the form value=target\nRun 'usher organizations settings set role-sync --help' for usage.\n"},
		"an empty target":   {[]string{"set", organizations, "--unmap", "x="}, "--unmap: \"x=\" is not of the form value=target\nRun 'usher organizations settings set organization-sync --help' for usage.\n"},
		"an empty value":    {[]string{"set", roles, "--map", "=x"}, "--map: \"=x\" is not of the form value=target\nRun 'usher organizations settings set role-sync --help' for usage.\n"},
		"no default to set": {[]string{"set", roles, "--assign-default"}, "unknown flag: --assign-default\nRun 'usher organizations settings set role-sync --help' for usage.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, nil, "", append([]string{"organizations", "settings"}, test.args...)...)
			if diff := cmp.Diff("usher: "+test.want, got.err); diff != "" || got.status != exitUsage || got.out != "" {
				t.Errorf("status %d, out %q, stderr (-want +got):\n%s", got.status, got.out, diff)
			}
		})
	}
}

// TestSyncSettingsFromNothing: an empty pipe is no JSON, and changes nothing.
func TestSyncSettingsFromNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"organization-sync", "role-sync"} {
		got := run(t, nil, "", "orgs", "settings", "set", name)
		if want := "usher: read -: it is not the JSON of the settings: EOF\n"; got.err != want || got.status != exitFailed {
			t.Errorf("%s: %d, %q", name, got.status, got.err)
		}
	}
}

// TestSyncSettingsOfOthers: nothing that others chose can move the cursor.
func TestSyncSettingsOfOthers(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"USHER_SESSION_TOKEN": testToken,
		// The one answer is that of the organization, too.
		"USHER_URL": answering(t, http.StatusOK, `{"name":"other","field":"a\u001b[2J","mapping":{"x\n":["organization-admin"],"none":[]}}`),
	}
	got := run(t, env, "", "orgs", "settings", "show", "role-sync", "--org", "other")
	want := "Organization   other\nClaim          a\uFFFD[2J\nMapping        none → nothing\n               x\uFFFD → organization-admin\n"
	if diff := cmp.Diff(want, got.out); diff != "" || got.status != exitOK {
		t.Errorf("%d, %q (-want +got):\n%s", got.status, got.err, diff)
	}
}
