// Package idptest runs identity providers for tests, in the test's own process
// and over real HTTP. Nothing but tests imports it.
//
// NewOIDC starts a whole OpenID Connect provider: discovery, a login form that a
// browser can fill in, codes with PKCE, signed tokens, key rotation, userinfo,
// refresh tokens. It is a server library's provider, so what Usher is tested
// against is not what Usher's authors think a provider does.
//
//	provider := idptest.NewOIDC(t)                    // or NewOIDC(t, idptest.WithTLS())
//	cfg.IssuerURL, cfg.ClientID = provider.URL, provider.ClientID
//	cfg.ClientSecret = provider.ClientSecret
//	provider.SetUser("kyle", idptest.Claims{"email": "kyle@example.com", "email_verified": true})
//
//	back := provider.Authorize(t, authorizeURL)       // the address that a browser is sent back to
//
// Authorize goes through the form as the person whose SetUser came last, and
// AuthorizeAs as another. A browser does the same with the fields #username and
// #password (which is Password) and the button of the form.
//
// A person's claims are all that is said of them, in the ID token and at the
// userinfo endpoint alike; "sub" is the login name unless it is among them. A
// claim that is not there is not said: SetUser("kyle", nil) makes a person without
// an address. SetClaims gives ID token and userinfo claims of their own. Every
// scope yields every claim. Any redirect address is accepted.
//
// What a login yields is changed with SetTokenLifetime, SetRefresh,
// RevokeRefreshTokens and RotateKeys, and looked at with Refreshes and Requests.
// A hostile or broken provider is made of it with Tamper and Hang. All methods
// can be used while requests are under way.
package idptest
