// Package openapi holds the contract of the HTTP API: openapi.yaml, an OpenAPI
// 3.1 document in the reference dialect, embedded so that every server can
// show the contract of its own version.
//
// The document is written by hand and comes first: a route is described there
// before it exists, and tests hold the server's routes and answers to it. It
// is never generated from code, and no code is generated from it here.
//
// It imports the standard library only, knows nothing of the server and never
// parses the document: who needs it parsed does so itself.
package openapi

import _ "embed"

// A string, because it cannot be changed by whoever reads it.
//
//go:embed openapi.yaml
var document string

// YAML returns the document as YAML in UTF-8. Each call returns a copy of its
// own: keep it rather than asking again for each request.
func YAML() []byte { return []byte(document) }
