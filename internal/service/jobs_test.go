package service_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

const day = 24 * time.Hour

func names(jobs []service.Job) []string {
	list := []string{}
	for _, job := range jobs {
		list = append(list, fmt.Sprintf("%s every %s", job.Name, job.Every))
	}
	return list
}

// TestJobsAsConfigured: what is switched off does not run.
func TestJobsAsConfigured(t *testing.T) {
	t.Parallel()
	passcodes, lists := "purge expired passcodes every 10m0s", "tidy lists of users every 5s"
	purge, audit, dormancy := "purge expired keys every 10m0s", "purge old audit entries every 1m0s", "dormancy every 15m0s"
	for _, c := range []struct {
		retention, auditRetention, threshold time.Duration
		want                                 []string
	}{
		{day, day, day, []string{passcodes, lists, purge, audit, dormancy}},
		{0, 0, day, []string{passcodes, lists, dormancy}},
		{day, 0, 0, []string{passcodes, lists, purge}},
		{0, day, 0, []string{passcodes, lists, audit}},
		{0, 0, 0, []string{passcodes, lists}},
	} {
		s := &service.Service{Config: service.Config{
			KeyRetention: c.retention, AuditRetention: c.auditRetention, DormancyThreshold: c.threshold,
		}}
		if got := names(s.Jobs()); !slices.Equal(got, c.want) {
			t.Errorf("%+v run %q, want %q", c, got, c.want)
		}
	}
}

// TestPurgeKeys: keys are kept for the retention after their end, sessions and
// tokens alike; what is good or has just ended stays.
func TestPurgeKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db)
		w.begin(t)
		ada := w.user(t, "ada")
		life := func(d time.Duration) service.NewToken { return service.NewToken{Lifetime: d} }
		made := w.clock.Now()
		hour, two, year := w.token(t, ada, life(time.Hour)), w.token(t, ada, life(2*time.Hour)), w.token(t, ada, life(365*day))
		unused := w.login(t, ada.Email) // 24 hours
		for _, c := range []struct {
			at   time.Duration
			want []secret.Redacted
		}{
			{7*day + time.Hour, []secret.Redacted{hour, two, year, unused}},
			{7*day + time.Hour + time.Microsecond, []secret.Redacted{two, year, unused}},
			{7*day + 3*time.Hour, []secret.Redacted{year, unused}},
			{9 * day, []secret.Redacted{year}},
			{100 * day, []secret.Redacted{year}},
		} {
			w.clock.advance(made.Add(c.at).Sub(w.clock.Now()))
			wantKind(t, w.PurgeKeys(t.Context()), "")
			left := []secret.Redacted{}
			for _, key := range []secret.Redacted{hour, two, year, unused} {
				if _, err := w.Store.Direct().KeyByID(t.Context(), keyID(key)); err == nil {
					left = append(left, key)
				}
			}
			if !slices.Equal(left, c.want) {
				t.Errorf("after %s %d keys are left, want %d", c.at, len(left), len(c.want))
			}
		}
		if n := len(w.entries(t, "action:delete resource_type:api_key")); n != 0 {
			t.Errorf("the purge left %d entries", n)
		}
	})
}

