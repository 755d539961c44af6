package api

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// PageHeaders says what the operator adds to the headers of pages.
type PageHeaders struct {
	// ContentSecurityPolicy are further directives, such as
	// "img-src https://cdn.example.com": their sources are added to those that a
	// page has already.
	ContentSecurityPolicy []string
	// StrictTransportSecurity is for how many seconds browsers shall use TLS
	// alone (RFC 6797); 0 or less leaves it unsaid. The options are
	// includeSubDomains and preload.
	StrictTransportSecurity        int
	StrictTransportSecurityOptions []string
}

// directive is one rule of a Content-Security-Policy (CSP level 3, section 2.3).
type directive struct {
	name    string
	sources []string
}

// none is the source that stands for no source at all.
const none = "'none'"

// pagePolicy lets a page load nothing but what it needs: styles, the icons of
// identity providers, and a script only where there is one.
func pagePolicy(scripted bool) []directive {
	policy := []directive{
		{"default-src", []string{none}},
		{"base-uri", []string{none}},
		{"form-action", []string{"'self'"}},
		{"frame-ancestors", []string{none}},
		{"img-src", []string{"'self'", "https:", "data:"}},
		{"style-src", []string{"'self'"}},
	}
	if scripted {
		policy = append(policy, directive{"connect-src", []string{"'self'"}}, directive{"script-src", []string{"'self'"}})
	}
	return policy
}

var directivePattern = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// separates reports a character that no source can have.
func separates(r rune) bool { return r <= ' ' || r > '~' || r == ',' || r == ';' }

// CheckPolicy says what is wrong with directives of a Content-Security-Policy.
func CheckPolicy(text string) error {
	_, err := parsePolicy(text)
	return err
}

// parsePolicy reads directives, separated by semicolons.
func parsePolicy(text string) ([]directive, error) {
	var policy []directive
	for rule := range strings.SplitSeq(text, ";") {
		words := strings.Fields(rule)
		if len(words) == 0 {
			continue
		}
		name := strings.ToLower(words[0])
		if !directivePattern.MatchString(name) {
			return nil, fmt.Errorf("%q is not the name of a directive, such as img-src", words[0])
		}
		for _, source := range words[1:] {
			if strings.ContainsFunc(source, separates) {
				return nil, fmt.Errorf("%q is not a source, such as https://example.com", source)
			}
		}
		policy = append(policy, directive{name, words[1:]})
	}
	return policy, nil
}

// widen adds sources to the directives of a policy. A second directive of the
// same name would not count.
func widen(policy, further []directive) []directive {
	for _, add := range further {
		at := slices.IndexFunc(policy, func(d directive) bool { return d.name == add.name })
		if at < 0 {
			policy = append(policy, add)
			continue
		}
		policy[at].sources = slices.DeleteFunc(slices.Concat(policy[at].sources, add.sources), func(s string) bool { return s == none })
	}
	return policy
}

func joinPolicy(policy []directive) string {
	rules := make([]string, len(policy))
	for i, d := range policy {
		rules[i] = strings.Join(append([]string{d.name}, d.sources...), " ")
	}
	return strings.Join(rules, "; ")
}

// unusedFeatures are what browsers can do and no page here needs.
func unusedFeatures() string {
	features := []string{
		"accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
		"gyroscope", "magnetometer", "microphone", "midi", "payment", "picture-in-picture", "usb", "xr-spatial-tracking",
	}
	return strings.Join(features, "=(), ") + "=()"
}

// policies are the headers of pages without and with a script.
type policies struct{ plain, scripted http.Header }

func newPolicies(cfg PageHeaders) (policies, error) {
	var further []directive
	for _, text := range cfg.ContentSecurityPolicy {
		directives, err := parsePolicy(text)
		if err != nil {
			return policies{}, err
		}
		further = append(further, directives...)
	}
	return policies{plain: cfg.header(further, false), scripted: cfg.header(further, true)}, nil
}

func (p PageHeaders) header(further []directive, scripted bool) http.Header {
	header := http.Header{}
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", joinPolicy(widen(pagePolicy(scripted), further)))
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", unusedFeatures())
	// The pages themselves say "same-origin", which keeps their addresses from
	// others as well but lets forms say where they come from: with "no-referrer"
	// alone browsers send "Origin: null", and without TLS nothing else is there to
	// tell our own forms by.
	header.Set("Referrer-Policy", "no-referrer")
	if p.StrictTransportSecurity > 0 {
		parts := append([]string{"max-age=" + strconv.Itoa(p.StrictTransportSecurity)}, p.StrictTransportSecurityOptions...)
		header.Set("Strict-Transport-Security", strings.Join(parts, "; "))
	}
	return header
}
