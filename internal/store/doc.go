// Package store is the only room that speaks SQL. It keeps account's types in
// an embedded SQLite file or in PostgreSQL, with one set of queries and one
// timeline of migrations for both.
//
// It imports account and the two drivers. It never decides whether somebody may
// do something, knows nothing of HTTP, and lets no driver's error out: an error
// that a caller can act on is an *account.Error of kind not_found, conflict or
// unavailable.
//
// What differs between the engines is in sqlite.go and postgres.go and nowhere
// else; a file of queries never asks which engine it is on.
package store
