package api

// pageRoutes is the map of what people meet with a browser. Forms are posted to
// the path of their page.
func (a *API) pageRoutes() []route {
	return []route{
		{"GET", "/{$}", "home", forProbes, apiLimit, a.home},
		{"GET", "/assets/{name}", "asset", forProbes, unlimited, a.asset},
		{"GET", "/setup", "showSetup", forEveryone, apiLimit, a.showSetup},
		{"POST", "/setup", "submitSetup", forEveryone, apiLimit, a.submitSetup},
		{"GET", "/login", "showLogin", forEveryone, apiLimit, a.showLogin},
		{"POST", "/login", "submitLogin", forEveryone, loginLimit, a.submitLogin},
		{"GET", "/login/device", "showDevice", forEveryone, loginLimit, a.showDevice},
		{"POST", "/logout", "submitLogout", forEveryone, apiLimit, a.submitLogout},
		{"GET", "/reset-password", "showReset", forEveryone, apiLimit, a.showReset},
		{"POST", "/reset-password", "submitReset", forEveryone, loginLimit, a.submitReset},
		{"GET", "/cli-auth", "showCLIAuth", forEveryone, apiLimit, a.showCLIAuth},
		{"POST", "/cli-auth", "submitCLIAuth", forEveryone, apiLimit, a.submitCLIAuth},
	}
}

// countedAs names the route whose requests those of a form are counted with: who
// guesses at both has no more attempts than at one.
func (r route) countedAs() string {
	switch r.operation {
	case "submitLogin":
		return "/api/v2/users/login"
	case "submitReset":
		return "/api/v2/users/otp/change-password"
	case "submitCLIAuth":
		return "/api/v2/users/{user}/keys"
	case "showDevice":
		return "/api/v2/users/oauth2/github/device"
	}
	return r.path
}
