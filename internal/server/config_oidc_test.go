package server_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher/internal/idp"
	"usher/internal/idp/idptest"
	"usher/internal/server"
	"usher/internal/server/servertest"
)

// written puts text into a file of its own.
func written(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// problemsOf lists what Validate finds.
func problemsOf(t *testing.T, cfg server.Config) []string {
	t.Helper()
	cfg.DataDir = t.TempDir()
	err := cfg.Validate()
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a problem shows a secret: %v", err)
	}
	return strings.Split(err.Error(), "\n")
}

func wantProblems(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d problems, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i, line := range got {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("got %s, want %s…", line, want[i])
		}
	}
}

// TestOIDCSettings are the problems of each, under the names of their flags.
func TestOIDCSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		cfg  server.Config
		want []string
	}{
		{name: "nothing"},
		{name: "enough", cfg: server.Config{OIDC: idp.OIDCConfig{IssuerURL: "https://id.example.com", ClientID: "usher"}}},
		{name: "no provider, so no matter", cfg: server.Config{OIDC: idp.OIDCConfig{Scopes: []string{"email"}}}},
		{
			name: "no issuer", cfg: server.Config{OIDC: idp.OIDCConfig{ClientID: "usher", ClientSecret: "hunter2"}},
			want: []string{"--oidc-issuer-url: "},
		},
		{
			name: "everything at once", cfg: server.Config{
				OIDC: idp.OIDCConfig{
					IssuerURL: "https://a:hunter2@id.example.com", ClientSecret: "hunter2", AllowedGroups: []string{"staff"},
					RedirectURL: "nowhere", AccessTokenClaims: true,
				},
				OIDCSync: server.OIDCSync{
					UserRoleMapping: map[string][]string{"a": {"king"}}, UserRoleDefault: []string{"queen"},
					OrganizationMapping: map[string][]string{"a": {"acme"}},
				},
				OIDCProviderFile: "/no/such/file", CAFile: "/no/such/ca.pem",
			},
			want: []string{
				"--ca-file: ", "--oidc-issuer-url: ", "--oidc-client-id: ", "--oidc-access-token-claims: ", "--oidc-allowed-groups: ",
				"--oidc-redirect-url: ", "--oidc-provider-file: ", "--oidc-user-role-mapping: ", "--oidc-user-role-default: ",
				"--oidc-organization-mapping: ",
			},
		},
		{name: "no authorities", cfg: server.Config{CAFile: written(t, "hello")}, want: []string{"--ca-file: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wantProblems(t, problemsOf(t, test.cfg), test.want...)
		})
	}
}

// TestOIDCProviderFile is what a file of further providers may be.
func TestOIDCProviderFile(t *testing.T) {
	t.Parallel()
	const fine = `"issuer_url": "https://id.example.com", "client_id": "usher"`
	secretFile := written(t, "hunter2\n")
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"none":              {text: `[]`},
		"two":               {text: `[{"name": "acme", "client_secret": "hunter2", ` + fine + `}, {"name": "umbrella", "client_secret_file": "` + secretFile + `", ` + fine + `}]`},
		"no list":           {text: `{}`, want: []string{"--oidc-provider-file: is not a list"}},
		"two lists":         {text: `[] []`, want: []string{"--oidc-provider-file: has more than one list"}},
		"a typing error":    {text: `[{"name": "acme", "issuer": "https://id.example.com"}]`, want: []string{"--oidc-provider-file: is not a list of providers in JSON: json: unknown field"}},
		"no name":           {text: `[{` + fine + `}]`, want: []string{`--oidc-provider-file: provider "": name: `}},
		"the default name":  {text: `[{"name": "oidc", ` + fine + `}]`, want: []string{`--oidc-provider-file: provider "oidc": name: `}},
		"GitHub's name":     {text: `[{"name": "github", ` + fine + `}]`, want: []string{`--oidc-provider-file: provider "github": name: `}},
		"the same name":     {text: `[{"name": "acme", ` + fine + `}, {"name": "acme", ` + fine + `}]`, want: []string{`--oidc-provider-file: provider "acme": name: `}},
		"two faults":        {text: `[{"name": "acme", "issuer_url": "x"}]`, want: []string{`--oidc-provider-file: provider "acme": issuer_url: `, `provider "acme": client_id: `}},
		"both secrets":      {text: `[{"name": "acme", "client_secret": "hunter2", "client_secret_file": "x", ` + fine + `}]`, want: []string{`--oidc-provider-file: provider "acme": client_secret_file: is set`}},
		"no file of secret": {text: `[{"name": "acme", "client_secret_file": "/no/such", ` + fine + `}]`, want: []string{`--oidc-provider-file: provider "acme": client_secret_file: open`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantProblems(t, problemsOf(t, server.Config{OIDCProviderFile: written(t, test.text)}), test.want...)
		})
	}
}

