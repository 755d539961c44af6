package cli

import (
	"encoding/json"
	"fmt"
	"slices"

	"usher/internal/secret"
)

// oidcSettings are about logins with OpenID Connect. An issuer and a client ID
// turn those with the default provider on.
func oidcSettings() []setting {
	return slices.Concat(oidcClientSettings(), oidcClaimSettings(), oidcPageSettings(), oidcSyncSettings(), []setting{
		{
			name: "oidc-provider-file", kind: "FILE",
			usage:     "further providers, as a list in JSON of objects such as {\"name\": \"acme\", \"issuer_url\": …, \"client_secret_file\": …}",
			otherwise: "none",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDCProviderFile }),
		},
		{
			name: "ca-file", kind: "FILE", usage: "PEM certificates of authorities that are believed beside the system's when this server asks others",
			otherwise: "none",
			set:       text(func(o *serverOptions) *string { return &o.config.CAFile }),
		},
	})
}

func oidcClientSettings() []setting {
	return []setting{
		{
			name: "oidc-issuer-url", kind: "URL", usage: "log in with the OpenID Connect provider of this issuer",
			otherwise: "no logins with OpenID Connect",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDC.IssuerURL }),
		},
		{
			name: "oidc-client-id", kind: "ID", usage: "how the provider knows this server",
			otherwise: "none",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDC.ClientID }),
		},
		{
			name: "oidc-client-secret", kind: "SECRET", usage: "the secret of that client",
			otherwise: "none", secret: true,
			set: func(o *serverOptions, value string) error {
				o.config.OIDC.ClientSecret = secret.Redacted(value)
				return nil
			},
		},
		{
			name: "oidc-client-key-file", kind: "FILE", usage: "a PEM key that signs assertions in place of the secret",
			otherwise: "none",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDC.ClientKeyFile }),
		},
		{
			name: "oidc-client-cert-file", kind: "FILE", usage: "the PEM certificate of that key",
			otherwise: "none",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDC.ClientCertFile }),
		},
		{
			name: "oidc-scopes", kind: "SCOPE,...", usage: "what is asked for; with groups the group field becomes groups",
			otherwise: "openid,profile,email",
			set:       list(func(o *serverOptions) *[]string { return &o.config.OIDC.Scopes }),
		},
		{
			name: "oidc-auth-url-params", kind: "JSON", usage: "further parameters of the address that people are sent to",
			otherwise: `{"access_type":"offline"}`,
			set:       object(func(o *serverOptions) *map[string]string { return &o.config.OIDC.AuthURLParams }),
		},
		{
			name: "oidc-redirect-url", kind: "URL", usage: "where logins come back to, of which scheme and host count",
			otherwise: "the access URL",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDC.RedirectURL }),
		},
		{
			name: "oidc-redirect-allowed-hosts", kind: "HOST,...", usage: "hosts at which logins may begin and to which they then come back",
			otherwise: "all come back to the access URL",
			set:       list(func(o *serverOptions) *[]string { return &o.config.OIDC.RedirectAllowedHosts }),
		},
		{
			name: "dangerous-oidc-skip-issuer-checks", usage: "accept another issuer than the one that is set",
			fallback: "false",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.OIDC.SkipIssuerChecks }),
		},
	}
}

