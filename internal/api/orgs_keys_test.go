package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// narrow is the owner with a token of these scopes and this allow list.
func narrow(t testing.TB, s *servertest.Server, scopes []string, allow ...string) client {
	t.Helper()
	if len(allow) == 0 {
		allow = []string{"*:*"}
	}
	a := owner(s).post(t, path("me", "keys/tokens"), body{"scopes": scopes, "allow_list": allow})
	return guest(s).as(decode[sdk.GenerateAPIKeyResponse](t, a.want(t, http.StatusCreated)).Key)
}

// TestOrganizationsByScope: lists are shortened, everything else is refused for
// the scope.
func TestOrganizationsByScope(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	other := found(t, s, "other")
	reader := narrow(t, s, []string{"organization:read", "user:read"})
	if got := orgNames(t, reader); !slices.Equal(got, []string{"coder", "other"}) {
		t.Errorf("it lists %q", got)
	}
	reader.get(t, orgPath("other")).want(t, http.StatusOK)
	if got := members(t, reader, "other", ""); len(got) != 0 {
		t.Errorf("it lists %+v", got)
	}
	reader.get(t, orgPath("other", "paginated-members")).lacks(t, "organization_member:read", "scope")
	reader.get(t, orgPath("other", "members/me")).refused(t, http.StatusNotFound, notFound)
	reader.get(t, orgPath("other", "members/roles")).refused(t, http.StatusNotFound, notFound)
	reader.post(t, orgPath("other", "members/roles"), roleNamed("x")).refused(t, http.StatusNotFound, notFound)
	reader.post(t, orgsPath, body{"name": "third"}).lacks(t, "organization:create", "scope")
	reader.do(t, http.MethodPatch, orgPath("other"), body{"icon": "x"}).refused(t, http.StatusNotFound, notFound)
	reader.delete(t, orgPath("other")).lacks(t, "organization:delete", "scope")
	reader.post(t, orgPath("other", "members/owner"), nil).refused(t, http.StatusNotFound, notFound)

	writer := narrow(t, s, []string{"organization:read", "organization:update", "organization:delete"})
	writer.do(t, http.MethodPatch, orgPath("other"), body{"icon": "x"}).want(t, http.StatusOK)
	writer.delete(t, orgPath(other.ID)).want(t, http.StatusOK)
	without := narrow(t, s, []string{"user:read"})
	if got := orgNames(t, without); len(got) != 0 {
		t.Errorf("without the scope it lists %q", got)
	}
	without.get(t, orgPath("default")).refused(t, http.StatusNotFound, notFound)
}

// TestOrganizationsByAllowList: a key for one organization finds no other.
func TestOrganizationsByAllowList(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	other, mia := found(t, s, "other"), create(t, s, newUser("mia"))
	appoint(t, s, other.ID, mia.ID)
	one := narrow(t, s, []string{"coder:all"}, "organization:"+other.ID.String(), "organization_member:"+mia.ID.String())
	if got := orgNames(t, one); !slices.Equal(got, []string{"other"}) {
		t.Errorf("it lists %q", got)
	}
	one.get(t, orgPath("default")).refused(t, http.StatusNotFound, notFound)
	one.do(t, http.MethodPatch, orgPath("other"), body{"icon": "x"}).want(t, http.StatusOK)
	if got := memberNames(members(t, one, "other", "")); got != "mia" {
		t.Errorf("it lists %q", got)
	}
	one.get(t, orgPath("other", "members/mia")).want(t, http.StatusOK)
	one.get(t, orgPath("other", "members/owner")).refused(t, http.StatusNotFound, notFound)
	one.get(t, orgPath("other", "paginated-members")).lacks(t, "organization_member:read", "allow list")
	one.post(t, orgsPath, body{"name": "third"}).lacks(t, "organization:create", "allow list")

	// What has no id, such as a role, takes an entry for all of its type.
	roles := narrow(t, s, []string{"coder:all"}, "organization:"+other.ID.String(), "assign_org_role:*")
	roles.post(t, orgPath("other", "members/roles"), roleNamed("empty")).want(t, http.StatusOK)
	roles.post(t, orgPath("other", "members/roles"), roleNamed("x", may("audit_log", "read"))).lacks(t, "audit_log:read", "allow list")
}

// TestManyMembers: both lists send all members in order, however many chunks
// they are read in.
func TestManyMembers(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	const many = 1101 // and the owner
	var users []store.NewUser
	for i := range many {
		users = append(users, store.NewUser{User: account.User{
			ID: uuid.New(), Username: fmt.Sprintf("m%04d", i), Status: account.StatusActive, LoginType: account.LoginNone,
			OrganizationIDs: []uuid.UUID{s.OrganizationID}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
		}})
	}
	db := storetest.Open(t, s.Store)
	for some := range slices.Chunk(users, 100) {
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.InsertUsers(ctx, some) })
		if err != nil {
			t.Fatal(err)
		}
	}
	plain, paged := members(t, owner(s), "default", ""), memberPage(t, owner(s), "default", "")
	searched, skipped := memberPage(t, owner(s), "default", "?q=login_type:none"), memberPage(t, owner(s), "default", "?offset=1")
	if len(plain) != many+1 || len(paged.Members) != many+1 || paged.Count != many+1 {
		t.Fatalf("%d, %d of %d members, want %d", len(plain), len(paged.Members), paged.Count, many+1)
	}
	if len(searched.Members) != many || searched.Count != many || len(skipped.Members) != many {
		t.Errorf("searched: %d of %d, skipped: %d", len(searched.Members), searched.Count, len(skipped.Members))
	}
	for i := range plain[1:] {
		if strings.Compare(plain[i].Username, plain[i+1].Username) >= 0 || paged.Members[i].UserID != plain[i].UserID {
			t.Fatalf("after %s comes %s, and %s in the other list", plain[i].Username, plain[i+1].Username, paged.Members[i].Username)
		}
	}
}
