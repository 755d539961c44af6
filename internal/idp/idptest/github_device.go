package idptest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	githubDeviceLife = 15 * time.Minute
	// githubSlower is added to the interval by every poll that comes too early.
	githubSlower = 5
)

// githubDevice is a device that waits for somebody to enter its code.
type githubDevice struct {
	code, userCode string
	scope          string
	user           int64 // who let it in; 0 for nobody yet
	denied         bool
	interval       int // in seconds
	lastPoll       time.Time
	expires        time.Time
}

// ApproveDevice enters a user code for the user who is signed in, and agrees.
func (g *GitHub) ApproveDevice(userCode string) { g.decideDevice(userCode, "Authorize") }

// DenyDevice enters a user code and cancels.
func (g *GitHub) DenyDevice(userCode string) { g.decideDevice(userCode, "Cancel") }

func (g *GitHub) decideDevice(userCode, decision string) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	device := g.deviceWaiting(userCode)
	if device == nil {
		g.t.Errorf("no device waits with the code %q", userCode)
		return
	}
	device.decide(decision, g.signedIn)
}

func (d *githubDevice) decide(decision string, user int64) {
	if decision == "Cancel" {
		d.denied = true
		return
	}
	d.user = user
}

// deviceWaiting finds a device by what people type: in any case, with or without
// the hyphen.
func (g *GitHub) deviceWaiting(userCode string) *githubDevice {
	plain := func(code string) string { return strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(code), "-", "")) }
	for _, device := range g.devices {
		if plain(device.userCode) == plain(userCode) && device.user == 0 && !device.denied && !g.now().After(device.expires) {
			return device
		}
	}
	return nil
}

// deviceCode begins the device flow (section "Device flow", step 1).
func (g *GitHub) deviceCode(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.Form.Get("client_id") != GitHubClientID {
		githubWriteJSON(w, http.StatusNotFound, map[string]string{"error": "Not Found"})
		return
	}
	if g.noDevices {
		githubAnswer(w, r, githubError("device_flow_disabled", "Device Flow must be explicitly enabled for this App"))
		return
	}
	letters := githubRandom(8)
	device := &githubDevice{
		code: strings.ToLower(githubRandom(40)), userCode: letters[:4] + "-" + letters[4:], scope: r.Form.Get("scope"),
		interval: g.interval, expires: g.now().Add(githubDeviceLife),
	}
	g.devices[device.code] = device
	githubAnswer(w, r, url.Values{
		"device_code": {device.code}, "user_code": {device.userCode}, "verification_uri": {g.URL + "/login/device"},
		"expires_in": {"900"}, "interval": {strconv.Itoa(device.interval)},
	})
}

// redeemDevice is a poll (step 3). It takes no secret, but no wrong one either.
func (g *GitHub) redeemDevice(form url.Values) url.Values {
	if secret := form.Get("client_secret"); secret != "" && secret != GitHubClientSecret {
		return githubBadCredentials()
	}
	device := g.devices[form.Get("device_code")]
	if device == nil {
		return githubError("incorrect_device_code", "The device_code provided is not valid.")
	}
	if g.now().After(device.expires) {
		return githubError("expired_token", "This 'device_code' has expired.")
	}
	early := !device.lastPoll.IsZero() && g.now().Sub(device.lastPoll) < time.Duration(device.interval)*time.Second
	device.lastPoll = g.now()
	switch {
	case early:
		device.interval += githubSlower
		answer := githubError("slow_down", "Too many requests have been made in the same timeframe.")
		answer.Set("interval", strconv.Itoa(device.interval))
		return answer
	case device.denied:
		delete(g.devices, device.code)
		return githubError("access_denied", "The authorization request was denied.")
	case device.user == 0:
		return githubError("authorization_pending", "The authorization request is still pending.")
	}
	delete(g.devices, device.code)
	return g.grant(&githubToken{user: device.user, scope: device.scope, device: true})
}

// devicePage is where people enter the code (step 2): a form, then a question.
func (g *GitHub) devicePage(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.users[g.signedIn].Login == "" {
		githubView{Title: "Sign in to GitHub", Text: "Nobody is signed in."}.show(w, http.StatusUnauthorized)
		return
	}
	ask := githubView{Title: "Device Activation", AskCode: true, Buttons: []string{"Continue"}}
	if r.Method == http.MethodGet {
		ask.show(w, http.StatusOK)
		return
	}
	device := g.deviceWaiting(r.PostForm.Get("user_code"))
	if device == nil {
		ask.Text = "No device waits with this code."
		ask.show(w, http.StatusOK)
		return
	}
	switch decision := r.PostForm.Get("decision"); decision {
	case "Authorize", "Cancel":
		device.decide(decision, g.signedIn)
		githubView{Title: "All set", Text: "Go on at your device."}.show(w, http.StatusOK)
	default:
		githubView{
			Title: "Authorize the device", Code: device.userCode, Buttons: []string{"Authorize", "Cancel"},
		}.show(w, http.StatusOK)
	}
}
