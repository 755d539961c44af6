package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// rotation is the path that rotates a key.
func rotation(key string) string { return path("me", "keys", idOf(key), "rotate") }

func rotate(t testing.TB, c client, key string, b any) sdk.RotateKeyResponse {
	t.Helper()
	return decode[sdk.RotateKeyResponse](t, c.post(t, rotation(key), b).want(t, http.StatusCreated))
}

// TestRotate: the new key is the old one with another secret, takes its name,
// and the old one lives on for an hour where nobody says.
func TestRotate(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann")
		old := mint(t, ann.client, "me", body{
			"token_name": "ci", "lifetime": ns(30 * day), "scopes": []string{"user:read", "workspace:*"}, "allow_list": []string{"user:" + ann.ID.String(), "workspace:*"},
		})
		was := lookUp(t, ann.client, old)
		begin := time.Now()
		a := ann.post(t, rotation(old), nil).want(t, http.StatusCreated)
		got := decode[sdk.RotateKeyResponse](t, a)
		if got.ID != idOf(got.Key) || got.Previous.ID != idOf(old) || got.Key == old {
			t.Errorf("id %s, previous %s", got.ID, got.Previous.ID)
		}
		now := lookUp(t, ann.client, got.Key)
		same := cmpopts.IgnoreFields(sdk.APIKey{}, "ID", "CreatedAt", "UpdatedAt", "ExpiresAt")
		if diff := cmp.Diff(was, now, same); diff != "" {
			t.Errorf("the new key is another:\n%s", diff)
		}
		if now.ExpiresAt.Sub(now.CreatedAt) != 30*day || !now.ExpiresAt.Equal(got.ExpiresAt) || now.CreatedAt.Before(begin.Truncate(time.Microsecond)) {
			t.Errorf("made at %s, ends at %s, said %s", now.CreatedAt, now.ExpiresAt, got.ExpiresAt)
		}
		before := lookUp(t, ann.client, old)
		want := was
		want.TokenName, want.ReplacedBy, want.ExpiresAt = "", got.ID, got.Previous.ExpiresAt
		if diff := cmp.Diff(want, before); diff != "" {
			t.Errorf("the old key:\n%s", diff)
		}
		if overlap := before.ExpiresAt.Sub(now.CreatedAt); overlap != hour {
			t.Errorf("the old key lives on for %s", overlap)
		}
		for _, key := range []string{old, got.Key} {
			guest(s).as(key).get(t, path("me")).user(t, http.StatusOK)
		}
		if k := decode[sdk.APIKey](t, ann.get(t, tokens("me", "ci")).want(t, http.StatusOK)); k.ID != got.ID {
			t.Errorf("the name is %s's", k.ID)
		}
		keys := list(t, ann.client, "me", "")
		if len(keys) != 2 || keys[0].ReplacedBy != got.ID || keys[0].TokenName != "" || keys[1].ReplacedBy != "" || keys[1].TokenName != "ci" {
			t.Errorf("%+v", keys)
		}

		e := entryOf(t, s, a)
		if e.Action != "write" || e.ResourceType != "api_key" || e.ResourceID != ann.ID || e.ResourceTarget != "ci" || e.StatusCode != http.StatusCreated ||
			e.AdditionalFields["replaced_key"] != idOf(old) || e.AdditionalFields["replaced_by"] != got.ID {
			t.Errorf("%+v", e)
		}
	})
}

