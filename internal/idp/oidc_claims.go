package idp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"usher/internal/account"
)

// maxSubject bounds a subject in bytes (OpenID Connect Core 1.0, section 2).
const maxSubject = 255

// claimsReader finds out what a provider says of whom a token is of.
type claimsReader struct {
	*oidcSource
	found *metadata
}

// idToken returns the verified ID token of a login (rows 1 to 3).
func (r *claimsReader) idToken(ctx context.Context, token *oauth2.Token, nonce string) (*oidc.IDToken, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok || raw == "" {
		return nil, account.Invalid("The identity provider's answer holds no ID token. Make sure that the scopes contain openid.")
	}
	vouched, err := r.verify(ctx, raw, &oidc.Config{ClientID: r.ClientID})
	if err != nil {
		return nil, refusedToken("The identity provider's ID token was not accepted.", err)
	}
	if err := r.check(vouched, token, nonce); err != nil {
		return nil, refusedToken("The identity provider's ID token was not accepted.", err)
	}
	return vouched, nil
}

// check looks at what the library leaves to its callers (OpenID Connect Core 1.0,
// section 3.1.3.7).
func (r *claimsReader) check(vouched *oidc.IDToken, token *oauth2.Token, nonce string) error {
	var party struct {
		Name string `json:"azp"`
	}
	if err := vouched.Claims(&party); err != nil {
		return errors.New("id token has an authorized party that is no text")
	}
	if len(vouched.Audience) > 1 && party.Name != r.ClientID {
		return fmt.Errorf("id token is for several audiences, and %q is not its authorized party", r.ClientID)
	}
	if vouched.Nonce != nonce {
		return errors.New("id token belongs to another login")
	}
	if vouched.AccessTokenHash != "" {
		if err := vouched.VerifyAccessToken(token.AccessToken); err != nil {
			return err
		}
	}
	subject := vouched.Subject
	if subject == "" || len(subject) > maxSubject || strings.ContainsFunc(subject, unicode.IsControl) {
		return fmt.Errorf("id token must have a subject, of at most %d bytes", maxSubject)
	}
	return nil
}

// errKeys says that the provider's keys could not be had, as opposed to a
// signature that none of them made.
var errKeys = errors.New("the keys of the provider could not be read")

// verify checks signature, issuer, audience and time of a token.
func (r *claimsReader) verify(ctx context.Context, raw string, config *oidc.Config) (*oidc.IDToken, error) {
	config.SupportedSigningAlgs = r.found.algorithms
	config.SkipIssuerCheck = r.SkipIssuerChecks
	config.Now = r.Now
	keys := &watchedKeys{KeySet: r.found.keys}
	verified, err := oidc.NewVerifier(r.IssuerURL, keys, config).Verify(ctx, raw)
	if err != nil && keys.failure != nil {
		return nil, fmt.Errorf("%w: %w", errKeys, keys.failure)
	}
	return verified, err
}

// watchedKeys remembers why the keys could not be had: the library's verifier
// keeps the text alone, which may repeat what the provider answered.
type watchedKeys struct {
	oidc.KeySet
	failure error
}

// VerifySignature implements oidc.KeySet.
func (k *watchedKeys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, jwt)
	if err != nil && strings.HasPrefix(err.Error(), "fetching keys") {
		k.failure = shortened(err)
	}
	return payload, err
}

// refusedToken tells why a token was not accepted. Clients match on the library's
// sentence about issuers.
func refusedToken(message string, err error) error {
	if errors.Is(err, errKeys) {
		return unreadable("The keys of the identity provider could not be read.", err)
	}
	refused := account.Invalid(message)
	refused.Detail = shortened(err).Error()
	return refused
}

// claims returns all that the provider says (row 4).
func (r *claimsReader) claims(ctx context.Context, token *oauth2.Token, vouched *oidc.IDToken) (account.Claims, error) {
	var claims account.Claims
	var raw json.RawMessage
	err := vouched.Claims(&raw)
	if err == nil {
		claims.IDToken, err = object(raw)
	}
	if err != nil {
		return claims, refusedToken("The identity provider's ID token was not accepted.", err)
	}
	switch {
	case r.AccessTokenClaims:
		claims.UserInfo, err = r.accessToken(ctx, token.AccessToken)
		claims.Merged = merged(claims.UserInfo, claims.IDToken)
	case r.IgnoreUserInfo || r.found.userInfoURL == "":
		claims.Merged = claims.IDToken
	default:
		claims.UserInfo, err = r.userInfo(ctx, token, vouched.Subject)
		claims.Merged = merged(claims.IDToken, claims.UserInfo)
	}
	return claims, err
}

// merged returns the claims of both, of which the second ones win.
func merged(claims, winning map[string]any) map[string]any {
	all := maps.Clone(claims)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, winning)
	return all
}

// accessToken returns the claims of an access token that is a JWT. It is not
// meant for us, so its audience is anybody's.
func (r *claimsReader) accessToken(ctx context.Context, raw string) (map[string]any, error) {
	const message = "The identity provider's access token is not a JWT that it has signed."
	verified, err := r.verify(ctx, raw, &oidc.Config{SkipClientIDCheck: true})
	if err != nil {
		return nil, refusedToken(message, err)
	}
	var payload json.RawMessage
	if err := verified.Claims(&payload); err != nil {
		return nil, refusedToken(message, err)
	}
	claims, err := object(payload)
	if err != nil {
		return nil, refusedToken(message, err)
	}
	return claims, nil
}

// userInfo asks the userinfo endpoint (OpenID Connect Core 1.0, section 5.3).
func (r *claimsReader) userInfo(ctx context.Context, token *oauth2.Token, subject string) (map[string]any, error) {
	claims, err := r.askUserInfo(ctx, token)
	if err == nil && !isTextOrNothing(claims["email"]) {
		err = errors.New("the e-mail address at the userinfo endpoint is no text")
	}
	if err != nil {
		return nil, unreadable("The identity provider could not be asked who you are.", err)
	}
	if claims["sub"] != subject {
		return nil, account.Invalid("The identity provider speaks of somebody else at its userinfo endpoint than in its ID token.")
	}
	return claims, nil
}

func isTextOrNothing(claim any) bool {
	_, ok := claim.(string)
	return ok || claim == nil
}

func (r *claimsReader) askUserInfo(ctx context.Context, token *oauth2.Token) (map[string]any, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.found.userInfoURL, nil)
	if err != nil {
		return nil, err
	}
	token.SetAuthHeader(request)
	response, err := clientOf(ctx).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the userinfo endpoint answered %d", response.StatusCode)
	}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind == "application/jwt" {
		signed, err := r.verify(ctx, string(body), &oidc.Config{SkipClientIDCheck: true, SkipExpiryCheck: true})
		if err != nil {
			return nil, fmt.Errorf("the userinfo endpoint's token was not accepted: %w", err)
		}
		var payload json.RawMessage
		if err := signed.Claims(&payload); err != nil {
			return nil, err
		}
		body = payload
	}
	return object(body)
}

// object reads a JSON object. Its numbers stay as they were written.
func object(text []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var claims map[string]any
	if err := decoder.Decode(&claims); err != nil || claims == nil {
		return nil, errors.New("claims are no JSON object")
	}
	return claims, nil
}
