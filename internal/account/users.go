package account

import (
	"encoding/hex"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Limits of the fields that people fill in, in bytes.
const (
	MaxUsernameBytes = 32
	MaxRealNameBytes = 128
	MaxEmailBytes    = 254 // RFC 5321, section 4.5.3.1.3, without the brackets
)

// UserStatus is where a user stands in its life.
type UserStatus string

// The statuses. A dormant user has not been seen for long, or never, and turns
// active by itself with its first authenticated request; a suspended one stays
// out until somebody activates it.
const (
	StatusActive    UserStatus = "active"
	StatusDormant   UserStatus = "dormant"
	StatusSuspended UserStatus = "suspended"
)

// UserStatuses lists every status.
func UserStatuses() []UserStatus {
	return []UserStatus{StatusActive, StatusDormant, StatusSuspended}
}

// LoginType is how a user signs in, and how an API key came to be.
type LoginType string

// The login types. A user of type none can be used through API keys only;
// token marks keys, never users.
const (
	LoginPassword LoginType = "password"
	LoginGitHub   LoginType = "github"
	LoginOIDC     LoginType = "oidc"
	LoginToken    LoginType = "token"
	LoginNone     LoginType = "none"
)

// User is a person or a service account.
type User struct {
	ID               uuid.UUID
	Username         string
	Name             string // real name, may be empty
	Email            string // empty for service accounts
	AvatarURL        string
	Status           UserStatus
	LoginType        LoginType
	IsServiceAccount bool
	Deleted          bool
	// GitHubUserID is the numeric id of the linked GitHub account, 0 for none.
	GitHubUserID int64
	// ThemePreference is that of the user's appearance, "" before one was chosen.
	ThemePreference string
	// AISeatTaken says that the user's use of AI was recorded; whether that is a
	// seat today is for HasAISeat to say.
	AISeatTaken bool
	// Roles are the stored site roles; the implied member is among them only
	// where somebody assigned it.
	Roles []string
	// OrganizationIDs are the organizations the user belongs to, the default
	// one first.
	OrganizationIDs []uuid.UUID
	CreatedAt       time.Time
	UpdatedAt       time.Time
	LastSeenAt      time.Time // zero until the first authenticated request
}

// HasRole reports whether the site role is stored for the user.
func (u *User) HasRole(role string) bool { return slices.Contains(u.Roles, role) }

// Fold normalises a name or an address for comparison: Unicode NFC, then full
// case folding. Equal folds are the same name on every engine, and folding twice
// changes nothing.
func Fold(s string) string {
	if isLowerASCII(s) {
		return s
	}
	folded := cases.Fold().String(norm.NFC.String(s))
	return norm.NFC.String(strings.Map(foldCherokee, folded))
}

// foldCherokee folds the one script whose capitals are the folded form; the
// library exchanges its capital and small letters instead.
func foldCherokee(r rune) rune {
	if unicode.Is(unicode.Cherokee, r) {
		return unicode.ToUpper(r)
	}
	return r
}

func isLowerASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

var usernamePattern = regexp.MustCompile(`^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$`)

// reservedUsernames are words that the routes under /users use themselves: a
// user of that name could never be reached by name.
var reservedUsernames = []string{
	"me", "first", "authmethods", "login", "logout", "roles", "otp", "oauth2",
	"oidc", "oidc-claims", "validate-password", "new", "create", "import",
}

// CheckUsername says what is wrong with a username, or nothing. A username has
// 1 to 32 bytes: ASCII letters and digits in groups joined by single hyphens.
func CheckUsername(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("must not be empty")
	case len(name) > MaxUsernameBytes:
		return fmt.Errorf("must be at most %d characters", MaxUsernameBytes)
	case !usernamePattern.MatchString(name):
		return fmt.Errorf("must be letters and digits, in groups joined by single hyphens")
	case slices.Contains(reservedUsernames, strings.ToLower(name)):
		return fmt.Errorf("%q is a reserved word", name)
	}
	if _, err := uuid.Parse(name); err == nil {
		return fmt.Errorf("must not look like a UUID")
	}
	return nil
}

// CheckRealName says what is wrong with a display name: over 128 bytes, not
// UTF-8, surrounded by white space, or with control characters. Empty is fine.
func CheckRealName(name string) error {
	switch {
	case len(name) > MaxRealNameBytes:
		return fmt.Errorf("must be at most %d bytes", MaxRealNameBytes)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("must be text without control characters")
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("must not begin or end with white space")
	}
	return nil
}

// domainPattern is two labels or more, of letters of any script, digits and inner
// hyphens; the last begins and ends with a letter, which numeric addresses do not.
var domainPattern = regexp.MustCompile(
	`^(?:[a-zA-Z0-9\x{A0}-\x{10FFFF}](?:[-a-zA-Z0-9\x{A0}-\x{10FFFF}]*[a-zA-Z0-9\x{A0}-\x{10FFFF}])?\.)+` +
		`[a-zA-Z\x{A0}-\x{10FFFF}](?:[-a-zA-Z0-9\x{A0}-\x{10FFFF}]*[a-zA-Z\x{A0}-\x{10FFFF}])?$`)

// CheckEmail says what is wrong with an e-mail address: it must be a bare
// addr-spec (RFC 5322, section 3.4.1) of at most 254 bytes, with a local part
// that needs no quotes, at a domain name that has a dot.
func CheckEmail(email string) error {
	if email == "" {
		return fmt.Errorf("must not be empty")
	}
	if len(email) > MaxEmailBytes {
		return fmt.Errorf("must be at most %d bytes", MaxEmailBytes)
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || parsed.Name != "" ||
		strings.ContainsFunc(email, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return fmt.Errorf("must be an e-mail address")
	}
	if !domainPattern.MatchString(email[strings.LastIndexByte(email, '@')+1:]) {
		return fmt.Errorf("must be an e-mail address at a domain name")
	}
	return nil
}

// CheckAvatarURL says what is wrong with the address of a picture: it must be
// empty or an absolute http or https URL.
func CheckAvatarURL(address string) error {
	if address == "" {
		return nil
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") || !utf8.ValidString(address) {
		return fmt.Errorf("must be an http or https URL")
	}
	if len(address) > 2048 {
		return fmt.Errorf("must be at most 2048 bytes")
	}
	return nil
}

// UserRef is how a caller names a user in a path: itself, an id, or a username.
type UserRef struct {
	Me   bool
	ID   uuid.UUID // uuid.Nil unless the reference is an id
	Name string
}

// ParseUserRef reads a path segment. Anything that uuid.Parse takes is an id;
// every other word is a username, whether or not it is a valid one.
func ParseUserRef(segment string) UserRef {
	if segment == "me" {
		return UserRef{Me: true}
	}
	if id, err := uuid.Parse(segment); err == nil {
		return UserRef{ID: id}
	}
	return UserRef{Name: segment}
}

// ErasedName is what a user is called once its personal data is gone.
func (u *User) ErasedName() string { return "erased-" + hex.EncodeToString(u.ID[:8]) }

// IsErased reports that nothing personal is left in the user's own fields.
func (u *User) IsErased() bool {
	return u.Deleted && u.Username == u.ErasedName() && u.Name == "" && u.Email == "" && u.AvatarURL == "" && u.GitHubUserID == 0
}
