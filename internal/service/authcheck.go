package service

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"usher/internal/account"
)

// MaxChecksByID bounds how many checks of one request may load an object.
const MaxChecksByID = 10

// Check is a question: may the actor do this?
type Check struct {
	ResourceType   string
	ResourceID     string // loads the object, if set
	OwnerID        string // "me" is the actor
	OrganizationID string
	AnyOrg         bool
	Action         string
}

// CheckPermissions answers each question. Names that nobody knows, and objects
// that are absent or unreadable, are answered with no.
func (s *Service) CheckPermissions(ctx context.Context, actor *account.Actor, checks map[string]Check) (map[string]bool, error) {
	if err := validateChecks(checks); err != nil {
		return nil, err
	}
	answers := make(map[string]bool, len(checks))
	for name, check := range checks {
		allowed, err := s.allowed(ctx, actor, check)
		if err != nil {
			return nil, err
		}
		answers[name] = allowed
	}
	return answers, nil
}

func validateChecks(checks map[string]Check) error {
	var v validation
	byID := 0
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		check := checks[name]
		switch {
		case check.ResourceType == "":
			v.check("resource_type", fmt.Errorf("check %q names no resource type", name))
		case check.ResourceID == "":
		case !loadable(check.ResourceType):
			v.check("resource_type", fmt.Errorf("check %q: objects of type %q cannot be looked up by id", name, check.ResourceType))
		default:
			byID++
			if _, err := uuid.Parse(check.ResourceID); err != nil {
				v.check("resource_id", fmt.Errorf("check %q: the resource id is not a UUID", name))
			}
		}
	}
	if byID > MaxChecksByID {
		v.check("checks", fmt.Errorf("at most %d checks may have a resource id, not %s", MaxChecksByID, strconv.Itoa(byID)))
	}
	return v.failure()
}

// loadable are the types that a check may look up. Usher has only users; of the
// others there are none, so that the answer is no.
func loadable(resourceType string) bool {
	switch resourceType {
	case "user", "workspace", "template", "group":
		return true
	}
	return false
}

func (s *Service) allowed(ctx context.Context, actor *account.Actor, check Check) (bool, error) {
	resource, known := account.ParseResource(check.ResourceType)
	if !known || resource == account.ResourceWildcard {
		return false, nil
	}
	object, ok, err := s.checkedObject(ctx, actor, check, resource)
	if err != nil || !ok {
		return false, err
	}
	action, known := account.ParseAction(check.Action)
	if !known || !resource.Actions().Has(action) {
		return actor.MayDoAnything(), nil
	}
	return actor.Can(action, object), nil
}

// checkedObject returns the object that a check is about; ok is false where
// there is none.
func (s *Service) checkedObject(ctx context.Context, actor *account.Actor, check Check, resource account.Resource) (object account.Object, ok bool, err error) {
	if check.ResourceID == "" {
		object := account.Object{Type: resource, AnyOrganization: check.AnyOrg}
		owner := check.OwnerID
		if owner == "me" {
			owner = actor.User.ID.String()
		}
		var ownerOK, orgOK bool
		object.Owner, ownerOK = optionalID(owner)
		object.Organization, orgOK = optionalID(check.OrganizationID)
		return object, ownerOK && orgOK, nil
	}
	if resource != account.ResourceUser {
		return account.Object{}, false, nil
	}
	id, _ := optionalID(check.ResourceID)
	user, err := s.target(ctx, s.Store.Direct(), actor, account.UserRef{ID: id})
	if account.KindOf(err) == account.KindNotFound {
		return account.Object{}, false, nil
	}
	return user.Object(), err == nil, err
}

func optionalID(text string) (id uuid.UUID, ok bool) {
	if text == "" {
		return uuid.Nil, true
	}
	id, err := uuid.Parse(text)
	return id, err == nil
}
