package server_test

import (
	"strings"
	"testing"

	"usher/internal/idp"
	"usher/internal/server"
)

// TestGitHubSettings are the problems of each, under the names of their flags.
func TestGitHubSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		cfg  idp.GitHubConfig
		want []string // how the problems begin
	}{
		{"nothing", idp.GitHubConfig{}, nil},
		{"enough", idp.GitHubConfig{ClientID: "id", ClientSecret: "hunter2", AllowedOrgs: []string{"acme"}}, nil},
		{"a public client with devices", idp.GitHubConfig{ClientID: "id", DeviceFlow: true, AllowEveryone: true}, nil},
		{"an id alone", idp.GitHubConfig{ClientID: "id", AllowEveryone: true}, []string{"--oauth2-github-client-secret: "}},
		{"a secret alone", idp.GitHubConfig{ClientSecret: "hunter2", AllowEveryone: true}, []string{"--oauth2-github-client-id: "}},
		{
			"an enterprise server alone",
			idp.GitHubConfig{EnterpriseBaseURL: "https://git.example.com", AllowEveryone: true},
			[]string{"--oauth2-github-client-id: ", "--oauth2-github-client-secret: "},
		},
		{"no rule", idp.GitHubConfig{ClientID: "id", ClientSecret: "hunter2"}, []string{"--oauth2-github-allowed-orgs: "}},
		{
			"everything at once",
			idp.GitHubConfig{
				ClientSecret: "hunter2", AllowEveryone: true, AllowedOrgs: []string{"acme"}, AllowedTeams: []string{"doors"},
				EnterpriseBaseURL: "https://a:hunter2@git.example.com", DeviceFlow: true,
			},
			[]string{
				"--oauth2-github-allow-everyone: ", "--oauth2-github-allow-everyone: ", "--oauth2-github-allowed-teams: ",
				"--oauth2-github-device-flow: ", "--oauth2-github-client-id: ", "--oauth2-github-enterprise-base-url: ",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := server.Config{DataDir: t.TempDir(), GitHub: test.cfg}.Validate()
			var lines []string
			if err != nil {
				lines = strings.Split(err.Error(), "\n")
			}
			if len(lines) != len(test.want) {
				t.Fatalf("%d problems, want %d: %v", len(lines), len(test.want), err)
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, test.want[i]) || strings.Contains(line, "hunter2") {
					t.Errorf("got %s, want %s...", line, test.want[i])
				}
			}
		})
	}
}
