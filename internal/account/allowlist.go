package account

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// MaxAllowListEntries is how many entries an allow list may have.
const MaxAllowListEntries = 128

// AllowListEntry names the objects that a key may touch: of one type or, with
// ResourceWildcard, of any; one object or, with the nil UUID, all of them.
type AllowListEntry struct {
	Type Resource
	ID   uuid.UUID
}

// String returns "type:id", with "*" for all.
func (e AllowListEntry) String() string { return e.Type.String() + ":" + e.IDString() }

// IDString returns the id, or "*" for all.
func (e AllowListEntry) IDString() string {
	if e.ID == uuid.Nil {
		return "*"
	}
	return e.ID.String()
}

// ParseAllowListEntry reads "type:id", split at the first colon.
func ParseAllowListEntry(text string) (AllowListEntry, error) {
	typeName, id, found := strings.Cut(strings.TrimSpace(text), ":")
	if !found {
		return AllowListEntry{}, fmt.Errorf("%q is not of the form type:id", text)
	}
	return NewAllowListEntry(typeName, id)
}

// NewAllowListEntry reads the two halves of an entry.
func NewAllowListEntry(typeName, id string) (AllowListEntry, error) {
	resource, known := ParseResource(strings.ToLower(strings.TrimSpace(typeName)))
	if !known {
		return AllowListEntry{}, fmt.Errorf("%q is an unknown resource type", typeName)
	}
	id = strings.TrimSpace(id)
	if id == "" {
		return AllowListEntry{}, fmt.Errorf("%q is not of the form type:id", typeName)
	}
	if id == "*" {
		return AllowListEntry{Type: resource}, nil
	}
	parsed, err := uuid.Parse(id)
	if err != nil || parsed == uuid.Nil {
		return AllowListEntry{}, fmt.Errorf("%q is neither * nor the id of an object", id)
	}
	return AllowListEntry{Type: resource, ID: parsed}, nil
}

// AllowList is a normalised set of entries. An empty one allows nothing.
type AllowList []AllowListEntry

// AllowEverything is the list that does not restrict.
func AllowEverything() AllowList { return AllowList{{Type: ResourceWildcard}} }

// NormalizeAllowList removes what other entries already cover, and sorts by type
// and then by id. No entries at all mean no restriction.
func NormalizeAllowList(entries []AllowListEntry) (AllowList, error) {
	if len(entries) == 0 {
		return AllowEverything(), nil
	}
	if len(entries) > MaxAllowListEntries {
		return nil, fmt.Errorf("has %d entries; at most %d are allowed", len(entries), MaxAllowListEntries)
	}
	all := AllowList(entries)
	list := AllowList{}
	for _, e := range entries {
		swallowed := e.ID != uuid.Nil && slices.Contains(all, AllowListEntry{Type: e.Type}) ||
			e.Type != ResourceWildcard && slices.Contains(all, AllowListEntry{Type: ResourceWildcard})
		if !swallowed && !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	if list.IsUnrestricted() {
		return AllowEverything(), nil
	}
	slices.SortFunc(list, func(a, b AllowListEntry) int {
		return cmp.Or(cmp.Compare(a.Type.String(), b.Type.String()), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return list, nil
}

// IsUnrestricted reports whether the list allows every object.
func (l AllowList) IsUnrestricted() bool {
	return slices.Contains(l, AllowListEntry{Type: ResourceWildcard})
}

// Matches reports whether the list allows the object. An object without an id
// (something to be created, or a list) is matched by wildcards only.
func (l AllowList) Matches(resource Resource, id uuid.UUID) bool {
	for _, e := range l {
		if (e.Type == ResourceWildcard || e.Type == resource) && (e.ID == uuid.Nil || e.ID == id) {
			return true
		}
	}
	return false
}

// Reach returns which objects of the type the list allows.
func (l AllowList) Reach(resource Resource) Reach {
	reach := Reach{}
	for _, e := range l {
		if e.Type != ResourceWildcard && e.Type != resource {
			continue
		}
		if e.ID == uuid.Nil {
			return Reach{All: true}
		}
		if !slices.Contains(reach.IDs, e.ID) { // it may be listed under its type and under any type
			reach.IDs = append(reach.IDs, e.ID)
		}
	}
	return reach
}

// Covers reports whether everything that other allows is allowed here too.
func (l AllowList) Covers(other AllowList) bool {
	return !slices.ContainsFunc(other, func(e AllowListEntry) bool {
		return !slices.ContainsFunc(l, func(mine AllowListEntry) bool {
			return (mine.Type == ResourceWildcard || mine.Type == e.Type) &&
				(mine.ID == uuid.Nil || mine.ID == e.ID)
		})
	})
}