// TestProvidersAreMade in the order of the settings, with what the file says.
func TestProvidersAreMade(t *testing.T) {
	t.Parallel()
	further := idptest.NewOIDC(t, idptest.WithTLS())
	file := `[{"name": "acme", "issuer_url": "` + further.URL + `", "client_id": "usher", "client_secret_file": "` + written(t, "s\n") + `",
		"allow_signups": false, "sign_in_text": "Acme", "icon_url": "/a.svg", "dangerous_email_fallback": true, "signups_disabled_text": "no"},
		{"name": "umbrella", "issuer_url": "https://id.example.com", "client_id": "usher"}]`
	cfg := server.Config{
		OIDC:             idp.OIDCConfig{IssuerURL: "https://id.example.com", ClientID: "usher", AllowSignups: true},
		GitHub:           idp.GitHubConfig{ClientID: "id", ClientSecret: "s", AllowEveryone: true},
		OIDCProviderFile: written(t, file), CAFile: further.CAFile,
	}
	providers, err := cfg.Providers(t)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range providers.All() {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, " "); got != "github oidc acme umbrella" {
		t.Errorf("the providers are %s", got)
	}
	acme, umbrella := providers.Get("acme"), providers.Get("umbrella")
	if acme.AllowSignups || acme.SignInText != "Acme" || acme.IconURL != "/a.svg" || !acme.EmailFallback || acme.SignupsDisabledText != "no" || !umbrella.AllowSignups {
		t.Errorf("%+v", acme)
	}
	if err := acme.Ready(t.Context()); err != nil {
		t.Errorf("the authority of the file is not believed: %v", err)
	}
	start, err := acme.Begin(t.Context(), "acme.x", "")
	if err != nil || !strings.Contains(start.URL, "redirect_uri=https%3A%2F%2Fusher.example.com%2Fapi%2Fv2%2Fusers%2Foidc%2Facme%2Fcallback") {
		t.Errorf("%s, %v", start.URL, err)
	}
}

// TestServerStartsWithoutItsProvider, and says so in its log; its settings are
// shown without the secret.
func TestServerStartsWithoutItsProvider(t *testing.T) {
	t.Parallel()
	provider := idptest.NewOIDC(t)
	provider.Tamper(func(tampering *idptest.Tampering) { tampering.Down = true })
	heard := make(chan string, 1000)
	s := servertest.New(t, func(cfg *server.Config) {
		cfg.Log = slog.New(slog.NewTextHandler(heardLog(heard), nil))
		cfg.OIDC = idp.OIDCConfig{IssuerURL: provider.URL, ClientID: "usher", ClientSecret: "hunter2"}
		cfg.OIDCSync = server.OIDCSync{UserRoleField: "roles"}
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/v2/deployment/config", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Coder-Session-Token", s.Owner.SessionToken())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Config struct {
			OIDC map[string]any `json:"oidc"`
		} `json:"config"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if shown := answer.Config.OIDC; shown["issuer_url"] != provider.URL || shown["client_id"] != "usher" || shown["user_role_field"] != "roles" || shown["email_field"] != "email" {
		t.Errorf("shown: %v", shown)
	}
	text, err := json.Marshal(answer)
	if err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("the secret is shown: %s, %v", text, err)
	}
	for line := range heard {
		if strings.Contains(line, "hunter2") {
			t.Errorf("the secret is in the log: %s", line)
		}
		if strings.Contains(line, "identity provider cannot be reached") {
			break
		}
	}
}

// heardLog sends each line of a log.
type heardLog chan<- string

func (l heardLog) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}
