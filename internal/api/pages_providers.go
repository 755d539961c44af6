package api

import "net/url"

// githubCallbackPath and oidcCallbackPath begin a login at a provider as well as
// they end it; a further provider has its name in the path.
const (
	githubCallbackPath = "/api/v2/users/oauth2/github/callback"
	oidcCallbackPath   = "/api/v2/users/oidc/callback"
)

// providerButton leads to an identity provider.
type providerButton struct {
	Text string
	Icon string
	URL  string
}

// providerButtons are for the providers that people can be sent to at the moment.
func (a *API) providerButtons(redirect string) []providerButton {
	methods := a.Service.AuthMethods()
	var buttons []providerButton
	add := func(text, icon, path string) {
		buttons = append(buttons, providerButton{Text: text, Icon: icon, URL: withRedirect(path, redirect)})
	}
	if p := methods.GitHub; p != nil {
		add(p.SignInText, p.IconURL, githubCallbackPath)
	}
	if p := methods.OIDC; p != nil {
		add(p.SignInText, p.IconURL, oidcCallbackPath)
	}
	for _, p := range methods.Further {
		add(p.SignInText, p.IconURL, "/api/v2/users/oidc/"+url.PathEscape(p.Name)+"/callback")
	}
	return buttons
}
