// Package api is the only room that speaks HTTP: the routes, what happens to
// every request on its way to them, and the translation between account's types
// and the JSON of package sdk, in the dialect that the client understands.
//
// It imports account, service, sdk and openapi, and of secret the type that
// hides passwords and keys from logs. It never sees SQL, decides
// nothing about users, and is the only place that knows a status code.
//
// routes.go is the map of it: one row for each endpoint.
package api
