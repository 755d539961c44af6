package cli

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"usher/internal/idp"
	"usher/internal/server"
)

// oidcValues adds a value for each setting of OpenID Connect, and returns what
// they are to fill.
func oidcValues(t *testing.T, values map[string]string) server.Config {
	t.Helper()
	dir := t.TempDir()
	authority := httptest.NewTLSServer(http.NotFoundHandler())
	authority.Close()
	files := map[string]string{
		filepath.Join(dir, "ca.pem"):         string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw})),
		filepath.Join(dir, "providers.json"): `[{"name": "acme", "issuer_url": "https://acme.example.com", "client_id": "x"}]`,
	}
	for file, content := range files {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"ca-file": filepath.Join(dir, "ca.pem"), "oidc-provider-file": filepath.Join(dir, "providers.json"),
		"oidc-issuer-url": "https://id.example.com", "oidc-client-id": "usher", "oidc-client-secret": "hunter3",
		"oidc-scopes": "openid, groups", "oidc-auth-url-params": `{"prompt":"consent"}`,
		"oidc-redirect-url": "https://login.example.com", "oidc-redirect-allowed-hosts": "a.example.com,b.example.com",
		"dangerous-oidc-skip-issuer-checks": "true", "oidc-allow-signups": "false", "oidc-email-domain": "@a.example, b.example",
		"oidc-ignore-email-verified": "true", "dangerous-oidc-email-fallback": "true", "oidc-username-field": "login",
		"oidc-email-field": "mail", "oidc-name-field": "display", "oidc-ignore-userinfo": "true", "oidc-access-token-claims": "true",
		"oidc-group-field": "teams", "oidc-allowed-groups": "staff,ops", "oidc-sign-in-text": "Sign in with Acme",
		"oidc-icon-url": "/icon.svg", "oidc-signups-disabled-text": "Ask *Ada*.", "oidc-user-role-field": "roles",
		"oidc-user-role-mapping": `{"admins":["owner"]}`, "oidc-user-role-default": "auditor", "oidc-organization-field": "orgs",
		"oidc-organization-mapping":        `{"eng":["11111111-1111-4111-8111-111111111111"]}`,
		"oidc-organization-assign-default": "false",
	} {
		values[name] = value
	}
	return server.Config{
		CAFile: values["ca-file"], OIDCProviderFile: values["oidc-provider-file"],
		OIDC: idp.OIDCConfig{
			IssuerURL: "https://id.example.com", ClientID: "usher", ClientSecret: "hunter3", Scopes: []string{"openid", "groups"},
			AuthURLParams: map[string]string{"prompt": "consent"}, RedirectURL: "https://login.example.com",
			RedirectAllowedHosts: []string{"a.example.com", "b.example.com"}, SkipIssuerChecks: true, EmailFallback: true,
			EmailDomain: []string{"@a.example", "b.example"}, IgnoreEmailVerified: true, UsernameField: "login",
			EmailField: "mail", NameField: "display", IgnoreUserInfo: true, AccessTokenClaims: true, GroupField: "teams",
			AllowedGroups: []string{"staff", "ops"}, SignInText: "Sign in with Acme", IconURL: "/icon.svg", SignupsDisabledText: "Ask *Ada*.",
		},
		OIDCSync: server.OIDCSync{
			UserRoleField: "roles", UserRoleMapping: map[string][]string{"admins": {"owner"}}, UserRoleDefault: []string{"auditor"},
			OrganizationField: "orgs", OrganizationMapping: map[string][]string{"eng": {"11111111-1111-4111-8111-111111111111"}},
		},
	}
}

// Every part of the settings of OpenID Connect has a setting.
func TestEveryOIDCFieldHasASetting(t *testing.T) {
	t.Parallel()
	withoutSetting := map[string]bool{"Name": true, "AccessURL": true, "Roots": true, "Now": true}
	var filled serverOptions
	for _, row := range oidcSettings() {
		for _, value := range []string{"true", "something", `{"a":"b"}`, `{"a":["b"]}`} {
			_ = row.set(&filled, value)
		}
	}
	for _, part := range []any{filled.config.OIDC, filled.config.OIDCSync} {
		value := reflect.ValueOf(part)
		for _, field := range reflect.VisibleFields(value.Type()) {
			if value.FieldByIndex(field.Index).IsZero() != withoutSetting[field.Name] {
				t.Errorf("no setting fills %s", field.Name)
			}
		}
	}
}

// Problems are told under the names by which the values came.
func TestOIDCSettingsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := read(t, map[string]string{"USHER_OIDC_ISSUER_URL": "id.example.com"},
		"--oidc-auth-url-params", "prompt=consent", "--oidc-allowed-groups", "staff", "--oidc-user-role-default", "king",
		"--oidc-organization-mapping", `{"eng":["acme"]}`, "--oidc-provider-file", "/no/providers.json", "--ca-file", "/no/ca.pem")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"\n  USHER_OIDC_ISSUER_URL: must be an http or https URL", "\n  --oidc-client-id: must not be empty",
		"\n  --oidc-auth-url-params: is not such an object", "\n  --oidc-allowed-groups: needs", `--oidc-user-role-default: "king" is no site role`,
		`--oidc-organization-mapping: "acme" is no id`, "--oidc-provider-file: open /no/providers.json", "--ca-file: open /no/ca.pem",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}
