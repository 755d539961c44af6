// Package secret is the only room that holds cryptography.
//
// It owns password hashing and verification, the strength rule for new
// passwords, API keys (their form, their making, their hash at rest), random
// tokens, SSH key pairs, the sealing of what must be readable again (AES-256-GCM
// with the keys of a file), and the types whose values print as "[redacted]".
//
// It may import the standard library, golang.org/x/crypto, golang.org/x/sync
// and the password entropy estimate. It imports no other room, so that every
// room may use it.
//
// It never reads a database, a file, a clock or a request, never logs, and
// never puts a secret, or part of one, into an error.
package secret
