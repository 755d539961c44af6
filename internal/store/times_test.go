package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/store"
)

// times are kept to the microsecond, in UTC, from the zero time to the last that
// RFC 3339 can write.
func times() map[string]struct{ stored, want time.Time } {
	east := time.FixedZone("east", 5*3600+1800)
	microsecond := time.Date(2031, 7, 8, 9, 10, 11, 987654000, time.UTC)
	return map[string]struct{ stored, want time.Time }{
		"zero":          {time.Time{}, time.Time{}},
		"year one":      {time.Time{}.Add(time.Microsecond), time.Time{}.Add(time.Microsecond)},
		"before 1970":   {time.Date(1900, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(1900, 1, 1, 0, 0, 0, 1000, time.UTC)},
		"1970":          {time.Unix(0, 0), time.Unix(0, 0).UTC()},
		"microseconds":  {microsecond, microsecond},
		"nanoseconds":   {microsecond.Add(999), microsecond},
		"another zone":  {microsecond.In(east), microsecond},
		"last":          {time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)},
		"monotonic now": {time.Now(), time.Now()}, // want is replaced below
	}
}

func TestTimesAreKeptToTheMicrosecond(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *store.Store) {
		for name, c := range times() {
			if name == "monotonic now" {
				c.want = c.stored.Round(0).UTC().Truncate(time.Microsecond)
			}
			u := person("u-" + uuid.NewString()[:8])
			u.CreatedAt, u.UpdatedAt, u.LastSeenAt = c.stored, c.stored, c.stored
			k := key(uuid.NewString()[:10], u.ID)
			k.ExpiresAt, k.LastUsed, k.CreatedAt, k.UpdatedAt = c.stored, c.stored, c.stored, c.stored
			entry := account.AuditEntry{ID: uuid.New(), RequestID: uuid.New(), Time: c.stored}
			o := account.Organization{ID: uuid.New(), Name: u.Username, CreatedAt: c.stored, UpdatedAt: c.stored}
			write(t, s, func(ctx context.Context, tx *store.Tx) error {
				if err := tx.InsertUser(ctx, u, ""); err != nil {
					return err
				}
				if err := tx.InsertKey(ctx, k, []byte{1}, ""); err != nil {
					return err
				}
				if err := tx.InsertOrganization(ctx, o); err != nil {
					return err
				}
				return tx.InsertAuditEntry(ctx, entry)
			})
			for what, got := range readTimes(t, s, u.ID, k.ID, o.ID, entry.RequestID) {
				if !got.Equal(c.want) || got.IsZero() != c.want.IsZero() || got.Location() != time.UTC {
					t.Errorf("%s: %s is %v, want %v", name, what, got, c.want)
				}
			}
		}
	})
}

func readTimes(t *testing.T, s *store.Store, userID uuid.UUID, keyID string, organizationID, requestID uuid.UUID) map[string]time.Time {
	t.Helper()
	u := user(t, s, userID)
	c, err := s.Direct().CredentialByKeyID(t.Context(), keyID)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Direct().OrganizationByID(t.Context(), organizationID)
	if err != nil {
		t.Fatal(err)
	}
	list := store.AuditList{Search: account.AuditSearch{RequestID: requestID}, Readable: account.Reach{All: true}}
	entries, err := s.Direct().ListAuditEntries(t.Context(), list, 1, 0)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d audit entries (%v)", len(entries), err)
	}
	return map[string]time.Time{
		"the user's creation": u.CreatedAt, "the user's update": u.UpdatedAt, "last seen": u.LastSeenAt,
		"the key's expiry": c.Key.ExpiresAt, "the key's last use": c.Key.LastUsed,
		"the key's creation": c.Key.CreatedAt, "the key's update": c.Key.UpdatedAt,
		"the organization's creation": o.CreatedAt, "the organization's update": o.UpdatedAt,
		"the audit entry": entries[0].Time,
	}
}