func oidcClaimSettings() []setting {
	return []setting{
		{
			name: "oidc-allow-signups", usage: "let people in who have no account yet",
			fallback: "true",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.OIDC.AllowSignups }),
		},
		{
			name: "oidc-email-domain", kind: "DOMAIN,...", usage: "let only people in with addresses at these domains",
			otherwise: "any",
			set:       list(func(o *serverOptions) *[]string { return &o.config.OIDC.EmailDomain }),
		},
		{
			name: "oidc-ignore-email-verified", usage: "let people in whose address is not verified; it opens no account that exists",
			fallback: "false",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.OIDC.IgnoreEmailVerified }),
		},
		{
			name: "dangerous-oidc-email-fallback", usage: "let people into the account with their address although it is linked to another identity",
			fallback: "false",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.OIDC.EmailFallback }),
		},
		{
			name: "oidc-username-field", kind: "CLAIM", usage: "the claim that becomes the username",
			otherwise: "preferred_username",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDC.UsernameField }),
		},
		{
			name: "oidc-email-field", kind: "CLAIM", usage: "the claim that becomes the address",
			otherwise: "email",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDC.EmailField }),
		},
		{
			name: "oidc-name-field", kind: "CLAIM", usage: "the claim that becomes the name",
			otherwise: "name",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDC.NameField }),
		},
		{
			name: "oidc-ignore-userinfo", usage: "take claims from the ID token alone",
			fallback: "false",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.OIDC.IgnoreUserInfo }),
		},
		{
			name: "oidc-access-token-claims", usage: "take claims from the access token too, in place of userinfo",
			fallback: "false",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.OIDC.AccessTokenClaims }),
		},
		{
			name: "oidc-group-field", kind: "CLAIM", usage: "the claim with somebody's groups",
			otherwise: "none",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDC.GroupField }),
		},
		{
			name: "oidc-allowed-groups", kind: "GROUP,...", usage: "let only people in who are in one of these",
			otherwise: "everyone",
			set:       list(func(o *serverOptions) *[]string { return &o.config.OIDC.AllowedGroups }),
		},
	}
}

func oidcPageSettings() []setting {
	return []setting{
		{
			name: "oidc-sign-in-text", kind: "TEXT", usage: "what the button of the login page says",
			otherwise: "OpenID Connect",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDC.SignInText }),
		},
		{
			name: "oidc-icon-url", kind: "URL", usage: "the icon on that button",
			otherwise: "none",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDC.IconURL }),
		},
		{
			name: "oidc-signups-disabled-text", kind: "MARKDOWN", usage: "what people are told who have no account and cannot sign up",
			otherwise: "a general text",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDC.SignupsDisabledText }),
		},
	}
}

func oidcSyncSettings() []setting {
	return []setting{
		{
			name: "oidc-user-role-field", kind: "CLAIM", usage: "the claim that decides about people's site roles at each login",
			otherwise: "none decides",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDCSync.UserRoleField }),
		},
		{
			name: "oidc-user-role-mapping", kind: "JSON", usage: "from values of that claim to site roles, as {\"admins\": [\"owner\"]}",
			otherwise: "the values are the roles",
			set:       object(func(o *serverOptions) *map[string][]string { return &o.config.OIDCSync.UserRoleMapping }),
		},
		{
			name: "oidc-user-role-default", kind: "ROLE,...", usage: "site roles that all of them hold",
			otherwise: "none",
			set:       list(func(o *serverOptions) *[]string { return &o.config.OIDCSync.UserRoleDefault }),
		},
		{
			name: "oidc-organization-field", kind: "CLAIM", usage: "the claim that decides about people's organizations at each login",
			otherwise: "none decides",
			set:       text(func(o *serverOptions) *string { return &o.config.OIDCSync.OrganizationField }),
		},
		{
			name: "oidc-organization-mapping", kind: "JSON", usage: "from values of that claim to ids of organizations, as {\"engineers\": [ID]}",
			otherwise: "none",
			set:       object(func(o *serverOptions) *map[string][]string { return &o.config.OIDCSync.OrganizationMapping }),
		},
		{
			name: "oidc-organization-assign-default", usage: "let all of them belong to the default organization",
			fallback: "true",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.OIDCSync.OrganizationAssignDefault }),
		},
	}
}

// object reads an object in JSON.
func object[T any](field func(*serverOptions) *map[string]T) func(*serverOptions, string) error {
	return func(o *serverOptions, value string) error {
		if err := json.Unmarshal([]byte(value), field(o)); err != nil {
			return fmt.Errorf("is not such an object in JSON: %w", err)
		}
		return nil
	}
}