func TestRotateOverlap(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for overlap, want := range map[time.Duration]time.Duration{
			1: 0, 1500: time.Microsecond, time.Second: time.Second, 90 * time.Minute: 90 * time.Minute, 7*day - time.Second: 7*day - time.Second, 7 * day: 7 * day,
		} {
			key := mint(t, owner(s), "me", body{"lifetime": ns(7 * day)})
			ends := lookUp(t, owner(s), key).ExpiresAt
			got := rotate(t, owner(s), key, body{"overlap": ns(overlap)})
			made := lookUp(t, owner(s), got.Key).CreatedAt
			limit := made.Add(want)
			if ends.Before(limit) { // never past its own end
				limit = ends
			}
			if !got.Previous.ExpiresAt.Equal(limit) {
				t.Errorf("overlap %s: the old key ends at %s, want %s", overlap, got.Previous.ExpiresAt, limit)
			}
		}
		// An overlap longer than what is left gains nothing.
		key := mint(t, owner(s), "me", body{"lifetime": ns(hour)})
		ends := lookUp(t, owner(s), key).ExpiresAt
		if got := rotate(t, owner(s), key, body{"overlap": ns(2 * hour)}); !got.Previous.ExpiresAt.Equal(ends) {
			t.Errorf("a key that ended at %s ends at %s", ends, got.Previous.ExpiresAt)
		}
		// Without an overlap it ends at once, and using it is an entry of its own.
		key = mint(t, owner(s), "me", body{"token_name": "at once"})
		guest(s).as(key).get(t, path("me")).user(t, http.StatusOK)
		got := rotate(t, owner(s), key, body{"overlap": 0})
		e := entryOf(t, s, guest(s).as(key).get(t, path("me")).want(t, http.StatusUnauthorized))
		if e.ResourceType != "api_key" || e.StatusCode != http.StatusUnauthorized || e.AdditionalFields["replaced_key"] != idOf(key) ||
			e.AdditionalFields["replaced_by"] != got.ID || e.User == nil || e.User.ID != s.OwnerID || len(e.Diff) != 0 {
			t.Errorf("%+v", e)
		}
		guest(s).as(got.Key).get(t, path("me")).user(t, http.StatusOK)
		// A program that nobody changed over does not fill the log.
		for range 5 {
			guest(s).as(key).get(t, path("me")).want(t, http.StatusUnauthorized)
		}
		if entries := listed(t, owner(s), "?q=resource_target:"+idOf(key)); len(entries) != 1 {
			t.Errorf("six uses in a row are %d entries, want one a minute", len(entries))
		}

		key = mint(t, owner(s), "me", body{"token_name": "stays"})
		for _, overlap := range []int64{-1, -1 << 63, ns(7*day) + 1, 1<<63 - 1} {
			owner(s).post(t, rotation(key), body{"overlap": overlap}).refused(t, http.StatusBadRequest, badFields, "overlap")
		}
		for _, text := range []string{"{", "[]", `{"overlap":"1h"}`, `{"overlap":1.5}`} {
			owner(s).post(t, rotation(key), text).refused(t, http.StatusBadRequest, badJSON)
		}
		if k := lookUp(t, owner(s), key); k.TokenName != "stays" || k.ReplacedBy != "" {
			t.Errorf("a refused rotation left %+v", k)
		}
		for _, b := range []any{`{}`, `{"overlap":null}`} { // an hour, as without a body
			fresh := mint(t, owner(s), "me", body{})
			got := rotate(t, owner(s), fresh, b)
			if overlap := got.Previous.ExpiresAt.Sub(lookUp(t, owner(s), got.Key).CreatedAt); overlap != hour {
				t.Errorf("%s: the overlap is %s", b, overlap)
			}
		}
	})
}

// TestRotateOnce: sessions have other ways, and what is over or replaced cannot
// be replaced again; its successor can.
func TestRotateOnce(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann")
		for _, session := range []string{
			ann.header.Get(sdk.SessionTokenHeader),
			decode[sdk.GenerateAPIKeyResponse](t, ann.post(t, path("me", "keys"), nil).want(t, http.StatusCreated)).Key,
		} {
			ann.post(t, rotation(session), nil).refused(t, http.StatusBadRequest, "session")
			guest(s).as(session).post(t, rotation(session), nil).refused(t, http.StatusBadRequest, "session")
		}
		key := mint(t, ann.client, "me", body{"token_name": "ci"})
		first := rotate(t, ann.client, key, nil)
		ann.post(t, rotation(key), nil).refused(t, http.StatusConflict, "rotated")
		guest(s).as(key).post(t, rotation(key), nil).refused(t, http.StatusConflict, "rotated")
		second := rotate(t, ann.client, first.Key, body{"overlap": 0})
		if k := lookUp(t, ann.client, first.Key); k.ReplacedBy != second.ID {
			t.Errorf("%+v", k)
		}
		ann.post(t, rotation(first.Key), nil).refused(t, http.StatusConflict, "rotated")
		if k := lookUp(t, ann.client, second.Key); k.TokenName != "ci" {
			t.Errorf("the name went to %q", k.TokenName)
		}
		expired := mint(t, ann.client, "me", body{})
		ann.put(t, path("me", "keys", idOf(expired), "expire"), nil).want(t, http.StatusNoContent)
		ann.post(t, rotation(expired), nil).refused(t, http.StatusConflict, "expired")
		// The replaced key can still be expired and deleted, and its name is free for nobody.
		ann.post(t, tokens("me"), body{"token_name": "ci"}).refused(t, http.StatusConflict, "ci", "name")
		ann.put(t, path("me", "keys", idOf(key), "expire"), nil).want(t, http.StatusNoContent)
		guest(s).as(key).get(t, path("me")).refused(t, http.StatusUnauthorized, signedOut)
		ann.delete(t, path("me", "keys", idOf(key))).want(t, http.StatusNoContent)
	})
}

