package service

import (
	"context"
	"iter"

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
	list, err := s.auditList(ctx, actor, query)
	if err := orElse(err, malformed); err != nil {
		return AuditListing{}, err
	}
	if page.Limit == 0 {
		page.Limit = DefaultAuditLimit
	}
	var listing AuditListing
	err = s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if listing.Count, err = tx.CountAuditEntries(ctx, list); err != nil {
			return err
		}
		listing.Entries, err = tx.ListAuditEntries(ctx, list, page.Limit, page.Offset)
		return err
	})
	return listing, err
}

// ExportAudit returns all entries that match the search and that the actor may
// read, newest first, without holding more than a chunk of them. Entries that are
// written meanwhile are not among them.
func (s *Service) ExportAudit(ctx context.Context, actor *account.Actor, query string, malformed error) (iter.Seq2[account.AuditRecord, error], error) {
	list, err := s.auditList(ctx, actor, query)
	if err := orElse(err, malformed); err != nil {
		return nil, err
	}
	first, err := s.Store.Direct().ListAuditEntries(ctx, list, chunk, 0)
	if err != nil {
		return nil, err
	}
	return walk(ctx, first, true, func(ctx context.Context, last account.AuditRecord) ([]account.AuditRecord, error) {
		list.Before = store.AuditCursor{Time: last.Time, ID: last.ID}
		return s.Store.Direct().ListAuditEntries(ctx, list, chunk, 0)
	}), nil
}

// auditList turns a search into a list of what the actor may read.
func (s *Service) auditList(ctx context.Context, actor *account.Actor, query string) (store.AuditList, error) {
	readable, ok := actor.ReadableAuditLogs()
	if !ok {
		return store.AuditList{}, actor.Authorize(account.ActionRead, account.Object{Type: account.ResourceAuditLog})
	}
	search, err := account.ParseAuditSearch(query)
	if err != nil {
		return store.AuditList{}, err
	}
	list := store.AuditList{Search: search, Readable: readable}
	if search.Username == "me" {
		list.ActorID = actor.User.ID
	}
	list.OrganizationID, err = s.searchedOrganization(ctx, s.Store.Direct(), actor, search.Organization)
	return list, err
}

// PurgeAudit removes entries that are older than the retention.
func (s *Service) PurgeAudit(ctx context.Context) error {
	before := s.now().Add(-s.AuditRetention)
	return s.purge(ctx, func(ctx context.Context, tx *store.Tx) (int64, error) {
		return tx.PurgeAuditEntries(ctx, before, purgeBatch)
	})
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
