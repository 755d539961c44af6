// Package idp speaks with identity providers: GitHub and any OpenID Connect
// provider. It sends people there, finds out who has come back, and renews the
// tokens that they came back with.
//
// It imports account and secret, and makes HTTP requests; it serves none and
// stores nothing. Who may log in with what a provider says is for service to
// decide, but for the rules about the provider's own words: organizations and
// teams, verified addresses, domains.
//
// Every answer of a provider is bounded in time and size, and so is how many
// are waited for at once: a slow or hostile one cannot take the server along.
package idp
