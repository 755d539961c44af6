package account

import (
	"time"

	"github.com/google/uuid"
)

// GitSSHKey is the key by which a user's workspaces reach git hosts: what may be
// shown of it. The private half is sealed, and is not here.
type GitSSHKey struct {
	UserID uuid.UUID
	// PublicKey is a line of an authorized_keys file, without a comment, ended
	// by a newline.
	PublicKey string
	CreatedAt time.Time // when the user's first key was made
	UpdatedAt time.Time // when this one was
}

// GitSSHKeyDiff returns what changed between two keys of a user; the zero key
// stands for "there was none". Of the private half it tells only that there is
// another one.
func GitSSHKeyDiff(before, after GitSSHKey) Diff {
	diff := Diff{}
	diff.add("user_id", idOrNil(before.UserID), idOrNil(after.UserID))
	diff.add("public_key", before.PublicKey, after.PublicKey)
	if before.PublicKey != after.PublicKey {
		diff["private_key"] = DiffField{Old: "", New: "", Secret: true}
	}
	return diff
}

// EncryptionKeyDiff returns that the deployment seals with another key. The ids
// are not secret.
func EncryptionKeyDiff(before, after string) Diff {
	diff := Diff{}
	diff.add("key_id", before, after)
	return diff
}

// AuthorizePrivateKey returns nil when the actor may see the private half of the
// SSH key of that user: its own, with an API key that nothing restricts, because
// whoever holds the private half can use it long after the API key has ended.
func (a *Actor) AuthorizePrivateKey(owner uuid.UUID) error {
	const missing = "The permission user:read_personal is missing for the private half of an SSH key: "
	switch {
	case !a.Is(owner):
		return Forbidden(missing + "no role grants it for the key of somebody else.")
	case !a.Key.AllowList.IsUnrestricted():
		return Forbidden(missing + "the allow list of the API key does not include it; it must be unrestricted.")
	case !a.Key.Unrestricted():
		return Forbidden(missing + "the scopes of the API key do not include it; " + ScopeAll + " does.")
	}
	return nil
}
