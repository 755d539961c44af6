package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/internal/idp"
)

// The two switches that contradict other settings, with what they go with.
func TestGitHubSwitches(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := read(t, map[string]string{
		"USHER_OAUTH2_GITHUB_CLIENT_ID": "id", "USHER_OAUTH2_GITHUB_CLIENT_SECRET_FILE": file,
	}, "--oauth2-github-device-flow", "--oauth2-github-allow-everyone")
	want := idp.GitHubConfig{ClientID: "id", ClientSecret: "hunter2", AllowEveryone: true, DeviceFlow: true}
	if diff := cmp.Diff(want, got.config.GitHub, exported()); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// Problems are told under the name by which the value came.
func TestGitHubProblems(t *testing.T) {
	t.Parallel()
	_, err := read(t, map[string]string{"USHER_OAUTH2_GITHUB_CLIENT_SECRET": "hunter2", "USHER_OAUTH2_GITHUB_ALLOW_EVERYONE": "1"},
		"--oauth2-github-allowed-teams", "doors")
	want := "these settings make no sense:" +
		"\n  USHER_OAUTH2_GITHUB_ALLOW_EVERYONE: is set, and so are teams that are allowed; set one of them" +
		"\n  --oauth2-github-allowed-teams: \"doors\" is not organization/team-slug" +
		"\n  --oauth2-github-client-id: must not be empty"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
