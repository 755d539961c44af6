package account

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// MaxAutofillParameters is how many values a list has at most.
const MaxAutofillParameters = 100

// Limits of a recorded build.
const (
	maxBuildParameters = 256
	maxParameterName   = 128         // bytes
	maxParameterValue  = 8 << 10     // bytes
	maxBuildAhead      = time.Minute // the clock of who tells may be a little fast
)

// TransitionStart is the transition whose values are offered again.
const TransitionStart = "start"

var transitions = []string{TransitionStart, "stop", "delete"}

// Parameter is a value that a form can be filled in with.
type Parameter struct {
	Name  string
	Value string
}

// Build is what a workspace was started, stopped or deleted with. Usher keeps no
// workspaces and no templates: their ids are what the caller calls them.
type Build struct {
	TemplateID  uuid.UUID
	WorkspaceID uuid.UUID // the nil UUID where it was not told
	Transition  string
	CreatedAt   time.Time
	Parameters  []BuildParameter
}

// BuildParameter is a value that a build was given.
type BuildParameter struct {
	Parameter
	// Ephemeral values were meant for that build alone.
	Ephemeral bool
}

// Check reports everything that is wrong with the build, under the names of the
// wire.
func (b *Build) Check(now time.Time) []FieldError {
	faults := []FieldError{}
	check := func(field string, fault error) {
		if fault != nil {
			faults = append(faults, FieldError{Field: field, Detail: fault.Error()})
		}
	}
	if b.TemplateID == uuid.Nil {
		check("template_id", fmt.Errorf("must not be empty"))
	}
	check("transition", oneOf(transitions, b.Transition))
	check("created_at", b.checkTime(now))
	for _, fault := range b.checkParameters() {
		check("parameters", fault)
	}
	return faults
}

// checkTime keeps out values that no later build could ever replace, and years
// that cannot be written.
func (b *Build) checkTime(now time.Time) error {
	switch {
	case b.CreatedAt.After(now.Add(maxBuildAhead)):
		return fmt.Errorf("must be at most %s in the future", maxBuildAhead)
	case b.CreatedAt.UTC().Year() < 1:
		return fmt.Errorf("must not be before the year 1")
	}
	return nil
}

func (b *Build) checkParameters() []error {
	if b.Parameters == nil {
		return []error{fmt.Errorf("must be a list, which may be empty")}
	}
	if len(b.Parameters) > maxBuildParameters {
		return []error{fmt.Errorf("has %d elements; at most %d are allowed", len(b.Parameters), maxBuildParameters)}
	}
	faults := []error{}
	seen := make(map[string]bool, len(b.Parameters))
	for i, p := range b.Parameters {
		if err := p.check(); err != nil {
			faults = append(faults, fmt.Errorf("element %d: %w", i, err))
		} else if seen[p.Name] {
			faults = append(faults, fmt.Errorf("element %d: the name %q is there twice", i, p.Name))
		}
		seen[p.Name] = true
	}
	return faults
}

// check says what is wrong with a parameter. A value may have several lines.
func (p *Parameter) check() error {
	switch {
	case p.Name == "":
		return fmt.Errorf("the name must not be empty")
	case len(p.Name) > maxParameterName:
		return fmt.Errorf("the name must be at most %d bytes", maxParameterName)
	case !utf8.ValidString(p.Name) || strings.ContainsFunc(p.Name, unicode.IsControl):
		return fmt.Errorf("the name must be text without control characters")
	case len(p.Value) > maxParameterValue:
		return fmt.Errorf("the value must be at most %d bytes", maxParameterValue)
	case !utf8.ValidString(p.Value) || strings.ContainsRune(p.Value, 0):
		return fmt.Errorf("the value must be text without NUL")
	}
	return nil
}

// Lasting returns the values that are worth offering again, by name: those of a
// start that were not for that build alone.
func (b *Build) Lasting() []Parameter {
	lasting := []Parameter{}
	if b.Transition != TransitionStart {
		return lasting
	}
	for _, p := range b.Parameters {
		if !p.Ephemeral {
			lasting = append(lasting, p.Parameter)
		}
	}
	slices.SortFunc(lasting, func(a, b Parameter) int { return strings.Compare(a.Name, b.Name) })
	return lasting
}

// WorkspacesOf returns the workspaces of a user as something that this actor's
// permissions are about.
//
// Site roles (owner, template-admin) hold for every workspace. A member's right
// to its own workspaces is granted in its organizations (see memberOwned), and
// Usher does not know in which of them a workspace is: for oneself the right
// counts if any of one's organizations gives it. For somebody else any
// organization must not be asked: an administrator of one would be let through
// to the workspaces of users who are not even in it. So a role in an
// organization gives no right here over others, and who belongs to no
// organization, and so can have no workspace, has none over itself either.
func (a *Actor) WorkspacesOf(userID uuid.UUID) Object {
	return Object{Type: ResourceWorkspace, Owner: userID, AnyOrganization: a.Is(userID)}
}
