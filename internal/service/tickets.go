package service

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

// ticket is what a login through a provider is to do besides. A browser carries
// it there and back; it is sealed, so that nobody can read or alter it and any
// node can open it.
type ticket struct {
	Deployment uuid.UUID         `json:"deployment"`
	UserID     uuid.UUID         `json:"user"`
	Provider   string            `json:"provider"`
	State      string            `json:"state"` // of the login; empty before it has begun
	From       account.LoginType `json:"from,omitempty"`
	To         account.LoginType `json:"to,omitempty"`
	ExpiresAt  time.Time         `json:"expires"`
}

// The places of tickets: one of a kind is worth nothing as another.
const (
	conversionPlace = "tickets/conversion"
	linkPlace       = "tickets/link"
)

// conversionPrefix begins the state of a login that converts an account.
const conversionPrefix = "convert-"

func isConversion(state string) bool { return strings.HasPrefix(state, conversionPrefix) }

func (s *Service) sealTicket(ctx context.Context, tx *store.Tx, place string, t ticket) (secret.Redacted, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	sealed, err := s.seal(ctx, tx, place, secret.Redacted(text))
	return secret.Redacted(sealed), err
}

// openTicket opens a ticket, whether or not its time is over; false for anything
// that this deployment has not sealed.
func (s *Service) openTicket(place string, sealed secret.Redacted) (ticket, bool) {
	text, err := s.Sealer.Open(place, sealed.Reveal())
	if err != nil {
		return ticket{}, false
	}
	var t ticket
	err = json.Unmarshal([]byte(text.Reveal()), &t)
	return t, err == nil
}
