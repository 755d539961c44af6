package service

import (
	"context"
	"time"

	"usher/internal/account"
	"usher/internal/store"
)

// Job is something that has to be done again and again. Any number of nodes may
// do it at once.
type Job struct {
	Name  string
	Every time.Duration
	Run   func(ctx context.Context) error
}

const (
	// purgeLimit bounds how much one run of a purge removes.
	purgeLimit = 10_000
	// purgeBatch bounds how much one transaction of it removes: nobody's change
	// is to wait for it.
	purgeBatch = 250
	// dormancyBatch bounds how many users one transaction turns dormant.
	dormancyBatch = 100
)

// Jobs lists what the configuration asks for.
func (s *Service) Jobs() []Job {
	jobs := []Job{
		{Name: "purge expired passcodes", Every: 10 * time.Minute, Run: s.PurgePasscodes},
		{Name: "tidy lists of users", Every: 5 * time.Second, Run: s.tidyLists},
	}
	if s.KeyRetention > 0 {
		jobs = append(jobs, Job{Name: "purge expired keys", Every: 10 * time.Minute, Run: s.PurgeKeys})
	}
	if s.AuditRetention > 0 {
		jobs = append(jobs, Job{Name: "purge old audit entries", Every: time.Minute, Run: s.PurgeAudit})
	}
	if s.DormancyThreshold > 0 {
		jobs = append(jobs, Job{Name: "dormancy", Every: 15 * time.Minute, Run: s.MarkDormant})
	}
	return jobs
}

func (s *Service) tidyLists(ctx context.Context) error { return s.Store.TidyLists(ctx) }

// PurgeKeys removes keys that expired longer ago than they are kept. It is no
// change that the audit log has: the keys had ended before.
func (s *Service) PurgeKeys(ctx context.Context) error {
	before := s.now().Add(-s.KeyRetention)
	return s.purge(ctx, func(ctx context.Context, tx *store.Tx) (int64, error) {
		return tx.PurgeKeys(ctx, before, purgeBatch)
	})
}

// purge calls remove, each time in a transaction of its own, until there is
// nothing left to remove or enough is done for one run.
func (s *Service) purge(ctx context.Context, remove func(ctx context.Context, tx *store.Tx) (int64, error)) error {
	for range purgeLimit / purgeBatch {
		var removed int64
		err := s.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			removed, err = remove(ctx, tx)
			return err
		})
		if err != nil || removed < purgeBatch {
			return err
		}
	}
	return nil
}

// MarkDormant turns people dormant who have not been seen for long; service
// accounts never are. Between two batches it rests for as long as one took: after
// an import there may be a million of them, and nobody is in a hurry.
func (s *Service) MarkDormant(ctx context.Context) error {
	for {
		begin := time.Now()
		marked, err := s.markDormant(ctx)
		if err != nil || marked < dormancyBatch {
			return err
		}
		select {
		case <-time.After(time.Since(begin)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Service) markDormant(ctx context.Context) (marked int, err error) {
	server := account.Anonymous(account.Origin{})
	err = s.change(ctx, server, wroteUser(), func(ctx context.Context, tx *store.Tx, e *entry) error {
		e.unaudited = true // as a whole: each user has an entry of its own
		users, err := tx.ListUnseen(ctx, s.now().Add(-s.DormancyThreshold), dormancyBatch)
		marked = len(users)
		for _, before := range users {
			user := before
			user.Status, user.UpdatedAt = account.StatusDormant, s.now()
			if err := tx.UpdateUser(ctx, user); err != nil {
				return err
			}
			one := wroteUser()
			one.ResourceID, one.Target = user.ID, user.Username
			one.Diff, one.Additional = account.UserDiff(before, user, false), account.AutomaticFields("dormancy")
			e.also = append(e.also, one)
			e.outdates(user.ID)
		}
		return err
	})
	return marked, err
}
