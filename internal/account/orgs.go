package account

import (
	"fmt"
	"strings"
	"time"

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
	return nil
}