// TestRotateOneself: a key replaces itself whatever its scopes, and gains
// nothing by it.
func TestRotateOneself(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann")
		for name, b := range map[string]body{
			"narrow":     {"scopes": []string{"workspace:read"}},
			"on nothing": {"allow_list": []string{"template:*"}},
			"both":       {"scopes": []string{"coder:application_connect"}, "allow_list": []string{"workspace:*"}},
			"full":       {},
		} {
			key := mint(t, ann.client, "me", b.but("token_name", name).but("lifetime", ns(day)))
			was := lookUp(t, ann.client, key)
			got := rotate(t, guest(s).as(key), key, nil)
			now := lookUp(t, ann.client, got.Key)
			same := cmpopts.IgnoreFields(sdk.APIKey{}, "ID", "CreatedAt", "UpdatedAt")
			if diff := cmp.Diff(was, now, same); diff != "" {
				t.Errorf("%s: the new key is another:\n%s", name, diff)
			}
			if !got.ExpiresAt.Equal(was.ExpiresAt) {
				t.Errorf("%s: it ended at %s, and now at %s", name, was.ExpiresAt, got.ExpiresAt)
			}
			again := rotate(t, guest(s).as(got.Key), got.Key, body{"overlap": 0})
			if !again.ExpiresAt.Equal(was.ExpiresAt) {
				t.Errorf("%s: after two rotations it ends at %s", name, again.ExpiresAt)
			}
			guest(s).as(got.Key).get(t, path("me")).want(t, http.StatusUnauthorized)
		}
		// Only itself: a sibling takes the permission, also one of the same name of scopes.
		key, sibling := mint(t, ann.client, "me", body{"scopes": []string{"workspace:read"}}), mint(t, ann.client, "me", body{"scopes": []string{"workspace:read"}})
		guest(s).as(key).post(t, rotation(sibling), nil).refused(t, http.StatusNotFound, notFound)
	})
}

// TestWhoRotates: who may update the key, with a key that is not narrower.
func TestWhoRotates(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ann := join(t, s, "ann")
		key := mint(t, ann.client, "me", body{"token_name": "ci"})
		for _, ref := range []any{"me", "ann"} {
			join(t, s, fmt.Sprintf("bob-%v", ref)).post(t, path(ref, "keys", idOf(key), "rotate"), nil).refused(t, http.StatusNotFound, notFound)
		}
		for _, role := range []string{"auditor", "template-admin", "user-admin"} {
			join(t, s, "a-"+role, role).post(t, path("ann", "keys", idOf(key), "rotate"), nil).refused(t, http.StatusNotFound, notFound)
		}
		guest(s).post(t, rotation(key), nil).refused(t, http.StatusUnauthorized, signedOut)
		for _, c := range []struct {
			name          string
			scopes, allow []string
			status        int
			lacks         string
		}{
			{"may not see it", []string{"api_key:update"}, nil, 404, ""},
			{"may only see it", []string{"api_key:read"}, nil, 403, "api_key:update"},
			{"is narrower", []string{"api_key:*"}, nil, 403, "A key cannot make a wider one."},
			{"reaches less", []string{"coder:all"}, []string{"api_key:*"}, 403, "allow list"},
		} {
			narrow := guest(s).as(mint(t, ann.client, "me", body{"scopes": c.scopes, "allow_list": c.allow}))
			a := narrow.post(t, rotation(key), nil).want(t, c.status)
			if detail := decode[sdk.Response](t, a).Detail; !strings.Contains(detail, c.lacks) {
				t.Errorf("a key that %s: %q", c.name, detail)
			}
		}
		if k := lookUp(t, ann.client, key); k.TokenName != "ci" || k.ReplacedBy != "" {
			t.Fatalf("a refused rotation left %+v", k)
		}
		// A narrow key rotates what lies within it.
		within := mint(t, ann.client, "me", body{"scopes": []string{"api_key:read"}})
		manager := guest(s).as(mint(t, ann.client, "me", body{"scopes": []string{"api_key:*"}}))
		rotate(t, manager, within, nil)
		// An owner rotates anybody's; the new key is its user's all the same.
		got := rotate(t, owner(s), key, nil)
		if k := lookUp(t, owner(s), got.Key); k.UserID != ann.ID || k.ExpiresAt.Sub(k.CreatedAt) != 7*day {
			t.Errorf("%+v", k)
		}
	})
}

// TestRotationRace: of many who rotate a key at once one does.
func TestRotationRace(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		key := mint(t, owner(s), "me", body{"token_name": "ci"})
		statuses := make(chan int)
		const rivals = 8
		for range rivals {
			go func() {
				a, err := owner(s).try(t, http.MethodPost, rotation(key), nil)
				if err != nil {
					t.Error(err)
				}
				statuses <- a.status
			}()
		}
		count := map[int]int{}
		for range rivals {
			count[<-statuses]++
		}
		if count[http.StatusCreated] != 1 || count[http.StatusConflict] != rivals-1 {
			t.Errorf("the answers were %v", count)
		}
		if n := len(list(t, owner(s), "me", "")); n != 2 {
			t.Errorf("there are %d tokens", n)
		}
	})
}
