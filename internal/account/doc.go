// Package account is the vocabulary of Usher and its pure rules: users,
// organizations, roles, permissions, scopes, API keys, the audit log, the
// search grammar, and the one error type that every other room returns.
//
// It owns every decision that can be taken without asking anyone: is this
// username valid, may this actor do that, what does this search mean.
//
// It imports the standard library, uuid and x/text, and nothing of Usher.
// It never reads a clock, a file, a database or the network: what a rule needs
// is handed to it.
package account
