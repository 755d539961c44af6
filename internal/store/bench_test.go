package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// onEngines runs a benchmark on both engines, on an empty database each.
func onEngines(b *testing.B, run func(b *testing.B, s *store.Store, cfg store.Config)) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) {
		cfg := storetest.SQLite(b)
		run(b, storetest.Open(b, cfg), cfg)
	})
	b.Run("postgres", func(b *testing.B) {
		cfg := store.Config{DatabaseURL: storetest.MigratedPostgres(b)}
		run(b, storetest.Open(b, cfg), cfg)
	})
}

// member returns a user as most are: in the default organization, with a role
// now and then.
func member(n int, home uuid.UUID) account.User {
	u := person(fmt.Sprintf("user-%06d-%s", n*7919%1_000_000, uuid.NewString()[:4]))
	u.OrganizationIDs = []uuid.UUID{home}
	if n%100 == 0 {
		u.Roles = []string{account.RoleAuditor}
	}
	return u
}

// seed adds users, and brings the statistics of the planner up to date.
func seed(b *testing.B, s *store.Store, cfg store.Config, count int) (last account.User) {
	b.Helper()
	const batch = 500
	home := defaultOrganization(b, s).ID
	for first := 0; first < count; first += batch {
		users := make([]account.User, min(batch, count-first))
		for i := range users {
			users[i] = member(first+i, home)
		}
		insert(b, s, users...)
		last = users[len(users)-1]
	}
	if cfg.DatabaseURL != "" {
		execute(b, cfg, "VACUUM ANALYZE")
	}
	return last
}

// BenchmarkPointRead reads one user of a thousand by id.
func BenchmarkPointRead(b *testing.B) {
	onEngines(b, func(b *testing.B, s *store.Store, cfg store.Config) {
		last := seed(b, s, cfg, 1000)
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := s.Direct().UserByID(b.Context(), last.ID); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkInsertUser adds users, each in a transaction of its own. With more
// writers at once, the embedded engine commits them together.
func BenchmarkInsertUser(b *testing.B) {
	onEngines(b, func(b *testing.B, s *store.Store, _ store.Config) {
		home := defaultOrganization(b, s).ID
		for _, writers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
				var next atomic.Int64
				for _, err := range atOnce(writers, func(int) error {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						u := member(int(n), home)
						u.Username = uuid.NewString()
						u.Email = u.Username
						err := s.Write(b.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertUser(ctx, u, "") })
						if err != nil {
							return err
						}
					}
					return nil
				}) {
					if err != nil {
						b.Error(err)
					}
				}
			})
		}
	})
}

// BenchmarkListUsers reads pages of a list of a hundred thousand users.
func BenchmarkListUsers(b *testing.B) {
	onEngines(b, func(b *testing.B, s *store.Store, cfg store.Config) {
		const count = 100_000
		seed(b, s, cfg, count)
		all := store.UserList{Readable: everyone()}
		half, err := s.Direct().ListUsers(b.Context(), all, store.UserPage{Limit: 1, Offset: count / 2})
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range []struct {
			name string
			list store.UserList
			page store.UserPage
		}{
			{"first", all, store.UserPage{}},
			{"after", all, store.UserPage{AfterID: half[0].ID}},
			{"offset", all, store.UserPage{Offset: count / 2}},
			{"active", store.UserList{Readable: everyone(), Search: account.UserSearch{Statuses: []account.UserStatus{account.StatusActive}}}, store.UserPage{}},
			{"role", store.UserList{Readable: everyone(), Search: account.UserSearch{Roles: []string{account.RoleAuditor}}}, store.UserPage{}},
			{"search", store.UserList{Readable: everyone(), Search: account.UserSearch{Search: "99-"}}, store.UserPage{}},
			{"search nothing", store.UserList{Readable: everyone(), Search: account.UserSearch{Search: "nobody"}}, store.UserPage{}},
		} {
			c.page.Limit = 25
			b.Run(c.name+"/page", func(b *testing.B) {
				for b.Loop() {
					if _, err := s.Direct().ListUsers(b.Context(), c.list, c.page); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(c.name+"/count", func(b *testing.B) {
				for b.Loop() {
					if _, err := s.Direct().CountUsers(b.Context(), c.list); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}
