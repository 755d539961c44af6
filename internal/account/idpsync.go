package account

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Limits of the settings of a sync. The lengths are in bytes: a claim's name may
// be a URL, its values distinguished names.
const (
	maxSyncFieldBytes = 256
	maxSyncClaimBytes = 1024
	// MaxSyncEntries is how many pairs of a claim's value and what it gives a
	// mapping may have, and how many may be added or removed at once.
	MaxSyncEntries = 1000
)

// SiteRoleSync says how the site roles of people follow from what their provider
// says of them (auth.md, section 11). Without a Field nothing is synced.
type SiteRoleSync struct {
	Field   string              // the claim
	Mapping map[string][]string // from its values to site roles
	Default []string            // what everyone holds, whatever the claim says
}

// OrganizationSync says the same of the organizations that people belong to.
type OrganizationSync struct {
	Field   string                 `json:"field"`
	Mapping map[string][]uuid.UUID `json:"mapping"`
	// AssignDefault lets everyone belong to the default organization, whatever the
	// claim says.
	AssignDefault bool `json:"organization_assign_default"`
}

// RoleSync says the same of the roles of an organization's members.
type RoleSync struct {
	Field   string              `json:"field"`
	Mapping map[string][]string `json:"mapping"`
}

// Roles returns the site roles that somebody is to hold, sorted: the default
// ones, and what the claim's values are mapped to, or name themselves. What is no
// site role is left out. A claim that is neither a text nor a list of texts is an
// error.
func (s *SiteRoleSync) Roles(claims map[string]any) ([]string, error) {
	names, err := mappedNames(claims, s.Field, s.Mapping)
	if err != nil {
		return nil, err
	}
	names = append(names, s.Default...)
	names = slices.DeleteFunc(names, func(name string) bool { return !IsSiteRole(name) })
	return asNames(names), nil
}

// Organizations returns the organizations that somebody is to belong to, each
// once, whether or not they exist. Values of the claim that are not mapped mean
// nothing.
func (s *OrganizationSync) Organizations(claims map[string]any, defaultID uuid.UUID) ([]uuid.UUID, error) {
	values, err := claimValues(claims, s.Field)
	if err != nil {
		return nil, err
	}
	ids := []uuid.UUID{}
	if s.AssignDefault {
		ids = append(ids, defaultID)
	}
	for _, value := range values {
		ids = append(ids, s.Mapping[value]...)
	}
	return distinct(ids), nil
}

// Roles returns the names of the roles that a member is to hold, sorted: what the
// claim's values are mapped to, or name themselves. Which of them are roles is for
// those to say who know the organization.
func (s *RoleSync) Roles(claims map[string]any) ([]string, error) {
	names, err := mappedNames(claims, s.Field, s.Mapping)
	return asNames(names), err
}

// mappedNames replaces the values of a claim by what they are mapped to; a value
// that is not mapped stands for itself.
func mappedNames(claims map[string]any, field string, mapping map[string][]string) ([]string, error) {
	values, err := claimValues(claims, field)
	names := []string{}
	for _, value := range values {
		if mapped, ok := mapping[value]; ok {
			names = append(names, mapped...)
			continue
		}
		names = append(names, value)
	}
	return names, err
}

// claimValues reads a claim as a list of texts. One that is missing, null or an
// empty text is an empty list, and a text is a list of one; but a text with a comma
// might be meant as several, and which of both nobody can know. The error says
// what the claim is, and nothing of its value.
func claimValues(claims map[string]any, field string) ([]string, error) {
	switch claim := claims[field].(type) {
	case nil:
		return []string{}, nil
	case string:
		if strings.Contains(claim, ",") {
			return nil, fmt.Errorf("the claim %q is one text with a comma in it, where a list is needed", field)
		}
		if claim == "" {
			return []string{}, nil
		}
		return []string{claim}, nil
	case []string:
		return slices.Clone(claim), nil
	case []any:
		return textsOf(claim, field)
	}
	return nil, fmt.Errorf("the claim %q is neither a text nor a list of texts", field)
}

func textsOf(list []any, field string) ([]string, error) {
	texts := make([]string, len(list))
	for i, element := range list {
		text, ok := element.(string)
		if !ok {
			return nil, fmt.Errorf("the claim %q is a list with something in it that is no text", field)
		}
		texts[i] = text
	}
	return texts, nil
}

// asNames returns the names sorted, each once; never nil.
func asNames(names []string) []string { return slices.Compact(asSet(names)) }

// distinct returns the elements in their order, each once.
func distinct[T comparable](list []T) []T {
	seen, kept := map[T]bool{}, []T{}
	for _, element := range list {
		if !seen[element] {
			seen[element], kept = true, append(kept, element)
		}
	}
	return kept
}

// Check reports what is wrong with the settings, each under its name on the wire.
// Whether the organizations exist is not looked at.
func (s *OrganizationSync) Check() []FieldError { return checkSync(s.Field, s.Mapping) }

// Check does the same for the roles of an organization.
func (s *RoleSync) Check() []FieldError { return checkSync(s.Field, s.Mapping) }

