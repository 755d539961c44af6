package service

import (
	"context"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// DefaultAuditLimit is how many entries a page has when nobody says.
const DefaultAuditLimit = 100

// AuditListing is a page of the audit log and how many entries match in all.
type AuditListing struct {
	Count   int
	Entries []account.AuditRecord
}

// ListAudit returns the entries that match the search and that the actor may
// read, newest first.
func (s *Service) ListAudit(ctx context.Context, actor *account.Actor, query string, page Page, malformed error) (AuditListing, error) {
	readable, ok := actor.ReadableAuditLogs()
	if !ok {
		return AuditListing{}, actor.Authorize(account.ActionRead, account.Object{Type: account.ResourceAuditLog})
	}
	search, err := account.ParseAuditSearch(query)
	if err := orElse(err, malformed); err != nil {
		return AuditListing{}, err
	}
	if page.Limit == 0 {
		page.Limit = DefaultAuditLimit
	}
	list := store.AuditList{Search: search, Readable: readable}
	if search.Username == "me" {
		list.ActorID = actor.User.ID
	}
	var listing AuditListing
	err = s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if list.OrganizationID, err = s.searchedOrganization(ctx, tx, actor, search.Organization); err != nil {
			return err
		}
		if listing.Count, err = tx.CountAuditEntries(ctx, list); err != nil {
			return err
		}
		listing.Entries, err = tx.ListAuditEntries(ctx, list, page.Limit, page.Offset)
		return err
	})
	return listing, err
}

// searchedOrganization resolves the organization of a search: an id is taken as
// it is, a name must be that of a readable organization.
func (s *Service) searchedOrganization(ctx context.Context, tx *store.Tx, actor *account.Actor, text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	ref := account.ParseOrganizationRef(text)
	if ref.ID != uuid.Nil {
		return ref.ID, nil
	}
	organization, err := s.organization(ctx, tx, actor, ref)
	if account.KindOf(err) == account.KindNotFound {
		return uuid.Nil, account.Invalid("Invalid audit search query.",
			account.FieldError{Field: "organization", Detail: "no organization of this name exists"})
	}
	return organization.ID, err
}
