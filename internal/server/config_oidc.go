package server

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/secret"
)

// OIDCSync says what follows from the claims of people who log in through the
// default OpenID Connect provider.
type OIDCSync struct {
	// UserRoleField names the claim with somebody's site roles; empty leaves roles
	// alone.
	UserRoleField string
	// UserRoleMapping is from values of the claim to site roles; values that it does
	// not have name a role themselves.
	UserRoleMapping map[string][]string
	// UserRoleDefault are site roles that all of them hold.
	UserRoleDefault []string
	// OrganizationField names the claim with somebody's organizations; empty leaves
	// memberships alone.
	OrganizationField string
	// OrganizationMapping is from values of the claim to ids of organizations.
	OrganizationMapping map[string][]string
	// OrganizationAssignDefault lets all of them belong to the default organization.
	OrganizationAssignDefault bool
}

// validateOIDC hands every problem to check, under the name of its flag.
func (c Config) validateOIDC(check func(flag string, err error)) {
	_, err := c.roots()
	check("ca-file", err)
	if c.OIDC.IsSet() {
		for _, fault := range c.OIDC.Check() {
			check("oidc-"+strings.ReplaceAll(fault.Field, "_", "-"), errors.New(fault.Detail))
		}
	}
	further, err := c.furtherOIDC()
	check("oidc-provider-file", err)
	check("oidc-provider-file", checkFurther(further))
	for _, role := range slices.Concat(slices.Collect(maps.Values(c.OIDCSync.UserRoleMapping))...) {
		check("oidc-user-role-mapping", checkSiteRole(role))
	}
	for _, role := range c.OIDCSync.UserRoleDefault {
		check("oidc-user-role-default", checkSiteRole(role))
	}
	_, err = c.OIDCSync.organizations()
	check("oidc-organization-mapping", err)
}

func checkSiteRole(role string) error {
	if !account.IsSiteRole(role) {
		return fmt.Errorf("%q is no site role", role)
	}
	return nil
}

// siteRoles is the sync of site roles as the use cases know it.
func (s OIDCSync) siteRoles() account.SiteRoleSync {
	return account.SiteRoleSync{Field: s.UserRoleField, Mapping: s.UserRoleMapping, Default: s.UserRoleDefault}
}

// organizations is the sync of organizations.
func (s OIDCSync) organizations() (account.OrganizationSync, error) {
	sync := account.OrganizationSync{
		Field: s.OrganizationField, Mapping: map[string][]uuid.UUID{}, AssignDefault: s.OrganizationAssignDefault,
	}
	for claim, ids := range s.OrganizationMapping {
		for _, text := range ids {
			id, err := uuid.Parse(text)
			if err != nil {
				return account.OrganizationSync{}, fmt.Errorf("%q is no id of an organization", text)
			}
			sync.Mapping[claim] = append(sync.Mapping[claim], id)
		}
	}
	return sync, nil
}

// oidcEntry is one provider of OIDCProviderFile. Its names are those of the flags
// without oidc, and with underscores.
type oidcEntry struct {
	Name                      string            `json:"name"`
	IssuerURL                 string            `json:"issuer_url"`
	ClientID                  string            `json:"client_id"`
	ClientSecret              secret.Redacted   `json:"client_secret"`
	ClientSecretFile          string            `json:"client_secret_file"`
	ClientKeyFile             string            `json:"client_key_file"`
	ClientCertFile            string            `json:"client_cert_file"`
	Scopes                    []string          `json:"scopes"`
	AllowSignups              *bool             `json:"allow_signups"` // absent: true
	SignupsDisabledText       string            `json:"signups_disabled_text"`
	EmailDomain               []string          `json:"email_domain"`
	IgnoreEmailVerified       bool              `json:"ignore_email_verified"`
	UsernameField             string            `json:"username_field"`
	EmailField                string            `json:"email_field"`
	NameField                 string            `json:"name_field"`
	AuthURLParams             map[string]string `json:"auth_url_params"`
	IgnoreUserInfo            bool              `json:"ignore_userinfo"`
	AccessTokenClaims         bool              `json:"access_token_claims"`
	SignInText                string            `json:"sign_in_text"`
	IconURL                   string            `json:"icon_url"`
	GroupField                string            `json:"group_field"`
	AllowedGroups             []string          `json:"allowed_groups"`
	RedirectURL               string            `json:"redirect_url"`
	RedirectAllowedHosts      []string          `json:"redirect_allowed_hosts"`
	DangerousSkipIssuerChecks bool              `json:"dangerous_skip_issuer_checks"`
	DangerousEmailFallback    bool              `json:"dangerous_email_fallback"`
}

