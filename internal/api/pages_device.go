package api

import (
	"net/http"
	"net/url"

	"usher/internal/account"
)

type deviceView struct {
	frame
	Product         string
	UserCode        string
	VerificationURL string
	Poll            string // what the script asks whether the code was entered
	Interval        int    // seconds between two such questions
	Lifetime        int    // of the code, in seconds; 0 for ever
	Again           string
}

// showDevice shows the code that somebody is to enter at the provider, on this
// device or another one. A script waits for that (assets/device.js).
func (a *API) showDevice(c *call) error {
	state := c.r.URL.Query().Get("state")
	provider := a.Service.AuthMethods().GitHub
	if state == "" || provider == nil {
		return account.Invalid("A login with a code does not begin here, but at the login page.")
	}
	code, err := provider.StartDevice(c.ctx())
	if err != nil {
		return err
	}
	poll := url.Values{"code": {code.DeviceCode.Reveal()}, "state": {state}}
	return c.show(http.StatusOK, "device", deviceView{
		frame:           frame{Title: "Enter a code", Script: "/assets/device.js"},
		Product:         provider.Product,
		UserCode:        code.UserCode,
		VerificationURL: code.VerificationURI,
		Poll:            provider.CallbackPath() + "?" + poll.Encode(),
		Interval:        code.Interval,
		Lifetime:        code.ExpiresIn,
		Again:           withRedirect(provider.CallbackPath(), c.wantedRedirect()),
	})
}
