package idp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"usher/internal/account"
	"usher/internal/secret"
)

const (
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
	// deviceInterval is how many seconds lie between two polls where the provider
	// does not say (RFC 8628, section 3.2).
	deviceInterval = 5
)

// DeviceCode is what somebody needs to log in by another device (RFC 8628,
// section 3.2). Whoever knows the DeviceCode logs in as the one who enters the
// UserCode at the VerificationURI.
type DeviceCode struct {
	DeviceCode      secret.Redacted
	UserCode        string
	VerificationURI string
	ExpiresIn       int // seconds; 0 for never
	Interval        int // seconds between two polls, at least 1
}

// StartDevice asks for codes. What it returns ends as a login through Finish,
// with the device code for a code. It is invalid for a provider without device
// flow, and internal where the provider fails.
func (p *Provider) StartDevice(ctx context.Context) (DeviceCode, error) {
	if !p.DeviceFlow {
		return DeviceCode{}, account.Invalid("The device flow of " + p.Product + " is not turned on.")
	}
	release, err := p.acquire(ctx)
	if err != nil {
		return DeviceCode{}, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(p.outbound(ctx), loginTime)
	defer cancel()
	ends, err := p.source.endpoints(ctx)
	if err != nil {
		return DeviceCode{}, p.unreachable(err)
	}
	code, err := p.requestDevice(ctx, ends)
	if err != nil {
		failed := &account.Error{Kind: account.KindInternal, Message: p.Product + " gave no code to log in with. Try again in a minute."}
		return DeviceCode{}, failed.Because(err)
	}
	return code, nil
}

// requestDevice is the request of RFC 8628, section 3.1. The library's own
// neither ends with its context nor sees a refusal with the status 200, which
// is how GitHub refuses.
func (p *Provider) requestDevice(ctx context.Context, ends *endpoints) (DeviceCode, error) {
	form := url.Values{"client_id": {ends.ClientID}, "scope": {strings.Join(ends.Scopes, " ")}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, ends.Endpoint.DeviceAuthURL, strings.NewReader(form.Encode()))
	if err != nil {
		return DeviceCode{}, withoutURL(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return DeviceCode{}, withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	return readDevice(response)
}

// readDevice reads the answer of RFC 8628, section 3.2.
func readDevice(response *http.Response) (DeviceCode, error) {
	var answer struct {
		DeviceCode      string `json:"device_code"`
		UserCode        string `json:"user_code"`
		VerificationURI string `json:"verification_uri"`
		ExpiresIn       int    `json:"expires_in"`
		Interval        int    `json:"interval"`
		ErrorCode       string `json:"error"`
	}
	err := json.NewDecoder(response.Body).Decode(&answer)
	if response.StatusCode != http.StatusOK || answer.ErrorCode != "" {
		return DeviceCode{}, fmt.Errorf("the request for a device code was answered with %s, error %q", response.Status, answer.ErrorCode)
	}
	if err != nil {
		return DeviceCode{}, fmt.Errorf("read the answer to the request for a device code: %w", err)
	}
	if answer.DeviceCode == "" || answer.UserCode == "" || !isWebAddress(answer.VerificationURI) {
		return DeviceCode{}, errors.New("the answer to the request for a device code is incomplete")
	}
	return DeviceCode{
		DeviceCode:      secret.Redacted(answer.DeviceCode),
		UserCode:        answer.UserCode,
		VerificationURI: answer.VerificationURI,
		ExpiresIn:       max(answer.ExpiresIn, 0),
		Interval:        cmp.Or(max(answer.Interval, 0), deviceInterval),
	}, nil
}

// isWebAddress keeps a provider from making a page link to anything but another
// page.
func isWebAddress(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && parsed.Host != "" && (parsed.Scheme == "https" || parsed.Scheme == "http")
}

// pollDevice asks once whether somebody has entered the code of a device (RFC
// 8628, section 3.4). It sends neither the client's secret nor a verifier, of
// which the device flow knows nothing; that the library adds an empty code means
// nothing (RFC 6749, section 3.2).
func (e *endpoints) pollDevice(ctx context.Context, code secret.Redacted) (*oauth2.Token, error) {
	client := oauth2.Config{ClientID: e.ClientID, Endpoint: e.Endpoint}
	return client.Exchange(ctx, "",
		oauth2.SetAuthURLParam("grant_type", deviceGrant),
		oauth2.SetAuthURLParam("device_code", code.Reveal()))
}
