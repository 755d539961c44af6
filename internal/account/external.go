package account

import (
	"encoding/json"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ProposeUsername makes a username of the one that a provider gives somebody, or
// of their address where it gives none: that itself if it is valid, else what
// stands before its @ without everything but letters, digits and hyphens, cut to
// the length that usernames have. It returns "" where nothing valid is left.
func ProposeUsername(given, email string) string {
	if given == "" {
		given = email
	}
	if CheckUsername(given) == nil {
		return given
	}
	local, _, _ := strings.Cut(given, "@")
	name := strings.Map(keepNameRunes, local)
	name = strings.TrimRight(name[:min(len(name), MaxUsernameBytes)], "-")
	if CheckUsername(name) != nil {
		return ""
	}
	return name
}

func keepNameRunes(r rune) rune {
	if r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
		return r
	}
	return -1
}

// ProposeRealName makes a display name of any text: without control characters
// and white space around it, cut to 128 bytes between two characters. White space
// inside stays as it is.
func ProposeRealName(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.TrimSpace(text)
	if len(text) <= MaxRealNameBytes {
		return text
	}
	end := MaxRealNameBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.TrimSpace(text[:end])
}

// IsAddress reports that a text has the form of an address (RFC 5322, section
// 3.4), whether or not accounts can have it.
func IsAddress(text string) bool {
	_, err := mail.ParseAddress(text)
	return err == nil
}

// IsInDomain reports whether an address is at one of the domains, which may begin
// with an @. A domain's subdomains are others.
func IsInDomain(email string, domains []string) bool {
	at := strings.LastIndexByte(email, '@')
	return at >= 0 && slices.ContainsFunc(domains, func(domain string) bool {
		return Fold(strings.TrimPrefix(domain, "@")) == Fold(email[at+1:])
	})
}

// IsAffirmed reads a claim that says yes or no. Providers write it as a boolean,
// a text or a number; whatever else it is, and without it, the answer is no.
func IsAffirmed(claim any) bool {
	switch claim := claim.(type) {
	case bool:
		return claim
	case string:
		yes, err := strconv.ParseBool(strings.TrimSpace(claim))
		return err == nil && yes
	case json.Number:
		number, err := claim.Float64()
		return err == nil && number != 0
	case float64:
		return claim != 0
	default:
		return false
	}
}

// Groups reads the claim that lists somebody's groups; present says whether it is
// there at all.
func Groups(claims map[string]any, field string) (groups []string, present bool, err error) {
	_, present = claims[field]
	groups, err = claimValues(claims, field)
	return groups, present, err
}
