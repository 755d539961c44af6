package account

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// DefaultKeyLifetime is what a stored lifetime of zero means.
const DefaultKeyLifetime = 24 * time.Hour

// APIKey is what acts as a user: a session or a token. The secret half is not
// here; only its SHA-256 is stored, by the store.
type APIKey struct {
	ID        string // 10 characters, the half before the hyphen
	UserID    uuid.UUID
	LoginType LoginType
	Name      string // unique for each user's tokens; empty for sessions
	Scopes    []string
	AllowList AllowList
	Lifetime  time.Duration // whole seconds
	ExpiresAt time.Time
	LastUsed  time.Time // the Unix epoch until first used
	CreatedAt time.Time
	UpdatedAt time.Time
	// ReplacedBy is the id of the key that took this one's place, "" for none.
	ReplacedBy string
	// IdentityID is the identity whose login made the key, the nil UUID for none.
	IdentityID uuid.UUID
}

// NeverUsed is the last-used time of a key that has not been used.
func NeverUsed() time.Time { return time.Unix(0, 0).UTC() }

// Expired reports whether the key's time is over.
func (k *APIKey) Expired(now time.Time) bool { return k.ExpiresAt.Before(now) }

// Slides reports whether using the key extends its life: sessions slide, tokens
// have a fixed lifetime.
func (k *APIKey) Slides() bool { return k.LoginType != LoginToken }

// SlidExpiry returns the expiry that using the key now gives it, whose present
// one is expires. It moves at most once an hour, so that sliding costs one write
// an hour, and therefore never for lifetimes up to an hour; a key whose time is
// over stays over.
func (k *APIKey) SlidExpiry(expires, now time.Time) time.Time {
	if !k.Slides() || k.Lifetime <= time.Hour || expires.Before(now) {
		return expires
	}
	if expires.Sub(now) > k.Lifetime-time.Hour {
		return expires
	}
	return now.Add(k.Lifetime)
}

// LegacyScope returns the one word that older clients understand: "all",
// "application_connect", or "" for anything narrower.
func (k *APIKey) LegacyScope() string {
	switch {
	case slices.Contains(k.Scopes, ScopeApplicationConnect):
		return "application_connect"
	case slices.Contains(k.Scopes, ScopeAll):
		return "all"
	}
	return ""
}

// Object returns the key as something that permissions are about. Its id is not
// a UUID, so that only wildcards of an allow list match it.
func (k *APIKey) Object() Object { return Object{Type: ResourceAPIKey, Owner: k.UserID} }

// Unrestricted reports whether the key can do everything that its user may.
func (k *APIKey) Unrestricted() bool {
	return slices.Contains(k.Scopes, ScopeAll) && k.AllowList.IsUnrestricted()
}
