package account

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// UserSearch is a parsed search over users. Conditions of different fields must
// all hold; several values of one field are alternatives. Zero values do not
// restrict. Strings are folded (see Fold) and matched literally.
type UserSearch struct {
	Search         string // part of the username or of the e-mail address
	Name           string // part of the real name
	Statuses       []UserStatus
	Roles          []string // stored site roles
	LoginTypes     []LoginType
	ServiceAccount *bool
	GitHubUserID   int64
	LastSeenBefore time.Time // inclusive, like the three below
	LastSeenAfter  time.Time
	CreatedBefore  time.Time
	CreatedAfter   time.Time
}

// IsZero reports whether the search restricts nothing.
func (s UserSearch) IsZero() bool {
	return s.Search == "" && s.Name == "" && len(s.Statuses) == 0 && len(s.Roles) == 0 && len(s.LoginTypes) == 0 &&
		s.ServiceAccount == nil && s.GitHubUserID == 0 && s.LastSeenBefore.IsZero() && s.LastSeenAfter.IsZero() &&
		s.CreatedBefore.IsZero() && s.CreatedAfter.IsZero()
}

// ParseUserSearch reads the search grammar of the user list (users.md, section
// 5.3.1): key:value pairs and bare words, separated by spaces, quoted with ".
// All faults are reported at once, each under its key.
func ParseUserSearch(query string) (UserSearch, error) {
	t := splitTerms(query, "search")
	search := UserSearch{
		Search:         Fold(t.single("search")),
		Name:           Fold(t.single("name")),
		Statuses:       enumList(t, "status", UserStatuses()),
		LoginTypes:     enumList(t, "login_type", searchableLoginTypes()),
		Roles:          t.list("role"),
		ServiceAccount: t.boolean("service_account"),
		GitHubUserID:   t.integer("github_com_user_id"),
		LastSeenBefore: t.timestamp("last_seen_before"),
		LastSeenAfter:  t.timestamp("last_seen_after"),
		CreatedBefore:  t.timestamp("created_before"),
		CreatedAfter:   t.timestamp("created_after"),
	}
	search.dropImpliedMember()
	return search, t.failure("Invalid user search query.")
}

// dropImpliedMember makes role:member, which everyone holds, no restriction,
// and ignores it beside other roles.
func (s *UserSearch) dropImpliedMember() {
	s.Roles = slices.DeleteFunc(s.Roles, func(role string) bool { return role == RoleMember })
	s.Roles = slices.Compact(slices.Sorted(slices.Values(s.Roles)))
}

// searchableLoginTypes are the values of login_type in a search; the last names
// a type that other deployments have and ours never stores.
func searchableLoginTypes() []LoginType {
	return []LoginType{LoginPassword, LoginGitHub, LoginOIDC, LoginToken, LoginNone, "oauth2_provider_app"}
}

// AuditSearch is a parsed search over the audit log.
type AuditSearch struct {
	ResourceType   AuditResource
	Action         AuditAction
	ResourceID     uuid.UUID
	RequestID      uuid.UUID
	Target         string    // whole, folded
	Username       string    // whole, folded; "me" is the caller
	Email          string    // whole, folded
	From           time.Time // inclusive
	Until          time.Time // exclusive
	Organization   string    // as written: an id or a name
	MatchesNothing bool      // a build reason was asked for, which no entry has
}

// ParseAuditSearch reads the search grammar of the audit log (users.md, section
// 6.6). Bare words name a resource type.
func ParseAuditSearch(query string) (AuditSearch, error) {
	t := splitTerms(query, "resource_type")
	search := AuditSearch{
		ResourceType: enum(t, "resource_type", AuditResources()),
		Action:       enum(t, "action", AuditActions()),
		ResourceID:   t.uuid("resource_id"),
		RequestID:    t.uuid("request_id"),
		Target:       Fold(t.single("resource_target")),
		Username:     Fold(t.single("username")),
		Email:        Fold(t.single("email")),
		From:         t.date("date_from"),
		Until:        t.date("date_to"),
		Organization: t.single("organization"),
	}
	if !search.Until.IsZero() {
		search.Until = search.Until.AddDate(0, 0, 1)
	}
	reason := enum(t, "build_reason", []string{"initiator", "autostart", "autostop", "dormancy", "failedstop", "autodelete"})
	search.MatchesNothing = reason != ""
	return search, t.failure("Invalid audit search query.")
}

// MemberSearch is a parsed search over the members of an organization.
type MemberSearch struct {
	UserID       uuid.UUID
	GitHubUserID int64
}

// ParseMemberSearch reads the search grammar of the plain member list (users.md,
// section 6.4): keys only, and few of them. There are no system users, so that
// include_system changes nothing.
func ParseMemberSearch(query string) (MemberSearch, error) {
	t := splitTerms(query, "search")
	search := MemberSearch{UserID: t.uuid("user_id"), GitHubUserID: t.integer("github_user_id")}
	t.boolean("include_system")
	return search, t.failure("Invalid organization member search query.")
}

// MaxSearchBytes bounds a search; a longer one is refused.
const MaxSearchBytes = 4096

// terms are the key:value pairs of a search, taken out one key at a time. What
// is left over at the end is unknown.
type terms struct {
	values map[string][]string
	keys   []string // in order of appearance
	faults []FieldError
}