// furtherOIDC reads the settings of the providers beside the default one.
func (c Config) furtherOIDC() ([]idp.OIDCConfig, error) {
	if c.OIDCProviderFile == "" {
		return nil, nil
	}
	content, err := os.ReadFile(c.OIDCProviderFile)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	var entries []oidcEntry
	if err := decoder.Decode(&entries); err != nil {
		return nil, fmt.Errorf("is not a list of providers in JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("has more than one list of providers")
	}
	list := make([]idp.OIDCConfig, len(entries))
	for i := range entries {
		if list[i], err = entries[i].config(); err != nil {
			return nil, fmt.Errorf("provider %q: client_secret_file: %w", entries[i].Name, err)
		}
	}
	return list, nil
}

// config returns the settings, with the secret from its file.
func (e *oidcEntry) config() (idp.OIDCConfig, error) {
	clientSecret := e.ClientSecret
	if e.ClientSecretFile != "" {
		if clientSecret != "" {
			return idp.OIDCConfig{}, errors.New("is set, and so is client_secret; set one of them")
		}
		content, err := os.ReadFile(e.ClientSecretFile)
		if err != nil {
			return idp.OIDCConfig{}, err
		}
		clientSecret = secret.Redacted(strings.TrimRight(string(content), "\r\n"))
	}
	return idp.OIDCConfig{
		Name:                 e.Name,
		IssuerURL:            e.IssuerURL,
		ClientID:             e.ClientID,
		ClientSecret:         clientSecret,
		ClientKeyFile:        e.ClientKeyFile,
		ClientCertFile:       e.ClientCertFile,
		Scopes:               e.Scopes,
		AllowSignups:         e.AllowSignups == nil || *e.AllowSignups,
		SignupsDisabledText:  e.SignupsDisabledText,
		EmailDomain:          e.EmailDomain,
		IgnoreEmailVerified:  e.IgnoreEmailVerified,
		UsernameField:        e.UsernameField,
		EmailField:           e.EmailField,
		NameField:            e.NameField,
		AuthURLParams:        e.AuthURLParams,
		IgnoreUserInfo:       e.IgnoreUserInfo,
		AccessTokenClaims:    e.AccessTokenClaims,
		SignInText:           e.SignInText,
		IconURL:              e.IconURL,
		GroupField:           e.GroupField,
		AllowedGroups:        e.AllowedGroups,
		RedirectURL:          e.RedirectURL,
		RedirectAllowedHosts: e.RedirectAllowedHosts,
		SkipIssuerChecks:     e.DangerousSkipIssuerChecks,
		EmailFallback:        e.DangerousEmailFallback,
	}, nil
}

// checkFurther reports what is wrong with further providers, which need names of
// their own.
func checkFurther(list []idp.OIDCConfig) error {
	var problems []error
	seen := map[string]bool{account.ProviderOIDC: true, "": true}
	for _, cfg := range list {
		if seen[cfg.Name] {
			problems = append(problems, fmt.Errorf("provider %q: name: must be given, differ from the others and not be %s", cfg.Name, account.ProviderOIDC))
		}
		seen[cfg.Name] = true
		for _, fault := range cfg.Check() {
			problems = append(problems, fmt.Errorf("provider %q: %s: %s", cfg.Name, fault.Field, fault.Detail))
		}
	}
	return errors.Join(problems...)
}

// roots are the authorities that certificates of others are checked against: the
// system's and those of CAFile. Without a file it is nil, which means the
// system's.
func (c Config) roots() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	content, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", c.CAFile)
	}
	return pool, nil
}

// publicOIDC are the settings of the default provider that an administrator may
// see: all but its secret.
func (c Config) publicOIDC() map[string]any {
	set := c.OIDC.WithDefaults()
	return map[string]any{
		"issuer_url":                  set.IssuerURL,
		"client_id":                   set.ClientID,
		"scopes":                      set.Scopes,
		"allow_signups":               set.AllowSignups,
		"signups_disabled_text":       set.SignupsDisabledText,
		"email_domain":                append([]string{}, set.EmailDomain...),
		"ignore_email_verified":       set.IgnoreEmailVerified,
		"username_field":              set.UsernameField,
		"email_field":                 set.EmailField,
		"name_field":                  set.NameField,
		"auth_url_params":             set.AuthURLParams,
		"ignore_user_info":            set.IgnoreUserInfo,
		"access_token_claims":         set.AccessTokenClaims,
		"sign_in_text":                set.SignInText,
		"icon_url":                    set.IconURL,
		"group_field":                 set.GroupField,
		"allowed_groups":              append([]string{}, set.AllowedGroups...),
		"redirect_url":                set.RedirectURL,
		"redirect_allowed_hosts":      append([]string{}, set.RedirectAllowedHosts...),
		"skip_issuer_checks":          set.SkipIssuerChecks,
		"email_fallback":              set.EmailFallback,
		"provider_file":               c.OIDCProviderFile != "",
		"user_role_field":             c.OIDCSync.UserRoleField,
		"user_role_mapping":           orEmpty(c.OIDCSync.UserRoleMapping),
		"user_roles_default":          append([]string{}, c.OIDCSync.UserRoleDefault...),
		"organization_field":          c.OIDCSync.OrganizationField,
		"organization_mapping":        orEmpty(c.OIDCSync.OrganizationMapping),
		"organization_assign_default": c.OIDCSync.OrganizationAssignDefault,
	}
}

func orEmpty(mapping map[string][]string) map[string][]string {
	if mapping == nil {
		return map[string][]string{}
	}
	return mapping
}