// TestPurgeIsBounded: a run removes ten thousand keys at most, those that ended
// first.
func TestPurgeIsBounded(t *testing.T) {
	t.Parallel()
	cfg := storetest.SQLite(t)
	w := open(t, cfg)
	w.begin(t)
	const limit, more = 10_000, 25
	ended := w.clock.Now().UnixMicro()
	db, err := sql.Open("sqlite", filepath.Join(cfg.DataDir, store.SQLiteFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(t.Context(), `
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1 - 1)
		INSERT INTO api_keys (id, secret_hash, user_id, login_type, name, scopes, allow_list, lifetime_seconds, ip,
			expires_at, last_used, created_at, updated_at)
		SELECT printf('ush%07d', i), x'00', $2, 'password', '', '["coder:all"]', '["*:*"]', 3600, '', $3 + i, 0, $3, $3 FROM n`,
		limit+more, w.owner.User.ID.String(), ended)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.advance(7*day + time.Hour)
	present := func(i int) bool {
		_, err := w.Store.Direct().KeyByID(t.Context(), fmt.Sprintf("ush%07d", i))
		return err == nil
	}
	wantKind(t, w.PurgeKeys(t.Context()), "")
	if present(0) || present(limit-1) || !present(limit) || !present(limit+more-1) {
		t.Error("the first run did not remove the ten thousand that ended first")
	}
	wantKind(t, w.PurgeKeys(t.Context()), "")
	if present(limit) || present(limit+more-1) {
		t.Error("the second run did not remove the rest")
	}
}

// status reads a user's status.
func (w *world) status(t testing.TB, id uuid.UUID) account.UserStatus {
	t.Helper()
	user, err := w.Store.Direct().UserByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return user.Status
}

// TestMarkDormant: people who have not been seen for ninety days, and nobody
// else.
func TestMarkDormant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db)
		w.begin(t)
		idle, never, suspended, gone := w.user(t, "idle"), w.user(t, "never"), w.user(t, "suspended"), w.user(t, "gone")
		seen, robot := w.user(t, "seen"), w.robot(t, "robot")
		key := w.token(t, seen, service.NewToken{Lifetime: 365 * day})
		w.use(t, w.login(t, idle.Email))
		w.use(t, w.token(t, robot, service.NewToken{}))
		w.use(t, key)
		_, err := w.SuspendUser(t.Context(), w.owner, byID(suspended))
		wantKind(t, err, "")
		wantKind(t, w.DeleteUser(t.Context(), w.owner, byID(gone)), "")

		w.clock.advance(90 * day)
		w.use(t, key)
		w.flush(t)
		late := w.user(t, "late") // made now, never seen
		wantKind(t, w.MarkDormant(t.Context()), "")
		if w.status(t, idle.ID) != account.StatusActive {
			t.Error("somebody seen exactly ninety days ago turned dormant")
		}
		w.clock.advance(time.Microsecond)
		for range 2 { // the second time there is nothing to do
			wantKind(t, w.MarkDormant(t.Context()), "")
		}
		for name, c := range map[string]struct {
			of   account.User
			want account.UserStatus
		}{
			"idle": {idle, "dormant"}, "never seen": {never, "dormant"}, "seen lately": {seen, "active"}, "new": {late, "active"},
			"suspended": {suspended, "suspended"}, "deleted": {gone, "active"}, "a service account": {robot, "active"},
			"the owner": {w.owner.User, "dormant"},
		} {
			if got := w.status(t, c.of.ID); got != c.want {
				t.Errorf("%s is %s, want %s", name, got, c.want)
			}
		}
		for _, who := range []account.User{idle, never} {
			entries := w.entries(t, "action:write resource_type:user resource_id:"+who.ID.String())
			if len(entries) != 1 {
				t.Fatalf("%s has %d entries, want 1", who.Username, len(entries))
			}
			e := entries[0]
			if e.ActorID != uuid.Nil || e.Outcome != account.OutcomeOK || e.Target != who.Username ||
				e.Additional["automatic_actor"] != "coder" || e.Additional["automatic_subsystem"] != "dormancy" ||
				e.Diff["status"].Old != "active" || e.Diff["status"].New != "dormant" {
				t.Errorf("%+v", e)
			}
		}
	})
}

// TestDormancyIsNoticed: a key that was remembered wakes its user, and the
// request sees the new status.
func TestDormancyIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.user(t, "ada")
	key := w.token(t, ada, service.NewToken{Lifetime: 365 * day})
	w.use(t, key)
	w.flush(t)
	w.clock.advance(90*day + time.Second)
	if err := w.MarkDormant(t.Context()); err != nil || w.status(t, ada.ID) != account.StatusDormant {
		t.Fatalf("not dormant (%v)", err)
	}
	if got := w.use(t, key).User; got.Status != account.StatusActive || !got.LastSeenAt.Equal(w.clock.Now()) {
		t.Errorf("the request sees %s, last seen at %s", got.Status, got.LastSeenAt)
	}
	if got := w.status(t, ada.ID); got != account.StatusActive {
		t.Errorf("the database says %s", got)
	}
}

// TestMarkDormantInBatches: more people than one transaction takes.
func TestMarkDormantInBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 230 {
		err := w.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertUser(ctx, account.User{
				ID: uuid.New(), Username: fmt.Sprintf("user-%d", n), Email: fmt.Sprintf("%d@example.com", n),
				Status: account.StatusActive, LoginType: account.LoginPassword, CreatedAt: w.clock.Now(), UpdatedAt: w.clock.Now(),
			}, "")
		})
		wantKind(t, err, "")
	}
	w.clock.advance(91 * day)
	wantKind(t, w.MarkDormant(t.Context()), "")
	listing, err := w.ListUsers(t.Context(), w.owner, "status:dormant", service.Page{Limit: 1}, nil)
	if err != nil || listing.Count != 231 {
		t.Errorf("%d are dormant (%v), want all 231", listing.Count, err)
	}
}

// TestJobsOnSeveralNodes: nodes that do the same at once neither fail nor do it
// twice.
func TestJobsOnSeveralNodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w := open(t, db)
		w.begin(t)
		const people = 12
		for n := range people {
			w.token(t, w.user(t, fmt.Sprintf("idle-%d", n)), service.NewToken{Lifetime: time.Hour})
		}
		w.clock.advance(91 * day)
		var running sync.WaitGroup
		for range 4 {
			node := service.New(w.cfg)
			t.Cleanup(node.Close)
			for _, job := range node.Jobs() {
				running.Go(func() {
					if err := job.Run(t.Context()); err != nil {
						t.Errorf("%s: %v", job.Name, err)
					}
				})
			}
		}
		running.Wait()
		if n := len(w.entries(t, "action:write resource_type:user")); n != people+1 {
			t.Errorf("%d entries of dormancy, want one for each of %d people and the owner", n, people)
		}
		keys, err := w.Store.Direct().ListTokens(t.Context(), store.TokenList{Everyones: true})
		if err != nil || len(keys) != 0 {
			t.Errorf("%d expired tokens are left (%v)", len(keys), err)
		}
	})
}
