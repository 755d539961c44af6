package api

import "usher/internal/service"

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
	add := func(p *service.Provider) {
		buttons = append(buttons, providerButton{Text: p.SignInText, Icon: p.IconURL, URL: withRedirect(p.CallbackPath(), redirect)})
	}
	if methods.GitHub != nil {
		add(methods.GitHub)
	}
	if methods.OIDC != nil {
		add(methods.OIDC)
	}
	for _, p := range methods.Further {
		add(p)
	}
	return buttons
}