func checkSync[T any](field string, mapping map[string][]T) []FieldError {
	faults := []FieldError{}
	if err := checkClaimText(field, maxSyncFieldBytes); err != nil {
		faults = append(faults, FieldError{Field: "field", Detail: err.Error()})
	}
	entries := 0
	for _, claim := range slices.Sorted(maps.Keys(mapping)) {
		entries += max(1, len(mapping[claim]))
		if err := checkClaimValue(claim); err != nil {
			return append(faults, FieldError{Field: "mapping", Detail: err.Error()})
		}
	}
	if entries > MaxSyncEntries {
		faults = append(faults, FieldError{Field: "mapping", Detail: fmt.Sprintf("must have at most %d entries", MaxSyncEntries)})
	}
	return faults
}

// checkClaimValue refuses a value that no claim can have, or that should not decide:
// an empty text says nothing.
func checkClaimValue(value string) error {
	if value == "" {
		return fmt.Errorf("must not map the empty value")
	}
	return checkClaimText(value, maxSyncClaimBytes)
}

func checkClaimText(text string, limit int) error {
	switch {
	case len(text) > limit:
		return fmt.Errorf("must be at most %d bytes", limit)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("must be text without control characters")
	case strings.TrimSpace(text) != text:
		return fmt.Errorf("must not begin or end with white space")
	}
	return nil
}

// Distinct returns the settings with each target of a value once, and without
// anything that is nil.
func (s OrganizationSync) Distinct() OrganizationSync {
	s.Mapping = distinctMapping(s.Mapping)
	return s
}

// Distinct does the same for the roles of an organization.
func (s RoleSync) Distinct() RoleSync {
	s.Mapping = distinctMapping(s.Mapping)
	return s
}

func distinctMapping[T comparable](mapping map[string][]T) map[string][]T {
	clean := map[string][]T{}
	for claim, targets := range mapping {
		clean[claim] = distinct(targets)
	}
	return clean
}

// MappingPair is one line of a mapping: whom the provider gives the value Given
// gets Gets.
type MappingPair[T comparable] struct {
	Given string
	Gets  T
}

// MappingEdit adds lines to a mapping and removes others; what stands in both is
// removed.
type MappingEdit[T comparable] struct{ Add, Remove []MappingPair[T] }

// Check reports lists that are too long, and a bad value among what is added.
func (e *MappingEdit[T]) Check() []FieldError {
	faults := []FieldError{}
	detail := fmt.Sprintf("must have at most %d entries", MaxSyncEntries)
	if len(e.Add) > MaxSyncEntries {
		faults = append(faults, FieldError{Field: "add", Detail: detail})
	} else if err := checkAdded(e.Add); err != nil {
		faults = append(faults, FieldError{Field: "add", Detail: err.Error()})
	}
	if len(e.Remove) > MaxSyncEntries {
		faults = append(faults, FieldError{Field: "remove", Detail: detail})
	}
	return faults
}

func checkAdded[T comparable](lines []MappingPair[T]) error {
	for _, line := range lines {
		if err := checkClaimValue(line.Given); err != nil {
			return err
		}
	}
	return nil
}

// Apply returns the mapping after the edit. A value whose last line was removed is
// mapped no more.
func (e *MappingEdit[T]) Apply(mapping map[string][]T) map[string][]T {
	after := maps.Clone(mapping)
	if after == nil {
		after = map[string][]T{}
	}
	for _, line := range e.Add {
		after[line.Given] = append(slices.Clone(after[line.Given]), line.Gets)
	}
	for _, line := range e.Remove {
		targets := after[line.Given]
		if !slices.Contains(targets, line.Gets) {
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(targets), func(target T) bool { return target == line.Gets })
		if after[line.Given] = rest; len(rest) == 0 {
			delete(after, line.Given)
		}
	}
	return distinctMapping(after)
}

// NewTargets returns what the lines give that a mapping has after a change and had
// not before, each once.
func NewTargets[T comparable](before, after map[string][]T) []T {
	added := []T{}
	for _, claim := range slices.Sorted(maps.Keys(after)) {
		known := map[T]bool{}
		for _, target := range before[claim] {
			known[target] = true
		}
		for _, target := range after[claim] {
			if !known[target] {
				added = append(added, target)
			}
		}
	}
	return distinct(added)
}

// OrganizationSyncDiff returns what changed between two states of the settings.
func OrganizationSyncDiff(before, after OrganizationSync) Diff {
	diff := Diff{}
	diff.add("field", before.Field, after.Field)
	diff.add("mapping", distinctMapping(before.Mapping), distinctMapping(after.Mapping))
	diff.add("assign_default", before.AssignDefault, after.AssignDefault)
	return diff
}

// RoleSyncDiff does the same for the roles of an organization.
func RoleSyncDiff(before, after RoleSync) Diff {
	diff := Diff{}
	diff.add("field", before.Field, after.Field)
	diff.add("mapping", distinctMapping(before.Mapping), distinctMapping(after.Mapping))
	return diff
}
