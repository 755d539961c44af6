package idp

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"usher/internal/account"
)

// login derives from the claims who has come (rows 5 to 10 and 12). Issuer and
// subject are not for claims that can be merged to say.
func (c OIDCConfig) login(claims map[string]any) (account.ExternalLogin, error) {
	email, ownClaim, err := c.email(claims)
	if err != nil {
		return account.ExternalLogin{}, err
	}
	verified := account.IsAffirmed(claims["email_verified"])
	if !verified && !c.IgnoreEmailVerified {
		return account.ExternalLogin{}, refusal(account.KindForbidden, "Email not verified",
			"Verify the e-mail address %.254q with your identity provider, then sign in again.", email)
	}
	if len(c.EmailDomain) > 0 && !account.IsInDomain(email, c.EmailDomain) {
		return account.ExternalLogin{}, refusal(account.KindForbidden, "Unauthorized email",
			"The e-mail address %.254q is not from an authorized domain. Please contact your administrator.", email)
	}
	if err := account.CheckEmail(email); err != nil {
		return account.ExternalLogin{}, account.Invalid(fmt.Sprintf("The e-mail address that the identity provider gives you %v.", err))
	}
	if err := c.checkGroups(claims); err != nil {
		return account.ExternalLogin{}, err
	}
	return account.ExternalLogin{
		Email: email,
		// What the provider has verified is the address that it gives, not a
		// username that looks like one: people can often choose that.
		EmailVerified: verified && ownClaim,
		Username:      c.username(claims, email),
		Name:          account.ProposeRealName(text(claims, c.NameField)),
		AvatarURL:     avatar(claims),
	}, nil
}

// email returns the address, and whether it has a claim of its own.
func (c OIDCConfig) email(claims map[string]any) (email string, ownClaim bool, err error) {
	claim, present := claims[c.EmailField]
	email, isText := claim.(string)
	if present && !isText {
		return "", false, account.Invalid("The e-mail address that the identity provider gives you is no text.")
	}
	if email != "" {
		return email, true, nil
	}
	if username := text(claims, c.UsernameField); account.IsAddress(username) {
		return username, false, nil
	}
	return "", false, account.Invalid("The identity provider gives no e-mail address for you, and an account needs one.")
}

func text(claims map[string]any, field string) string {
	value, _ := claims[field].(string)
	return value
}

func avatar(claims map[string]any) string {
	picture := text(claims, "picture")
	if account.CheckAvatarURL(picture) != nil {
		return ""
	}
	return picture
}

// username proposes one, a random one where nothing can be made of the claims.
func (c OIDCConfig) username(claims map[string]any, email string) string {
	if name := account.ProposeUsername(text(claims, c.UsernameField), email); name != "" {
		return name
	}
	return randomUsername()
}

// randomUsername makes one such as quiet-lovelace07.
func randomUsername() string {
	adjectives := []string{
		"amber", "bold", "brisk", "calm", "clever", "crisp", "eager", "gentle", "keen", "lively",
		"lucid", "mellow", "merry", "nimble", "patient", "quiet", "steady", "sunny", "vivid", "witty",
	}
	surnames := []string{
		"babbage", "bohr", "boole", "cerf", "curie", "darwin", "dijkstra", "euler", "faraday", "gauss",
		"germain", "goodall", "hopper", "kepler", "lovelace", "meitner", "noether", "pasteur", "turing", "volta",
	}
	return fmt.Sprintf("%s-%s%02d", adjectives[rand.IntN(len(adjectives))], surnames[rand.IntN(len(surnames))], rand.IntN(100))
}

// checkGroups lets in who is in one of the allowed groups (auth.md, section 11).
func (c OIDCConfig) checkGroups(claims map[string]any) error {
	if len(c.AllowedGroups) == 0 {
		return nil
	}
	groups, present, err := account.Groups(claims, c.GroupField)
	switch {
	case !present:
		return refusal(account.KindForbidden, "Groups missing",
			"Your identity provider does not say which groups you are in. Please contact your administrator.")
	case err != nil:
		return refusal(account.KindInvalid, "Groups unreadable",
			"Your identity provider does not say in a readable way which groups you are in. Please contact your administrator.")
	case !slices.ContainsFunc(groups, func(group string) bool { return slices.Contains(c.AllowedGroups, group) }):
		return refusal(account.KindForbidden, "Not in an allowed group",
			"You are in none of the groups that may sign in. Please contact your administrator.")
	}
	return nil
}

// refusal is told on a page.
func refusal(kind account.Kind, title, format string, a ...any) error {
	return &account.Error{Kind: kind, Title: title, Message: fmt.Sprintf(format, a...)}
}
