package idp

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"usher/internal/account"
)

// profile makes an account's fields of what GitHub says, obeying their rules.
func (g *github) profile(user githubUser, email string) account.ExternalLogin {
	who := account.ExternalLogin{
		Issuer:        g.issuer,
		Subject:       strconv.FormatInt(user.ID, 10),
		Email:         email,
		EmailVerified: true,
		Username:      githubUsername(user.Login, user.ID),
		Name:          account.ProposeRealName(user.Name),
	}
	if isPicture(user.AvatarURL) {
		who.AvatarURL = user.AvatarURL
	}
	if g.numbered {
		who.GitHubUserID = user.ID
	}
	return who
}

// isPicture takes addresses of the web, and paths: clients of the reference hold
// us to repeating what the provider has.
func isPicture(address string) bool {
	isPath := strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//")
	return account.CheckAvatarURL(address) == nil || isPath && account.CheckAvatarURL("https://github.com"+address) == nil
}

// githubUsername keeps the letters and digits of a login, in groups joined by
// single hyphens. A login that cannot be a username, such as a word of the
// routes, gives way to one that is made of the id.
func githubUsername(login string, id int64) string {
	groups := strings.FieldsFunc(login, func(r rune) bool {
		return r >= utf8.RuneSelf || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	name := strings.Join(groups, "-")
	if len(name) > account.MaxUsernameBytes {
		name = strings.TrimRight(name[:account.MaxUsernameBytes], "-")
	}
	if account.CheckUsername(name) != nil {
		return "github-" + strconv.FormatInt(id, 10)
	}
	return name
}
