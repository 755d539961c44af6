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
	// purgeBatch bounds how many keys one run of the purge removes.
	purgeBatch = 10_000
	// dormancyBatch bounds how many users one transaction turns dormant.
	dormancyBatch = 100
)

// Jobs lists what the configuration asks for.
func (s *Service) Jobs() []Job {
	jobs := []Job{}
	if s.KeyRetention > 0 {
		jobs = append(jobs, Job{Name: "purge expired keys", Every: 10 * time.Minute, Run: s.PurgeKeys})
	}
	if s.AuditRetention > 0 {
		jobs = append(jobs, Job{Name: "purge old audit entries", Every: time.Hour, Run: s.PurgeAudit})
	}
	if s.DormancyThreshold > 0 {
		jobs = append(jobs, Job{Name: "dormancy", Every: 15 * time.Minute, Run: s.MarkDormant})
	}
	return jobs
}

// PurgeKeys removes keys that expired longer ago than they are kept. It is no
// change that the audit log has: the keys had ended before.
func (s *Service) PurgeKeys(ctx context.Context) error {
	return s.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PurgeKeys(ctx, s.now().Add(-s.KeyRetention), purgeBatch)
		return err
	})
}

// MarkDormant turns people dormant who have not been seen for long; service
// accounts never are.
func (s *Service) MarkDormant(ctx context.Context) error {
	for {
		marked, err := s.markDormant(ctx)
		if err != nil || marked < dormancyBatch {
			return err
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
