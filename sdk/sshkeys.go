package sdk

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// GitSSHKey is the SSH key by which a user's workspaces reach git hosts.
type GitSSHKey struct {
	UserID uuid.UUID `json:"user_id"`
	// CreatedAt is when the user's first key was made; another key keeps it.
	CreatedAt time.Time `json:"created_at"`
	// UpdatedAt is when this key was made.
	UpdatedAt time.Time `json:"updated_at"`
	// PublicKey is a line of an authorized_keys file: type, space, base64 and a
	// newline, without a comment.
	PublicKey string `json:"public_key"`
}

// GitSSHPrivateKey is the secret half of a user's SSH key.
type GitSSHPrivateKey struct {
	// PrivateKey is the file that ssh reads: OpenSSH's PEM format, without a
	// passphrase.
	PrivateKey string `json:"private_key"`
}

// GitSSHKey returns the SSH key of the user. The first time the server makes it.
// It needs user:read_personal on the user.
func (c *Client) GitSSHKey(ctx context.Context, user string) (GitSSHKey, error) {
	return c.gitSSHKey(ctx, http.MethodGet, user)
}

// RegenerateGitSSHKey gives the user another SSH key; the one before works
// wherever its public half is known until that is removed there. It needs
// user:update_personal on the user.
func (c *Client) RegenerateGitSSHKey(ctx context.Context, user string) (GitSSHKey, error) {
	return c.gitSSHKey(ctx, http.MethodPut, user)
}

func (c *Client) gitSSHKey(ctx context.Context, method, user string) (GitSSHKey, error) {
	var result GitSSHKey
	err := c.do(ctx, call{
		method: method, path: []string{"users", user, "gitsshkey"}, status: http.StatusOK, result: &result,
	})
	return result, err
}

// GitSSHPrivateKey returns the secret half of the caller's own SSH key. 403 for
// any other user, and for a session token with limited scopes or an allow list.
// The server audits each call.
func (c *Client) GitSSHPrivateKey(ctx context.Context, user string) (GitSSHPrivateKey, error) {
	var result GitSSHPrivateKey
	err := c.do(ctx, call{
		method: http.MethodGet, path: []string{"users", user, "gitsshkey", "private"},
		status: http.StatusOK, result: &result,
	})
	return result, err
}
