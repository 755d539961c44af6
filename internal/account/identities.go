package account

import (
	"time"

	"github.com/google/uuid"
)

// The names of the providers that the API has routes of their own for. Any other
// name is of a further OpenID Connect provider.
const (
	ProviderGitHub = "github"
	ProviderOIDC   = "oidc"
)

// Identity is a user's login at an identity provider. The issuer and the subject
// name it for good; the e-mail is what the provider said last.
type Identity struct {
	ID          uuid.UUID
	UserID      uuid.UUID
	Provider    string // the name of the provider, see ProviderOIDC
	Issuer      string
	Subject     string
	Email       string
	CreatedAt   time.Time
	LastLoginAt time.Time // zero where it has only been linked
}

// ExternalLogin is what a provider vouches for when somebody has logged in
// there. Its fields obey the rules of a user's fields; Username is a proposal
// that may be taken.
type ExternalLogin struct {
	Provider  string
	LoginType LoginType
	Issuer    string
	Subject   string
	Email     string
	// EmailVerified says that the provider has seen that the address is theirs.
	// One that is not opens no account that exists.
	EmailVerified bool
	Username      string
	Name          string
	AvatarURL     string
	// GitHubUserID is the numeric id of an account on github.com, 0 for any other.
	GitHubUserID int64
	Claims       Claims
}

// Claims are what an OpenID Connect provider says of somebody, as JSON objects:
// in the ID token, at its userinfo endpoint, and both together. They are nil for
// other providers.
type Claims struct {
	IDToken  map[string]any `json:"id_token"`
	UserInfo map[string]any `json:"user_info"`
	Merged   map[string]any `json:"merged"`
}

// LoginTypeOf returns how people log in who come from the provider of that name.
func LoginTypeOf(provider string) LoginType {
	if provider == ProviderGitHub {
		return LoginGitHub
	}
	return LoginOIDC
}
