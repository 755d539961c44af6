package account

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Organization is a group of users with roles of their own. There is always
// exactly one default organization.
type Organization struct {
	ID          uuid.UUID
	Name        string
	DisplayName string
	Description string
	Icon        string
	IsDefault   bool
	Deleted     bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Object returns the organization as something that permissions are about.
func (o *Organization) Object() Object {
	return Object{Type: ResourceOrganization, ID: o.ID, Organization: o.ID}
}

// OrganizationRef is how a caller names an organization in a path: "default" or
// the nil UUID, an id, or a name.
type OrganizationRef struct {
	Default bool
	ID      uuid.UUID // uuid.Nil unless the reference is an id
	Name    string
}

// ParseOrganizationRef reads a path segment.
func ParseOrganizationRef(segment string) OrganizationRef {
	id, err := uuid.Parse(segment)
	switch {
	case segment == "default", err == nil && id == uuid.Nil:
		return OrganizationRef{Default: true}
	case err == nil:
		return OrganizationRef{ID: id}
	}
	return OrganizationRef{Name: segment}
}

// CheckOrganizationName says what is wrong with an organization's name: it
// follows the rule of usernames, and "default" is taken by the API itself.
func CheckOrganizationName(name string) error {
	switch {
	case len(name) > MaxUsernameBytes || !usernamePattern.MatchString(name):
		return fmt.Errorf("must be 1 to %d letters and digits, in groups joined by single hyphens", MaxUsernameBytes)
	case strings.EqualFold(name, "default"), strings.EqualFold(name, "new"), strings.EqualFold(name, "create"):
		return fmt.Errorf("%q is a reserved word", name)
	}
	if _, err := uuid.Parse(name); err == nil {
		return fmt.Errorf("must not look like a UUID")
	}
	return nil
}

// Limits of the fields of an organization, in bytes.
const (
	MaxDisplayNameBytes = 64
	maxDescriptionBytes = 1024
	maxIconBytes        = 2048
)

// CheckDisplayName says what is wrong with what people call an organization or
// a role: over 64 bytes, or what CheckRealName finds. Empty is fine.
func CheckDisplayName(name string) error {
	if len(name) > MaxDisplayNameBytes {
		return fmt.Errorf("must be at most %d bytes", MaxDisplayNameBytes)
	}
	return CheckRealName(name)
}

// Check reports every bad field of the organization, each under its name on the
// wire.
func (o *Organization) Check() []FieldError {
	faults := []FieldError{}
	check := func(field string, err error) {
		if err != nil {
			faults = append(faults, FieldError{Field: field, Detail: err.Error()})
		}
	}
	check("name", CheckOrganizationName(o.Name))
	check("display_name", CheckDisplayName(o.DisplayName))
	check("description", checkText(o.Description, maxDescriptionBytes))
	check("icon", checkText(o.Icon, maxIconBytes))
	return faults
}

func checkText(text string, limit int) error {
	if len(text) > limit || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return fmt.Errorf("must be text of at most %d bytes", limit)
	}
	return nil
}

// Member is a user's place in an organization, with the user.
type Member struct {
	OrganizationID uuid.UUID
	User           User
	Roles          []string // the stored organization roles
	// CustomRoles are what those of the roles mean that are not built in.
	CustomRoles []Role
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Role returns what one of the member's roles means. One that is no more permits
// nothing.
func (m *Member) Role(name string) Role {
	if role := heldRole(name, m.CustomRoles); role != nil {
		return *role
	}
	return Role{Name: name}
}

// Object returns the membership as something that permissions are about: it
// belongs to the user whose it is.
func (m *Member) Object() Object {
	return Object{Type: ResourceOrganizationMember, ID: m.User.ID, Owner: m.User.ID, Organization: m.OrganizationID}
}