// splitTerms folds the query, splits it at spaces outside double quotes, and
// collects the values of each key; words without a key belong to bareKey, joined
// by single spaces. An unbalanced quote reaches to the end. Folding rather than
// lower-casing makes the values match what the store has folded.
func splitTerms(query, bareKey string) *terms {
	t := &terms{values: map[string][]string{}}
	if !utf8.ValidString(query) || strings.ContainsRune(query, 0) || len(query) > MaxSearchBytes {
		t.fault("q", fmt.Sprintf("must be text of at most %d bytes", MaxSearchBytes))
		return t
	}
	var bare []string
	for _, element := range splitOutsideQuotes(Fold(query), isSpace) {
		parts := splitOutsideQuotes(element, isColon)
		colons := countOutsideQuotes(element)
		switch {
		case colons == 0:
			bare = append(bare, unquote(element))
		case colons > 1:
			t.fault("q", fmt.Sprintf("%q has more than one colon; put values with colons in double quotes", element))
		case len(parts) != 2 || unquote(parts[0]) == "":
			t.fault("q", fmt.Sprintf("%q begins or ends with a colon", element))
		default:
			t.add(unquote(parts[0]), unquote(parts[1]))
		}
	}
	if len(bare) > 0 {
		t.add(bareKey, strings.Join(bare, " "))
	}
	return t
}

func isColon(r rune) bool { return r == ':' }

// isSpace is ASCII white space alone: the spaces of other scripts stand inside
// names.
func isSpace(r rune) bool { return r == ' ' || '\t' <= r && r <= '\r' }

// splitOutsideQuotes splits at the separators that are not inside double
// quotes, and drops empty parts.
func splitOutsideQuotes(s string, separator func(rune) bool) []string {
	quoted := false
	return strings.FieldsFunc(s, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && separator(r)
	})
}

func countOutsideQuotes(s string) int {
	quoted, count := false, 0
	for _, r := range s {
		if r == '"' {
			quoted = !quoted
		}
		if r == ':' && !quoted {
			count++
		}
	}
	return count
}

func unquote(s string) string {
	s = strings.TrimPrefix(s, `"`)
	return strings.TrimSuffix(s, `"`)
}

func (t *terms) add(key, value string) {
	if _, seen := t.values[key]; !seen {
		t.keys = append(t.keys, key)
	}
	t.values[key] = append(t.values[key], value)
}

func (t *terms) fault(field, detail string) {
	t.faults = append(t.faults, FieldError{Field: field, Detail: detail})
}

func (t *terms) take(key string) []string {
	values := t.values[key]
	delete(t.values, key)
	return values
}

func (t *terms) single(key string) string {
	values := t.take(key)
	switch len(values) {
	case 0:
		return ""
	case 1:
		return values[0]
	}
	t.fault(key, fmt.Sprintf("%q was provided more than once", key))
	return ""
}

func (t *terms) list(key string) []string {
	var list []string
	for _, value := range t.take(key) {
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
	}
	return list
}

func enumList[T ~string](t *terms, key string, allowed []T) []T {
	var list []T
	for _, value := range t.list(key) {
		if !slices.Contains(allowed, T(value)) {
			t.faultEnum(key, value, fmt.Sprint(allowed))
			continue
		}
		list = append(list, T(value))
	}
	return list
}

func enum[T ~string](t *terms, key string, allowed []T) T {
	value := t.single(key)
	if value != "" && !slices.Contains(allowed, T(value)) {
		t.faultEnum(key, value, fmt.Sprint(allowed))
		return ""
	}
	return T(value)
}

func (t *terms) faultEnum(key, value, allowed string) {
	t.fault(key, fmt.Sprintf("%q is not one of %s", value, strings.Trim(allowed, "[]")))
}

func (t *terms) boolean(key string) *bool {
	value := t.single(key)
	if value == "" {
		return nil
	}
	parsed, err := strconv.ParseBool(value)
	if err != nil {
		t.fault(key, fmt.Sprintf("%q is neither true nor false", value))
		return nil
	}
	return &parsed
}

func (t *terms) integer(key string) int64 {
	value := t.single(key)
	if value == "" {
		return 0
	}
	parsed, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		t.fault(key, fmt.Sprintf("%q is not a whole number of 64 bits", value))
	}
	return parsed
}

// timestamp reads RFC 3339, which is upper-cased again because the whole query
// was lower-cased.
func (t *terms) timestamp(key string) time.Time {
	return t.time(key, time.RFC3339, "2006-01-02T15:04:05Z, in double quotes")
}

func (t *terms) date(key string) time.Time {
	return t.time(key, time.DateOnly, time.DateOnly)
}

// time never returns the zero time for a value that was given, because zero
// means "no restriction": the zero time itself, at which the never-seen were last
// seen, is moved by a nanosecond, which is finer than what is stored.
func (t *terms) time(key, layout, example string) time.Time {
	value := t.single(key)
	if value == "" {
		return time.Time{}
	}
	parsed, err := time.Parse(layout, strings.ToUpper(value))
	if err != nil {
		t.fault(key, fmt.Sprintf("%q is not a time of the form %s", value, example))
	}
	if parsed.IsZero() {
		parsed = parsed.Add(time.Nanosecond)
	}
	return parsed.UTC()
}

func (t *terms) uuid(key string) uuid.UUID {
	value := t.single(key)
	if value == "" {
		return uuid.Nil
	}
	parsed, err := uuid.Parse(value)
	if err != nil {
		t.fault(key, fmt.Sprintf("%q is not a UUID", value))
	}
	return parsed
}

// failure reports every fault that was met, and every key that nobody took.
func (t *terms) failure(message string) error {
	for _, key := range t.keys {
		if _, left := t.values[key]; left {
			t.fault(key, fmt.Sprintf("%q is not a valid query param", key))
		}
	}
	if len(t.faults) == 0 {
		return nil
	}
	return Invalid(message, t.faults...)
}
