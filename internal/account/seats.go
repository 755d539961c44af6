package account

import (
	"slices"

	"github.com/google/uuid"
)

// aiEvents are the uses of AI that take a seat.
var aiEvents = []string{"aibridge", "task"}

// CheckAIEvent says what is wrong with the name of a use of AI.
func CheckAIEvent(name string) error { return oneOf(aiEvents, name) }

// HasAISeat reports whether the user holds an AI seat: who is locked out or
// gone does not, and has it back when it comes back.
func (u *User) HasAISeat() bool {
	return u.AISeatTaken && u.Status == StatusActive && !u.Deleted
}

// AuthorizeAISeat asks whether the actor may give a user a seat, or take it
// away: there is one permission for both. Who uses AI is told by the services
// that serve it, with a key for all they do; one that was narrowed is for
// something else.
func (a *Actor) AuthorizeAISeat(userID uuid.UUID) error {
	err := a.Authorize(ActionCreate, Object{Type: ResourceAISeat, Owner: userID})
	if err != nil || a.Key.Unrestricted() {
		return err
	}
	lack := LackScope
	if slices.Contains(a.Key.Scopes, ScopeAll) {
		lack = LackAllowList
	}
	return Forbidden(explain(lack, Permission{Resource: ResourceAISeat, Action: ActionCreate}))
}
